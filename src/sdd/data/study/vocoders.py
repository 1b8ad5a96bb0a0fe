"""Engines that make a fake of a recording: WORLD, and the families of the toy corpora.

WORLD takes speech apart into fundamental frequency, spectral envelope and aperiodicity and puts it
together again [1]_; between the two, a voice can be changed.

References
----------
.. [1] M. Morise, F. Yokomori, K. Ozawa, "WORLD: a vocoder-based high-quality speech synthesis
   system for real-time applications", IEICE Trans. Inf. & Syst. E99-D, 2016.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from sdd.data.audio import SAMPLE_RATE
from sdd.data.toy.fakes import FAMILIES

FloatArray = npt.NDArray[np.float64]
Vocoder = Callable[[FloatArray, np.random.Generator], FloatArray]

_FRAME_MS = (5.0, 7.5, 10.0)
_COEFFICIENTS = (24, 60)
"""Range of mel-cepstral coefficients that keep the envelope, as in statistical synthesis."""


def world_copy(wave: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Copy synthesis by WORLD: words, timing and voice stay."""
    return _by_world(wave, generator, pitch=1.0, stretch=1.0)


def world_conversion(wave: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Voice conversion by WORLD: another pitch, and a vocal tract of another length."""
    lower = generator.random() < 0.5
    pitch = generator.uniform(0.65, 0.85) if lower else generator.uniform(1.2, 1.5)
    stretch = generator.uniform(0.85, 0.95) if lower else generator.uniform(1.06, 1.18)
    return _by_world(wave, generator, pitch=float(pitch), stretch=float(stretch))


def _by_world(
    wave: FloatArray, generator: np.random.Generator, *, pitch: float, stretch: float
) -> FloatArray:
    import pyworld

    frame = float(generator.choice(_FRAME_MS))
    coefficients = int(generator.integers(*_COEFFICIENTS))
    wave = np.ascontiguousarray(wave, dtype=np.float64)
    rough, times = pyworld.dio(wave, SAMPLE_RATE, frame_period=frame)
    f0 = pyworld.stonemask(wave, rough, times, SAMPLE_RATE)
    envelope = pyworld.cheaptrick(wave, f0, times, SAMPLE_RATE)
    aperiodicity = pyworld.d4c(wave, f0, times, SAMPLE_RATE)
    size = 2 * (envelope.shape[1] - 1)
    coded = pyworld.code_spectral_envelope(envelope, SAMPLE_RATE, coefficients)
    envelope = pyworld.decode_spectral_envelope(coded, SAMPLE_RATE, size)
    if stretch != 1.0:
        envelope, aperiodicity = (_stretched(one, stretch) for one in (envelope, aperiodicity))
    fake: FloatArray = pyworld.synthesize(f0 * pitch, envelope, aperiodicity, SAMPLE_RATE, frame)
    return np.pad(fake[: wave.size], (0, max(0, wave.size - fake.size)))


def _stretched(frames: FloatArray, factor: float) -> FloatArray:
    """Move what each frame has at a frequency to `factor` times that frequency."""
    bins = np.arange(frames.shape[1])
    place = np.minimum(bins / factor, bins[-1])
    below = place.astype(np.int64)
    above = np.minimum(below + 1, bins[-1])
    share = place - below
    stretched = (1 - share) * frames[:, below] + share * frames[:, above]
    return np.ascontiguousarray(stretched)


VOCODERS: Mapping[str, Vocoder] = MappingProxyType(
    {"world_copy": world_copy, "world_conversion": world_conversion, **FAMILIES}
)
"""Engines by name; each takes and returns ``float64 [T]`` at 16 kHz."""
