"""Audio files: decode any of them, prepare each once as 16 kHz mono FLAC, read pieces of those.

Segments are windows of the prepared files, so a source is decoded and resampled once, whole, and
no lossy codec is applied a second time.
"""

import hashlib
import logging
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from sdd.data.audio.mp3 import states_its_length
from sdd.data.audio.resampling import Resampler
from sdd.errors import InputError
from sdd.runtime.atomic_files import atomic_path

RATE = 16_000
# What libsndfile calls mp3.
MP3_FORMATS = ("MP3", "MPEG")
_BLOCK = 1 << 16
_FULL_SCALE = 32_768

FloatArray = npt.NDArray[np.float32]

log = logging.getLogger(__name__)


def decode(path: Path) -> tuple[FloatArray, int]:
    """Decode a whole audio file.

    Parameters
    ----------
    path
        Anything soundfile reads (wav, flac, mp3, ogg, opus), else anything PyAV reads (m4a, mp4,
        webm, `.dat` files that are MP4, and mp3 that do not state their length).

    Returns
    -------
    samples : ndarray of float32, [T, C]
        Full scale is 1. The delay of the encoder is removed where the file states it.
    rate : int
        Samples per second.

    Raises
    ------
    InputError
        If it cannot be decoded, holds no samples, or a sample is not finite.
    """
    rate, blocks = decode_blocks(path)
    return np.concatenate(list(blocks)), rate


def decode_blocks(path: Path) -> tuple[int, Iterator[FloatArray]]:
    """Decode an audio file piece by piece, so that its length does not matter.

    Parameters
    ----------
    path
        As for `decode`.

    Returns
    -------
    rate : int
        Samples per second.
    blocks : iterator of ndarray of float32, [t, C]
        At least one, none empty. Iterating raises InputError as `decode` does.

    Raises
    ------
    InputError
        If the file cannot be opened as audio.
    """
    if not path.is_file():
        raise InputError(f"{path} is missing.")
    try:
        file = _ForwardFile(str(path))
    except (soundfile.LibsndfileError, TypeError):  # TypeError: headerless .raw
        return _decode_container(path)
    if file.format in MP3_FORMATS and not states_its_length(path):
        file.close()
        return _decode_container(path)
    return file.samplerate, _checked(path, _soundfile_blocks(path, file))


def _decode_container(path: Path) -> tuple[int, Iterator[FloatArray]]:
    blocks = _container_blocks(path)
    rate, first = next(blocks, (0, None))
    if first is None:
        raise InputError(f"{path} holds no audio samples: replace or remove the file.")
    return rate, _checked(path, _chained(first, (block for _, block in blocks)))


class _ForwardFile(soundfile.SoundFile):  # type: ignore[misc]  # soundfile is untyped
    """A sound file read from beginning to end, never sought.

    soundfile seeks to the present position after each read of a file that says it is seekable, and
    the mp3 decoder then restarts without the bits that earlier frames hold for it: a click of up
    to some per cent of full scale between one block and the next.
    """

    def seekable(self) -> bool:
        """Say no, so that soundfile does not seek."""
        return False


def _chained(first: FloatArray, rest: Iterator[FloatArray]) -> Iterator[FloatArray]:
    yield first
    yield from rest


def _checked(path: Path, blocks: Iterator[FloatArray]) -> Iterator[FloatArray]:
    count = 0
    for block in blocks:
        if len(block) == 0:
            continue
        if not np.isfinite(block).all():
            raise InputError(f"{path} holds samples that are not finite: replace the file.")
        count += len(block)
        yield block
    if count == 0:
        raise InputError(f"{path} holds no audio samples: replace or remove the file.")


def _soundfile_blocks(path: Path, file: soundfile.SoundFile) -> Iterator[FloatArray]:
    with file:
        expected, count = file.frames, 0
        try:
            # Not SoundFile.blocks: of a file that is cut short it repeats samples to the end.
            while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
                count += len(block)
                yield block
        except soundfile.LibsndfileError as error:
            raise InputError(
                f"{path} cannot be decoded beyond {count / file.samplerate:.2f} s "
                f"({error}): replace or remove the file."
            ) from error
    if 0 < count < expected:
        log.warning("%s is cut short: %d samples of %d", path, count, expected)


