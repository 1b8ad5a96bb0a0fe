"""What corpora must not do unnoticed: odd names, rows and files that disagree, odd folders."""

import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdd.data.corpora import read_corpus, read_protocol, write_protocol
from sdd.data.corpora.own import list_csv
from sdd.data.folders import walk_audio
from sdd.data.inventory.findings import find_in_rows
from sdd.data.paths import is_file
from sdd.errors import InputError
from tests.helpers.closed_folders import closed, folder_for_others
from tests.helpers.releases import (
    write_audio,
    write_fake_or_real,
    write_in_the_wild,
    write_text,
)

NAMES = ["a b", "c,d", 'e"f', "g\nh", "ü 語", "k'l", "-m", "#n"]


def write_deepfake_eval(root: Path, rows: str) -> Path:
    folder = root / "Deepfake-Eval-2024"
    header = "Filename,Ground Truth,Finetuning Set\n"
    write_text(folder / "audio-metadata-publish.csv", header + rows)
    return folder / "audio-data"


def test_odd_names_in_every_kind_of_list(tmp_path: Path) -> None:
    quoted = ['"' + name.replace('"', '""') + '.wav"' for name in NAMES]
    audio = write_deepfake_eval(tmp_path, "".join(f"{name},Real,Test\n" for name in quoted))
    wild = write_in_the_wild(tmp_path, count=0)
    lines = "".join(f"{name},A,spoof\n" for name in quoted)
    write_text(wild / "meta.csv", "file,speaker,label\n" + lines)
    add = tmp_path / "ADD2023/Track1.2/testR2"
    flat = [name for name in NAMES if "\n" not in name]  # its list is one of lines
    write_text(add / "label.txt", "".join(f"{name}.wav genuine\n" for name in flat))
    real = tmp_path / "FakeOrReal/for-original/testing/real"
    write_audio(real.parent / "fake/x.wav", 0.05)
    for name in NAMES:
        for folder in (audio, wild, add / "wav", real):
            write_audio(folder / f"{name}.wav", 0.05)
    (add / "wav/g\nh.wav").unlink()
    lines_only = [f"{name}.wav" for name in flat]
    for corpus, partition, prefix, expected in (
        ("deepfake_eval_2024", "test", "DFE24-", NAMES),
        ("in_the_wild", "-", "ItW-", NAMES),
        ("add2023", "test", "ADD2023-", lines_only),
        ("fake_or_real", "test", "FoR-testing-real-", NAMES),
    ):
        frame = read_corpus(corpus, tmp_path, partitions=[partition])
        rows = frame[frame["ID"].str.startswith(prefix)]
        assert set(rows["ID"]) == {prefix + name for name in expected}
        write_protocol(frame, tmp_path / "p.csv")
        assert read_protocol(tmp_path / "p.csv").equals(frame)


def test_file_without_a_row_is_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_in_the_wild(tmp_path)
    write_audio(folder / "2.wav")
    assert list(read_corpus("in_the_wild", tmp_path)["ID"]) == ["ItW-0", "ItW-1"]
    assert "1 audio files are not listed in" in caplog.text
    assert f"the first is {folder / '2.wav'}" in caplog.text


def test_rows_of_other_partitions_and_labels_are_no_files_without_a_row(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    audio = write_deepfake_eval(tmp_path, "a.wav,Real,Train\nb.wav,Fake,Test\nc.wav,Unknown,Test\n")
    for name in "abc":
        write_audio(audio / f"{name}.wav")
    assert len(read_corpus("deepfake_eval_2024", tmp_path, partitions=["test"])) == 1
    assert "not listed" not in caplog.text


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a.wav,Real,Test\na.wav,Real,Test\n", r"ID 'DFE24-a' stands in row 2 .* again in row 3"),
        ("a.wav,Real,Test\na.wav,Fake,Test\n", r"a\.wav' is real in one row and fake in another"),
    ],
)
def test_a_file_that_stands_twice(tmp_path: Path, rows: str, message: str) -> None:
    write_audio(write_deepfake_eval(tmp_path, rows) / "a.wav")
    with pytest.raises(InputError, match=message):
        read_corpus("deepfake_eval_2024", tmp_path)


