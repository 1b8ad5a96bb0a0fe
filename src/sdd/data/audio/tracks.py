"""Which audio track of a file is read, where it has several."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sdd.data.audio.door import open_container, reading
from sdd.data.audio.remarks import SILENCE, Remark
from sdd.errors import InputError


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
        If the file holds no audio.
    """
    with open_container(path) as container:
        tracks = list(container.streams.audio)
        default = [number for number, track in enumerate(tracks) if _is_default(track)]
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
    why = reason or "all are silent"
    return chosen, Remark("track", f"number {chosen + 1} of {len(tracks)} is read, {why}")


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
