"""Segments made anew: which, where, from what, and what is kept of a run before."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from sdd.data import remaking
from sdd.data.audio.conditions import Condition
from sdd.data.audio.mp3_segments import mp3_segments
from sdd.data.audio.prepared import read_segment
from sdd.data.cutting import cut_set
from sdd.data.preparation import prepare_corpus
from sdd.data.remaking import JOURNAL, Remaking, remake_segments
from sdd.errors import InputError
from tests.helpers.in_process import run_here
from tests.helpers.lines import speech

GAIN = Condition(gain=-12.0)
PART = {"corpus": "c", "partition": "test", "max_seconds": 1}


@dataclasses.dataclass
class Corpus:
    root: Path
    audio: Path
    table: pd.DataFrame
    prepared: pd.DataFrame

    def remake(self, *, condition=GAIN, as_mp3=False, place="c/conditions/s", table=None):
        return remake_segments(
            self.table if table is None else table,
            self.prepared,
            Remaking(condition, as_mp3, self.root, self.audio, place),
        )

    def sound(self, table, row):
        one = table.iloc[row]
        return read_segment(self.audio / one["file"], int(one["start"]), int(one["end"]))


@pytest.fixture
def corpus(tmp_path, monkeypatch) -> Corpus:
    monkeypatch.setattr(remaking, "run_expendable", run_here)
    monkeypatch.setattr("sdd.data.preparation.run_expendable", run_here)
    paths = ["$ROOT/one.mp3", "$ROOT/two.wav", "$ROOT/three.MP3"]
    for number, (path, rate) in enumerate(zip(paths, (44_100, 16_000, 16_000), strict=True)):
        name = tmp_path / path.removeprefix("$ROOT/")
        sound = speech()[number * 4_000 : 40_000]
        kind = "MP3" if path.lower().endswith("mp3") else "WAV"
        soundfile.write(name, sound, rate, format=kind)
    rows = prepare_corpus(paths, tmp_path, tmp_path / "audio", "c", workers=1)
    prepared = pd.DataFrame(rows)
    protocol = pd.DataFrame(
        {
            "ID": ["one", "two", "three"],
            "Label": ["real", "fake", "fake"],
            "Path": paths,
            "Proportion": ["test", "test", "test"],
            "Attack": "-",
            "Speaker": "-",
        }
    )
    table = cut_set(PART, protocol, prepared, min_seconds=0.025, audio_folder=tmp_path / "audio")
    # Segments of one file need not stand together, nor in the order of time.
    shuffled = table.iloc[np.random.default_rng(2).permutation(len(table))].reset_index(drop=True)
    return Corpus(tmp_path, tmp_path / "audio", shuffled, prepared)


def test_each_segment_is_what_the_condition_makes_of_it(corpus):
    condition = Condition(noise="white", snr=10.0, codec="mulaw")
    made, _ = corpus.remake(condition=condition)
    unchanged = [name for name in made.columns if name not in ("file", "start", "end")]
    pd.testing.assert_frame_equal(made[unchanged], corpus.table[unchanged])
    assert set(made["file"].str.rpartition("/")[0]) == {"c/conditions/s"}
    assert len(set(made["file"])) == 3
    for row in range(len(made)):
        sent = corpus.sound(corpus.table, row)
        expected, _ = condition.apply(sent, made["segment_id"][row])
        steps = np.clip(np.rint(expected * 32_768), -32_768, 32_767) / 32_768
        np.testing.assert_array_equal(corpus.sound(made, row), steps.astype(np.float32))


def test_mp3_segments_alone_are_encoded_again_before_the_condition(corpus):
    plain, _ = corpus.remake(condition=None, as_mp3=True, place="c/mp3/s")
    both, _ = corpus.remake(as_mp3=True, place="c/mp3/t")
    is_mp3 = corpus.table["path"].str.lower().str.endswith(".mp3")
    untouched = ~is_mp3
    assert 0 < untouched.sum() < len(untouched)
    pd.testing.assert_frame_equal(plain[untouched], corpus.table[untouched])
    assert (plain["file"][is_mp3] != corpus.table["file"][is_mp3]).all()
    for row in range(len(plain)):
        start, end = (int(corpus.table[name][row]) for name in ("start", "end"))
        sent = corpus.sound(corpus.table, row)
        if is_mp3[row]:
            source = corpus.root / corpus.table["path"][row].removeprefix("$ROOT/")
            (sent,) = mp3_segments(source, [(start, end)])
        for made, factor in ((plain, 1), (both, 10 ** (-12 / 20))):
            difference = corpus.sound(made, row) - np.clip(sent * factor, -1, 1)
            assert np.abs(difference).max() <= 0.5001 / 32_768 + 1e-7


def test_a_rate_that_mp3_does_not_have_is_left_as_it_is_and_said(corpus, caplog):
    corpus.prepared.loc[corpus.prepared["path"] == "$ROOT/three.MP3", "source_rate"] = 96_000
    made, _ = corpus.remake(condition=None, as_mp3=True, place="c/mp3/s")
    of_it = corpus.table["path"] == "$ROOT/three.MP3"
    pd.testing.assert_frame_equal(made[of_it], corpus.table[of_it])
    assert f"{of_it.sum()} segments of sources named .mp3 have rates" in caplog.text
    assert "96000" in caplog.text


def test_a_source_that_is_gone_is_named(corpus):
    (corpus.root / "one.mp3").unlink()
    with pytest.raises(InputError, match=r"one\.mp3 is missing.*put it back"):
        corpus.remake(as_mp3=True)
    corpus.remake()  # a condition needs the prepared audio alone


def test_what_is_done_is_kept_and_nothing_stale_is(corpus, monkeypatch):
    made, digest = corpus.remake()
    folder = corpus.audio / "c/conditions/s"
    (folder / "old.flac").touch()
    files = sorted(folder.glob("*.flac"))
    files.remove(folder / "old.flac")
    (corpus.audio / made["file"][0]).write_bytes(b"damaged")  # made again
    journal = (folder / JOURNAL).read_text()
    (folder / JOURNAL).write_text(journal + '["half')
    made_now = []
    remake = remaking.remake_file

    def noted(prepared, names, bounds, target, **options):
        made_now.append(target)
        return remake(prepared, names, bounds, target, **options)

    monkeypatch.setattr(remaking, "remake_file", noted)
    again, digest_again = corpus.remake()
    assert made_now == [corpus.audio / made["file"][0]]
    pd.testing.assert_frame_equal(again, made)
    assert digest_again == digest
    assert sorted(folder.glob("*.flac")) == files
    assert (folder / JOURNAL).read_text() == journal
    assert {json.loads(line)[1]["clipped"] for line in journal.splitlines()} == {0}


@pytest.mark.parametrize("change", ["condition", "bounds", "audio", "code"])
def test_what_it_is_made_of_makes_it_again(corpus, monkeypatch, change):
    made, digest = corpus.remake()
    table, condition = corpus.table, GAIN
    if change == "condition":
        condition = Condition(gain=-13.0)
    elif change == "bounds":
        table = table.assign(end=table["end"] - 1)
    elif change == "audio":
        corpus.prepared["sha256"] = "0" * 64
    else:
        monkeypatch.setattr(remaking, "module_digest", lambda _: "other code")
    seen = []
    remake = remaking.remake_file
    monkeypatch.setattr(
        remaking, "remake_file", lambda *a, **o: seen.append(a[3]) or remake(*a, **o)
    )
    _, digest_again = corpus.remake(table=table, condition=condition)
    assert len(seen) == made["file"].nunique()
    assert (digest_again == digest) == (change in ("audio", "code"))


def test_in_worker_processes_it_is_the_same(corpus, monkeypatch):
    condition = Condition(codec="opus", bitrate=16_000)
    here, digest = corpus.remake(condition=condition)
    monkeypatch.undo()
    remaking_there = Remaking(condition, False, corpus.root, corpus.audio, "c/conditions/t")
    there, digest_there = remake_segments(corpus.table, corpus.prepared, remaking_there, workers=2)
    for row in range(len(here)):
        np.testing.assert_array_equal(corpus.sound(here, row), corpus.sound(there, row))
    assert digest != digest_there  # files of other names
