"""The command `sdd`: what it writes, and how it fails."""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sdd.cli import main
from sdd.data.corpora import read_corpus, read_protocol


@pytest.fixture
def in_the_wild(tmp_path: Path) -> Path:
    folder = tmp_path / "In-the-Wild/release_in_the_wild"
    folder.mkdir(parents=True)
    (folder / "meta.csv").write_text(
        'file,speaker,label\n0.wav,Ann,spoof\n1.wav,"B,\nC",bona-fide\n'
    )
    for number in range(2):
        soundfile.write(folder / f"{number}.wav", np.full(8_000, 0.1), 16_000)
    return tmp_path


EXPECTED = (
    b"ID,Label,Duration,SampleRate,Path,Attack,Speaker,Proportion,AudioChannel,AudioEncoding,"
    b"AudioBitSample,Language\n"
    b"ItW-0,fake,0.50,16000,$ROOT/In-the-Wild/release_in_the_wild/0.wav,-,Ann,-,1,PCM_S,16,EN\n"
    b"ItW-1,real,0.50,16000,$ROOT/In-the-Wild/release_in_the_wild/1.wav,-,"
    b'"B,\nC",-,1,PCM_S,16,EN\n'
)


def test_protocol_on_standard_output(
    in_the_wild: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["protocol", "in_the_wild", str(in_the_wild)]) == 0
    assert capfdbinary.readouterr().out == EXPECTED


def test_version_names_what_scores_depend_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == (
        f"sdd-grpo {version('sdd-grpo')} (torch {version('torch')}, "
        f"Python {sys.version.split()[0]})\n"
    )


def test_protocol_to_a_file(in_the_wild: Path, tmp_path: Path) -> None:
    target = tmp_path / "new/itw.csv"
    assert main(["protocol", "itw", str(in_the_wild), "-o", str(target)]) == 0
    assert target.read_bytes() == EXPECTED
    assert read_protocol(target).equals(read_corpus("In-the-Wild", in_the_wild))


def test_protocol_of_folders(in_the_wild: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    folder = "$ROOT/In-the-Wild/release_in_the_wild"
    (in_the_wild / "other").mkdir()
    soundfile.write(in_the_wild / "other/x.wav", np.full(800, 0.1), 8_000)
    options = ["--real", folder, "--fake", "$ROOT/other", "--corpus", "mine"]
    assert main(["protocol", "folders", str(in_the_wild), *options]) == 0
    names = [line.split(b",")[0] for line in capsysbinary.readouterr().out.splitlines()]
    assert names == [b"ID", b"mine-real-0.wav", b"mine-real-1.wav", b"mine-fake-x.wav"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "There is no corpus reader 'nothing'; there are deepfake_eval_2024, add2023"),
        (["csv"], "Corpus reader csv needs the option 'path'."),
        (["dv", "--real", "x"], "Corpus reader deep_voice has no option 'real': it takes none."),
        (["add23"], "ADD2023: "),
        (["itw", "--partition", "train"], "meta.csv lists no utterance that could be used"),
    ],
)
def test_errors_are_one_line(
    in_the_wild: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    name, *options = arguments
    assert main(["protocol", name, str(in_the_wild), *options]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert message in shown.err
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["eer", "{pipe}"],
        ["evaluate", "--validation", "{pipe}", "{pipe}"],
        ["convert-scores", "{pipe}", "x.parquet"],
        ["protocol", "csv", ".", "--path", "{pipe}"],
    ],
)
def test_pipes_are_refused_where_opening_them_would_wait(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    os.mkfifo(tmp_path / "p.csv")
    assert main([text.format(pipe=tmp_path / "p.csv") for text in arguments]) == 1
    assert "p.csv is no ordinary file, but a pipe" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["score", "-m", "x", ""],
        ["score", "-m", "", "x"],
        ["score", "-m", "x", "-o", "", "x"],
        ["score", "-m", "x", "-a", " ", "x"],
        ["score", "-m", "x", "--device", "", "x"],
        ["score", "-m", "x", "--threads", "0", "x"],
        ["score", "-m", "x", "--threads", "-2", "x"],
        ["score", "-m", "x", "--threads", "1.5", "x"],
        ["score", "-m", "x", "--threads", "nan", "x"],
        ["score", "-m", "x", "--window", "nan", "x"],
        ["score", "-m", "x", "--batch-seconds", "-1", "x"],
        ["score", "-m", "x", "--batch-seconds", "many", "x"],
        ["eer", ""],
        ["evaluate", "x.csv", "--validation", ""],
        ["convert-scores", "", "x.csv"],
        ["convert-scores", "x.csv", ""],
        ["protocol", "", "."],
        ["protocol", "itw", ""],
        ["protocol", "csv", ".", "--path", ""],
        ["protocol", "folders", ".", "--real", "", "--fake", "x"],
        ["protocol", "itw", ".", "--allowed-missing", "-1"],
        ["protocol", "itw", ".", "-o", ""],
    ],
)
def test_arguments_that_cannot_be_meant(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """An empty name would be that of the working folder."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert re.search(
        r"error: argument .*(it is empty|is no|is not above 0)", capsys.readouterr().err
    )


def test_an_output_is_no_input_and_has_a_known_suffix(
    in_the_wild: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    meta = in_the_wild / "In-the-Wild/release_in_the_wild/meta.csv"
    before = meta.read_bytes()
    for arguments in (
        ["convert-scores", str(meta), str(meta)],
        ["protocol", "csv", str(in_the_wild), "--path", str(meta), "-o", str(meta)],
    ):
        assert main(arguments) == 1
        assert "is read and would be written over" in capsys.readouterr().err
    for arguments in (
        ["convert-scores", str(meta), str(meta.with_suffix(".npz"))],
        ["protocol", "itw", str(in_the_wild), "-o", str(meta.with_suffix(".xlsx"))],
    ):
        assert main(arguments) == 1
        assert "its name must end in .csv" in capsys.readouterr().err
    assert meta.read_bytes() == before


def test_a_working_folder_that_was_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(["eer", "x.csv"]) == 1
    assert "The working folder cannot be used (No such file" in capsys.readouterr().err


def test_nothing_given_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
    assert "usage: sdd" in capsys.readouterr().err


def test_installed_command_imports_nothing_heavy_for_its_help() -> None:
    command = Path(sys.executable).with_name("sdd")
    done = subprocess.run([command, "--help"], capture_output=True, text=True, check=True)
    assert "protocol" in done.stdout
    code = (
        "import sys, sdd.cli; "
        "sys.exit(', '.join({'pandas', 'torch', 'av', 'soundfile'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert ended.stderr.decode().strip() == ""
