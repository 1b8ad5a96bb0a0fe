"""The inventory of one corpus."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdd.data.corpora.listing import Listing, Utterance
from sdd.data.corpora.protocol import UNKNOWN
from sdd.data.corpora.readers import list_corpus
from sdd.data.corpora.release import Published, Release
from sdd.data.inventory.file_facts import FileFacts, examine_files
from sdd.data.inventory.findings import Finding, find_in_files, find_in_lengths, find_in_rows
from sdd.data.paths import is_file
from sdd.errors import InputError

ALL = "all"


@dataclass(frozen=True)
class Count:
    """Size of a part of a corpus: as listed, as found on disk and as published.

    Attributes
    ----------
    partition, label
        Proportion and label, or `all`.
    listed
        Utterances that the corpus' lists name.
    found, hours
        Those whose audio can be decoded, and their duration.
    published
        None where it is not known.
    """

    partition: str
    label: str
    listed: int
    found: int
    hours: float
    published: Published | None

    @property
    def part(self) -> str:
        """The part in words: partition and label, as far as they say something."""
        known = (word for word in (self.partition, self.label) if word not in (ALL, UNKNOWN))
        return " ".join(known) or ALL


@dataclass(frozen=True)
class Inventory:
    """Counts and findings of a corpus.

    Attributes
    ----------
    corpus
        Its name in the config.
    release
        None if the corpus could not be listed at all.
    files
        Number of distinct files listed.
    allowed
        How many of them may be missing or unreadable.
    counts
        By partition and label.
    findings
        In the order in which they were looked for: lists, rows, files, lengths, counts.
    """

    corpus: str
    release: Release | None
    files: int
    allowed: int
    counts: list[Count] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def unusable_files(self) -> int:
        """Files that are missing or cannot be decoded."""
        return sum(finding.effect == "unreadable" for finding in self.findings)

    @property
    def obstacle(self) -> str:
        """Why the experiment cannot run with this corpus, empty if it can."""
        failing = [finding for finding in self.findings if finding.effect == "fails"]
        if failing:
            first, *others = failing
            more = f" (and {len(others)} more)" if others else ""
            # The message of a list that cannot be used names it.
            named = first.detail if first.kind == "list" else f"{first.what}: {first.detail}"
            return f"{named}{more}"
        if self.unusable_files > self.allowed or not any(count.found for count in self.counts):
            return (
                f"{self.unusable_files} of {self.files} files are missing or cannot be decoded, "
                f"{self.allowed} may be (unreadable_sources)"
            )
        return ""


def refuse_unusable(inventories: Iterable[Inventory], page: Path) -> None:
    """Refuse to go on with corpora that cannot be used.

    Parameters
    ----------
    page
        Where all that was found is shown.

    Raises
    ------
    InputError
        If there is one: all of them, and why.
    """
    unusable = [f"\n  {it.corpus}: {it.obstacle}" for it in inventories if it.obstacle]
    if unusable:
        raise InputError(f"{len(unusable)} corpora cannot be used (see {page}):{''.join(unusable)}")


def take_inventory(
    name: str,
    root: Path,
    journal: Path,
    /,
    *,
    reader: str,
    partitions: Collection[str] | None = None,
    allowed: int = 0,
    min_seconds: float = 0.025,
    workers: int = 1,
    **options: Any,  # noqa: ANN401
) -> Inventory:
    """Look at every file of a corpus, as `sdd.data.corpora.readers.read_corpus` would read it.

    Parameters
    ----------
    name
        The corpus' name in the config.
    journal
        Keeps the facts of files, so that only changed ones are decoded again.
    allowed
        How many files may be missing or unreadable.
    min_seconds
        Segments shorter than this are dropped.

    Returns
    -------
    Inventory
        Nothing that is wrong with the corpus raises: it is a finding.
    """
    try:
        listing = list_corpus(reader, root, partitions=partitions, **options)
    except InputError as error:
        return Inventory(name, None, 0, allowed, findings=[_about_list(str(error))])
    findings = list(_find_in_list(listing))
    # From here on it is the audio that is looked at, and what can be decoded is counted.
    there, missing = _present(listing, findings)
    findings += [Finding("missing", str(path), "listed, but not there") for path in missing]
    facts = examine_files(there, journal, workers=workers, title=name)
    findings += find_in_files(facts)
    findings += find_in_lengths(listing.utterances, facts, min_seconds)
    findings += _find_unlisted(listing)
    counts = list(_counts(listing, facts, partitions))
    findings += _differences(counts)
    files = len({utterance.path for utterance in listing.utterances})
    return Inventory(name, listing.release, files, allowed, counts, findings)


def _find_in_list(listing: Listing) -> Iterator[Finding]:
    """Find what the release's lists themselves say or get wrong, without looking at any file."""
    yield from map(_about_list, listing.problems)
    yield from find_in_rows(listing.utterances)
    if not listing.utterances and not listing.problems:
        yield _about_list(f"{listing.listed_in} lists no utterance that could be used.")
    for folder, words in listing.left_out:
        yield Finding("left_out", str(folder), words)
    for label, number in listing.set_aside.items():
        yield Finding("set_aside", label or "no label", f"{number} files")


