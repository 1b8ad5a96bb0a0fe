"""Decoding of audio files: any format, whole or piece by piece, at the file's own rate."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sdd.data.audio.door import (
    UndecodableError,
    open_container,
    open_local,
    open_sound,
    reading,
)
from sdd.data.audio.flac import follows_another
from sdd.data.audio.headers import Header, plan_reading
from sdd.data.audio.remarks import Levels, Remark, length_remark
from sdd.data.audio.tracks import samples_of
from sdd.errors import InputError

_BLOCK = 1 << 16
# Bytes that a file without samples may have: header and tags.
_SMALL = 1 << 14

LOUDEST = 2.0
"""Floating-point samples beyond this, 6 dB over full scale, are on another scale."""
# The scales of whole numbers that were written as floating-point numbers: 8, 16, 24, 32 bits.
_SCALES = (2.0**7, 2.0**15, 2.0**23, 2.0**31)
# As soundfile's and as FFmpeg's names come out.
_FLOAT_ENCODINGS = ("PCM_F", "PCM_F32LE", "PCM_F32BE", "PCM_F64LE", "PCM_F64BE")

FloatArray = npt.NDArray[np.float32]

log = logging.getLogger(__name__)


def decode(path: Path) -> tuple[FloatArray, int]:
    """Decode a whole audio file.

    What a user should know of it, such as that it is cut short, goes to the log.

    Parameters
    ----------
    path
        Anything soundfile reads (wav, flac, mp3, ogg, opus), else anything PyAV reads (m4a, mp4,
        webm, `.dat` files that are MP4, and files whose length soundfile would take too short).

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
    source = Source(path)
    samples = np.concatenate(list(source.blocks()))
    for remark in source.remarks:
        log.warning("%s: %s", path, remark)
    return samples, source.rate


