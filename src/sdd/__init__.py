"""sdd: speech deepfake detection by supervised and reinforcement fine-tuning.

What most users need is handed out here, the rest by the packages (docs/python.md). A name is
imported when it is first used: ``import sdd`` costs nothing.
"""

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdd.data.corpora.readers import read_corpus
    from sdd.detector.checkpoints.loading import load_detector
    from sdd.detector.checkpoints.saving import save_detector
    from sdd.errors import InputError
    from sdd.metrics.eer_interval import eer_with_interval
    from sdd.metrics.error_rates import eer
    from sdd.metrics.estimates import Estimate
    from sdd.scoring.conversion import convert_scores
    from sdd.scoring.places import find_recordings
    from sdd.scoring.recordings import (
        RecordingScore,
        probability_of_fake,
        score_recording,
        score_recordings,
    )
    from sdd.scoring.score_files import read_score_file, write_score_file
    from sdd.scoring.score_tables import Scores

__all__ = [
    "Estimate",
    "InputError",
    "RecordingScore",
    "Scores",
    "convert_scores",
    "eer",
    "eer_with_interval",
    "find_recordings",
    "load_detector",
    "probability_of_fake",
    "read_corpus",
    "read_score_file",
    "save_detector",
    "score_recording",
    "score_recordings",
    "write_score_file",
]


def lazy_names(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Make the `__getattr__` of a package whose names are imported when they are first used.

    A package's face is for users. The library itself imports each name from the module that
    defines it, and must not pay for the others: torch takes seconds, in hundreds of processes.

    Parameters
    ----------
    homes
        By public name the module that defines it, relative to the package.
    """

    def __getattr__(name: str) -> Any:  # noqa: ANN401, N807  # what the module holds
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    return __getattr__


__getattr__ = lazy_names(
    __name__,
    {
        "Estimate": "metrics.estimates",
        "InputError": "errors",
        "RecordingScore": "scoring.recordings",
        "Scores": "scoring.score_tables",
        "convert_scores": "scoring.conversion",
        "eer": "metrics.error_rates",
        "eer_with_interval": "metrics.eer_interval",
        "find_recordings": "scoring.places",
        "load_detector": "detector.checkpoints.loading",
        "probability_of_fake": "scoring.recordings",
        "read_corpus": "data.corpora.readers",
        "read_score_file": "scoring.score_files",
        "save_detector": "detector.checkpoints.saving",
        "score_recording": "scoring.recordings",
        "score_recordings": "scoring.recordings",
        "write_score_file": "scoring.score_files",
    },
)
