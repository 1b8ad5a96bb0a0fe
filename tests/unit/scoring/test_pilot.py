"""A pilot of scoring: a sample of each set, scored as a job scores it."""

import math
import signal

import numpy as np
import pandas as pd
import pytest

from sdd.data.segments import COLUMNS, Segments, write_segments
from sdd.detector import save_detector
from sdd.detector.inference import BatchPredictions
from sdd.errors import InputError
from sdd.experiment.pilot import MACHINE_COLUMNS
from sdd.runtime.machine import Machine
from sdd.runtime.stopping import STOPPED
from sdd.scoring import pilot
from sdd.scoring.pilot import Sample, TimedScores, draw_sample, pilot_scoring
from sdd.scoring.score_tables import read_scores
from sdd.scoring.set_scoring import ScoringSettings, SetFiles, score_sets
from tests.conftest import TINY

SETTINGS = ScoringSettings(TINY, [], 2.0, "fp32")
ALONE = Machine(device="cpu")


def table(real, fake, seconds=4.0):
    """Segments of a set, real ones first."""
    count = real + fake
    text = [str(number) for number in range(count)]
    columns = {name: text for name in COLUMNS if name not in ("label", "start", "end")}
    return Segments(
        **columns,
        label=["real"] * real + ["fake"] * fake,
        start=np.zeros(count, dtype=np.int64),
        end=np.full(count, round(16_000 * seconds), dtype=np.int64),
    )


@pytest.mark.parametrize(
    ("real", "fake", "segments", "minutes", "expected"),
    [
        (500, 900, 200, 60, (100, 100)),
        (30, 900, 200, 60, (30, 100)),  # there are no more
        (500, 900, 200, 4, (30, 30)),  # two minutes of each, of 4 s each
        (500, 900, 200, 0.1, (10, 10)),  # fewer would say nothing
    ],
)
def test_a_sample_is_half_real_and_within_its_minutes(real, fake, segments, minutes, expected):
    drawn = draw_sample(table(real, fake), Sample(segments, minutes, seed=1))
    assert (drawn.is_real.sum(), (~drawn.is_real).sum()) == expected
    assert len(set(drawn.segment_id)) == len(drawn)


def test_a_sample_is_drawn_at_random_from_the_seed():
    every = table(400, 400)
    one, again, other = (draw_sample(every, Sample(200, 60, seed)) for seed in (1, 1, 2))
    assert one.segment_id == again.segment_id
    assert one.segment_id != other.segment_id
    # From the whole set: 200 of 800 have their middle near the set's.
    places = np.array([int(name) for name in one.segment_id])
    assert 100 < places[places < 400].mean() < 300
    assert 500 < places[places >= 400].mean() < 700


def test_time_counts_from_the_end_of_the_first_batch(tmp_path):
    """Data-loading processes start before it."""
    times = iter([50.0, 51.0, 54.0])
    timed = TimedScores(tmp_path / "set", lambda: next(times))
    durations = np.array([5.0, 4.0, 3.0, 2.0])
    for rows in ([0], [1, 2], [3]):
        timed.add(BatchPredictions(np.array(rows), np.zeros((len(rows), 2)), None))
    assert timed.timed(durations) == (pytest.approx(9.0), pytest.approx(4.0))
    assert not (tmp_path / "set").exists()


def test_one_batch_is_too_little_to_tell(tmp_path):
    timed = TimedScores(tmp_path / "set")
    timed.add(BatchPredictions(np.array([0]), np.zeros((1, 2)), None))
    audio, seconds = timed.timed(np.array([5.0]))
    assert audio == 5.0
    assert math.isnan(seconds)


@pytest.fixture
def of_set(tones, tmp_path, tiny_detector):
    segments, folder = tones
    model, path = tmp_path / "model.safetensors", tmp_path / "tones.parquet"
    save_detector(tiny_detector, model, {})
    write_segments(pd.DataFrame({name: getattr(segments, name) for name in COLUMNS}), path)
    return model, path, folder


def test_scores_are_those_of_a_job(of_set, tones, tmp_path):
    model, path, folder = of_set
    whole, sampled = tmp_path / "whole.parquet", tmp_path / "sampled/tones.parquet"
    score_sets(
        model,
        SETTINGS,
        [SetFiles(path, whole)],
        audio_folder=folder,
        state=tmp_path / "state",
        code="",
        machine=ALONE,
    )
    [row] = pilot_scoring(
        model,
        SETTINGS,
        [SetFiles(path, sampled)],
        Sample(20, 60.0, seed=1),
        audio_folder=folder,
        machine=ALONE,
    )
    expected, found = read_scores(whole), read_scores(sampled)
    places = [expected.segment_id.index(name) for name in found.segment_id]
    assert len(places) == 20
    np.testing.assert_allclose(found.logits, expected.logits[places], atol=1e-6)
    np.testing.assert_array_equal(found.real, expected.real[places])
    assert set(row) == {"name", *MACHINE_COLUMNS, "n_real", "n_fake"}
    assert (row["n_real"], row["n_fake"]) == (10, 10)
    assert (row["name"], row["segments"], row["passes"], row["device"]) == ("tones", 20, 1, "cpu")
    # Batches of two seconds; the first, of the longest, is not in the time.
    durations = sorted(tones[0].durations[places])
    assert row["audio_seconds"] == pytest.approx(sum(durations[:-2]))
    assert row["speed"] == pytest.approx(row["audio_seconds"] / row["seconds"])
    kept = {"model.safetensors", "tones.parquet", "whole.parquet", "sampled"}
    assert {entry.name for entry in tmp_path.iterdir()} == kept


def test_too_few_of_a_class_are_refused_ahead(of_set, tones, tmp_path):
    model, path, folder = of_set
    few = tones[0].select([*range(0, 24, 2), 1, 3])
    write_segments(pd.DataFrame({name: getattr(few, name) for name in COLUMNS}), path)
    with pytest.raises(InputError, match="2 fake segments"):
        pilot_scoring(
            model,
            SETTINGS,
            [SetFiles(path, tmp_path / "scores.parquet")],
            Sample(20, 60.0, seed=1),
            audio_folder=folder,
            machine=ALONE,
        )


def test_a_signal_ends_it_and_leaves_nothing(of_set, tmp_path, monkeypatch):
    model, path, folder = of_set
    add = TimedScores.add

    def signalled(timed, predictions):
        signal.raise_signal(signal.SIGTERM)
        return add(timed, predictions)

    monkeypatch.setattr(pilot.TimedScores, "add", signalled)
    with pytest.raises(SystemExit) as left:
        pilot_scoring(
            model,
            SETTINGS,
            [SetFiles(path, tmp_path / "scores.parquet")],
            Sample(20, 60.0, seed=1),
            audio_folder=folder,
            machine=ALONE,
        )
    assert left.value.code == STOPPED
    assert {entry.name for entry in tmp_path.iterdir()} == {"model.safetensors", "tones.parquet"}
