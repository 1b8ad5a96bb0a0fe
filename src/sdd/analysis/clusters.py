"""Clusters of a test set: the largest thing that trials share, which resampling draws whole.

Clips of one speaker are not independent, nor are segments of one recording, nor a real clip and the
fakes that were made of it. Where speakers are known they are drawn, with all that they said and all
that was made of it; where not, recordings are.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sdd.data.segments import Segments, read_segments
from sdd.errors import InputError

Rule = str | Mapping[str, str]
"""`auto`, `speaker` or `recording`; or a pattern of the recordings' names, and what it stands for.

`auto` is the speaker where one is known, the recording otherwise; speakers that share a recording
are one cluster."""

UNKNOWN = ("", "-")


@dataclass(frozen=True)
class Clusters:
    """The clusters of a test set of N segments.

    Attributes
    ----------
    of_segment
        By segment ID: the name of its cluster, the same in all sets of the corpus.
    drawn
        What they are, in the plural: `speakers`, `recordings`, ...
    """

    of_segment: Mapping[str, str]
    drawn: str


def read_clusters(table: Path, rule: Rule) -> Clusters:
    """Find the clusters of the segments of a table.

    Parameters
    ----------
    table
        Segment table.
    rule
        `clusters` of the corpus in the config.

    Raises
    ------
    InputError
        If a segment has no speaker where speakers are asked for, or a recording's name does not
        fit the pattern: the table and the segment.
    """
    segments = read_segments(table)
    if not isinstance(rule, str):
        names, drawn = _by_pattern(segments, table, rule["pattern"]), rule["drawn"]
    elif rule == "recording":
        names, drawn = segments.source, "recordings"
    else:
        names, drawn = _by_speaker(segments, table, strict=rule == "speaker")
    return Clusters(dict(zip(segments.segment_id, names, strict=True)), drawn)


def _by_speaker(segments: Segments, table: Path, *, strict: bool) -> tuple[list[str], str]:
    unknown = [speaker in UNKNOWN for speaker in segments.speaker]
    if strict and any(unknown):
        row = unknown.index(True)
        raise InputError(
            f"{table}: segment {segments.segment_id[row]!r} (row {row + 1}) has no speaker; fill "
            "in the column Speaker, or set `clusters` of its corpus to recording or auto"
        )
    if all(unknown):
        return segments.source, "recordings"
    # A speaker and a recording may have the same name.
    names = [
        f"recording {source}" if no_speaker else f"speaker {speaker}"
        for source, speaker, no_speaker in zip(
            segments.source, segments.speaker, unknown, strict=True
        )
    ]
    if strict:
        return names, "speakers"
    joined = _join(names, segments.source)
    return [joined[name] for name in names], _in_words(joined)


def _join(names: Sequence[str], sources: Sequence[str]) -> dict[str, str]:
    """Join clusters that share a recording, such as a real clip and its copies; by old name."""
    joined = {name: name for name in names}

    def root(name: str) -> str:
        while joined[name] != name:
            name = joined[name]
        return name

    first: dict[str, str] = {}
    for name, source in zip(names, sources, strict=True):
        both = root(name), root(first.setdefault(source, name))
        # Speakers sort behind recordings: a cluster that holds one is called by it.
        joined[min(both)] = max(both)
    return {name: root(name) for name in joined}


def _in_words(joined: Mapping[str, str]) -> str:
    """Say what clusters are: speakers, several that share recordings, or recordings beside."""
    speakers = [cluster for name, cluster in joined.items() if name.startswith("speaker ")]
    words = "speakers" if len(set(speakers)) == len(speakers) else "groups of speakers"
    return words if set(joined.values()) == set(speakers) else f"{words} and recordings"


def _by_pattern(segments: Segments, table: Path, pattern: str) -> list[str]:
    expression = re.compile(pattern, re.IGNORECASE)
    names = []
    for row, source in enumerate(segments.source, start=1):
        match = expression.match(source)
        if match is None:
            raise InputError(
                f"{table}: recording {source!r} (row {row}) does not fit the pattern {pattern!r}; "
                "correct `clusters` of its corpus"
            )
        names.append(match.group(1).casefold())
    return names
