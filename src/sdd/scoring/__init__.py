"""Scoring: detectors over test sets and over recordings, and the files that hold the scores.

Of the names below, those of score files need no torch; all are imported when they are first used.
"""

from typing import TYPE_CHECKING

from sdd import lazy_names

if TYPE_CHECKING:
    from sdd.scoring.conversion import convert_scores
    from sdd.scoring.places import FoundRecordings, find_recordings
    from sdd.scoring.recordings import (
        RecordingScore,
        probability_of_fake,
        score_recording,
        score_recordings,
    )
    from sdd.scoring.score_files import read_score_file, write_score_file
    from sdd.scoring.score_tables import Scores

__all__ = [
    "FoundRecordings",
    "RecordingScore",
    "Scores",
    "convert_scores",
    "find_recordings",
    "probability_of_fake",
    "read_score_file",
    "score_recording",
    "score_recordings",
    "write_score_file",
]

__getattr__ = lazy_names(
    __name__,
    {
        "FoundRecordings": "places",
        "RecordingScore": "recordings",
        "Scores": "score_tables",
        "convert_scores": "conversion",
        "find_recordings": "places",
        "probability_of_fake": "recordings",
        "read_score_file": "score_files",
        "score_recording": "recordings",
        "score_recordings": "recordings",
        "write_score_file": "score_files",
    },
)
