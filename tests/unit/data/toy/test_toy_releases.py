"""Toy corpora in the trees of the released ones, as the corpus readers must find them."""

import csv
import hashlib
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from sdd.data.corpora import READERS, read_corpus
from sdd.data.toy.domains import DOMAINS, spread, utterances
from sdd.data.toy.encoding import write_audio
from sdd.data.toy.fakes import FAMILIES
from sdd.data.toy.frames import rms
from sdd.data.toy.releases import CORPORA, write_corpus, write_toy_corpora
from sdd.errors import InputError

# Domains


def test_durations_are_spread_between_their_limits():
    durations = spread(50, 2.0, 8.0)
    assert min(durations) >= 2
    assert max(durations) <= 8
    assert np.exp(np.mean(np.log(durations))) == pytest.approx(4, rel=0.01)
    assert np.mean(spread(50, 2.0, 8.0, power=2)) < np.mean(durations)


def test_an_utterance_does_not_depend_on_the_others():
    domain = DOMAINS["add2023"]
    few = list(utterances(domain, [0.5, 0.6], 1))
    more = list(utterances(domain, [0.7, 0.6, 0.5], 1))
    assert [u.label for u in few] == ["real", "fake"] * 2
    np.testing.assert_array_equal(few[2].wave(), more[2].wave())
    assert few[0].family == "-"
    assert few[1].family == domain.families[0]


def test_domains_have_their_own_numbers_and_known_families():
    assert len({domain.number for domain in DOMAINS.values()}) == len(DOMAINS)
    for domain in DOMAINS.values():
        assert set(domain.families) <= set(FAMILIES)
    in_domain = set(DOMAINS["deepfake_eval_test"].families)
    assert in_domain - set(DOMAINS["toy_posttraining"].families)
    assert len(DOMAINS["toy_posttraining"].families) >= 4


# Releases


@pytest.fixture(scope="module")
def root(shared_folder) -> Path:
    def write(folder):
        write_toy_corpora(folder, seed=1, scale=0.1)

    return shared_folder("toy", write)


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_equal_seeds_give_equal_files_and_corpora_are_independent(root, tmp_path):
    for name in ("in_the_wild", "fake_or_real"):
        write_corpus(name, tmp_path, seed=1, scale=0.1)
    together = digests(root)
    for path, digest in digests(tmp_path).items():
        assert together[path] == digest, path


def test_compressed_formats_are_reproducible_too(tmp_path):
    speech = 0.1 * np.random.default_rng(0).standard_normal(20_000)
    for suffix in ("mp3", "m4a", "mp4", "dat"):
        one, two = tmp_path / f"one.{suffix}", tmp_path / f"two.{suffix}"
        write_audio(one, speech, 44_100, 2)
        write_audio(two, speech, 44_100, 2)
        assert one.read_bytes() == two.read_bytes()


def test_another_seed_gives_other_audio(root, tmp_path):
    write_corpus("add2023", tmp_path, seed=2, scale=0.1)
    other, first = digests(tmp_path), digests(root)
    assert all(first[path] != digest for path, digest in other.items())


def test_scale_multiplies_the_numbers_but_leaves_four_of_a_label(root, tmp_path):
    assert len(names(root / "ADD2023/Track1.2/testR2/wav")) == 8
    assert len(names(root / "ToyPosttraining/real")) == 8
    write_corpus("add2023", tmp_path, seed=1, scale=0.25)
    assert len(names(tmp_path / "ADD2023/Track1.2/testR2/wav")) == 20


def test_deepfake_eval_metadata_and_files_agree(root):
    folder = root / "Deepfake-Eval-2024"
    with (folder / "audio-metadata-publish.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["Filename"] for row in rows} == names(folder / "audio-data")
    assert len(rows) == len({row["Filename"] for row in rows})
    for part, of_a_label in (("Train", 4), ("Test", 5)):
        labels = [row["Ground Truth"] for row in rows if row["Finetuning Set"] == part]
        assert labels.count("Real") == labels.count("Fake") == of_a_label
        assert labels.count("Unknown") == 1
    suffixes = {Path(row["Filename"]).suffix for row in rows}
    assert {".mp3", ".m4a", ".mp4", ".dat"} <= suffixes


def test_deepfake_eval_has_long_sources_of_both_labels(root):
    folder = root / "Deepfake-Eval-2024"
    with (folder / "audio-metadata-publish.csv").open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["Finetuning Set"] == "Test"]
    durations: dict[str, list[float]] = {"Real": [], "Fake": [], "Unknown": []}
    for row in rows:
        with av.open(str(folder / "audio-data" / row["Filename"])) as container:
            seconds = sum(f.samples / f.sample_rate for f in container.decode(audio=0))
        durations[row["Ground Truth"]].append(seconds)
    for label in ("Real", "Fake"):
        assert sorted(durations[label])[-1] > 50
        assert 30 < sorted(durations[label])[-2] < 50
    assert np.mean(durations["Real"]) == pytest.approx(np.mean(durations["Fake"]), rel=0.05)


def test_add2023_labels_and_files_agree(root):
    folder = root / "ADD2023/Track1.2/testR2"
    rows = [line.split() for line in (folder / "label.txt").read_text().splitlines()]
    assert {name for name, _ in rows} == names(folder / "wav")
    assert [label for _, label in rows].count("genuine") == len(rows) / 2
    assert {label for _, label in rows} == {"genuine", "fake"}


