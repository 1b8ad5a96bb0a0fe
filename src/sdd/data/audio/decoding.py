"""Decoding of audio files: any format, whole or piece by piece, at the file's own rate."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from sdd.data.audio.mp3 import MP3_FORMATS, states_its_length
from sdd.errors import InputError

_BLOCK = 1 << 16

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
    samples
        ``float32 [T, C]``, full scale 1. The delay of the encoder is removed where the file states
        it.
    rate
        Samples per second of each channel.

    Raises
    ------
    InputError
        If it cannot be decoded, holds no samples, or a sample is not finite.
    """
    rate, blocks = decode_blocks(path)
    return np.concatenate(list(blocks)), rate


def decode_blocks(path: Path) -> tuple[int, Iterator[FloatArray]]:
    """Decode an audio file piece by piece, so that its length does not matter.

    Returns
    -------
    rate
        Samples per second of each channel.
    blocks
        ``float32 [t, C]`` each; at least one, none empty. Iterating raises InputError as `decode`.

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
    """Return the samples of a PyAV frame as ``float32 [t, C]``, full scale 1."""
    raw = frame.to_ndarray()
    block: npt.NDArray[Any] = raw.T if frame.format.is_planar else raw.reshape(frame.samples, -1)
    if block.dtype == np.uint8:
        return (block.astype(np.float32) - np.float32(128)) / np.float32(128)
    if block.dtype.kind == "i":
        block = block / 2.0 ** (8 * block.dtype.itemsize - 1)
    return np.ascontiguousarray(block, dtype=np.float32)
