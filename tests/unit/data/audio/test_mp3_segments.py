"""Segments of mp3 sources that are mp3 again, against the plain calls that write them as files."""

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import torchaudio.functional

from sdd.data.audio.coding import read_container, read_sound, written
from sdd.data.audio.mp3_segments import MP3_RATES, mp3_segments
from sdd.data.audio.preparing import prepare_source
from sdd.errors import InputError
from tests.helpers.lines import delay, snr, speech


def write_mp3(path: Path, rate: int, channels: int, seconds: float) -> Path:
    sound = torchaudio.functional.resample(torch.tensor(speech()), 16_000, rate).numpy()
    samples = np.stack([sound * (1 - 0.5 * c) for c in range(channels)], axis=1)
    soundfile.write(path, samples[: round(seconds * rate)], rate, format="MP3")
    return path


def as_the_authors(path: Path, seconds: float, folder: Path) -> list[np.ndarray]:
    """Cut the whole source at its own rate, write each window as .mp3, and read it as they do."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    step = int(seconds * rate)
    found = []
    for number in range(math.ceil(len(mono) / step)):
        file = folder / f"{path.stem}_seg{number + 1}.mp3"
        soundfile.write(file, mono[number * step : (number + 1) * step], rate)
        info = soundfile.info(file)
        assert (info.format, info.samplerate, info.channels) == ("MP3", rate, 1)
        back, _ = soundfile.read(file, dtype="float32")
        found.append(torchaudio.functional.resample(torch.from_numpy(back), rate, 16_000).numpy())
    return found


@pytest.mark.parametrize(
    ("rate", "channels", "seconds", "longest"),
    [(44_100, 2, 2.31, 1), (48_000, 1, 2.0, 0.5), (22_050, 1, 1.03, 1), (16_000, 1, 1.5, 4)],
)
def test_segments_are_those_of_the_authors_script(tmp_path, rate, channels, seconds, longest):
    source = write_mp3(tmp_path / "call.mp3", rate, channels, seconds)
    length = prepare_source(source, tmp_path / "call.flac").samples
    step = round(longest * 16_000)
    bounds = [(start, min(start + step, length)) for start in range(0, length, step)]
    expected = as_the_authors(source, longest, tmp_path)
    found = list(mp3_segments(source, bounds))
    assert [len(one) for one in found] == [end - start for start, end in bounds]
    for one, other in zip(found, expected, strict=True):
        assert len(one) == len(other)
        # A decoder that reads in blocks is 1e-7 off here and there, by which the encoder may decide
        # otherwise: the next generation differs as much (58 dB) or not at all.
        assert np.array_equal(one, other) or snr(other, one) > 50
    # It is another generation of the same sound, in time.
    prepared, _ = soundfile.read(tmp_path / "call.flac", dtype="float32")
    again = np.concatenate(found)
    assert delay(prepared, again) == 0
    assert 5 < snr(prepared, again) < 60


def test_two_decoders_agree():
    for rate in (16_000, 44_100):
        sound = torchaudio.functional.resample(torch.tensor(speech()), 16_000, rate).numpy()
        data = written(sound, rate, "MP3")
        (ours, rate_of_ours), (theirs, rate_of_theirs) = read_sound(data), read_container(data)
        assert (rate_of_ours, rate_of_theirs) == (rate, rate)
        assert len(ours) == len(theirs) == len(sound)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-4)


@pytest.mark.parametrize("rate", MP3_RATES)
def test_the_shortest_segment_at_every_rate_of_mp3(tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", speech()[: round(0.2 * rate)], rate)
    (found,) = mp3_segments(tmp_path / "a.wav", [(800, 1_200)])
    assert found.shape == (400,)
    assert np.abs(found).max() > 0


def test_windows_that_overlap_and_one_beyond_the_end(tmp_path):
    source = write_mp3(tmp_path / "call.mp3", 44_100, 1, 1.0)
    bounds = [(0, 8_000), (4_000, 12_000), (4_000, 16_000)]
    together = list(mp3_segments(source, bounds))
    for bound, one in zip(bounds, together, strict=True):
        np.testing.assert_array_equal(one, next(mp3_segments(source, [bound])))
    with pytest.raises(InputError, match=r"call\.mp3 has no samples 88200 to 132300.*prepare"):
        list(mp3_segments(source, [(32_000, 48_000)]))
