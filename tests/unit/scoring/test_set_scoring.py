import dataclasses
import os
import re
import shutil
import signal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from sdd.data.batch_loading import load_batches
from sdd.data.batching import length_sorted_batches
from sdd.data.dataset import SegmentDataset
from sdd.data.segments import COLUMNS, read_segments
from sdd.detector import inference, save_detector
from sdd.detector.inference import forward, predict, predict_batches, prepare_batch
from sdd.errors import InputError
from sdd.runtime.machine import Machine
from sdd.runtime.stopping import SIGNALS, STOPPED
from sdd.scoring import partial_scores, set_scoring
from sdd.scoring.set_scoring import ScoringSettings, SetFiles, score_sets
from tests.conftest import TINY
from tests.helpers.processes import begin_session, run_to_the_end, signal_session_at


def score_alone(detector, segments, folder):
    logits = []
    for index in range(len(segments)):
        batch = next(load_batches(SegmentDataset.of(segments, folder), [[index]], epoch=0))
        logits.append(detector(batch.waveforms)[0].detach().numpy())
    return np.array(logits)


def test_a_masked_batch_gives_what_each_segment_gives_alone(tones, tiny_detector):
    segments, folder = tones
    batches = length_sorted_batches(segments.durations, 5.0)
    assert max(map(len, batches)) > 5

    def loaded():
        return load_batches(SegmentDataset.of(segments, folder), batches, epoch=0)

    found = list(predict_batches(tiny_detector, loaded(), precision="fp32", embeddings=True))
    assert [batch.rows.tolist() for batch in found] == batches
    alone = score_alone(tiny_detector, segments, folder)
    rows = np.concatenate(batches)
    np.testing.assert_allclose(
        np.concatenate([batch.logits for batch in found]), alone[rows], atol=1e-5
    )
    weight, bias = tiny_detector.proj_fc.weight, tiny_detector.proj_fc.bias
    embeddings = np.concatenate([batch.embeddings for batch in found])
    again = embeddings @ weight.detach().numpy().T + bias.detach().numpy()
    np.testing.assert_allclose(again, alone[rows], atol=1e-5)
    logits = predict(tiny_detector, loaded(), count=24, precision="fp32")
    np.testing.assert_array_equal(logits[rows], np.concatenate([b.logits for b in found]))


def test_pooled_padding_is_as_released(tones, tiny_detector):
    """Each waveform is normalised over its own length, then zeros are pooled with the rest."""
    segments, folder = tones
    tiny_detector.eval()
    batch = next(load_batches(SegmentDataset.of(segments, folder), [[0, 20]], epoch=0))
    pooled, masked = (
        forward(tiny_detector, prepare_batch(tiny_detector, batch, masked=value), precision="fp32")[
            1
        ]
        for value in (False, True)
    )
    expected = torch.zeros_like(batch.waveforms)
    for row, length in enumerate(batch.lengths.tolist()):
        own = batch.waveforms[row, :length]
        expected[row, :length] = (own - own.mean()) / (own.var(correction=0) + 1e-5).sqrt()
    torch.testing.assert_close(
        pooled, tiny_detector(expected, normalise=False), rtol=1e-4, atol=1e-5
    )
    assert (pooled[0] - masked[0]).abs().max() > 1e-3  # the shorter one is padded
    torch.testing.assert_close(pooled[1], masked[1], rtol=1e-4, atol=1e-5)


def write_table(segments, path):
    import pyarrow as pa

    pq.write_table(pa.table({name: getattr(segments, name) for name in COLUMNS}), path)
    return path


@pytest.fixture
def job(tones, tiny_detector, tmp_path):
    """Arguments of a scoring job of two sets."""
    segments, folder = tones
    model = tmp_path / "model.safetensors"
    save_detector(tiny_detector, model)
    tables = [write_table(segments, tmp_path / "one.parquet")]
    tables.append(write_table(segments.select([5, 2, 9]), tmp_path / "two.parquet"))
    return {
        "model": model,
        "settings": ScoringSettings(
            architecture=TINY, skip_suffixes=[], batch_seconds=3.0, precision="fp32"
        ),
        "sets": [
            SetFiles(
                table,
                scores=tmp_path / "cell/scores" / table.name,
                embeddings=tmp_path / "cell/embeddings" / table.name,
            )
            for table in tables
        ],
        "audio_folder": folder,
        "state": tmp_path / "cell/state/scores",
        "code": "of the test",
        "machine": Machine(device="cpu", save_minutes=0.0),
    }


