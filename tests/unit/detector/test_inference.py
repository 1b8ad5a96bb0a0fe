"""A batch as detectors see it: moved, normalised and checked once."""

import math

import pytest
import torch

from sdd.data.dataset import Batch
from sdd.detector.inference import forward, prepare_batch
from sdd.errors import InputError


def batch_of(*lengths):
    generator = torch.Generator().manual_seed(0)
    waveforms = torch.zeros(len(lengths), max(lengths))
    for row, length in zip(waveforms, lengths, strict=True):
        row[:length] = 0.1 + torch.randn(length, generator=generator)
    count = torch.arange(len(lengths))
    return Batch(waveforms, torch.tensor(lengths), count % 2, count)


def test_each_waveform_is_normalised_over_its_own_length(tiny_detector):
    batch = batch_of(3000, 1777)
    for masked in (True, False):
        prepared = prepare_batch(tiny_detector, batch, masked=masked)
        for row, own, length in zip(
            prepared.waveforms, batch.waveforms, batch.lengths.tolist(), strict=True
        ):
            wanted = (own[:length] - own[:length].mean()) / own[:length].std(correction=0)
            torch.testing.assert_close(row[:length], wanted, rtol=1e-4, atol=1e-5)
            assert not row[length:].any()
        assert prepared.labels.tolist() == [0, 1]


def test_lengths_are_there_where_padding_is_masked(tiny_detector):
    def lengths(*of, **options):
        found = prepare_batch(tiny_detector, batch_of(*of), **options).lengths
        return None if found is None else found.tolist()

    assert lengths(3000, 1777, masked=True) == [3000, 1777]
    assert lengths(3000, 1777, masked=False) is None
    assert lengths(3000, 3000, masked=True) is None


@pytest.mark.parametrize("masked", [True, False])
def test_what_cannot_be_scored_is_refused(tiny_detector, masked):
    batch = batch_of(3000, 1777)
    batch.waveforms[1, 5] = math.nan
    with pytest.raises(InputError, match="Waveforms 1 of the batch have samples that are not fin"):
        prepare_batch(tiny_detector, batch, masked=masked)
    with pytest.raises(InputError, match="A waveform has 20 samples; this encoder needs"):
        prepare_batch(tiny_detector, batch_of(20), masked=masked)


@pytest.mark.parametrize("lengths", [(3000, 1777), (3000, 3000)])
def test_a_prepared_batch_scores_as_the_detector_alone_does(tiny_detector, lengths):
    detector, batch = tiny_detector.eval(), batch_of(*lengths)
    prepared = prepare_batch(detector, batch, masked=True)
    embeddings, logits = forward(detector, prepared, precision="fp32")
    wanted = detector.embed_and_logits(batch.waveforms, batch.lengths)
    torch.testing.assert_close((embeddings, logits), wanted, rtol=1e-5, atol=1e-6)
