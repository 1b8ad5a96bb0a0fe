"""Sounds and files for tests of audio."""

import functools
from fractions import Fraction
from pathlib import Path
from unittest import mock

import av
import numpy as np
import torch
import torchaudio.functional
from torchaudio.functional import functional


def chirp(seconds: float, rate: int, level: float = 0.4) -> np.ndarray:
    """Speech-band sweep with a slow beat, so that any shift in time shows."""
    time = np.arange(round(seconds * rate)) / rate
    sweep = np.sin(2 * np.pi * (150 + 400 * time) * time)
    return (level * sweep * (1 + 0.5 * np.sin(11 * time))).astype(np.float32)


def write_container(path: Path, samples: np.ndarray, rate: int, codec: str, kind: str) -> Path:
    """Encode [C, T] with PyAV."""
    layout = "mono" if len(samples) == 1 else "stereo"
    sample_format = {"alac": "s16p", "libopus": "flt"}.get(codec, "fltp")
    if codec == "alac":
        samples = np.rint(samples * 32768).astype(np.int16)
    if codec == "libopus":
        samples = samples.T.reshape(1, -1)
    with av.open(str(path), "w", format=kind) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.layout, stream.format, stream.bit_rate = layout, sample_format, 192_000
        if codec == "aac":  # noise that decoders draw by themselves would differ
            stream.codec_context.options = {"aac_pns": "0"}
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples), format=sample_format, layout=layout
        )
        frame.rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return path


def resampled(samples: np.ndarray, rate: int) -> np.ndarray:
    """Mono to 16 kHz by the plain call, on the whole."""
    with mock.patch.object(functional, "_get_sinc_resample_kernel", _filter):
        return torchaudio.functional.resample(torch.from_numpy(samples), rate, 16_000).numpy()


# torchaudio makes its filter anew in each call: seconds for a rate such as 16,004 Hz.
_filter = functools.lru_cache(maxsize=1)(functional._get_sinc_resample_kernel)


def as_integers(samples: np.ndarray) -> np.ndarray:
    return np.rint(samples * 32768).astype(np.int64)
