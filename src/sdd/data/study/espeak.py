"""eSpeak NG, in the build of the package espeakng-loader."""

import inspect
import subprocess
import sys

import numpy as np
import numpy.typing as npt

from sdd.data.study import espeak_program
from sdd.errors import InputError

RATE = espeak_program.RATE
"""Of what it says, in Hz."""


def speak(
    text: str, voice: str, *, seed: int, words_a_minute: int, pitch: int, range_: int
) -> npt.NDArray[np.float64]:
    """Speak a text.

    Parameters
    ----------
    voice
        A language and a variant, such as ``en-us+f3``.
    seed
        Of what some voices draw.
    pitch, range_
        From 0 to 100; 50 are the voice's own.

    Returns
    -------
    ``float64 [T]``
        At `RATE`, full scale 1.

    Raises
    ------
    InputError
        If there is no such voice, or the library does not run.
    """
    import espeakng_loader

    places = [espeakng_loader.get_library_path(), espeakng_loader.get_data_path()]
    values = [str(value) for value in (seed, words_a_minute, pitch, range_)]
    program = inspect.getsource(espeak_program)
    command = [sys.executable, "-I", "-c", program, *places, voice, *values]
    answer = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    if answer.returncode == espeak_program.NO_VOICE:
        raise InputError(f"eSpeak NG has no voice {voice!r}.")
    if answer.returncode:
        lines = answer.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise InputError(
            f"eSpeak NG ends with status {answer.returncode} ({lines[-1]}): install the group "
            "`study` again."
        )
    return np.frombuffer(answer.stdout, np.int16) / 32_768.0
