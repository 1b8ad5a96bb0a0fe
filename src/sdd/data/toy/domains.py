"""The toy corpora's domains: which fakes, under which conditions; and one utterance of a domain.

Real and fake utterances come in pairs that share duration, format and recording conditions and
differ in words and voice, so that nothing but the artefacts tells the labels apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from sdd.data.audio import SAMPLE_RATE
from sdd.data.toy.conditions import Conditions, Recording, draw_recording, record
from sdd.data.toy.fakes import make_fake
from sdd.data.toy.frames import FloatArray
from sdd.data.toy.speech import synthesise
from sdd.data.toy.voice import Speaker, draw_speaker

LABELS = ("real", "fake")

# Streams of randomness: the second and third number of a seed keep them apart.
SPEAKERS, PAIRS, UTTERANCES, NAMES = range(4)


@dataclass(frozen=True)
class Domain:
    """Where the utterances of a corpus, or of one part of it, come from.

    Attributes
    ----------
    number
        Tells domains apart in seeds.
    families
        Families of fakes; pair k has the k-th, cyclically; a frequent family is listed
        more than once.
    speakers
        Number of voices; real and fake share them.
    """

    number: int
    families: tuple[str, ...]
    conditions: Conditions
    speakers: int


_SOCIAL_MEDIA = Conditions(
    snr=(8.0, 22.0),
    noises=("white", "pink", "brown"),
    reverberation=(0.15, 0.5),
    reverberant_share=0.7,
    level=(-30.0, -18.0),
    clipped_share=0.15,
)
_SOCIAL_MEDIA_FAKES = (
    "noise_substitution",
    "spectral_images",
    "noise_substitution",
    "periodic_grid",
    "noise_substitution",
    "griffin_lim",
)
_CLEAN = Conditions(snr=(28.0, 40.0), noises=("white", "pink", "brown"))

DOMAINS: MappingProxyType[str, Domain] = MappingProxyType(
    {
        "deepfake_eval_train": Domain(1, _SOCIAL_MEDIA_FAKES, _SOCIAL_MEDIA, speakers=24),
        "deepfake_eval_test": Domain(2, _SOCIAL_MEDIA_FAKES, _SOCIAL_MEDIA, speakers=16),
        "add2023": Domain(
            3,
            ("griffin_lim", "lpc_vocoder", "noise_substitution", "quantised_phase"),
            Conditions(
                snr=(14.0, 28.0), reverberation=(0.1, 0.3), reverberant_share=0.4, level=(-30, -16)
            ),
            speakers=10,
        ),
        "fake_or_real": Domain(
            4,
            ("quantised_phase", "smooth_vocoder", "griffin_lim", "spectral_images"),
            Conditions(snr=(25.0, 40.0), noises=("brown", "pink"), level=(-26, -18)),
            speakers=10,
        ),
        "deep_voice": Domain(
            5,
            ("quantised_phase", "sinusoidal", "spectral_images", "griffin_lim"),
            Conditions(
                snr=(16.0, 30.0),
                noises=("pink", "blue"),
                reverberation=(0.1, 0.25),
                level=(-24, -18),
            ),
            speakers=8,
        ),
        "in_the_wild": Domain(
            6,
            ("griffin_lim", "lpc_vocoder", "quantised_phase", "periodic_grid"),
            Conditions(
                snr=(18.0, 32.0),
                low_edge=(20.0, 60.0),
                high_edge=(5500.0, 7800.0),
                level=(-32, -18),
            ),
            speakers=12,
        ),
        "asvspoof2019_la": Domain(
            7,
            (
                "griffin_lim",
                "lpc_vocoder",
                "smooth_vocoder",
                "spectral_images",
                "periodic_grid",
                "quantised_phase",
            ),
            _CLEAN,
            speakers=10,
        ),
        "toy_posttraining": Domain(
            8,
            ("griffin_lim", "lpc_vocoder", "quantised_phase", "smooth_vocoder", "sinusoidal"),
            Conditions(
                snr=(18.0, 40.0),
                noises=("white", "pink", "brown"),
                level=(-32.0, -16.0),
                low_edge=(15.0, 70.0),
                high_edge=(5000.0, 7900.0),
                band_limited_share=0.3,
                reverberation=(0.1, 0.3),
                reverberant_share=0.2,
            ),
            speakers=30,
        ),
    }
)


@dataclass(frozen=True)
class ToyUtterance:
    """One utterance: what a release says about it, and how its waveform is made.

    Attributes
    ----------
    seed
        Of all toy corpora.
    pair
        Number of its pair within the domain.
    label
        `real` or `fake`, as in protocols.
    duration
        Seconds.
    recording
        Shared by the two of a pair.
    """

    domain: Domain
    seed: int
    pair: int
    label: str
    duration: float
    recording: Recording

    @property
    def number(self) -> int:
        """Within the domain: 2 * pair for the real one, 2 * pair + 1 for the fake."""
        return 2 * self.pair + LABELS.index(self.label)

    @property
    def family(self) -> str:
        """Family of the fake; `-` if real."""
        families = self.domain.families
        return families[self.pair % len(families)] if self.label == "fake" else "-"

    @property
    def speaker(self) -> int:
        """Number of the voice."""
        return self._begin()[1]

    @property
    def samples(self) -> int:
        """Length at 16 kHz."""
        return round(self.duration * SAMPLE_RATE)

    def wave(self) -> FloatArray:
        """Make the waveform: ``float64 [samples]`` at 16 kHz."""
        generator, speaker = self._begin()
        wave = synthesise(voice(self.domain, speaker, self.seed), self.duration, generator)
        if self.label == "fake":
            wave = make_fake(wave, self.family, generator)
        return record(wave, self.recording, generator)

    def _begin(self) -> tuple[np.random.Generator, int]:
        """Return its own stream of randomness, after the voice that is drawn from it."""
        generator = np.random.default_rng([self.seed, self.domain.number, UTTERANCES, self.number])
        return generator, int(generator.integers(self.domain.speakers))


def voice(domain: Domain, speaker: int, seed: int) -> Speaker:
    """Return speaker number `speaker` of a domain; `seed` is that of all toy corpora."""
    return draw_speaker(np.random.default_rng([seed, domain.number, SPEAKERS, speaker]))


def spread(count: int, low: float, high: float, power: float = 1.0) -> list[float]:
    """Return durations between two limits, evenly spaced in their logarithm and then shuffled.

    Parameters
    ----------
    low, high
        Shortest and longest duration in seconds.
    power
        Above 1: more short ones.

    Returns
    -------
    list of float
        Seconds, with two decimals. The order is fixed, and mixes short and long ones.
    """
    shares = (np.arange(count) + 0.5) / count
    durations = low * (high / low) ** (shares**power)
    # A fixed shuffle: durations must not run in step with families or formats.
    order = np.random.default_rng(count).permutation(count)
    return [round(float(duration), 2) for duration in durations[order]]


def utterances(domain: Domain, durations: list[float], seed: int) -> Iterator[ToyUtterance]:
    """List a pair of a real and a fake utterance for each duration.

    Parameters
    ----------
    durations
        Seconds; the two of a pair differ from it by up to 4 %.
    seed
        Of all toy corpora.

    Yields
    ------
    ToyUtterance
        The real, then the fake one of each pair. Each depends on the seed, the domain and its own
        number, duration and pair alone.
    """
    for pair, duration in enumerate(durations):
        shared = np.random.default_rng([seed, domain.number, PAIRS, pair])
        recording = draw_recording(domain.conditions, shared)
        # Which of the two is longer alternates at random, so the means stay together.
        difference = float(shared.uniform(-0.04, 0.04))
        for label, sign in zip(LABELS, (1, -1), strict=True):
            actual = duration * (1 + sign * difference)
            yield ToyUtterance(domain, seed, pair, label, actual, recording)
