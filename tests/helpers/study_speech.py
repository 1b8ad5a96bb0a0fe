"""Recordings that sound of nothing and are told from pauses, for corpora of the study."""

from functools import partial

import numpy as np

from sdd.data.study.recordings import Recording
from sdd.data.study.voices import Request, Utterance

RATE = 16_000


def babble(seed: int, seconds: float) -> np.ndarray:
    """Return harmonics in syllables, with a pause in the middle."""
    generator = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    pitch = generator.uniform(90, 200)
    wave = sum(np.sin(2 * np.pi * pitch * k * time + k * k) / k for k in range(1, 20))
    syllables = np.abs(np.sin(np.pi * generator.uniform(2, 4) * time)) ** 2
    wave = 0.1 * wave * syllables + 1e-4 * generator.standard_normal(time.size)
    middle = wave.size // 2
    return np.concatenate([wave[:middle], np.zeros(RATE // 2), wave[middle:]])


def recordings(count: int, seconds: float = 2.0) -> list[Recording]:
    """List recordings of three dialogues; each fourth is too short."""
    return [
        Recording(
            f"line-{number:02d}",
            f"speaker-{number % 5}",
            f"dialogue-{number % 3}",
            "en",
            "pcm8",
            partial(babble, number, 0.5 if number % 4 == 3 else seconds),
        )
        for number in range(count)
    ]


def speak(request: Request, generator: np.random.Generator) -> Utterance:
    """Say a tenth of a second a letter, as an engine that reads."""
    wave = babble(int(generator.integers(100)), len(request.text) / 10)
    return Utterance(wave, f"reader-{request.language}")
