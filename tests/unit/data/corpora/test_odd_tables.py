"""Tables of users with odd numbers, IDs, names and rows: read as meant, or the row is named."""

from pathlib import Path
from unicodedata import normalize

import pytest

from sdd.cli import main
from sdd.data.corpora import list_corpus, read_corpus, read_protocol
from sdd.errors import InputError
from tests.helpers.releases import write_audio, write_in_the_wild, write_text

NFC, NFD = normalize("NFC", "café"), normalize("NFD", "café")
PROTOCOL = (
    "ID,Label,Duration,SampleRate,Path,Attack,Speaker,Proportion,AudioChannel,AudioEncoding,"
    "AudioBitSample,Language\n"
)


def test_an_unclosed_quote_loses_no_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("r", "f"):
        write_audio(tmp_path / f"{name}.wav")
    table = write_text(
        tmp_path / "open.csv", 'ID,Label,Path,Speaker\na,real,r.wav,"anna\nb,fake,f.wav,bob\n'
    )
    assert main(["protocol", "csv", str(tmp_path), "--path", str(table)]) == 1
    error = capsys.readouterr().err
    assert f"{table}, row 2: a double quote is opened and not closed in its row" in error
    assert "anna" in error


@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_separators(tmp_path: Path, separator: str) -> None:
    write_audio(tmp_path / "a.wav")
    text = "ID,Label,Path,Start,End\n007,real,a.wav,0,100\n0,real,a.wav,100,200.0\n"
    table = write_text(tmp_path / "own.tsv", text.replace(",", separator))
    frame = read_corpus("csv", tmp_path, path=table)
    assert frame["ID"].tolist() == ["007", "0"]
    assert frame["End"].tolist() == [100, 200]
    assert [row.name for row in list_corpus("csv", tmp_path, path=table).utterances] == ["007", "0"]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("SampleRate", "1e30", "write a whole number, or"),
        ("SampleRate", "9223372036854775808", "write a whole number, or"),
        ("SampleRate", "99999999999", r"write a whole number from 1 to 100000000, or"),
        ("SampleRate", "0", "from 1 to"),
        ("SampleRate", "-16000", "from 1 to"),
        ("SampleRate", "16000,0", "with a point"),
        ("SampleRate", "nan", "write a whole number, or"),
        ("AudioChannel", "4294967297", "from 1 to"),
        ("Duration", "inf", "write a number, or"),
        ("Duration", "NaN", "write a number, or"),
        ("Duration", "576460752303423.5", "write a number from 0 to 1000000000, or"),
        ("Duration", "-3", "from 0 to"),
        ("Start", "18446744073709551616", "write a whole number, or"),
        ("Start", "99999999999999999", "from 0 to 9007199254740992"),
        ("End", "nan", "write a whole number, or"),
        ("End", "0x10", "write a whole number, or"),
    ],
)
def test_numbers_out_of_range(tmp_path: Path, column: str, value: str, message: str) -> None:
    write_audio(tmp_path / "a.wav")
    cells = {"ID": "a", "Label": "real", "Path": "a.wav", "Start": "0", "End": "5", column: value}
    cells[column] = f'"{value}"'
    text = ",".join(cells) + "\n\n" + ",".join(cells.values()) + "\n"
    table = write_text(tmp_path / "own.csv", text)
    expected = rf"own\.csv, row 3: {column} is '{value}'; .*{message}"
    with pytest.raises(InputError, match=expected):
        read_corpus("csv", tmp_path, path=table)
    with pytest.raises(InputError, match=expected):
        list_corpus("csv", tmp_path, path=table)


@pytest.mark.parametrize("window", ["-5,5", "5,4", "-9,-5", "5,5"])
def test_negative_and_empty_windows(tmp_path: Path, window: str) -> None:
    write_audio(tmp_path / "a.wav")
    table = write_text(tmp_path / "own.csv", f"ID,Label,Path,Start,End\n\na,real,a.wav,{window}\n")
    with pytest.raises(InputError, match=r"row 3: the window from .* is not one"):
        read_corpus("csv", tmp_path, path=table)


def test_rows_of_messages_are_an_editors(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav")
    text = '\nID,Label,Path,Speaker\na,real,a.wav,"x\ny"\n\n'
    for row, message in (
        ("b,bonafide,a.wav,-", "row 6: Label is 'bonafide'"),
        (",real,a.wav,-", "row 6: the ID is empty"),
        ("a,real,a.wav,-", r"stands in row 3 .* again in row 6"),
        ("b,fake,a.wav,-", r"fake in another \(rows 3, 6\)"),
        ("b,real,none.wav,-", r"none\.wav, row 6\."),
    ):
        table = write_text(tmp_path / "own.csv", text + row + "\n")
        with pytest.raises(InputError, match=message):
            read_corpus("csv", tmp_path, path=table)
    meta = write_in_the_wild(tmp_path) / "meta.csv"
    meta.write_text("file;speaker;label\n\n0.wav;A;spoof\n\n1.wav;A;genuine\n")
    with pytest.raises(InputError, match=r"meta\.csv, row 5: label 'genuine'"):
        read_corpus("in_the_wild", tmp_path)


@pytest.mark.parametrize(("listed", "on_disk"), [(NFC, NFD), (NFD, NFC)])
def test_names_match_in_either_form_of_unicode(tmp_path: Path, listed: str, on_disk: str) -> None:
    write_audio(tmp_path / f"{on_disk}/{on_disk}.wav")
    table = write_text(tmp_path / "own.csv", f"ID,Label,Path\na,real,{listed}/{listed}.wav\n")
    frame = read_corpus("csv", tmp_path, path=table)
    assert frame["Path"].tolist() == [f"$ROOT/{on_disk}/{on_disk}.wav"]
    assert list_corpus("csv", tmp_path, path=table).utterances[0].path.is_file()
    folder = write_in_the_wild(tmp_path, count=0)
    write_audio(folder / f"{on_disk}.wav")
    write_text(folder / "meta.csv", f"file,speaker,label\n{listed}.wav,A,spoof\n")
    wild = read_corpus("in_the_wild", tmp_path)
    assert [Path(path).name for path in wild["Path"]] == [f"{on_disk}.wav"]


def test_a_name_that_two_files_share(tmp_path: Path) -> None:
    mixed = NFC + NFD
    for name in (NFC + NFC, NFD + NFD):
        write_audio(tmp_path / f"{name}.wav")
    table = write_text(tmp_path / "own.csv", f"ID,Label,Path\na,real,{mixed}.wav\n")
    with pytest.raises(InputError, match=r"has 2 entries spelled like .*; rename one"):
        read_corpus("csv", tmp_path, path=table)
    # A name that is there exactly so is meant.
    table.write_text(f"ID,Label,Path\na,real,{NFC * 2}.wav\nb,fake,{NFD * 2}.wav\n")
    assert len(read_corpus("csv", tmp_path, path=table)) == 2


def test_a_protocol_of_others(tmp_path: Path) -> None:
    rows = "007,real,1.5,16000,$ROOT/a.wav,-,-,test,1,PCM_S,16,-\n"
    path = write_text(tmp_path / "p.csv", (PROTOCOL + rows).replace(",", ";"))
    frame = read_protocol(path)
    assert frame["ID"].tolist() == ["007"]
    assert frame.index.tolist() == [0]
    write_text(path, PROTOCOL + "\n" + rows.replace("16000", "1e12"))
    with pytest.raises(InputError, match=r"p\.csv, row 3: SampleRate is '1e12'"):
        read_protocol(path)
