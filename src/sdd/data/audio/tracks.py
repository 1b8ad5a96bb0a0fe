"""Which audio track of a file is read, where it has several."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sdd.data.audio.door import open_container, reading
from sdd.data.audio.remarks import SILENCE, Remark
from sdd.errors import InputError

# Containers that may hold encrypted tracks, and what stands there for a codec: MP4's, Apple's,
# Audible's.
_LOCKABLE = frozenset(("mov", "matroska", "webm", "asf"))
_LOCKED_CODECS = ("enca", "drms", "aavd")


def choose_track(path: Path) -> tuple[int, Remark | None]:
    """Choose the audio track: the one that the file calls the default, else the first with sound.

    Returns
    -------
    track
        Its number among the audio tracks, from 0.
    remark
        Which of how many, and why; None where there is but one.

    Raises
    ------
    InputError
        If the file holds no audio, or the track is encrypted.
    """
    with open_container(path) as container:
        tracks = list(container.streams.audio)
        default = [number for number, track in enumerate(tracks) if _is_default(track)]
        if len(tracks) == 1:
            _refuse_encrypted(path, container, 0)
    if not tracks:
        raise InputError(f"{path} holds no audio stream: replace the file or leave it out.")
    if len(tracks) == 1:
        return 0, None
    # Matroska calls every track a default that is not said to be none.
    if len(default) == 1:
        chosen, reason = default[0], "its default"
    else:
        sounding = (number for number in range(len(tracks)) if _has_sound(path, number))
        chosen, reason = next(((number, "the first with sound") for number in sounding), (0, ""))
    with open_container(path) as container:
        _refuse_encrypted(path, container, chosen)
    why = reason or "all are silent"
    return chosen, Remark("track", f"number {chosen + 1} of {len(tracks)} is read, {why}")


def _refuse_encrypted(path: Path, container: Any, track: int) -> None:  # noqa: ANN401
    """Name encryption, which FFmpeg decodes all the same: to noise, or to an error."""
    if _LOCKABLE.isdisjoint(container.format.name.split(",")):
        return
    stream = container.streams.audio[track]
    codec = stream.codec_context.codec_tag if stream.codec_context is not None else ""
    if codec in _LOCKED_CODECS or _is_locked(next(container.demux(stream), None)):
        raise InputError(
            f"{path} is encrypted (DRM), and its key is not in it: get it without encryption from "
            "where it came, or leave it out."
        )


def _is_locked(packet: Any) -> bool:  # noqa: ANN401
    # An older PyAV cannot tell: the decoder then fails, in other words.
    tells = getattr(packet, "has_sidedata", None)
    return tells is not None and bool(tells("encryption_info"))


def _is_default(track: Any) -> bool:  # noqa: ANN401
    return bool(getattr(track, "disposition", 0) & 1)  # AV_DISPOSITION_DEFAULT


def _has_sound(path: Path, track: int) -> bool:
    """Tell whether any sample of the mean of the channels is above silence."""
    try:
        with reading(path), open_container(path) as container:
            stream = container.streams.audio[track]
            frames = container.decode(stream)
            return any(np.abs(samples_of(f).mean(axis=1)).max(initial=0) > SILENCE for f in frames)
    except InputError:  # the other tracks may be sound
        return False


def samples_of(frame: Any) -> npt.NDArray[np.float32]:  # noqa: ANN401
    """Return the samples of a PyAV frame as ``float32 [t, C]``, full scale 1."""
    raw = frame.to_ndarray()
    block: npt.NDArray[Any] = raw.T if frame.format.is_planar else raw.reshape(frame.samples, -1)
    if block.dtype == np.uint8:
        return (block.astype(np.float32) - np.float32(128)) / np.float32(128)
    if block.dtype.kind == "i":
        block = block / 2.0 ** (8 * block.dtype.itemsize - 1)
    return np.ascontiguousarray(block, dtype=np.float32)
