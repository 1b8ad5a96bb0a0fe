"""Prepared audio on the disk: every sample as handed over, whole or not there."""

import hashlib

import numpy as np
import pytest
import soundfile

from sdd.data.audio.flac_files import to_16_bits, write_flac


def test_16_bits_are_rounded_to_the_nearest_and_limited():
    steps, clipped = to_16_bits(np.array([0.0, 0.4, 0.6, -0.6, 40_000.0, -40_000.0]) / 32_768)
    assert steps.tolist() == [0, 0, 1, -1, 32_767, -32_768]
    assert clipped == 2
    assert to_16_bits(np.array([-1.0, 1.0]))[1] == 1  # +1 is beyond by one step


def test_pieces_follow_each_other_and_are_counted(tmp_path):
    steps = np.random.default_rng(0).integers(-40_000, 40_000, 5_000)
    pieces = (steps[start : start + 700] / np.float32(32_768) for start in range(0, 5_000, 700))
    written = write_flac(tmp_path / "a.flac", pieces)
    found, rate = soundfile.read(tmp_path / "a.flac", dtype="int16")
    np.testing.assert_array_equal(found, steps.clip(-32_768, 32_767))
    assert (rate, written.samples) == (16_000, 5_000)
    assert written.clipped == np.count_nonzero((steps < -32_768) | (steps > 32_767)) > 0
    assert written.sha256 == hashlib.sha256((tmp_path / "a.flac").read_bytes()).hexdigest()


def test_what_fails_midway_leaves_no_file_and_is_closed(tmp_path):
    """Where the pieces fail, and where writing one does."""
    closed = []

    def broken(piece):
        try:
            yield np.zeros(100, dtype=np.float32)
            if piece is None:
                raise ValueError("midway")
            yield piece
        finally:
            closed.append(True)

    two_channels = np.zeros((5, 2), dtype=np.float32)
    for number, piece in enumerate((None, two_channels), start=1):
        pieces = broken(piece)  # held here, so that nothing but the writer closes it
        with pytest.raises(ValueError, match="midway" if piece is None else "shape"):
            write_flac(tmp_path / "a.flac", pieces)
        assert list(tmp_path.iterdir()) == []
        assert len(closed) == number