def test_two_labels_for_one_file(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav")
    table = write_text(tmp_path / "own.csv", "ID,Label,Path\n1,real,a.wav\n2,fake,$ROOT/a.wav\n")
    message = r"'\$ROOT/a\.wav' is real in one row and fake in another \(rows 2, 3\); keep"
    with pytest.raises(InputError, match=message):
        read_corpus("csv", tmp_path, path=table)


OTHER_NAMES = {
    "a link": lambda path, other: other.symlink_to(path),
    "a link to a link": lambda path, other: (
        (other.parent / "between.wav").symlink_to(path),
        other.symlink_to("between.wav"),
    ),
    "a hard link": lambda path, other: other.hardlink_to(path),
}


@pytest.mark.parametrize("kind", OTHER_NAMES)
def test_two_labels_by_another_name_of_a_file(tmp_path: Path, kind: str) -> None:
    path, other = tmp_path / "a.wav", tmp_path / "b.wav"
    write_audio(path)
    write_audio(tmp_path / "c.wav")
    OTHER_NAMES[kind](path, other)
    rows = "ID,Label,Path\n1,real,c.wav\n2,real,a.wav\n\n3,{},b.wav\n"
    table = write_text(tmp_path / "own.csv", rows.format("real"))
    assert list(read_corpus("csv", tmp_path, path=table)["Label"]) == 3 * ["real"]
    write_text(tmp_path / "own.csv", rows.format("fake"))
    message = (
        rf"own\.csv: {path} \(row 3, ID '2'\) is real, and {other} \(row 5, ID '3'\), which is the "
        "same file by a link, is fake; keep the right label only"
    )
    with pytest.raises(InputError, match=message):
        read_corpus("csv", tmp_path, path=table)
    findings = find_in_rows(list_csv(tmp_path, path=table).utterances)
    detail = f"real in one row and fake in another (ID 3), by a link from {path}"
    assert [(found.kind, found.what, found.detail) for found in findings] == [
        ("two_labels", str(other), detail)
    ]


def test_windows_of_a_recording_may_have_two_labels(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav")
    (tmp_path / "b.wav").symlink_to(tmp_path / "a.wav")
    rows = "ID,Label,Path,Start,End\n1,real,a.wav,0,100\n2,fake,b.wav,100,200\n"
    table = write_text(tmp_path / "own.csv", rows)
    assert list(read_corpus("csv", tmp_path, path=table)["Label"]) == ["real", "fake"]


def test_two_labels_by_a_link_in_a_release(tmp_path: Path) -> None:
    folder = write_deepfake_eval(tmp_path, "a.wav,Real,Test\nb.wav,Fake,Test\n")
    write_audio(folder / "a.wav")
    (folder / "b.wav").hardlink_to(folder / "a.wav")
    with pytest.raises(InputError, match=r"-a'\) is real, and .*-b'\), which is the same file"):
        read_corpus("deepfake_eval_2024", tmp_path)


def test_several_malformed_rows_are_counted(tmp_path: Path) -> None:
    meta = write_in_the_wild(tmp_path) / "meta.csv"
    meta.write_text("file,speaker,label\n0.wav,A,fake\n1.wav,A,bona-fide\n2.wav,A,\n")
    message = r"meta\.csv, row 2: label 'fake' .* \(1 more such problems: `snakemake check_corpora`"
    with pytest.raises(InputError, match=message):
        read_corpus("in_the_wild", tmp_path)


def test_stems_that_collide_get_different_ids(tmp_path: Path) -> None:
    folder = write_fake_or_real(tmp_path)
    for name in ("file1-wav.mp3", "file1.WAV"):
        write_audio(folder / "testing/fake" / name, format=name[-3:].upper())
    frame = read_corpus("fake_or_real", tmp_path, partitions=["test"])
    fakes = frame[frame["Label"] == "fake"].set_index("ID")["Path"]
    assert {name: Path(path).name for name, path in fakes.items()} == {
        "FoR-testing-fake-file1-wav": "file1-wav.mp3",
        "FoR-testing-fake-file1": "file1.WAV",
        "FoR-testing-fake-file1-mp3": "file1.mp3",
        "FoR-testing-fake-file1-wav-wav": "file1.wav",
    }


def test_archives_are_named_not_read(tmp_path: Path) -> None:
    wild = tmp_path / "In-the-Wild"
    wild.mkdir()
    with zipfile.ZipFile(wild / "release_in_the_wild.zip", "w") as archive:
        archive.writestr("../../outside.wav", b"RIFF")
    message = r"meta\.csv is missing.*is it in .*release_in_the_wild\.zip\? Unpack it there"
    with pytest.raises(InputError, match=message):
        read_corpus("in_the_wild", tmp_path)
    (tmp_path / "FakeOrReal").mkdir()
    with tarfile.open(tmp_path / "FakeOrReal/for-original.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../outside.wav"))
    with pytest.raises(InputError, match=r"Archives are not read: is it in .*original\.tar\.gz\?"):
        read_corpus("fake_or_real", tmp_path)
    zipped = wild / "release_in_the_wild.zip"
    with pytest.raises(InputError, match=r"\.zip of real recordings is an archive, which is not"):
        read_corpus("folders", tmp_path, real=zipped, fake=wild)
    with pytest.raises(InputError, match=r"\.zip is an archive, which is not read: unpack it"):
        read_corpus("csv", tmp_path, path=zipped)
    assert not (tmp_path / "outside.wav").exists()
    assert not (tmp_path.parent / "outside.wav").exists()


def test_loops_of_links(tmp_path: Path) -> None:
    write_audio(tmp_path / "r/sub/x.wav", 0.1)
    (tmp_path / "r/sub/up").symlink_to(tmp_path / "r", target_is_directory=True)
    (tmp_path / "r/one.wav").symlink_to(tmp_path / "r/two.wav")
    (tmp_path / "r/two.wav").symlink_to(tmp_path / "r/one.wav")
    write_audio(tmp_path / "f/y.wav", 0.1)
    assert not is_file(tmp_path / "r/one.wav")
    folders = {"real": tmp_path / "r", "fake": tmp_path / "f"}
    message = r"2 of the 4 audio files in .*/r are missing \(0 may be\); the first is .*/one\.wav"
    with pytest.raises(InputError, match=message):
        read_corpus("folders", tmp_path, **folders)
    frame = read_corpus("folders", tmp_path, **folders, allowed_missing=2)
    assert frame["ID"].tolist() == ["own-real-sub/x.wav", "own-fake-y.wav"]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with folder_for_others() as folder:
        yield folder


def test_folders_that_cannot_be_read(open_folder: Path) -> None:
    folder = write_in_the_wild(open_folder)
    other = open_folder / "other"
    write_audio(other / "locked/x.wav", 0.1)
    with closed({folder: 0, other / "locked": 0}):
        with pytest.raises(InputError, match=r"meta\.csv cannot be looked at \(Permission den"):
            read_corpus("in_the_wild", open_folder)
        with pytest.raises(InputError, match=r"locked cannot be read \(Permission denied"):
            list(walk_audio(other))
