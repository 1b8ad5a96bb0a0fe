"""Crops, and equal items however they are read."""

import math

import numpy as np
import pytest
import soundfile
import torch

from sdd.data.dataset import CropRule, SegmentDataset, collate, crop_window
from sdd.data.rawboost import rawboost
from sdd.errors import InputError

torch.set_num_threads(1)

RATE = 16_000


# ----------------------------------------------------------------------------------------- crops
def test_short_segments_stay_whole():
    rule, generator = CropRule(13.0, 10.0, 13.0), np.random.default_rng(0)
    for samples in (1, 10 * RATE, 13 * RATE):
        assert crop_window(samples, rule, generator) == (0, samples)
    assert generator.bit_generator.state == np.random.default_rng(0).bit_generator.state


@pytest.mark.parametrize(
    "rule", [CropRule(13.0, 10.0, 13.0), CropRule(15.0, 15.0, 15.0), CropRule(1.0, 10.0, 40.0)]
)
def test_crops_are_in_range(rule):
    generator = np.random.default_rng(0)
    for samples in (15 * RATE + 1, 20 * RATE, 60 * RATE):
        for _ in range(200):
            start, length = crop_window(samples, rule, generator)
            assert 0 <= start <= samples - length
            assert min(samples, rule.shortest * RATE) <= length <= min(samples, rule.longest * RATE)
            assert isinstance(start, int)
            assert isinstance(length, int)


def test_crops_are_uniform():
    """All lengths 2..4 and, given the length, all starts are equally likely."""
    generator = np.random.default_rng(0)
    rule = CropRule(longer_than=3.0, shortest=2.0, longest=4.0)
    draws = 30_000
    counts = np.zeros((5, 5))
    for _ in range(draws):
        start, length = crop_window(6, rule, generator, sample_rate=1)
        counts[length, start] += 1
    for length in (2, 3, 4):
        starts = 6 - length + 1
        expected = draws / 3 / starts
        assert (np.abs(counts[length, :starts] - expected) < 4 * math.sqrt(expected)).all()
    assert counts.sum() == counts[2, :5].sum() + counts[3, :4].sum() + counts[4, :3].sum()


@pytest.mark.parametrize("values", [(13.0, 0.0, 1.0), (13.0, 5.0, 4.0), (0.0, 1.0, 2.0)])
def test_contradicting_crop_rules(values):
    with pytest.raises(InputError, match="crop must have 0 < shortest <= longest"):
        CropRule(*values)


# --------------------------------------------------------------------------------------- data set
@pytest.fixture(scope="module")
def audio_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audio")
    generator = np.random.default_rng(0)
    (folder / "toy").mkdir()
    for name in ("a", "b"):
        noise = 0.3 * generator.standard_normal(3 * RATE).clip(-3, 3)
        soundfile.write(folder / "toy" / f"{name}.flac", noise, RATE, subtype="PCM_16")
    return folder


def dataset_of(audio_folder, **options):
    count = 12
    starts = np.arange(count) * 1000
    lengths = RATE + 1500 * (np.arange(count) % 5)
    return SegmentDataset(
        files=[f"toy/{'ab'[index % 2]}.flac" for index in range(count)],
        starts=starts,
        ends=starts + lengths,
        labels=np.arange(count) // 2 % 2,
        audio_folder=audio_folder,
        **options,
    )


CROPPED = {"crop": CropRule(1.2, 0.5, 1.2), "rawboost": 5}


def test_whole_items_are_the_files_samples(audio_folder):
    dataset = dataset_of(audio_folder)
    assert len(dataset) == 12
    for index in range(12):
        waveform, label, place = dataset[3, index]
        whole, _ = soundfile.read(audio_folder / "toy" / f"{'ab'[index % 2]}.flac", dtype="float32")
        start = index * 1000
        wanted = whole[start : start + RATE + 1500 * (index % 5)]
        np.testing.assert_array_equal(waveform, wanted)
        assert waveform.dtype == np.float32
        assert (label, place) == (index // 2 % 2, index)


def test_items_are_cropped_then_augmented(audio_folder):
    plain, dataset = dataset_of(audio_folder), dataset_of(audio_folder, **CROPPED, seed=9)
    lengths = set()
    for index in range(12):
        whole = plain[0, index][0]
        generator = np.random.default_rng([9, 4, index])
        start, length = crop_window(len(whole), CROPPED["crop"], generator)
        wanted = rawboost(whole[start : start + length], 5, generator)
        np.testing.assert_array_equal(dataset[4, index][0], wanted)
        assert length == len(whole) or 0.5 * RATE <= length <= 1.2 * RATE
        lengths.add(length)
    assert len(lengths) > 5


def test_items_depend_on_seed_epoch_and_index_only(audio_folder):
    dataset = dataset_of(audio_folder, **CROPPED, seed=1)
    first = dataset[0, 4][0]
    dataset[0, 5]
    np.testing.assert_array_equal(dataset[0, 4][0], first)
    for other in (dataset[1, 4][0], dataset_of(audio_folder, **CROPPED, seed=2)[0, 4][0]):
        assert not np.array_equal(first, other)


def test_columns_of_different_length(audio_folder):
    with pytest.raises(ValueError, match="differ in length"):
        SegmentDataset(["a"], np.zeros(2), np.ones(2), np.zeros(2), audio_folder)


# ---------------------------------------------------------------------------------------- batches
def test_collate_pads_with_zeros():
    items = [(np.array([1.0, 2.0], np.float32), 1, 7), (np.array([3.0], np.float32), 0, 2)]
    batch = collate(items)
    assert batch.waveforms.tolist() == [[1.0, 2.0], [3.0, 0.0]]
    assert batch.waveforms.dtype == torch.float32
    assert batch.lengths.tolist() == [2, 1]
    assert batch.labels.tolist() == [1, 0]
    assert batch.indices.tolist() == [7, 2]
    assert {batch.lengths.dtype, batch.labels.dtype, batch.indices.dtype} == {torch.int64}
