"""Writing waveforms in the formats of the released corpora."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile
from numpy.typing import NDArray

from sdd.data.audio import SAMPLE_RATE
from sdd.data.toy.frames import FloatArray
from sdd.errors import InputError
from sdd.runtime.atomic_files import atomic_path

MPEG4_FORMATS = {".m4a": "ipod", ".mp4": "mp4", ".dat": "mp4"}
"""FFmpeg's container by suffix; Deepfake-Eval-2024's `.dat` files are MP4."""


def write_audio(path: Path, wave: FloatArray, rate: int = SAMPLE_RATE, channels: int = 1) -> None:
    """Resample a 16 kHz waveform and write it in the format that the suffix names.

    Parameters
    ----------
    path
        Ends in .wav or .flac (16 bit), .mp3, or .m4a, .mp4, .dat (AAC in an MP4 container).
    wave
        ``float64 [samples]`` at 16 kHz, within -1..1.
    rate
        Samples per second in the file.
    channels
        All of them hold the same samples.

    Raises
    ------
    InputError
        If the suffix is unknown.
    """
    if path.suffix not in {".wav", ".flac", ".mp3", *MPEG4_FORMATS}:
        raise InputError(
            f"{path}: toy audio is written as .wav, .flac, .mp3, .m4a, .mp4 or .dat, "
            f"not as {path.suffix or 'a file without a suffix'}."
        )
    if rate != SAMPLE_RATE:
        ratio = Fraction(rate, SAMPLE_RATE)
        wave = scipy.signal.resample_poly(wave, ratio.numerator, ratio.denominator)
        wave = np.clip(wave, -1.0, 1.0)
    samples = np.repeat(wave[:, None], channels, axis=1).astype(np.float32)
    with atomic_path(path) as temporary:
        if path.suffix in MPEG4_FORMATS:
            _write_aac(temporary, samples, rate, MPEG4_FORMATS[path.suffix])
        elif path.suffix == ".mp3":
            soundfile.write(temporary, samples, rate, format="MP3", subtype="MPEG_LAYER_III")
        else:
            soundfile.write(temporary, samples, rate, subtype="PCM_16")


def _write_aac(path: Path, samples: NDArray[np.float32], rate: int, container_format: str) -> None:
    import av

    layout = "mono" if samples.shape[1] == 1 else "stereo"
    # bitexact keeps the time of day and library versions out of the file.
    options = {"fflags": "+bitexact"}
    with av.open(str(path), "w", format=container_format, container_options=options) as container:
        stream = container.add_stream("aac", rate=rate, layout=layout)
        stream.bit_rate = 64_000
        stream.codec_context.options = {"flags": "+bitexact", "aac_coder": "fast"}
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples.T), format="fltp", layout=layout
        )
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
