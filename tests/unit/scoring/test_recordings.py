"""One recording, scored in Python."""

import numpy as np
import pytest
import soundfile

from sdd.errors import InputError
from sdd.scoring.recordings import score_recording, score_recordings
from tests.helpers.audio_files import chirp
from tests.helpers.tiny_detectors import make


def test_one_recording_is_scored_as_it_is_among_others(tmp_path):
    paths = [tmp_path / "a.wav", tmp_path / "b.flac"]
    for path, seconds in zip(paths, (1.0, 2.5), strict=True):
        soundfile.write(path, chirp(seconds, 16_000), 16_000)
    detector = make()
    both = list(score_recordings(detector, paths, {}, window_seconds=1.0, batch_seconds=8.0))
    for path, expected in zip(paths, both, strict=True):
        found = score_recording(detector, path, window_seconds=1.0)
        assert found.path == path
        assert np.array_equal(found.bounds, expected.bounds)
        np.testing.assert_allclose(found.logits, expected.logits, rtol=0, atol=1e-6)
    assert len(both[1].bounds) == 3
    assert len(score_recording(detector, paths[1]).bounds) == 1  # windows of 15 s


def test_one_that_cannot_be_scored_says_why(tmp_path):
    (tmp_path / "empty.wav").touch()
    with pytest.raises(InputError, match=r"empty\.wav"):
        score_recording(make(), tmp_path / "empty.wav")