class Source:
    """An audio file that is decoded piece by piece, so that its length does not matter.

    Parameters
    ----------
    path
        As of `decode`.

    Attributes
    ----------
    rate
        Samples per second of each channel.
    samples
        Per channel, of the blocks so far.
    stated
        Samples that the header states; None if it does not say.
    levels
        Extremes of the blocks so far; who mixes the channels adds the mean.
    remarks
        What a user should know of the file; complete after the last block, without what
        `levels` has to say.

    Raises
    ------
    InputError
        If the file cannot be opened as audio.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._plan = plan_reading(path, decoding=True)
        header = self._plan.header
        self.rate, self.stated, self.samples = header.rate, self._plan.stated, 0
        self.levels = Levels(_full_scale(header))
        self.remarks: list[Remark] = list(self._plan.remarks)

    def blocks(self) -> Iterator[FloatArray]:
        """Yield ``float32 [t, C]``; at least one, none empty.

        Raises
        ------
        InputError
            As `decode`.
        """
        divisor = self._divisor()
        for block in self._raw():
            scaled = block if divisor is None else block / np.float32(divisor)
            if not self.levels.add(scaled):
                raise InputError(
                    f"{self.path} holds samples that are not finite: replace the file."
                )
            self.samples += len(scaled)
            yield scaled
        if self.samples == 0:
            raise InputError(f"{self.path} holds no audio samples{self._unread()}")
        remark = length_remark(self.samples, self.stated, self.rate)
        if remark is not None:
            self.remarks.append(remark)

    def _unread(self) -> str:
        """Return the end of a message on a file without samples."""
        size = self.path.stat().st_size
        if size < _SMALL:
            return ": replace the file or leave it out."
        return (
            f", says its header, but the file has {size:,} bytes: the header was perhaps never "
            "finished. Mend or convert it with a program that ignores the length, such as "
            "`sox --ignore-length`, or replace the file."
        )

    def _raw(self) -> Iterator[FloatArray]:
        """Yield blocks as the file has them, none empty."""
        blocks = self._from_container() if self._plan.container else self._from_soundfile()
        return (block for block in blocks if len(block))

    def _divisor(self) -> float | None:
        """Return what brings floating-point samples to a scale of 1; None if they are on it."""
        if self._plan.header.encoding not in _FLOAT_ENCODINGS:
            return None
        # All of the file, beforehand: its loudest part may come last.
        peak = 0.0
        for block in self._raw():
            peak = max(peak, float(-block.min()), float(block.max()))
        if not np.isfinite(peak) or peak <= LOUDEST:
            return None
        divisor = next((scale for scale in _SCALES if peak <= scale), None)
        if divisor is None:
            raise InputError(
                f"{self.path} holds floating-point samples up to {peak:.3g}, and full scale is 1: "
                "divide them by what was full scale, and write the file again."
            )
        text = f"samples up to {peak:,.0f} are divided by {divisor:,.0f}"
        self.remarks.append(Remark("scaled", text))
        return divisor

    def _from_soundfile(self) -> Iterator[FloatArray]:
        count = 0
        try:
            with (
                reading(self.path),
                open_sound(self.path, forward=True, mended=self._plan.mended) as file,
            ):
                # Not SoundFile.blocks: of a file that is cut short it repeats samples to the end.
                while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
                    count += len(block)
                    yield block
        except UndecodableError as error:
            if self._plan.header.encoding == "FLAC" and self._plan.header.samples > count:
                yield from self._rest_of_flac(count)
                return
            raise self._undecodable_beyond(count, error) from error

    def _rest_of_flac(self, count: int) -> Iterator[FloatArray]:
        """Yield the samples that the header states, and not what libFLAC trips over behind them.

        That is an ID3 tag, padding, or another file.
        """
        with open_local(self.path) as opened:
            if follows_another(opened):
                raise InputError(
                    f"{self.path} holds more than one FLAC file, one after the other, of which "
                    "the first alone could be read: split it, or convert it to one WAV or FLAC."
                )
        try:
            with reading(self.path), open_sound(self.path) as file:
                file.seek(count)
                while left := self._plan.header.samples - count:
                    block = file.read(min(left, _BLOCK), dtype="float32", always_2d=True)
                    if len(block) == 0:
                        break
                    count += len(block)
                    yield block
        except UndecodableError as error:
            raise self._undecodable_beyond(count, error) from error

    def _undecodable_beyond(self, count: int, error: UndecodableError) -> InputError:
        return InputError(
            f"{self.path} cannot be decoded beyond {count / self.rate:.2f} s "
            f"({error.__cause__}): replace the file or leave it out."
        )

    def _from_container(self) -> Iterator[FloatArray]:
        rate = channels = 0
        problem = "cannot be decoded, neither by soundfile nor by PyAV"
        mended = self._plan.mended
        with reading(self.path, problem), open_container(self.path, mended=mended) as container:
            # FFmpeg's decoder drops the encoder delay that the container states.
            for frame in self._frames(container):
                block = samples_of(frame)
                if rate == 0:
                    rate, channels = frame.sample_rate, block.shape[1]
                if (frame.sample_rate, block.shape[1]) != (rate, channels):
                    raise InputError(
                        f"{self.path} changes its rate or channels on the way "
                        f"({rate} Hz x {channels}, then {frame.sample_rate} Hz x "
                        f"{block.shape[1]}): convert it to one format."
                    )
                yield block

    def _frames(self, container: Any) -> Iterator[Any]:  # noqa: ANN401
        """Decode all frames; what is no frame in an mp3 is left out, as other decoders do.

        Of other formats the last frame may be broken: the file was cut short.
        """
        import av

        unreadable = 0
        for packet in container.demux(container.streams.audio[self._plan.track]):
            if unreadable and packet.size and container.format.name != "mp3":
                raise InputError(
                    f"{self.path} cannot be decoded beyond {self.samples / self.rate:.2f} s: "
                    "replace the file or leave it out."
                )
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                unreadable += 1
                continue
            yield from frames
        if unreadable:
            text = f"{unreadable} frames cannot be decoded and are left out"
            self.remarks.append(Remark("damaged", text))


def mix(block: FloatArray) -> FloatArray:
    """Return the mean of the channels: ``float32 [t]`` of ``float32 [t, C]``."""
    # The mean of one is the same to the bit, and takes a tenth of the time of all preparing.
    mono = block.shape[1] == 1
    mixed: FloatArray = block[:, 0] if mono else block.mean(axis=1, dtype=np.float32)
    return mixed


def _full_scale(header: Header) -> float:
    """Return the largest positive value of whole-number samples; nearly 1 for the others."""
    if header.encoding in ("PCM_S", "PCM_U", "FLAC") and header.bits:
        return float(1 - 2.0 ** (1 - min(header.bits, 24)))
    return 0.999