def test_fake_or_real_has_all_folders_and_a_stem_twice(root):
    folder = root / "FakeOrReal/for-original"
    for part in ("training", "validation", "testing"):
        for label in ("real", "fake"):
            files = names(folder / part / label)
            assert len(files) == 4
            assert {Path(name).suffix for name in files} == {".wav", ".mp3"}
    assert {"file1.wav", "file1.mp3"} <= names(folder / "testing/real")
    assert {"file1.wav", "file1.mp3"} <= names(folder / "testing/fake")


def test_deep_voice_segments_overlap_and_end_with_their_recording(root):
    folder = root / "DeepVoice"
    segments: dict[str, list[tuple[int, int]]] = {}
    for line in (folder / "DeepVoice_seg_log.txt").read_text().splitlines():
        audio, start, end = line.split(", ")
        stem, number = audio.removeprefix("Audio: ").rsplit("_seg_", 1)
        windows = segments.setdefault(stem, [])
        assert int(number) == len(windows) + 1
        windows.append((int(start.removeprefix("start at: ")), int(end.removeprefix("end at: "))))
    files = {path.stem: path for path in folder.glob("KAGGLE/AUDIO/*/*.wav")}
    assert set(files) == set(segments)
    for stem, path in files.items():
        assert path.parent.name == ("FAKE" if "-to-" in stem else "REAL")
        info = soundfile.info(path)
        assert segments[stem][-1][1] == info.frames
        for (start, end), (following, _) in pairwise(segments[stem]):
            assert start < following < end
        assert segments[stem][0] == (0, 4 * info.samplerate)


def test_in_the_wild_metadata_and_files_agree(root):
    folder = root / "In-the-Wild/release_in_the_wild"
    with (folder / "meta.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["file"] for row in rows} == names(folder) - {"meta.csv"}
    assert [row["label"] for row in rows].count("bona-fide") == len(rows) / 2
    assert all(row["speaker"] for row in rows)


@pytest.mark.parametrize(
    ("part", "protocol"), [("train", "train.trn"), ("dev", "dev.trl"), ("eval", "eval.trl")]
)
def test_asvspoof_protocols_and_files_agree(root, part, protocol):
    folder = root / "ASVspoof2019-LA/LA"
    path = folder / f"ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.{protocol}.txt"
    rows = [line.split(" ") for line in path.read_text().splitlines()]
    assert {f"{row[1]}.flac" for row in rows} == names(folder / f"ASVspoof2019_LA_{part}/flac")
    for _speaker, _name, dash, attack, key in rows:
        assert dash == "-"
        assert (attack == "-") == (key == "bonafide")
    assert [row[4] for row in rows].count("spoof") == len(rows) / 2


def test_labels_of_a_corpus_share_level_length_and_rate(root):
    for real, fake in (
        (root / "ToyPosttraining/real", root / "ToyPosttraining/fake"),
        (
            root / "FakeOrReal/for-original/testing/real",
            root / "FakeOrReal/for-original/testing/fake",
        ),
        (root / "DeepVoice/KAGGLE/AUDIO/REAL", root / "DeepVoice/KAGGLE/AUDIO/FAKE"),
    ):
        measured = []
        for folder in (real, fake):
            audio = [soundfile.read(path) for path in sorted(folder.iterdir())]
            levels = [20 * np.log10(rms(wave)) for wave, _ in audio]
            seconds = [wave.size / rate for wave, rate in audio]
            measured.append((np.mean(levels), np.mean(seconds), sorted(rate for _, rate in audio)))
        assert measured[0][0] == pytest.approx(measured[1][0], abs=1.5)
        assert measured[0][1] == pytest.approx(measured[1][1], rel=0.05)
        assert measured[0][2] == measured[1][2]


def test_existing_files_are_replaced_and_others_left(tmp_path):
    label = tmp_path / "ADD2023/Track1.2/testR2/label.txt"
    label.parent.mkdir(parents=True)
    label.write_text("old")
    (label.parent / "mine.txt").write_text("mine")
    write_corpus("add2023", tmp_path, seed=1, scale=0.1)
    assert "genuine" in label.read_text()
    assert (label.parent / "mine.txt").read_text() == "mine"
    assert names(label.parent) == {"label.txt", "mine.txt", "wav"}


def test_progress_is_logged(tmp_path, caplog):
    with caplog.at_level("INFO", logger="sdd.data.toy"):
        write_corpus("in_the_wild", tmp_path, seed=1, scale=0.1)
    assert "Toy corpus in_the_wild written" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "librispeech"}, "no toy corpus called 'librispeech'; known: deepfake_eval_2024"),
        ({"seed": -1}, "seed is -1: give a whole number"),
        ({"seed": 1.5}, "seed is 1.5: give a whole number"),
        ({"scale": 0}, "scale is 0: give a number above 0"),
        ({"scale": float("nan")}, "scale is nan"),
        ({"scale": "big"}, "scale is 'big'"),
    ],
)
def test_bad_arguments_are_refused(tmp_path, arguments, message):
    given = {"name": "add2023", "root": tmp_path, "seed": 1, **arguments}
    with pytest.raises(InputError, match=message):
        write_corpus(given.pop("name"), given.pop("root"), **given)
    assert not list(tmp_path.iterdir())


def test_a_root_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file is not a folder"):
        write_toy_corpora(tmp_path / "file", seed=1)


def test_unknown_audio_formats_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"not as \.ogg"):
        write_audio(tmp_path / "a.ogg", np.zeros(1600))


def test_names_are_those_of_the_readers():
    assert set(CORPORA) - {"toy_posttraining"} <= set(READERS)


def test_readers_read_every_corpus(root):
    for name in set(CORPORA) - {"toy_posttraining"}:
        labels = list(read_corpus(name, root)["Label"])
        assert labels.count("real") >= 4
        assert labels.count("fake") >= 4