def _container_blocks(path: Path) -> Iterator[tuple[int, FloatArray]]:
    """Yield the rate and the samples of each frame that PyAV decodes."""
    import av  # only few files need it

    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise InputError(f"{path} holds no audio stream: replace or remove the file.")
            rate = channels = 0
            # FFmpeg's decoder drops the encoder delay that the container states.
            for frame in _frames(path, container):
                block = _samples(frame)
                if rate == 0:
                    rate, channels = frame.sample_rate, block.shape[1]
                if (frame.sample_rate, block.shape[1]) != (rate, channels):
                    raise InputError(
                        f"{path} changes its rate or channels on the way "
                        f"({rate} Hz x {channels}, then {frame.sample_rate} Hz x "
                        f"{block.shape[1]}): convert it to one format."
                    )
                yield rate, block
    except av.FFmpegError as error:
        raise InputError(
            f"{path} cannot be decoded, neither by soundfile nor by PyAV ({error}): "
            "replace or remove the file."
        ) from error


def _frames(path: Path, container: Any) -> Iterator[Any]:  # noqa: ANN401
    """Decode all frames; what is no frame in an mp3 is left out, as other mp3 decoders do."""
    import av

    unreadable = 0
    for packet in container.demux(container.streams.audio[0]):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            if container.format.name != "mp3":
                raise
            unreadable += 1
            continue
        yield from frames
    if unreadable:
        log.warning("%s: %d frames cannot be decoded and are left out", path, unreadable)


def _samples(frame: Any) -> FloatArray:  # noqa: ANN401
    """Samples of a PyAV frame as float32 [t, C], full scale 1."""
    raw = frame.to_ndarray()
    block: npt.NDArray[Any] = raw.T if frame.format.is_planar else raw.reshape(frame.samples, -1)
    if block.dtype == np.uint8:
        return (block.astype(np.float32) - np.float32(128)) / np.float32(128)
    if block.dtype.kind == "i":
        block = block / 2.0 ** (8 * block.dtype.itemsize - 1)
    return np.ascontiguousarray(block, dtype=np.float32)


@dataclass(frozen=True)
class PreparedSource:
    """What became of a source file.

    Attributes
    ----------
    samples
        Length of the prepared file at 16 kHz.
    source_rate, source_samples
        Rate of the source and its samples per channel, as decoded.
    clipped
        Samples beyond the range of 16 bits, which were limited to it.
    sha256
        Digest of the prepared file.
    """

    samples: int
    source_rate: int
    source_samples: int
    clipped: int
    sha256: str


def prepare_source(source: Path, target: Path) -> PreparedSource:
    """Decode a file, average its channels, resample to 16 kHz and write 16-bit FLAC.

    Resampling is that of `sdd.data.audio.resampling` (none at 16 kHz), rounding is to the nearest
    step. Memory does not grow with the length of the file.

    Parameters
    ----------
    source
        Anything `decode` reads.
    target
        The FLAC to write, all at once or not at all.

    Returns
    -------
    PreparedSource
        Lengths, clipped samples and digest.

    Raises
    ------
    InputError
        If the source cannot be decoded.
    """
    rate, blocks = decode_blocks(source)
    resampler = Resampler(rate, RATE)
    source_samples = 0

    def resampled() -> Generator[FloatArray, None, None]:
        nonlocal source_samples
        for block in blocks:
            source_samples += len(block)
            yield from resampler.push(block.mean(axis=1, dtype=np.float32))
        yield from resampler.finish()

    samples = clipped = 0
    with closing(resampled()) as pieces, atomic_path(target) as temporary:
        with soundfile.SoundFile(
            temporary,
            "w",
            RATE,
            channels=1,
            format="FLAC",
            subtype="PCM_16",
            compression_level=1.0,  # a per cent less disk, at no time that counts
        ) as file:
            for piece in pieces:
                rounded = np.rint(piece * np.float32(_FULL_SCALE))
                limited = np.clip(rounded, -_FULL_SCALE, _FULL_SCALE - 1)
                clipped += int(np.count_nonzero(rounded != limited))
                samples += len(limited)
                file.write(limited.astype(np.int16))
        digest = file_digest(temporary)
    return PreparedSource(samples, rate, source_samples, clipped, digest)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_segment(file: Path, start: int, end: int) -> FloatArray:
    """Read a window of a prepared file, exact to the sample.

    Parameters
    ----------
    file
        A FLAC that `prepare_source` wrote.
    start, end
        First sample and the one past the last, at 16 kHz.

    Returns
    -------
    ndarray of float32, [end - start]
        Full scale is 1.

    Raises
    ------
    InputError
        If the file is missing, damaged or shorter than the window asks for.
    """
    try:
        with soundfile.SoundFile(file) as audio:
            if not 0 <= start < end <= audio.frames:
                raise InputError(
                    f"{file} has {audio.frames} samples, not {start} to {end}: "
                    "it is not the file that the segments were cut for; prepare the corpus again."
                )
            audio.seek(start)
            samples: FloatArray = audio.read(end - start, dtype="float32")
            return samples
    except soundfile.LibsndfileError as error:
        raise InputError(f"{file} cannot be read ({error}): prepare the corpus again.") from error
