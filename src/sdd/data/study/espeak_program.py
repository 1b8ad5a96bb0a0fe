"""A program that has eSpeak NG's library speak one text; its samples go to standard output.

A process of its own for each text, so that it depends on none before. It imports nothing but
`ctypes`, to start quickly.

``python -c THIS LIBRARY DATA VOICE SEED WORDS_A_MINUTE PITCH RANGE < TEXT > SAMPLES``: 16 bits a
sample, in the order of this machine's bytes. Its status is 3 where there is no such voice.
"""

import ctypes
import sys
from typing import Any

RATE = 22_050
NO_VOICE = 3
_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: samples go to the callback
_PARAMETERS = (1, 3, 4)  # of espeak_PARAMETER: rate, pitch, range
_UTF8 = 1


def _write(samples: Any, count: int, _events: Any) -> int:  # noqa: ANN401 (pointers of C)
    if samples and count > 0:
        sys.stdout.buffer.write(ctypes.string_at(samples, 2 * count))
    return 0


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


def main(library: str, data: str, voice: str, seed: str, *values: str) -> int:
    """Speak the text of standard input; return the status."""
    engine = ctypes.CDLL(library)
    if engine.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), 0) != RATE:
        return 1
    callback = _CALLBACK(_write)  # kept until the end: the library calls it while it speaks
    engine.espeak_SetSynthCallback(callback)
    if engine.espeak_SetVoiceByName(voice.encode()):
        return NO_VOICE
    # Else by the time of day: noise of some voices, and which of two ways a sound is made.
    engine.espeak_ng_SetRandSeed(ctypes.c_long(int(seed)))
    for parameter, value in zip(_PARAMETERS, values, strict=True):
        engine.espeak_SetParameter(parameter, int(value), 0)
    text = sys.stdin.buffer.read() + b"\0"
    engine.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 0, 0, _UTF8, None, None)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
