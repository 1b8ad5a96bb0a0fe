"""Corpus readers: trees as released, made with real codecs, against rows written by hand."""

import logging
import os
from pathlib import Path

import pandas as pd
import pytest

from sdd.data.audio.headers import Header, read_header
from sdd.data.corpora import READERS, read_corpus, read_protocol, write_protocol
from sdd.data.corpora.protocol import COLUMNS
from sdd.data.folders import walk_audio
from sdd.data.paths import protocol_path, resolve_path
from sdd.errors import InputError
from tests.helpers.releases import (
    write_audio,
    write_deep_voice,
    write_fake_or_real,
    write_in_the_wild,
    write_mp4,
    write_text,
)

LONG = [*COLUMNS, "Start", "End"]


def rows(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    return list(frame.itertuples(index=False, name=None))


# ------------------------------------------------------------------------------ the six releases


@pytest.fixture
def dfe24(tmp_path: Path) -> Path:
    folder = tmp_path / "Deepfake-Eval-2024"
    write_text(
        folder / "audio-metadata-publish.csv",
        "Filename,Link,Ground Truth,Finetuning Set\n"
        '"one, ""two"" ü.mp3",x,Real,Train\n'
        "two.m4a,x,Fake,Test\n"
        "three.dat,x,fake ,Test\n"
        "four.wav,x,Unknown,Test\n"
        "five.wav,x,Real,\n",
    )
    write_audio(folder / "audio-data" / 'one, "two" ü.mp3', 1.0, 44_100)
    write_mp4(folder / "audio-data" / "two.m4a")
    write_mp4(folder / "audio-data" / "three.dat")
    write_audio(folder / "audio-data" / "four.wav")
    write_audio(folder / "audio-data" / "five.wav", 0.25, 8_000, subtype="PCM_24")
    return tmp_path


def test_deepfake_eval_2024(dfe24: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = "$ROOT/Deepfake-Eval-2024/audio-data/"
    one = 'one, "two" ü'
    mp3, aac = ("MP3", 0, "-"), ("AAC", 0, "-")
    with caplog.at_level(logging.INFO):
        frame = read_corpus("deepfake_eval_2024", dfe24)
    assert list(frame.columns) == list(COLUMNS)
    assert rows(frame) == [
        (f"DFE24-{one}", "real", 1.0, 44100, f"{data}{one}.mp3", "-", "-", "train", 1, *mp3),
        ("DFE24-two", "fake", 0.5, 44100, data + "two.m4a", "-", "-", "test", 1, *aac),
        ("DFE24-three", "fake", 0.5, 44100, data + "three.dat", "-", "-", "test", 1, *aac),
        ("DFE24-five", "real", 0.25, 8000, data + "five.wav", "-", "-", "-", 1, "PCM_S", 24, "-"),
    ]
    assert "1 files that are neither real nor fake are set aside: {'Unknown': 1}" in caplog.text


def test_deepfake_eval_2024_of_one_partition_needs_only_its_files(dfe24: Path) -> None:
    (dfe24 / "Deepfake-Eval-2024/audio-data/five.wav").unlink()
    (dfe24 / "Deepfake-Eval-2024/audio-data/two.m4a").unlink()
    frame = read_corpus("deepfake_eval_2024", dfe24, partitions=["train"])
    assert list(frame["ID"]) == ['DFE24-one, "two" ü']


def test_add2023(tmp_path: Path) -> None:
    folder = tmp_path / "ADD2023/Track1.2/testR2"
    write_text(
        folder / "label.txt",
        "ADD2023_T1.2R2_E_00000003.wav genuine\r\nADD2023_T1.2R2_E_00000004.wav fake\r\n",
    )
    write_audio(folder / "wav/ADD2023_T1.2R2_E_00000003.wav", 1.234)
    write_audio(folder / "wav/ADD2023_T1.2R2_E_00000004.wav", 0.5, subtype="PCM_U8")
    wav, rest = "$ROOT/ADD2023/Track1.2/testR2/wav/", ("-", "-", "test", 1)
    first, second = "ADD2023_T1.2R2_E_00000003.wav", "ADD2023_T1.2R2_E_00000004.wav"
    assert rows(read_corpus("add2023", tmp_path)) == [
        (f"ADD2023-{first}", "real", 1.23, 16000, wav + first, *rest, "PCM_S", 16, "-"),
        (f"ADD2023-{second}", "fake", 0.5, 16000, wav + second, *rest, "PCM_U", 8, "-"),
    ]


def test_fake_or_real(tmp_path: Path) -> None:
    write_fake_or_real(tmp_path)
    frame = read_corpus("fake_or_real", tmp_path)
    assert dict(zip(frame["ID"], frame["Proportion"], strict=True)) == {
        "FoR-training-real-file1": "train",
        "FoR-training-fake-file1": "train",
        "FoR-validation-real-file1": "valid",
        "FoR-validation-fake-file1": "valid",
        "FoR-testing-real-file1": "test",
        "FoR-testing-fake-file1": "test",
        "FoR-testing-fake-file1-wav": "test",
    }
    by_id = frame.set_index("ID")
    assert by_id.loc["FoR-testing-fake-file1", "Path"].endswith("/testing/fake/file1.mp3")
    assert by_id.loc["FoR-testing-fake-file1-wav", "Path"].endswith("/testing/fake/file1.wav")
    assert by_id.loc["FoR-testing-fake-file1", ["Duration", "SampleRate"]].tolist() == [0.75, 44100]
    assert set(frame["Language"]) == {"EN"}
    assert [i.split("-")[2] for i in frame["ID"]] == list(frame["Label"])


def test_fake_or_real_of_one_partition(tmp_path: Path) -> None:
    for label in ("real", "fake"):
        write_audio(tmp_path / "FakeOrReal/for-original/testing" / label / "a.mp3")
    assert len(read_corpus("fake_or_real", tmp_path, partitions=["test"])) == 2
    with pytest.raises(InputError, match=r"FakeOrReal: folder .*training/real is missing\. Get"):
        read_corpus("fake_or_real", tmp_path)


def test_deep_voice(tmp_path: Path) -> None:
    write_deep_voice(tmp_path)
    frame = read_corpus("deep_voice", tmp_path)
    fake = "$ROOT/DeepVoice/KAGGLE/AUDIO/FAKE/Obama-to-Biden.wav"
    real = "$ROOT/DeepVoice/KAGGLE/AUDIO/REAL/musk-original.wav"
    rest = ("VC", "-", "-", 1, "PCM_S", 16, "EN")
    assert list(frame.columns) == LONG
    assert rows(frame) == [
        ("DeepVoice-VC_Obama-to-Biden_seg_1", "fake", 1.0, 44100, fake, *rest, 0, 44100),
        ("DeepVoice-VC_Obama-to-Biden_seg_2", "fake", 1.5, 44100, fake, *rest, 22050, 90000),
        ("DeepVoice-VC_musk-original_seg_1", "real", 0.5, 48000, real, *rest, 0, 24000),
    ]


def test_in_the_wild(tmp_path: Path) -> None:
    write_in_the_wild(tmp_path)
    data, rest = "$ROOT/In-the-Wild/release_in_the_wild/", ("-", 1, "PCM_S", 16, "EN")
    assert rows(read_corpus("in_the_wild", tmp_path)) == [
        ("ItW-0", "fake", 0.5, 16000, data + "0.wav", "-", "Alec Guinness", *rest),
        ("ItW-1", "real", 0.5, 16000, data + "1.wav", "-", "X, Jr.", *rest),
    ]


def test_asvspoof2019_la(tmp_path: Path) -> None:
    folder = tmp_path / "ASVspoof2019-LA/LA"
    protocols = folder / "ASVspoof2019_LA_cm_protocols"
    write_text(
        protocols / "ASVspoof2019.LA.cm.dev.trl.txt",
        "LA_0069 LA_D_1047731 - - bonafide\nLA_0070 LA_D_1000752 - A05 spoof\n",
    )
    write_audio(folder / "ASVspoof2019_LA_dev/flac/LA_D_1047731.flac")
    write_audio(folder / "ASVspoof2019_LA_dev/flac/LA_D_1000752.flac")
    flac, rest = "$ROOT/ASVspoof2019-LA/LA/ASVspoof2019_LA_dev/flac/", (1, "FLAC", 16, "EN")
    real = ("real", 0.5, 16000, flac + "LA_D_1047731.flac", "-", "LA_0069", "valid")
    fake = ("fake", 0.5, 16000, flac + "LA_D_1000752.flac", "A05", "LA_0070", "valid")
    assert rows(read_corpus("asvspoof2019_la", tmp_path, partitions=["valid"])) == [
        ("ASV19LA-LA_D_1047731", *real, *rest),
        ("ASV19LA-LA_D_1000752", *fake, *rest),
    ]
    with pytest.raises(InputError, match=r"ASVspoof2019\.LA\.cm\.train\.trn\.txt is missing"):
        read_corpus("asvspoof2019_la", tmp_path)
    for ending, part, name in (("train.trn", "train", "LA_T_1"), ("eval.trl", "eval", "LA_E_1")):
        write_text(protocols / f"ASVspoof2019.LA.cm.{ending}.txt", f"LA_1 {name} - A01 spoof\n")
        write_audio(folder / f"ASVspoof2019_LA_{part}/flac/{name}.flac")
    frame = read_corpus("asvspoof2019_la", tmp_path)
    assert list(frame["Proportion"]) == ["train", "valid", "valid", "test"]


# ------------------------------------------------------------------- what is missing or malformed


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("deepfake_eval_2024", "Deepfake-Eval-2024/audio-metadata-publish.csv is missing"),
        ("add2023", "ADD2023/Track1.2/testR2/label.txt is missing"),
        ("fake_or_real", "FakeOrReal/for-original/training/real is missing"),
        ("deep_voice", "DeepVoice/DeepVoice_seg_log.txt is missing"),
        ("in_the_wild", "In-the-Wild/release_in_the_wild/meta.csv is missing"),
        ("asvspoof2019_la", "ASVspoof2019.LA.cm.train.trn.txt is missing"),
    ],
)
def test_missing_corpus_says_what_is_missing_and_where_to_get_it(
    tmp_path: Path, name: str, missing: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_corpus(name, tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert missing in str(caught.value)
    assert "Get the corpus from http" in str(caught.value)
    assert "licence: " in str(caught.value)


def test_missing_audio_is_counted_against_the_metadata(tmp_path: Path) -> None:
    folder = write_in_the_wild(tmp_path, count=0)
    with pytest.raises(InputError) as caught:
        read_corpus("in_the_wild", tmp_path, allowed_missing=2)
    assert f"2 of the 2 audio files in {folder / 'meta.csv'} are missing" in str(caught.value)
    assert f"the first is {folder / '0.wav'}" in str(caught.value)


def test_allowed_missing_audio_is_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_in_the_wild(tmp_path, count=1)
    with pytest.raises(InputError, match=r"1 of the 2 audio files .* \(0 may be\)"):
        read_corpus("in_the_wild", tmp_path)
    assert list(read_corpus("in_the_wild", tmp_path, allowed_missing=1)["ID"]) == ["ItW-0"]
    assert "1 of the 2 audio files" in caplog.text


def test_unreadable_header_is_left_to_the_preparation(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_in_the_wild(tmp_path)
    (folder / "1.wav").write_bytes(b"not audio")
    frame = read_corpus("in_the_wild", tmp_path)
    assert frame.loc[1, ["Duration", "SampleRate", "AudioEncoding"]].tolist() == [-1.0, -1, "-"]
    assert "1 of 2 audio files have no readable header" in caplog.text


def test_empty_folder_and_empty_list(tmp_path: Path) -> None:
    folder = write_fake_or_real(tmp_path)
    (folder / "validation/fake/file1.wav").unlink()
    with pytest.raises(InputError, match="validation/fake holds no wav or mp3 file"):
        read_corpus("fake_or_real", tmp_path)
    meta = write_in_the_wild(tmp_path) / "meta.csv"
    meta.write_text("file,speaker,label\n")
    with pytest.raises(InputError, match=r"meta\.csv lists no utterance"):
        read_corpus("in_the_wild", tmp_path)
    meta.write_text("")
    with pytest.raises(InputError, match=r"meta\.csv is empty"):
        read_corpus("in_the_wild", tmp_path)


def test_malformed_metadata_names_line_and_value(tmp_path: Path) -> None:
    meta = write_in_the_wild(tmp_path) / "meta.csv"
    meta.write_text("file,speaker,label\n0.wav,A,spoof\n1.wav,A,genuine\n")
    with pytest.raises(InputError, match=r"meta\.csv, row 3: label 'genuine' is none of bona-fide"):
        read_corpus("in_the_wild", tmp_path)
    meta.write_text("file,label\n0.wav,spoof\n")
    with pytest.raises(InputError, match=r"has no column speaker; it has file, label\."):
        read_corpus("in_the_wild", tmp_path)
    meta.write_text("file,speaker,label\n0.wav,A,spoof\n0.wav,A,spoof\n")
    with pytest.raises(InputError, match=r"ID 'ItW-0' stands in row 2 .* and again in row 3"):
        read_corpus("in_the_wild", tmp_path)
    segment_log = write_deep_voice(tmp_path) / "DeepVoice_seg_log.txt"
    segment_log.write_text("Audio: a_seg_1, start: 0\n")
    with pytest.raises(
        InputError, match=r"seg_log\.txt, line 1: 'Audio: a_seg_1, start: 0' is not"
    ):
        read_corpus("deep_voice", tmp_path)
    label = write_text(tmp_path / "ADD2023/Track1.2/testR2/label.txt", "a.wav genuine\n\nb.wav\n")
    with pytest.raises(InputError, match=r"label\.txt, line 3: 'b\.wav' is not `file\.wav"):
        read_corpus("add2023", tmp_path)
    label.write_text("a.wav spoof\n")
    with pytest.raises(InputError, match=r"label\.txt, line 1: label 'spoof' is none of genuine"):
        read_corpus("add2023", tmp_path)
    label.write_bytes(b"\xff\xfe genuine\n")
    with pytest.raises(InputError, match="is not UTF-8 text"):
        read_corpus("add2023", tmp_path)
    write_text(
        tmp_path / "ASVspoof2019-LA/LA/ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.dev.trl.txt",
        "LA_1 LA_D_1 - bonafide\n",
    )
    with pytest.raises(InputError, match=r"dev\.trl\.txt, line 1: .* is not `SPEAKER FILE - ATT"):
        read_corpus("asvspoof2019_la", tmp_path, partitions=["valid"])


def test_unknown_reader(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no corpus reader 'dfe'; there are deepfake_eval_2024"):
        read_corpus("dfe", tmp_path)
    assert len(READERS) == 8


# ------------------------------------------------------------------------------------ the user's


def test_csv_fills_what_it_does_not_say(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "data", tmp_path / "mine"
    write_audio(root / "a/ü, 1.wav", 1.0, 8_000)
    write_audio(elsewhere / "clips/b.flac", 0.5)
    absolute = write_audio(tmp_path / "c.wav", 0.25, 48_000)
    table = write_text(
        elsewhere / "own.csv",
        "\ufeffPath,Label,ID,Proportion,Duration,Note\n"
        '"$ROOT/a/ü, 1.wav",real,u1,train,,x\n'
        "clips/b.flac,fake,u2,valid,9.99,x\n\n"
        f"{absolute},fake,u3,,-,x\n",
    )
    frame = read_corpus("csv", root, path=table)
    flac = str(elsewhere / "clips/b.flac")
    assert rows(frame) == [
        ("u1", "real", 1.0, 8000, "$ROOT/a/ü, 1.wav", "-", "-", "train", 1, "PCM_S", 16, "-"),
        ("u2", "fake", 9.99, 16000, flac, "-", "-", "valid", 1, "FLAC", 16, "-"),
        ("u3", "fake", 0.25, 48000, str(absolute), "-", "-", "-", 1, "PCM_S", 16, "-"),
    ]
    for path in frame["Path"]:
        assert resolve_path(path, root).is_file()
    assert list(read_corpus("csv", root, path=str(table), partitions=["valid"])["ID"]) == ["u2"]


def test_csv_with_windows(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", 1.0)
    table = write_text(
        tmp_path / "own.csv",
        "ID,Label,Path,Start,End\na,real,a.wav,0,8000\nb,fake,a.wav,8000,16000\n",
    )
    frame = read_corpus("csv", tmp_path, path="$ROOT/own.csv")
    assert frame[["Start", "End", "Duration"]].to_numpy().tolist() == [
        [0, 8000, 0.5],
        [8000, 16000, 0.5],
    ]
    table.write_text("ID,Label,Path,Start,End\na,real,a.wav,0,8000\nb,fake,a.wav,-,-\n")
    mixed = read_corpus("csv", tmp_path, path=table)
    assert mixed["Start"].isna().tolist() == [False, True]
    assert mixed["Duration"].tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ID,Path\na,a.wav\n", r"own\.csv has no column Label; it has ID, Path\."),
        ("ID|Label|Path\na|real|a.wav\n", r"separated by '\|'; separate them by commas"),
        (
            "ID,Label,Path\na,real,a.wav\nb,bonafide,a.wav\n",
            r"own\.csv, row 3: Label is 'bonafide'; write one of real, fake",
        ),
        ("ID,Label,Path\na,,a.wav\n", r"own\.csv, row 2: Label is ''"),
        (
            "ID,Label,Path\na,real,a.wav\na,real,b.wav\n",
            r"ID 'a' stands in row 2 \(Path '\$ROOT/a\.wav'\) and again in row 3 "
            r"\(Path '\$ROOT/b\.wav'\)",
        ),
        ("ID,Label,Path\n,real,a.wav\n", r"row 2: the ID is empty"),
        (
            "ID,Label,Path\na,real,a.wav\nb,fake,a.wav\n",
            r"'\$ROOT/a\.wav' is real in one row and fake in another \(rows 2, 3\)",
        ),
        ("ID,Label,Path\na,real,a.wav,\n", r"row 2: 4 cells where the header has 3; put names"),
        ("ID,Label,Path,ID\na,real,a.wav,b\n", "two columns have the same name"),
        ("ID,Label,Path,Proportion\na,real,a.wav,dev\n", r"row 2: Proportion is 'dev'; write one"),
        ("ID,Label,Path,Duration\na,real,a.wav,long\n", r"row 2: Duration is 'long'; write a num"),
        ("ID,Label,Path,Start\na,real,a.wav,5\n", "has no column End; Start and End go together"),
        ("ID,Label,Path,Start,End\na,real,a.wav,5,5\n", r"row 2: the window from 5 to 5 is not"),
        ("ID,Label,Path,Start,End\na,real,a.wav,5,6.5\n", r"row 2: End is '6\.5'; write a whole"),
        ("ID,Label,Path,Start,End\na,real,a.wav,5,-\n", r"row 2: the window from 5 to"),
        (
            "ID,Label,Path\na,real,a.wav\nb,real,no.wav\n",
            r"1 of the 2 audio files are missing \(0 may be\); the first is .*no\.wav, row 3",
        ),
        ("", r"own\.csv is empty"),
        ("ID,Label,Path\n", r"own\.csv has no row to use: its Proportion values are no row at all"),
    ],
)
def test_bad_csv(tmp_path: Path, text: str, message: str) -> None:
    write_audio(tmp_path / "a.wav")
    table = write_text(tmp_path / "own.csv", text)
    with pytest.raises(InputError, match=message):
        read_corpus("csv", tmp_path, path=table)


def test_csv_that_is_missing_or_not_text_or_lacks_the_partition(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"own\.csv cannot be read: No such file"):
        read_corpus("csv", tmp_path, path=tmp_path / "own.csv")
    (tmp_path / "own.csv").write_bytes(b"ID,Label\xff,Path\n")
    with pytest.raises(InputError, match=r"own\.csv is not UTF-8 text: byte 0xFF in row 1"):
        read_corpus("csv", tmp_path, path=tmp_path / "own.csv")
    table = write_text(tmp_path / "own.csv", "ID,Label,Path,Proportion\na,real,a.wav,train\n")
    with pytest.raises(InputError, match="Proportion values are train, asked for are test"):
        read_corpus("csv", tmp_path, path=table, partitions=["test"])


def test_csv_missing_files_may_be_allowed(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav")
    table = write_text(tmp_path / "own.csv", "ID,Label,Path\nb,real,no.wav\na,real,a.wav\n")
    frame = read_corpus("csv", tmp_path, path=table, allowed_missing=1)
    assert rows(frame[["ID", "Duration"]]) == [("a", 0.5)]


def test_csv_says_what_rows_were_made_of(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_audio(tmp_path / f"{name}.wav", 1.0)
    (tmp_path / "own.csv").write_text("ID;Label;Path;Source\na;real;a.wav;\nb;fake;b.wav;a\n")
    frame = read_corpus("csv", tmp_path, path=tmp_path / "own.csv")
    assert frame["Source"].tolist() == ["-", "a"]
    write_protocol(frame, tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text().splitlines()[0].endswith(",Language,Source")
    pd.testing.assert_frame_equal(read_protocol(tmp_path / "p.csv"), frame)


def test_folders(tmp_path: Path) -> None:
    write_audio(tmp_path / "r/sub folder/x, 1.wav")
    write_audio(tmp_path / "r/b.FLAC", format="FLAC")
    write_mp4(tmp_path / "f/x.m4a")
    write_text(tmp_path / "f/notes.txt", "-")
    frame = read_corpus("folders", tmp_path, real="$ROOT/r", fake=tmp_path / "f", corpus="mine")
    assert rows(frame[["ID", "Label", "Path"]]) == [
        ("mine-real-b.FLAC", "real", "$ROOT/r/b.FLAC"),
        ("mine-real-sub folder/x, 1.wav", "real", "$ROOT/r/sub folder/x, 1.wav"),
        ("mine-fake-x.m4a", "fake", "$ROOT/f/x.m4a"),
    ]
    with pytest.raises(InputError, match=r"Folder .*/none of fake recordings is missing"):
        read_corpus("folders", tmp_path, real="$ROOT/r", fake="$ROOT/none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"Folder .*/empty of real recordings holds no audio"):
        read_corpus("folders", tmp_path, real="$ROOT/empty", fake="$ROOT/f")
    with pytest.raises(InputError, match="is real in one row and fake in another"):
        read_corpus("folders", tmp_path, real="$ROOT/r", fake="$ROOT/r/sub folder")


# ---------------------------------------------------------------------------- the protocol itself


def test_protocol_round_trip_keeps_every_name(tmp_path: Path) -> None:
    names = ["a b", "c,d", 'e"f', "g\nh", "i\rj", "ü 語", "k'l", "#m", "NA", "nan", "007"]
    for name in names:
        write_audio(tmp_path / "r" / f"{name}.wav", 0.1)
    write_audio(tmp_path / "f/a.wav", 0.1)
    frame = read_corpus("folders", tmp_path, real=tmp_path / "r", fake=tmp_path / "f")
    write_protocol(frame, tmp_path / "p.csv")
    again = read_protocol(tmp_path / "p.csv")
    pd.testing.assert_frame_equal(again, frame)
    assert all(resolve_path(path, tmp_path).is_file() for path in again["Path"])


def test_written_protocol_is_antideepfakes_csv(tmp_path: Path) -> None:
    write_deep_voice(tmp_path)
    frame = read_corpus("deep_voice", tmp_path)
    write_protocol(frame, tmp_path / "p.csv")
    lines = (tmp_path / "p.csv").read_text().splitlines()
    assert lines[0] == ",".join(LONG)
    assert lines[1] == (
        "DeepVoice-VC_Obama-to-Biden_seg_1,fake,1.00,44100,"
        "$ROOT/DeepVoice/KAGGLE/AUDIO/FAKE/Obama-to-Biden.wav,VC,-,-,1,PCM_S,16,EN,0,44100"
    )
    pd.testing.assert_frame_equal(read_protocol(tmp_path / "p.csv"), frame)
    pd.testing.assert_frame_equal(read_corpus("csv", tmp_path, path=tmp_path / "p.csv"), frame)


def test_invalid_protocol_is_not_written(tmp_path: Path) -> None:
    write_in_the_wild(tmp_path)
    frame = read_corpus("in_the_wild", tmp_path)
    target = tmp_path / "p.csv"
    write_protocol(frame, target)
    before = target.read_bytes()
    with pytest.raises(InputError, match=r"row 2: Label is 'spoof'"):
        write_protocol(frame.assign(Label="spoof"), target)
    assert target.read_bytes() == before
    target.write_text("ID,Label\n")
    with pytest.raises(InputError, match=r"p\.csv has no column Duration, SampleRate"):
        read_protocol(target)


def test_paths(tmp_path: Path) -> None:
    assert protocol_path(tmp_path / "a/../b/c.wav", tmp_path) == "$ROOT/b/c.wav"
    assert protocol_path(Path("/x/c.wav"), tmp_path) == "/x/c.wav"
    assert resolve_path("$ROOT/b/c.wav", tmp_path) == tmp_path / "b/c.wav"
    # Not the file of that name from the top, which nobody named.
    assert resolve_path("$ROOT//b/c.wav", tmp_path) == tmp_path / "b/c.wav"
    assert resolve_path("/x/c.wav", tmp_path) == Path("/x/c.wav")
    assert resolve_path("c.wav", tmp_path, Path("/y")) == Path("/y/c.wav")
    with pytest.raises(InputError, match=r"Path 'c\.wav' is neither absolute nor below"):
        resolve_path("c.wav", tmp_path)


def test_file_name_that_is_not_unicode(tmp_path: Path) -> None:
    for folder, name in (("r", b"\xff.wav"), ("f", b"a.wav")):
        file = write_audio(tmp_path / folder / "x.wav", 0.1)
        file.rename(file.with_name(os.fsdecode(name)))
    with pytest.raises(InputError, match=r"r/\\udcff\.wav' is not valid UTF-8: rename the file"):
        read_corpus("folders", tmp_path, real=tmp_path / "r", fake=tmp_path / "f")


def test_walk_ends_in_a_loop_of_links(tmp_path: Path) -> None:
    write_audio(tmp_path / "a/x.wav")
    (tmp_path / "a/loop").symlink_to(tmp_path, target_is_directory=True)
    assert list(walk_audio(tmp_path)) == [tmp_path / "a/x.wav"]


def test_walk_names_a_folder_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(InputError, match=r"cannot be read \(Permission denied\): correct"):
        list(walk_audio(tmp_path))


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("a.wav", {"subtype": "PCM_U8"}, Header(8000, 4000, 1, "PCM_U", 8)),
        ("a.wav", {"subtype": "FLOAT"}, Header(8000, 4000, 1, "PCM_F", 32)),
        ("a.flac", {"subtype": "PCM_24"}, Header(8000, 4000, 1, "FLAC", 24)),
        ("a.mp3", {}, Header(8000, 4000, 1, "MP3", 0)),
        ("a.ogg", {"subtype": "VORBIS"}, Header(8000, 4000, 1, "VORBIS", 0)),
    ],
)
def test_header(tmp_path: Path, name: str, options: dict[str, str], expected: Header) -> None:
    assert read_header(write_audio(tmp_path / name, 0.5, 8_000, **options)) == expected
    assert expected.seconds == 0.5


def test_header_of_no_audio(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x\.wav cannot be opened as audio"):
        read_header(write_text(tmp_path / "x.wav", "text"))
