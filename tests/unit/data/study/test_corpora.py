"""Corpora of the study: roles, partitions, sources, and that they come out the same."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sdd.data.corpora.own import read_csv
from sdd.data.study import clips, corpora, engines, voices
from sdd.data.study.clips import LONGEST, SHORTEST, cut_clip, fake_clip, generator_of, real_clip
from sdd.data.study.corpora import write_corpus
from sdd.data.study.roles import ROLES, Role
from sdd.data.study.vocoders import VOCODERS
from sdd.errors import InputError
from tests.helpers.study_speech import RATE, recordings, speak

ENGINES = ("quantised_phase", "noise_substitution")
ROLE = Role(lambda _: recordings(18), {"train": 6, "test": 4}, ENGINES)
NONE: dict[str, Path] = {}


@pytest.fixture(scope="module", autouse=True)
def role():
    """A corpus `made` of engines that every installation has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpora, "ROLES", {"made": ROLE})
        yield


def write(root, *, scale=1.0, workers=1, made_of="this", seed=7):
    root.mkdir(exist_ok=True)
    return write_corpus(
        "made", root, NONE, made_of=made_of, seed=seed, scale=scale, workers=workers
    )


def contents(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def rows(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def made(role, tmp_path_factory):
    """One for all who only look at it."""
    return write(tmp_path_factory.mktemp("made") / "data")


@pytest.fixture
def own(made, tmp_path):
    """A copy, to be changed."""
    shutil.copytree(made.parent, tmp_path / "own")
    return tmp_path / "own" / made.name


def test_a_corpus_can_be_read_and_its_fakes_share_sources(made):
    table = read_csv(made.parent, path=made)
    assert len(table) == len(set(table["ID"])) == 20
    real, fake = (table[table["Label"] == label] for label in ("real", "fake"))
    assert list(real["Source"]) == list(fake["Source"])
    assert real["Source"].is_unique
    assert list(real["Proportion"]) == list(fake["Proportion"]) == ["train"] * 6 + ["test"] * 4
    assert list(fake["Attack"]) == [*ENGINES] * 5
    assert set(real["Attack"]) == {"-"}
    assert list(real["Duration"]) == list(fake["Duration"])
    assert real["Duration"].between(SHORTEST, LONGEST).all()


def test_dialogues_are_in_one_partition(made):
    number = {row["ID"]: int(row["Source"][-2:]) for row in rows(made)}
    groups = {
        part: {number[row["ID"]] % 3 for row in rows(made) if row["Proportion"] == part}
        for part in ("train", "test")
    }
    assert not groups["train"] & groups["test"]
    assert len(groups["train"]) == 2
    assert all(value % 4 != 3 for value in number.values())  # too short


def test_the_same_bytes_in_other_processes_and_after_an_interruption(made, own):
    # Killed: the journal ends within a line, and files are there that it lacks, and the other way.
    journal = own.parent / "made/made.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:-4]) + lines[-4][:9] + "\n")
    own.unlink()
    for path in list((own.parent / "made/real").iterdir())[:4]:
        path.unlink()
    (own.parent / "made/fake/.line-00.0123.flac").touch()
    write(own.parent, workers=2)
    whole, found = contents(made.parent), contents(own.parent)
    name = Path("made/made.jsonl")
    assert whole.pop(name) != found.pop(name)
    assert found == whole


def test_what_is_there_is_kept_and_a_smaller_scale_is_part_of_a_larger(made, own, monkeypatch):
    monkeypatch.setattr(corpora, "_make", lambda _: pytest.fail("made again"))
    before = rows(made)
    write(own.parent)
    assert rows(own) == before
    write(own.parent, scale=0.7)
    smaller = rows(own)
    assert len(smaller) == 16
    assert all(row in before for row in smaller)


def test_what_is_made_of_something_else_is_made_anew(made, own):
    odd = own.parent / "made/fake/odd.flac"
    odd.touch()
    write(own.parent)
    assert odd.exists()
    write(own.parent, made_of="other code", scale=0.1)
    assert not odd.exists()
    before, after = contents(made.parent), contents(own.parent)
    flacs = {name for name in after if name.suffix == ".flac"}
    assert flacs < set(before)
    assert all(after[name] == before[name] for name in flacs)


def test_another_seed_is_another_corpus(made, own):
    write(own.parent, seed=8, scale=0.1)
    before, after = contents(made.parent), contents(own.parent)
    shared = {name for name in after if name.suffix == ".flac" and name in before}
    assert all(after[name] != before[name] for name in shared)


def test_labels_are_alike_in_what_is_trivial(made):
    levels = {"real": [], "fake": []}
    for row in rows(made):
        wave, rate = soundfile.read(made.parent / row["Path"])
        assert rate == RATE
        levels[row["Label"]].append(20 * np.log10(np.std(wave)))
    for values in levels.values():
        assert -30.2 < min(values) < max(values) < -19.8
    assert not np.allclose(levels["real"], levels["fake"])


def test_engines_that_read_say_enough_at_the_same_place(monkeypatch):
    monkeypatch.setattr(clips, "VOICES", {"reader": speak})
    (one,) = recordings(1, seconds=3.0)
    texts = ["Ten letters"] * 8
    wave, speaker = fake_clip(one, "reader", texts, NONE, 3)
    clip = cut_clip(one, 3)
    assert wave.size == clip.wave.size
    assert speaker == "reader-en"
    with pytest.raises(InputError, match="reader says too little in 'en': 1 texts last less"):
        fake_clip(one, "reader", texts[:1], NONE, 3)


def test_recordings_without_speech_give_no_clip():
    short = recordings(4)[3]
    assert cut_clip(short, 0) is None
    assert real_clip(short, 0) is None
    with pytest.raises(InputError, match="line-03 holds too little speech"):
        fake_clip(short, ENGINES[0], (), NONE, 0)


def test_generators_depend_on_names_alone():
    assert generator_of(1, "a").random() == generator_of(1, "a").random()
    drawn = {generator_of(seed, name).random() for seed in (1, 2) for name in ("a", "b")}
    assert len(drawn) == 4


def test_arguments_that_cannot_be_used(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="no corpus 'odd'; known: made"):
        write_corpus("odd", tmp_path, NONE, made_of="", seed=0)
    with pytest.raises(InputError, match="scale is 0"):
        write(tmp_path, scale=0)
    monkeypatch.setattr(corpora, "ROLES", {"made": Role(lambda _: [], {"test": 5}, ENGINES)})
    with pytest.raises(InputError, match="made has 0 recordings with enough speech for test"):
        write(tmp_path)


def test_an_engine_that_is_not_installed_is_named_before_the_work(tmp_path, monkeypatch):
    role = Role(lambda _: pytest.fail("too late"), {"test": 5}, ("odd",))
    monkeypatch.setattr(corpora, "ROLES", {"made": role})
    monkeypatch.setattr(engines, "MODULES", {"odd": ("no_such_module",)})
    with pytest.raises(InputError, match=r"the engine odd needs no_such_module.*--group study"):
        write(tmp_path)


def test_roles_have_engines_that_there_are():
    for role in ROLES.values():
        assert set(role.engines) <= {*VOCODERS, *voices.VOICES}
    assert set(engines.MODULES) <= {*VOCODERS, *voices.VOICES}
    trained_on = {*ROLES["fillets"].engines, *ROLES["queen"].engines}
    assert not trained_on & set(ROLES["neural"].engines)
