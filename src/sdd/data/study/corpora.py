"""Making the corpora of the study: clips of real speech, a fake beside each, the CSV of both."""

import csv
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdd.data.corpora.protocol import UNKNOWN
from sdd.data.study.clips import fake_clip, generator_of, real_clip, write_clip
from sdd.data.study.engines import check_engines
from sdd.data.study.recordings import Recording
from sdd.data.study.roles import ROLES, Role
from sdd.data.study.texts import read_texts
from sdd.data.study.voices import VOICES
from sdd.errors import InputError
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.journal import Journal
from sdd.runtime.worker_processes import process_pool

logger = logging.getLogger(__name__)

FEWEST = 4
"""Real clips of a partition."""
TEXTS = 8
"""That follow each other: an engine reads as many of them as it takes."""
COLUMNS = ("ID", "Label", "Path", "Attack", "Speaker", "Proportion", "Language", "Source")
TOO_LITTLE = "too little speech"
_MADE_OF = "made of"
_IMPORTS = ("numpy", "scipy.signal", "scipy.ndimage", "soundfile")

Run = Callable[[Callable[[Any], Any], Sequence[Any]], Iterator[Any]]


@dataclass(frozen=True)
class _Real:
    """A clip to be cut; made, it is why there is none, or nothing."""

    recording: Recording
    path: Path
    seed: int

    @property
    def key(self) -> str:
        return f"real/{self.recording.name}"

    def make(self) -> str:
        try:
            wave = real_clip(self.recording, self.seed)
        except InputError as error:
            # The package is whole, by its digest: there is one empty file in Fish Fillets.
            return str(error)
        if wave is None:
            return TOO_LITTLE
        write_clip(self.path, wave)
        return ""


@dataclass(frozen=True)
class _Fake:
    """A fake to be made; made, it is the name of who speaks."""

    recording: Recording
    engine: str
    texts: Sequence[str]
    folders: Mapping[str, Path]
    path: Path
    seed: int

    @property
    def key(self) -> str:
        return f"fake/{self.engine}/{self.recording.name}"

    def make(self) -> str:
        one = self.recording
        wave, speaker = fake_clip(one, self.engine, self.texts, self.folders, self.seed)
        write_clip(self.path, wave)
        return speaker


def write_corpus(
    name: str,
    root: Path,
    folders: Mapping[str, Path],
    *,
    made_of: str,
    seed: int,
    scale: float = 1.0,
    workers: int = 1,
) -> Path:
    """Make a corpus of the study below a data root: ``{name}.csv``, and FLAC files in ``{name}/``.

    What was made before of the same is kept, also at another scale: a clip depends on the seed and
    its recording alone.

    Parameters
    ----------
    name
        A key of `ROLES`.
    folders
        Of the unpacked packages, by name.
    made_of
        Names code and packages: what another text made is made anew.
    scale
        Factor on the numbers of clips; there are never fewer than four of a label in a partition.
    workers
        Processes that work side by side; the files are the same.

    Returns
    -------
    Path
        Of the CSV.

    Raises
    ------
    InputError
        If an argument cannot be used, a package's files are not as expected, a recording cannot be
        read, or an engine fails.
    """
    role = _role(name, scale)
    check_engines(role.engines)
    folder = root / name
    journal = _journal(folder, f"{made_of}, seed {seed}")
    maker = _Maker(role, folder, folders, seed)
    rows: list[dict[str, str]] = []
    with _running(workers) as run:
        for partition, recordings in _divided(role, folders, seed, name).items():
            wanted = max(FEWEST, round(role.clips[partition] * scale))
            reals = _enough(maker.reals(recordings), wanted, journal, run)
            if len(reals) < wanted:
                logger.info("%s, %s: %d clips, not %d", name, partition, len(reals), wanted)
            if len(reals) < FEWEST:
                raise InputError(
                    f"{name} has {len(reals)} recordings with enough speech for {partition}, and "
                    f"{FEWEST} are needed: are its packages whole?"
                )
            logger.info("%s, %s: %d real clips; making fakes", name, partition, len(reals))
            # Engines read other texts for tests than for training.
            fakes = maker.fakes([one.recording for one in reals], partition == "test")
            speakers = _made(fakes, journal, run)
            rows += [_row(name, partition, one, one.recording.speaker) for one in reals]
            rows += [_row(name, partition, one, speakers[one.key]) for one in fakes]
    path = root / f"{name}.csv"
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    logger.info("%s: %d real and fake clips in %s", name, len(rows), folder)
    return path