def changed(job, **changes):
    """The job with other settings."""
    return {**job, "settings": dataclasses.replace(job["settings"], **changes)}


def test_scores_are_written_in_the_order_of_the_segments(job, tones, tiny_detector):
    segments, folder = tones
    score_sets(**job)
    alone = score_alone(tiny_detector.eval(), segments, folder)
    for files, rows in zip(job["sets"], (range(24), [5, 2, 9]), strict=True):
        scores = pq.read_table(files.scores).to_pydict()
        assert scores["segment_id"] == [segments.segment_id[row] for row in rows]
        assert scores["label"] == [segments.label[row] for row in rows]
        np.testing.assert_allclose(scores["logit_fake"], alone[list(rows), 0], atol=1e-5)
        np.testing.assert_allclose(scores["logit_real"], alone[list(rows), 1], atol=1e-5)
    fake = pq.read_table(job["sets"][1].embeddings).to_pydict()
    assert fake["segment_id"] == ["tone-5", "tone-9"]
    assert not (job["state"].parent).exists()


def test_set_that_the_recipe_skips_whole(job):
    with pytest.raises(InputError, match=r"one\.parquet: all its sources are of the kinds \.wav"):
        score_sets(**changed(job, skip_suffixes=[".wav"]))
    assert not job["sets"][0].scores.exists()


# ------------------------------------------------------------------------------------ being killed
def written(job):
    return [
        path.read_bytes()
        for path in [files.scores for files in job["sets"]]
        + [files.embeddings for files in job["sets"]]
    ]


def score_and_be_signalled(arguments, batch, in_a_save, by):
    """In a process: score, and signal all of its session at a batch, or halfway of a save."""
    begin_session()

    def cut_off(path, **_):
        Path(path).write_bytes(b"half")
        os.killpg(0, by)

    signal_session_at(inference, "forward", batch, by)
    if in_a_save:
        partial_scores.np.savez = cut_off
    score_sets(**arguments)


def kill(job, *, batches=0, in_a_save=False, by=signal.SIGKILL):
    """Score until so many batches have begun, or to the first save."""
    ended = run_to_the_end(score_and_be_signalled, job, batches, in_a_save, by)
    assert ended == (-by if by == signal.SIGKILL else STOPPED)


def test_killed_again_and_again_it_ends_in_the_same_bytes(job, caplog):
    score_sets(**job)
    expected = written(job)
    batches = len(length_sorted_batches(read_segments(job["sets"][0].table).durations, 3.0))
    assert batches > 3
    shutil.rmtree(job["state"].parents[1])
    for begun in (1, 2, 2):  # saved: none, one, two batches
        kill(job, batches=begun)
    assert len(list(job["state"].rglob("part-*.npz"))) == 2
    # As Snakemake does after a job that failed.
    shutil.rmtree(job["sets"][0].scores.parent, ignore_errors=True)
    shutil.rmtree(job["sets"][0].embeddings.parent, ignore_errors=True)
    caplog.set_level("INFO")
    score_sets(**job)
    assert written(job) == expected
    assert "is scored already" in caplog.text
    assert not job["state"].exists()


@pytest.mark.parametrize("by", SIGNALS)
def test_asked_to_stop_it_saves_itself_first(job, monkeypatch, by):
    whole = scored_batches(job, monkeypatch)
    expected = written(job)
    job["machine"] = Machine(device="cpu", save_minutes=60.0, workers=2)
    kill(job, batches=2, by=by)
    assert [part.stem for part in job["state"].rglob("part-*.npz")] == ["part-00000000-00000002"]
    assert scored_batches(job, monkeypatch) == whole - 2
    assert written(job) == expected


def test_killed_in_a_save_it_ends_in_the_same_bytes(job):
    score_sets(**job)
    expected = written(job)
    kill(job, in_a_save=True)
    assert [path.name for path in job["state"].rglob(".part*")]
    score_sets(**job)
    assert written(job) == expected
    assert not job["state"].exists()