def _find_unlisted(listing: Listing) -> list[Finding]:
    """Find audio files that no row names; a folder that cannot be walked is a finding, too."""
    try:
        return [
            Finding("unlisted", str(path), f"{listing.listed_in} does not name it")
            for path in listing.unlisted()
        ]
    except InputError as error:
        return [_about_list(str(error))]


def _about_list(problem: str) -> Finding:
    return Finding("list", problem.split(": ")[0], problem)


def _present(listing: Listing, findings: list[Finding]) -> tuple[list[Path], list[Path]]:
    """Sort the files into those that are there and those that are not."""
    there: list[Path] = []
    missing: list[Path] = []
    for path in dict.fromkeys(utterance.path for utterance in listing.utterances):
        try:
            (there if is_file(path) else missing).append(path)
        except InputError as error:
            findings.append(Finding("unreadable", str(path), str(error)))
    return there, missing


def _counts(
    listing: Listing, facts: dict[Path, FileFacts], partitions: Collection[str] | None
) -> Iterator[Count]:
    """Count each part of the corpus, and each part that a published count is about."""
    parts = {(row.proportion, row.label) for row in listing.utterances}
    # Of a corpus that has one partition only, what is said of all is said of that.
    only = {partition for partition, _ in parts}
    whole = only.pop() if len(only) == 1 else ALL
    published = {
        (entry.partition or whole, entry.label or ALL): entry
        for entry in listing.release.published
        if partitions is None or entry.partition in partitions or entry.count is None
    }
    for partition, label in sorted(parts | set(published)):
        rows = [
            row
            for row in listing.utterances
            if partition in (ALL, row.proportion) and label in (ALL, row.label)
        ]
        seconds = [_seconds(row, facts) for row in rows]
        yield Count(
            partition,
            label,
            listed=len(rows),
            found=sum(value is not None for value in seconds),
            hours=sum(value for value in seconds if value is not None) / 3600,
            published=published.get((partition, label)),
        )


def _seconds(row: Utterance, facts: dict[Path, FileFacts]) -> float | None:
    """Return the duration of a row, None if its file cannot be decoded."""
    found = facts.get(row.path)
    if found is None or found.error:
        return None
    if row.window is None:
        return found.seconds
    start, end = row.window
    return max(0, min(end, found.samples) - start) / found.rate


def _differences(counts: Sequence[Count]) -> Iterator[Finding]:
    for count in counts:
        if count.published and count.published.count not in (None, count.listed):
            yield Finding(
                "published",
                count.part,
                f"{count.listed} utterances are listed, {count.published.count} are published "
                f"({count.published.said_by})",
            )
