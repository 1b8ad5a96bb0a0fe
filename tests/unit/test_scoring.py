import numpy as np
import pyarrow.parquet as pq
import torch
from hypothesis import given
from hypothesis import strategies as st

from sdd.batching import load_batches
from sdd.detector import save_detector
from sdd.inference import forward, predict
from sdd.scoring import (
    durations,
    length_sorted_batches,
    make_dataset,
    score_sets,
)
from sdd.segments import COLUMNS
from tests.conftest import TINY

CPU = torch.device("cpu")


@given(
    st.lists(st.floats(0.1, 60), min_size=1, max_size=50),
    st.floats(1, 100),
)
def test_batches_hold_each_segment_once_within_the_budget(seconds, budget):
    batches = length_sorted_batches(np.array(seconds), budget)
    assert sorted(index for batch in batches for index in batch) == list(range(len(seconds)))
    for batch in batches:
        longest = max(seconds[index] for index in batch)
        assert len(batch) == 1 or len(batch) * longest <= budget * (1 + 1e-9)


def test_batches_by_hand():
    seconds = np.array([1.0, 4.0, 2.0, 9.0, 3.0])
    assert length_sorted_batches(seconds, 8.0) == [[3], [1, 4], [2, 0]]


def score_alone(detector, segments, folder):
    logits = []
    for index in range(len(segments)):
        batch = next(load_batches(make_dataset(segments, folder), [[index]], epoch=0))
        logits.append(detector(batch.waveforms)[0].detach().numpy())
    return np.array(logits)


def test_a_masked_batch_gives_what_each_segment_gives_alone(tones, tiny_detector):
    segments, folder = tones
    tiny_detector.eval()
    batches = length_sorted_batches(durations(segments), 5.0)
    assert max(map(len, batches)) > 5
    predictions = predict(
        tiny_detector,
        load_batches(make_dataset(segments, folder), batches, epoch=0),
        count=len(segments),
        device=CPU,
        precision="fp32",
        embeddings=True,
    )
    alone = score_alone(tiny_detector, segments, folder)
    np.testing.assert_allclose(predictions.logits, alone, atol=1e-5)
    weight, bias = tiny_detector.proj_fc.weight, tiny_detector.proj_fc.bias
    again = predictions.embeddings @ weight.detach().numpy().T + bias.detach().numpy()
    np.testing.assert_allclose(again, alone, atol=1e-5)


def test_pooled_padding_is_as_released(tones, tiny_detector):
    """Each waveform is normalised over its own length, then zeros are pooled with the rest."""
    segments, folder = tones
    tiny_detector.eval()
    batch = next(load_batches(make_dataset(segments, folder), [[0, 20]], epoch=0))
    pooled = forward(tiny_detector, batch, CPU, precision="fp32", masked=False)[1]
    expected = torch.zeros_like(batch.waveforms)
    for row, length in enumerate(batch.lengths.tolist()):
        own = batch.waveforms[row, :length]
        expected[row, :length] = (own - own.mean()) / (own.var(correction=0) + 1e-5).sqrt()
    torch.testing.assert_close(
        pooled, tiny_detector(expected, normalise=False), rtol=1e-4, atol=1e-5
    )
    masked = forward(tiny_detector, batch, CPU, precision="fp32", masked=True)[1]
    assert (pooled[0] - masked[0]).abs().max() > 1e-3  # the shorter one is padded
    torch.testing.assert_close(pooled[1], masked[1], rtol=1e-4, atol=1e-5)


def write_table(segments, path):
    import pyarrow as pa

    pq.write_table(pa.table({name: getattr(segments, name) for name in COLUMNS}), path)
    return path


def test_scores_are_written_in_the_order_of_the_segments(tones, tiny_detector, tmp_path):
    segments, folder = tones
    model = tmp_path / "model.safetensors"
    save_detector(tiny_detector, model)
    tables = [write_table(segments, tmp_path / "one.parquet")]
    tables.append(write_table(segments.select([5, 2, 9]), tmp_path / "two.parquet"))
    targets = [tmp_path / "scores" / table.name for table in tables]
    embeddings = [tmp_path / "embeddings" / table.name for table in tables]
    score_sets(
        model,
        TINY,
        tables,
        targets,
        embeddings=embeddings,
        audio_folder=folder,
        skip_suffixes=[],
        batch_seconds=3.0,
        precision="fp32",
        device="cpu",
        threads=1,
        workers=0,
    )
    alone = score_alone(tiny_detector.eval(), segments, folder)
    for target, rows in zip(targets, (range(24), [5, 2, 9]), strict=True):
        scores = pq.read_table(target).to_pydict()
        assert scores["segment_id"] == [segments.segment_id[row] for row in rows]
        assert scores["label"] == [segments.label[row] for row in rows]
        np.testing.assert_allclose(scores["logit_fake"], alone[list(rows), 0], atol=1e-5)
        np.testing.assert_allclose(scores["logit_real"], alone[list(rows), 1], atol=1e-5)
    fake = pq.read_table(embeddings[1]).to_pydict()
    assert fake["segment_id"] == ["tone-5", "tone-9"]
