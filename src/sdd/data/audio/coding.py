"""Encoding and decoding in memory: what a codec makes of samples, as long as they were and in time.

Delay of encoder and decoder is taken off where the container states it, by the decoder that reads
recordings of this kind in a corpus; where no container does, by the codec's own figure.
"""

import io
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from sdd.data.audio import SAMPLE_RATE
from sdd.data.audio.codecs import CODECS, Codec
from sdd.data.audio.flac_files import FULL_SCALE, to_16_bits
from sdd.data.audio.resampling import Resampler
from sdd.data.audio.tracks import samples_of
from sdd.errors import InputError

# libsndfile's Vorbis encoder overruns the stack where it is handed too much at once.
_BLOCK = 1 << 14

FloatArray = npt.NDArray[np.float32]
Int16Array = npt.NDArray[np.int16]


def resampled(samples: FloatArray, rate: int, target: int) -> FloatArray:
    """Resample ``float32 [T]`` as `torchaudio.functional.resample` does at its defaults."""
    resampler = Resampler(rate, target)
    return np.concatenate([*resampler.push(samples), *resampler.finish()])


def fitted(samples: FloatArray, length: int) -> FloatArray:
    """Cut to a length, or fill up with zeros."""
    return np.pad(samples[:length], (0, max(0, length - len(samples))))


def transcoded(
    samples: FloatArray, name: str, *, bitrate: int | None = None, quality: float | None = None
) -> tuple[FloatArray, int]:
    """Send audio through a codec, at 16 kHz before and after.

    Parameters
    ----------
    samples
        ``float32 [T]``; what the encoder gets is rounded to 16 bits.
    name
        One of `sdd.data.audio.codecs.CODECS`.
    bitrate
        In bits per second, where the codec has a choice.
    quality
        From 0 to 1, where the codec has that instead.

    Returns
    -------
    samples
        ``float32 [T]``, not delayed.
    clipped
        Samples that were beyond 16 bits on the way in.
    """
    codec = CODECS[name]
    sent, clipped = to_16_bits(resampled(samples, SAMPLE_RATE, codec.rate))
    received, rate = decoded(encoded(sent, codec, bitrate=bitrate, quality=quality), codec)
    # A delay is counted at the codec's own rate, which is what its decoder gives.
    back = resampled(received[codec.delay :], rate, SAMPLE_RATE)
    return fitted(back, len(samples)), clipped


def encoded(
    samples: Int16Array, codec: Codec, *, bitrate: int | None = None, quality: float | None = None
) -> bytes:
    """Encode ``int16 [T]`` at the codec's rate into a file in memory."""
    if codec.by_libsndfile:
        return written(samples, codec.rate, codec.container, codec.encoder, quality)
    return _by_ffmpeg(samples, codec, bitrate)


def written(
    samples: npt.NDArray[Any],
    rate: int,
    container: str,
    subtype: str | None = None,
    quality: float | None = None,
) -> bytes:
    """Write mono samples with libsndfile into a file in memory.

    Parameters
    ----------
    quality
        From 0 to 1; None leaves libsndfile's own.
    """
    file = io.BytesIO()
    options = {} if quality is None else {"compression_level": 1 - quality}
    with soundfile.SoundFile(
        file, "w", rate, 1, format=container, subtype=subtype, **options
    ) as sound:
        for first in range(0, len(samples), _BLOCK):
            sound.write(samples[first : first + _BLOCK])
    return file.getvalue()


def decoded(data: bytes, codec: Codec) -> tuple[FloatArray, int]:
    """Decode a file in memory; return ``float32 [T]``, full scale 1, and its rate."""
    return read_sound(data) if codec.decoded_by_libsndfile else read_container(data)


def read_sound(data: bytes) -> tuple[FloatArray, int]:
    """Decode a mono file in memory with libsndfile."""
    samples: FloatArray
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    return samples, int(rate)


def read_container(data: bytes) -> tuple[FloatArray, int]:
    """Decode a mono file in memory with FFmpeg."""
    import av

    with av.open(io.BytesIO(data), "r") as container:
        frames = list(container.decode(audio=0))
    return np.concatenate([samples_of(frame)[:, 0] for frame in frames]), int(frames[0].sample_rate)


def _by_ffmpeg(samples: Int16Array, codec: Codec, bitrate: int | None) -> bytes:
    import av

    file = io.BytesIO()
    is_float = codec.sample_format.startswith("flt")
    values = samples / np.float32(FULL_SCALE) if is_float else samples
    with av.open(file, "w", format=codec.container) as container:
        stream: Any = container.add_stream(codec.encoder, rate=codec.rate)
        stream.layout, stream.format = "mono", codec.sample_format
        if bitrate is not None:
            stream.bit_rate = bitrate
        frame = av.AudioFrame.from_ndarray(values[None], format=codec.sample_format, layout="mono")
        frame.rate, frame.pts, frame.time_base = codec.rate, 0, Fraction(1, codec.rate)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def check_encoders(codecs: Iterable[Codec]) -> None:
    """Check that encoders are in the builds of FFmpeg and libsndfile that are installed.

    Raises
    ------
    InputError
        If one is not: which, and what to do.
    """
    for codec in codecs:
        if not has_encoder(codec):
            library = "libsndfile" if codec.by_libsndfile else "PyAV"
            raise InputError(
                f"the encoder {codec.encoder} is not in the build of {library} that is installed: "
                "make the environment again (`make env`), with Python 3.11 for AMR, or do without "
                "it (docs/robustness.md)"
            )


def has_encoder(codec: Codec) -> bool:
    """Tell whether the build of FFmpeg or libsndfile that is installed can encode by a codec."""
    return _is_in_libsndfile(codec) if codec.by_libsndfile else _is_in_ffmpeg(codec)


def _is_in_libsndfile(codec: Codec) -> bool:
    formats = soundfile.available_formats()
    return codec.container in formats and codec.encoder in soundfile.available_subtypes(
        codec.container
    )


def _is_in_ffmpeg(codec: Codec) -> bool:
    import av

    try:
        av.Codec(codec.encoder, "w")
    except av.codec.codec.UnknownCodecError:
        return False
    return True