@dataclass(frozen=True)
class _Maker:
    """Lists the clips of a corpus that are to be made."""

    role: Role
    folder: Path
    folders: Mapping[str, Path]
    seed: int

    def reals(self, recordings: Iterable[Recording]) -> list[_Real]:
        return [
            _Real(one, self.folder / "real" / f"{one.name}.flac", self.seed) for one in recordings
        ]

    def fakes(self, recordings: Sequence[Recording], of_test: bool) -> list[_Fake]:
        """Take the engines in turn; a larger scale goes on where a smaller one ends."""
        engines = self.role.engines
        chosen = [(one, engines[number % len(engines)]) for number, one in enumerate(recordings)]
        languages = sorted({one.language for one, engine in chosen if engine in VOICES})
        texts = {one: read_texts(self.folders, one)[int(of_test) :: 2] for one in languages}
        return [
            _Fake(
                one,
                engine,
                self._texts(one, texts[one.language]) if engine in VOICES else (),
                self.folders,
                self.folder / "fake" / f"{one.name}-{engine.replace('_', '-')}.flac",
                self.seed,
            )
            for one, engine in chosen
        ]

    def _texts(self, recording: Recording, texts: Sequence[str]) -> tuple[str, ...]:
        """Draw where in the subtitles an engine begins to read."""
        first = int(generator_of(self.seed, "text", recording.name).integers(len(texts)))
        return tuple(texts[(first + number) % len(texts)] for number in range(TEXTS))


def _role(name: str, scale: float) -> Role:
    if name not in ROLES:
        raise InputError(f"The study has no corpus {name!r}; known: {', '.join(ROLES)}.")
    if not 0 < scale <= 1000:
        raise InputError(f"scale is {scale!r}: give a number above 0 and up to 1000.")
    return ROLES[name]


def _journal(folder: Path, made_of: str) -> Journal:
    """Return the journal of a corpus; what was made of something else is deleted with its own."""
    journal = Journal(folder / "made.jsonl")
    if journal.read().get(_MADE_OF) != made_of:
        if journal.path.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        journal.write({_MADE_OF: made_of})
    for left in folder.glob("*/.*"):  # of a run that was killed while it wrote them
        left.unlink()
    return journal


def _divided(
    role: Role, folders: Mapping[str, Path], seed: int, name: str
) -> dict[str, list[Recording]]:
    """Divide recordings between partitions by groups, as the clips are, each in random order."""
    recordings = role.recordings(folders)
    generator = generator_of(seed, "order", name)
    order = [recordings[number] for number in generator.permutation(len(recordings))]
    if len(role.clips) == 1:
        return dict.fromkeys(role.clips, order)
    sizes: dict[str, int] = {}
    for one in order:
        sizes[one.group] = sizes.get(one.group, 0) + 1
    groups = _dealt(sizes, role.clips)
    return {
        partition: [one for one in order if groups[one.group] == partition]
        for partition in role.clips
    }


def _dealt(sizes: Mapping[str, int], shares: Mapping[str, int]) -> dict[str, str]:
    """Deal groups, the largest first, each to the partition that lacks most of its share."""
    total, dealt = sum(shares.values()), dict.fromkeys(shares, 0)
    everything = sum(sizes.values())
    partition_of = {}
    for group, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        lacking = {
            partition: shares[partition] / total * everything - dealt[partition]
            for partition in shares
        }
        chosen = max(lacking, key=lambda partition: lacking[partition])
        partition_of[group] = chosen
        dealt[chosen] += size
    return partition_of


def _enough(candidates: Sequence[_Real], wanted: int, journal: Journal, run: Run) -> list[_Real]:
    """Cut clips in the order of the candidates until there are enough."""
    usable: list[_Real] = []
    first = 0
    while len(usable) < wanted and first < len(candidates):
        batch = candidates[first : first + wanted - len(usable)]
        first += len(batch)
        made = _made(batch, journal, run)
        usable += [one for one in batch if not made[one.key]]
        for reason in sorted({made[one.key] for one in batch} - {"", TOO_LITTLE}):
            logger.warning("left out: %s", reason)
    return usable


def _made(items: Sequence[Any], journal: Journal, run: Run) -> dict[str, Any]:
    """Make what the journal does not have, and enter it; return what became of each by its key."""
    done = journal.read()
    todo = [one for one in items if not _is_made(one, done)]
    with journal.appending() as entries:
        for one, result in zip(todo, run(_make, todo), strict=True):
            entries.add(one.key, result)
            done[one.key] = result
    return done


def _is_made(item: Any, done: Mapping[str, Any]) -> bool:  # noqa: ANN401 (either kind)
    if isinstance(item, _Real) and done.get(item.key):
        return True  # there is no clip
    return item.key in done and item.path.is_file()


def _make(item: Any) -> Any:  # noqa: ANN401 (either kind)
    return item.make()


@contextmanager
def _running(workers: int) -> Iterator[Run]:
    """Give the block a `map`, of this process or of several."""
    if workers == 1:
        yield lambda function, items: map(function, items)
        return
    try:
        with process_pool(workers, imports=_IMPORTS) as pool:
            yield lambda function, items: pool.map(function, items)
    except BrokenProcessPool as error:
        raise InputError(
            f"A process that makes clips ended ({error}). If memory is short, use fewer: "
            "`threads: {prepare: 1}`."
        ) from error


def _row(name: str, partition: str, clip: _Real | _Fake, speaker: str) -> dict[str, str]:
    label = "real" if isinstance(clip, _Real) else "fake"
    return {
        "ID": f"{name}-{label}-{clip.path.stem}",
        "Label": label,
        "Path": f"{name}/{label}/{clip.path.name}",
        "Attack": clip.engine if isinstance(clip, _Fake) else UNKNOWN,
        "Speaker": speaker,
        "Proportion": partition,
        "Language": clip.recording.language,
        "Source": f"{name}-{clip.recording.name}",
    }
