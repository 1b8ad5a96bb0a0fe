"""The inventory of a corpus: findings, counts and verdict, against trees made by hand."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sdd.data.corpora import in_the_wild
from sdd.data.corpora.release import Published
from sdd.data.inventory.corpus import Inventory, refuse_unusable, take_inventory
from sdd.data.inventory.file_facts import FileFacts, examine_file, examine_files
from sdd.data.inventory.findings import KINDS
from sdd.data.inventory.table import write_table
from sdd.errors import InputError
from tests.helpers import deadly
from tests.helpers.in_process import run_here
from tests.helpers.odd_audio import (
    antiphase_wav,
    chained_ogg,
    flac_stating,
    float_wav,
    two_tracks,
    write_bad_files,
)
from tests.helpers.releases import (
    write_audio,
    write_deep_voice,
    write_in_the_wild,
    write_mp4,
)


def stock(root: Path, reader: str = "in_the_wild", **options: object) -> Inventory:
    return take_inventory("mine", root, root / "journal.jsonl", reader=reader, **options)


def found(inventory: Inventory) -> list[tuple[str, str]]:
    return [(f.kind, Path(f.what).name) for f in inventory.findings if f.kind != "published"]


def wave(seconds: float, rate: int = 16_000, level: float = 0.3) -> np.ndarray:
    return level * np.sin(2 * np.pi * 220 * np.arange(round(seconds * rate)) / rate)


# ------------------------------------------------------------------------------------- one file


def test_facts_of_a_file(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([wave(0.5), wave(0.5, level=0.6)], 1), 16_000)
    facts = examine_file(tmp_path / "a.wav")
    assert (facts.error, facts.rate, facts.channels, facts.samples) == ("", 16_000, 2, 8_000)
    assert facts.promised == 8_000
    assert facts.seconds == 0.5
    assert facts.peak == pytest.approx(0.6, abs=1e-3)
    assert facts.at_full_scale == 0
    assert facts.size == (tmp_path / "a.wav").stat().st_size


@pytest.mark.parametrize(
    ("subtype", "largest"), [("PCM_U8", 127 / 128), ("PCM_16", 1), ("FLOAT", 2)]
)
def test_full_scale_is_that_of_the_format(tmp_path: Path, subtype: str, largest: float) -> None:
    samples = np.array([0.0, 2.0, -2.0, 0.98] * 100)
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype=subtype)
    facts = examine_file(tmp_path / "a.wav")
    assert facts.at_full_scale == 200
    assert facts.peak >= largest - 1e-4


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.flac"])
def test_cut_files_promise_more_than_they_hold(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 160_000)
    soundfile.write(tmp_path / name, noise, 16_000)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    facts = examine_file(tmp_path / name)
    if name == "a.flac":
        assert "cannot be decoded" in facts.error
    else:
        assert facts.promised == 160_000
        assert 60_000 < facts.samples < 100_000


def test_a_wav_that_was_written_to_a_pipe_is_not_cut(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", wave(1.0), 16_000)
    data = bytearray((tmp_path / "a.wav").read_bytes())
    data[40:44] = data[4:8] = b"\xff\xff\xff\xff"
    (tmp_path / "a.wav").write_bytes(data)
    facts = examine_file(tmp_path / "a.wav")
    assert facts.samples == facts.promised == 16_000


def test_only_changed_files_are_examined_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [write_audio(tmp_path / f"{number}.wav", 0.1) for number in range(3)]
    journal = tmp_path / "journal.jsonl"
    first = examine_files(paths, journal, workers=2, title="")
    seen: list[str] = []

    def counted(path: Path) -> FileFacts:
        seen.append(path.name)
        return examine_file(path)

    monkeypatch.setattr("sdd.data.inventory.file_facts.examine_file", counted)
    monkeypatch.setattr("sdd.data.inventory.file_facts.run_expendable", run_here)
    with journal.open("a") as file:
        file.write('["half')  # a line that was being written when the run was killed
    assert examine_files(paths, journal, workers=2, title="") == first
    assert seen == []
    write_audio(paths[1], 0.2)
    again = examine_files([*paths, paths[0]], journal, workers=1, title="")
    assert seen == ["1.wav"]
    assert again[paths[1]].samples == 3_200
    assert len([json.loads(line) for line in journal.read_text().splitlines()]) == 3


# ----------------------------------------------------------------------------------- one corpus


def test_nothing_to_find(tmp_path: Path) -> None:
    write_in_the_wild(tmp_path)
    inventory = stock(tmp_path)
    assert found(inventory) == []
    assert inventory.obstacle == ""
    assert inventory.files == 2
    counts = [(c.part, c.listed, c.found, round(c.hours * 3600, 2)) for c in inventory.counts]
    assert counts == [("fake", 1, 1, 0.5), ("real", 1, 1, 0.5)]


def test_everything_at_once(tmp_path: Path) -> None:
    folder = write_in_the_wild(tmp_path, count=0)
    names = [f"{number}.wav" for number in range(30)]
    rows = [f"{name},A,{('spoof', 'bona-fide')[i % 2]}" for i, name in enumerate(names)]
    rows += ["1.wav,A,spoof", "31.wav,A,genuine"]
    (folder / "meta.csv").write_text("\n".join(["file,speaker,label", *rows]) + "\n")
    for name in names[1:]:
        write_audio(folder / name)
    soundfile.write(folder / "2.wav", np.zeros(0), 16_000)
    (folder / "3.wav").write_bytes(b"no audio in here, only text")
    (folder / "4.wav").write_bytes(b"")
    soundfile.write(folder / "5.wav", 1e-4 * wave(0.5), 16_000)
    soundfile.write(folder / "6.wav", np.clip(9 * wave(0.5), -1, 1), 16_000)
    write_audio(folder / "7.wav", rate=22_050)
    write_audio(folder / "8.wav", rate=8_000)
    soundfile.write(folder / "9.wav", np.stack([wave(0.5)] * 2, 1), 16_000)
    soundfile.write(folder / "10.wav", wave(0.02), 16_000)
    write_audio(folder / "unlisted, 1.wav")
    inventory = stock(tmp_path)
    assert sorted(found(inventory)) == sorted(
        [
            ("list", f"{folder / 'meta.csv'}, row 33".split("/")[-1]),
            ("two_labels", "1.wav"),
            ("missing", "0.wav"),
            ("empty", "2.wav"),
            ("unreadable", "3.wav"),
            ("empty", "4.wav"),
            ("silent", "5.wav"),
            ("clipped", "6.wav"),
            ("rate", "7.wav"),
            ("rate", "8.wav"),
            ("channels", "9.wav"),
            ("short", "ItW-10"),
            ("unlisted", "unlisted, 1.wav"),
        ]
    )
    assert inventory.unusable_files == 4
    assert "row 33: label 'genuine' is none of bona-fide, spoof" in inventory.obstacle
    assert "(and 1 more)" in inventory.obstacle
    page = tmp_path / "page.html"
    with pytest.raises(InputError, match=rf"2 corpora cannot be used \(see {page}\):\n  .*row 33"):
        refuse_unusable([inventory, inventory], page)


def test_corpora_that_can_be_used_are_not_refused(tmp_path: Path) -> None:
    refuse_unusable([], tmp_path / "page.html")


def test_bad_and_odd_files_are_found_each_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "f"
    reasons = write_bad_files(folder)
    for number in range(4):
        write_audio(tmp_path / "r" / f"{number}.wav", 0.5)
    for name in deadly.SIGNALS:
        write_audio(folder / f"{name}.wav", 0.5)
    antiphase_wav(folder / "antiphase.wav")
    chained_ogg(folder / "chained.ogg", "VORBIS")
    flac_stating(folder / "low.flac", 16_000)
    float_wav(folder / "unscaled.wav", 3e4)
    two_tracks(folder / "tracks.mka", levels=(0.0, 0.5))
    monkeypatch.setattr("sdd.data.inventory.file_facts.examine_file", deadly.examined)
    inventory = stock(tmp_path, "folders", real="$ROOT/r", fake="$ROOT/f", corpus="own")
    bad = {Path(f.what).name: f.detail for f in inventory.findings if f.effect == "unreadable"}
    assert set(bad) == {*reasons, "deadly-segv.wav", "deadly-kill.wav"}
    assert all(reason in bad[name] for name, reason in reasons.items())
    assert "died of SIGSEGV" in bad["deadly-segv.wav"]
    notes = {Path(f.what).name: f.kind for f in inventory.findings if f.effect == "note"}
    assert notes == {
        "antiphase.wav": "channels",
        "chained.ogg": "chained",
        "low.flac": "length",
        "unscaled.wav": "scaled",
        "tracks.mka": "track",
    }
    assert ("cancelled", "antiphase.wav") in found(inventory)
    assert sum(count.found for count in inventory.counts) == 9
    # Who died is examined again: memory may suffice another time.
    monkeypatch.setattr("sdd.data.inventory.file_facts.examine_file", examine_file)
    again = stock(tmp_path, "folders", real="$ROOT/r", fake="$ROOT/f", corpus="own")
    assert again.unusable_files == len(reasons)


def test_windows_that_end_beyond_their_recording(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", 0.5)
    table = tmp_path / "own.csv"
    rows = ("a,real,a.wav,0,9599", "b,fake,a.wav,0,8000", "c,fake,a.wav,4000,99999999")
    table.write_text("\n".join(["ID,Label,Path,Start,End", *rows]) + "\n")
    inventory = stock(tmp_path, "csv", path=table)
    assert found(inventory) == [("window_end", "c")]  # 0.1 s is what lengths may be off by
    assert "6249.50 s beyond the end of" in inventory.findings[-1].detail
    assert inventory.obstacle == ""


def test_how_many_files_may_be_unusable(tmp_path: Path) -> None:
    write_in_the_wild(tmp_path, count=1)
    message = "1 of 2 files are missing or cannot be decoded, 0 may be (unreadable_sources)"
    assert stock(tmp_path).obstacle == message
    assert stock(tmp_path, allowed=1).obstacle == ""
    (tmp_path / "In-the-Wild/release_in_the_wild/0.wav").unlink()
    assert stock(tmp_path, allowed=9).obstacle.startswith("2 of 2 files are missing")


def test_a_corpus_that_is_not_there(tmp_path: Path) -> None:
    inventory = stock(tmp_path)
    assert [finding.kind for finding in inventory.findings] == ["list"]
    assert "meta.csv is missing" in inventory.obstacle
    assert "Get the corpus from https://" in inventory.obstacle
    missing = stock(tmp_path, "fake_or_real")
    assert [finding.kind for finding in missing.findings] == ["list"] * 6


def test_windows_beyond_their_recording(tmp_path: Path) -> None:
    log = write_deep_voice(tmp_path) / "DeepVoice_seg_log.txt"
    log.write_text(log.read_text() + "Audio: musk-original_seg_2, start at: 48000, end at: 50000\n")
    inventory = stock(tmp_path, "deep_voice")
    assert found(inventory) == [("window", "DeepVoice-VC_musk-original_seg_2")]
    assert "begins at sample 48000, but" in inventory.obstacle
    by_part = {count.part: count for count in inventory.counts}
    assert by_part["all"].listed == 4
    assert by_part["all"].published.count == 6_593
    assert by_part["fake"].hours * 3600 == pytest.approx(1.0 + 1.5)  # cut at the file's end


def test_labels_that_are_set_aside(tmp_path: Path) -> None:
    folder = tmp_path / "Deepfake-Eval-2024"
    for name in "abcd":
        write_audio(folder / "audio-data" / f"{name}.wav")
    (folder / "audio-metadata-publish.csv").write_text(
        "Filename,Ground Truth,Finetuning Set\na.wav,Real,Test\nb.wav,Fake,Train\n"
        "c.wav,Unknown,Test\nd.wav,Unknown,Train\n"
    )
    inventory = stock(tmp_path, "deepfake_eval_2024", partitions=["test"])
    assert [(f.kind, f.what, f.detail) for f in inventory.findings] == [
        ("set_aside", "Unknown", "2 files")
    ]
    assert inventory.obstacle == ""


def test_folders_and_csv(tmp_path: Path) -> None:
    write_audio(tmp_path / "r/x.wav")
    write_mp4(tmp_path / "f/y.dat")
    folders = stock(tmp_path, "folders", real="$ROOT/r", fake="$ROOT/f", corpus="own")
    assert found(folders) == []
    table = tmp_path / "own.csv"
    table.write_text("ID,Label,Path\na,real,r/x.wav\na,fake,f/y.dat\nb,fake,f/none.wav\n")
    assert ("duplicate", "a") in found(stock(tmp_path, "csv", path=table))
    assert ("missing", "none.wav") in found(stock(tmp_path, "csv", path=table))
    table.write_text("ID,Path\na,r/x.wav\n")
    assert "own.csv has no column Label" in stock(tmp_path, "csv", path=table).obstacle


def test_counts_that_differ_are_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_in_the_wild(tmp_path)
    published = (Published(1, None, "real", "somebody"), Published(7, None, "fake", "somebody"))
    release = in_the_wild.RELEASE.__class__("In-the-Wild", "x", "y", published)
    monkeypatch.setattr(in_the_wild, "RELEASE", release)
    inventory = stock(tmp_path)
    assert [(f.kind, f.what, f.effect) for f in inventory.findings] == [
        ("published", "fake", "note")
    ]
    assert inventory.findings[0].detail == ("1 utterances are listed, 7 are published (somebody)")
    assert inventory.obstacle == ""


# ------------------------------------------------------------------------------------ the table


def test_table(tmp_path: Path) -> None:
    folder = write_in_the_wild(tmp_path)
    for number in range(60):
        write_audio(folder / f"<b>{number:02d}\n.wav", 0.05)
    inventory = stock(tmp_path)
    write_table([inventory], tmp_path / "out/table.csv")
    with (tmp_path / "out/table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len([row for row in rows if row["kind"] == "unlisted"]) == 60
    assert {row["kind"] for row in rows} == {"count", "unlisted", "published"}
    assert rows[0] == {
        "corpus": "mine",
        "kind": "count",
        "effect": "",
        "what": "fake",
        "detail": "1 of 1 utterances, 0.00 h",
    }


def test_every_kind_is_explained() -> None:
    assert {kind.effect for kind in KINDS.values()} == {"fails", "unreadable", "note"}
    assert all(kind.title and kind.meaning.endswith(".") for kind in KINDS.values())