def scored_batches(job, monkeypatch):
    """Score, and count the batches that ran through the detector."""
    calls = []
    forward = inference.forward

    def counted(detector, batch, *rest, **options):
        calls.append(len(batch.labels))
        return forward(detector, batch, *rest, **options)

    with monkeypatch.context() as patch:
        patch.setattr(inference, "forward", counted)
        score_sets(**job)
    return len(calls)


def interrupted(job, monkeypatch):
    """Let a job fail when its first set is scored; tell how many batches it has in all."""
    whole = scored_batches(job, monkeypatch)

    def failing(*_):
        raise RuntimeError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(set_scoring, "write_embeddings", failing)
        with pytest.raises(RuntimeError):
            score_sets(**job)
    return whole


def test_what_is_scored_is_not_scored_again(job, monkeypatch):
    whole = interrupted(job, monkeypatch)
    assert scored_batches(job, monkeypatch) == 1  # of the second set
    assert scored_batches(job, monkeypatch) == whole


@pytest.mark.parametrize(
    "change",
    ["code", {"batch_seconds": 2.9}, {"skip_suffixes": [".mp3"]}, "model", "table"],
)
def test_parts_made_from_something_else_are_not_used(job, monkeypatch, change, tiny_detector):
    whole = interrupted(job, monkeypatch)
    if change == "model":
        with torch.no_grad():
            tiny_detector.proj_fc.bias += 1
        save_detector(tiny_detector, job["model"])
    elif change == "table":
        segments = read_segments(job["sets"][0].table)
        write_table(segments.select(range(23, -1, -1)), job["sets"][0].table)
    elif change == "code":
        job["code"] = "other"
    else:
        job = changed(job, **change)
    assert scored_batches(job, monkeypatch) == whole
    score_again = written(job)
    score_sets(**job)
    assert written(job) == score_again


def test_parts_of_another_precision_are_not_gone_on_with(job, monkeypatch):
    """Where a device computes in what is asked for; a CPU computes in fp32 whatever that is."""
    whole = interrupted(job, monkeypatch)
    tf32 = changed(job, precision="tf32")
    with monkeypatch.context() as gpu:
        gpu.setattr(set_scoring, "used_precision", lambda device, precision: precision)
        assert scored_batches(tf32, gpu) == whole
        interrupted(job, gpu)
        assert scored_batches(job, gpu) == 1
    interrupted(job, monkeypatch)
    assert scored_batches(tf32, monkeypatch) == 1


def test_what_is_computed_in_is_logged_and_handed_to_the_detector(job, monkeypatch, caplog):
    caplog.set_level("INFO")
    asked = []
    predict = set_scoring.predict_batches

    def noting(*arguments, precision, **options):
        asked.append(precision)
        return predict(*arguments, precision=precision, **options)

    monkeypatch.setattr(set_scoring, "predict_batches", noting)
    score_sets(**changed(job, precision="tf32"))
    assert asked == ["tf32", "tf32"]
    assert "device: cpu; precision: fp32 (tf32 is for GPUs)" in caplog.text


def test_a_damaged_part_is_scored_again(job, monkeypatch, caplog):
    score_sets(**job)
    expected = written(job)
    whole = interrupted(job, monkeypatch)
    _, second, *_ = sorted(job["state"].rglob("part-*.npz"))
    second.write_bytes(second.read_bytes()[:100])
    assert scored_batches(job, monkeypatch) == whole - 1
    assert f"{second} is damaged: its segments are scored again" in caplog.text
    assert written(job) == expected


def test_progress_is_in_the_log(job, caplog):
    caplog.set_level("INFO")
    score_sets(**job)
    lines = [record.message for record in caplog.records if record.message.startswith("one: ")]
    assert re.fullmatch(
        r"one: \d+ % of 13 s of audio, [\d.]+ s a second, [\d.]+ minutes left", lines[0]
    )
    assert lines[-2].startswith("one: 100 % of 13 s")
    assert lines[-1] == "one: 24 segments, 13 s of audio scored"
