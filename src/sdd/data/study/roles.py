"""Which corpora the study has: recordings, partitions and engines of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from sdd.data.study import recordings
from sdd.data.study.recordings import Recording


@dataclass(frozen=True)
class Role:
    """A corpus of the study.

    Attributes
    ----------
    recordings
        Lists the recordings that its real clips are taken of, from the packages' folders.
    clips
        Real clips by partition, at a scale of 1. Groups of recordings are in one partition.
    engines
        What makes the fakes, in turn: each real clip has one fake, made of it or in its place.
    """

    recordings: Callable[[Mapping[str, Path]], list[Recording]]
    clips: Mapping[str, int]
    engines: tuple[str, ...]


def _even_sky(folders: Mapping[str, Path]) -> list[Recording]:
    return recordings.sky(folders)[::2]


def _studio(folders: Mapping[str, Path]) -> list[Recording]:
    """List what no other corpus takes its real clips of: a woman's prompts, and half of a game."""
    return [*recordings.prompts(folders, ("en",)), *recordings.sky(folders)[1::2]]


def _prompts(folders: Mapping[str, Path]) -> list[Recording]:
    return recordings.prompts(folders, ("fr", "it", "es", "ru"))


ROLES: Mapping[str, Role] = MappingProxyType(
    {
        # Post-training: copy synthesis for the most part, whose fakes differ from speech by the
        # vocoder alone.
        "fillets": Role(
            recordings.fillets,
            {"train": 1700, "valid": 200},
            (
                *("world_copy", "griffin_lim", "world_copy", "lpc_vocoder", "world_copy"),
                *("quantised_phase", "world_copy", "sinusoidal", "world_copy"),
                "noise_substitution",
            ),
        ),
        # The target domain.
        "queen": Role(
            recordings.queen,
            {"train": 1000, "valid": 250, "test": 500},
            ("espeak", "world_conversion", "piper", "flite", "smooth_vocoder"),
        ),
        # Out of domain: other recordings, and engines known and unknown from the target domain.
        "sky": Role(
            _even_sky,
            {"test": 400},
            ("espeak", "world_copy", "flite", "griffin_lim", "world_conversion", "lpc_vocoder"),
        ),
        "prompts": Role(
            _prompts,
            {"test": 400},
            ("espeak", "world_copy", "griffin_lim", "world_conversion"),
        ),
        "phone": Role(
            recordings.phone,
            {"test": 400},
            ("espeak", "world_copy", "smooth_vocoder", "world_conversion"),
        ),
        # Networks that nothing is trained on.
        "neural": Role(_studio, {"test": 400}, ("kokoro", "hibari")),
    }
)
"""Corpora by name."""
