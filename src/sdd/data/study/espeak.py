"""eSpeak NG as a library in this process: the build of the package espeakng-loader."""

import ctypes
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from sdd.errors import InputError

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: samples go to the callback
_RATE, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER
_UTF8 = 1
_BLOCK_MS = 0  # the library's own

_received: list[npt.NDArray[np.int16]] = []


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
def _receive(samples: Any, count: int, _events: Any) -> int:  # noqa: ANN401 (pointers of C)
    if samples and count > 0:
        _received.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
    return 0


@cache
def _library() -> tuple[Any, int]:
    """Load and start the library; return it and its sample rate."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    data = espeakng_loader.get_data_path().encode()
    rate = int(library.espeak_Initialize(_SYNCHRONOUS, _BLOCK_MS, data, 0))
    if rate <= 0:
        raise InputError("eSpeak NG does not start: install the group `study` again.")
    library.espeak_SetSynthCallback(_receive)
    return library, rate


def speak(
    text: str, voice: str, *, words_a_minute: int, pitch: int, range_: int
) -> tuple[npt.NDArray[np.float64], int]:
    """Speak a text.

    Parameters
    ----------
    voice
        A language and a variant, such as ``en-us+f3``.
    pitch, range_
        From 0 to 100; 50 are the voice's own.

    Returns
    -------
    samples
        ``float64 [T]``, full scale 1.
    rate
        In Hz.

    Raises
    ------
    InputError
        If there is no such voice.
    """
    library, rate = _library()
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise InputError(f"eSpeak NG has no voice {voice!r}.")
    for parameter, value in ((_RATE, words_a_minute), (_PITCH, pitch), (_RANGE, range_)):
        library.espeak_SetParameter(parameter, value, 0)
    _received.clear()
    data = text.encode() + b"\0"
    library.espeak_Synth(data, ctypes.c_size_t(len(data)), 0, 0, 0, _UTF8, None, None)
    samples = np.concatenate(_received) if _received else np.empty(0, np.int16)
    return samples / 32_768.0, rate
