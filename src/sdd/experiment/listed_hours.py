"""Hours of audio of sets that are not cut yet, by the protocols of their corpora."""

import csv
import textwrap
from pathlib import Path

from sdd.experiment import tree
from sdd.experiment.experiment import Experiment
from sdd.experiment.needs import JobResources


def listed_audio_hours(experiment: Experiment, results: Path) -> dict[str, float]:
    """Return the hours of audio of the sets whose corpora have a protocol.

    Files whose header could not be read have no duration there, and count as nothing.
    """
    hours: dict[str, float] = {}
    for name in experiment.sets_in_use():
        protocol = tree.path(tree.PROTOCOL, results, corpus=experiment.corpus(name))
        if protocol.is_file():
            hours[name] = _hours(
                protocol,
                {
                    "Proportion": experiment.config["sets"][name].get("partition"),
                    "Label": experiment.config["sets"][name].get("label"),
                },
            )
    return hours


def _hours(protocol: Path, wanted: dict[str, str | None]) -> float:
    """Add up the durations of the rows that have the wanted values; None takes any."""
    with protocol.open(newline="", encoding="utf-8") as file:
        seconds = [
            float(row["Duration"])
            for row in csv.DictReader(file)
            if all(value in (None, row[column]) for column, value in wanted.items())
        ]
    return sum(duration for duration in seconds if duration > 0) / 3600


def notes_on_unknown_hours(experiment: Experiment, needs: JobResources) -> list[str]:
    """Say in lines of 80 columns what to do about hours that are not known; nothing if all are."""
    unknown = [name for name in experiment.sets_in_use() if name not in needs.audio_hours]
    if not unknown:
        return []
    return textwrap.wrap(
        f"?  Nothing is known of the audio of {', '.join(unknown)}: `snakemake protocols` counts "
        "it from the files' headers, or write hours into resources.audio_hours.",
        80,
    )
