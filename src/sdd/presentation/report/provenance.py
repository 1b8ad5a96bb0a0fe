"""What results were made with: versions, seeds, digests, switches and run times."""

import csv
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sdd.analysis.columns import Identity
from sdd.experiment import tree
from sdd.experiment.cells import Cell
from sdd.runtime.csv_rows import read_rows
from sdd.runtime.digests import file_digest

PACKAGES = ("torch", "torchaudio", "numpy", "scipy", "pandas", "pyarrow", "matplotlib", "pot",
            "soundfile", "av", "snakemake")  # fmt: skip
UNKNOWN = "not known"


@dataclass(frozen=True)
class FactTable:
    """Facts in rows, under one heading."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remark: str = ""


def versions(repository: Path) -> FactTable:
    """List the versions of this project, Python and the packages results depend on."""
    rows = [
        ("this project", _installed("sdd-grpo")),
        ("its commit", commit_of(repository)),
        ("Python", platform.python_version()),
        ("system", platform.platform()),
        *((name, _installed(name)) for name in PACKAGES),
    ]
    remark = "Of the machine that wrote this page; jobs on a cluster share its environment."
    return FactTable("Versions", ("what", "version"), tuple(rows), remark)


def switches(recipes: Mapping[str, Mapping[str, Any]], recipe: str) -> FactTable:
    """List the switches in force, beside those of the other recipes; differing ones first."""
    names = [recipe, *(name for name in recipes if name != recipe)]
    rows = []
    for key in recipes[recipe]:
        values = [_shown(recipes[name].get(key)) for name in names]
        rows.append((len(set(values)) == 1, (key, *values)))
    rows.sort(key=lambda row: row[0])
    differing = sum(not same for same, _ in rows)
    return FactTable(
        "Deviations in force",
        ("switch", *(name.replace("_", " ") for name in names)),
        tuple(row for _, row in rows),
        f"The first {differing} switches differ between recipes; the second column is what this "
        "experiment was run with, but that a CPU computes in fp32. docs/deviations.md says what "
        "the paper and the released code do and what is known of the effect; some deviations are "
        "no switches and stand there alone.",
    )


def seeds(by_round: Mapping[int, int], others: Mapping[str, int]) -> FactTable:
    """List the seeds of all rounds, and of what else is random."""
    rows = [(f"round {number}", str(seed)) for number, seed in by_round.items()]
    rows += [(name, str(seed)) for name, seed in others.items()]
    return FactTable("Seeds", ("of", "seed"), tuple(rows))


def digests(files: Iterable[tuple[str, Path, str]]) -> FactTable:
    """List files with the beginning of their SHA-256.

    Parameters
    ----------
    files
        What it is, where, and where it comes from.
    """
    rows = []
    for what, path, source in files:
        if path.is_file():
            rows.append((what, file_digest(path)[:16], f"{path.stat().st_size / 1e6:.2f}", source))
        else:
            rows.append((what, "deleted", "", source))
    return FactTable(
        "Data and checkpoints",
        ("file", "SHA-256 (first 16 digits)", "MB", "source"),
        tuple(rows),
        "Protocols list what was used of a corpus, segment tables what was scored and trained on.",
    )


def run_times(results: Path, recipe: str, cells: Sequence[str]) -> FactTable:
    """Add up what fine-tuning and scoring took, by algorithm."""
    place = partial(tree.path, results=results, recipe=recipe)
    totals: dict[Identity, _Total] = {}
    for cell in cells:
        row = Cell.parse(cell)
        total = totals.setdefault((row.model, row.init, row.algorithm), _Total())
        total.cells += 1
        # The last row of a history has the sums of all runs that a cell took.
        last = _last_row(place(tree.HISTORY, cell=cell))
        if last:
            total.steps += float(last["step"])
            total.training += float(last["wall_time"])
            total.devices.add(_device(place(tree.FINETUNING_LOG, cell=cell)))
        times = place(tree.SCORING_TIME, cell=cell, job="*")
        total.scoring += sum(_seconds(path) for path in sorted(times.parent.glob(times.name)))
    rows = [
        (
            " / ".join(key),
            # A cell that is not fine-tuned has no device.
            ", ".join(sorted(total.devices or {"–"})),
            f"{total.cells}",
            f"{total.steps:.0f}",
            _hours(total.training),
            _hours(total.scoring),
        )
        for key, total in totals.items()
    ]
    training = sum(total.training for total in totals.values())
    scoring = sum(total.scoring for total in totals.values())
    rows.append(("together", "", "", "", _hours(training), _hours(scoring)))
    on_gpu = sum(total.training for total in totals.values() if total.on_gpu)
    return FactTable(
        "Run times",
        ("row", "device", "cells", "steps", "fine-tuning, hours", "scoring, hours"),
        tuple(rows),
        f"{_gpu_hours(on_gpu)}Times of runs that were cut off and went on are added up; scoring "
        "is as Snakemake measured the jobs.",
    )


@dataclass
class _Total:
    """What the cells of one row of the table took, in seconds."""

    cells: int = 0
    steps: float = 0.0
    training: float = 0.0
    scoring: float = 0.0
    devices: set[str] = field(default_factory=set)

    @property
    def on_gpu(self) -> bool:
        """Whether a cell was fine-tuned on a GPU."""
        return any(name.startswith("cuda") for name in self.devices)


def _gpu_hours(seconds: float) -> str:
    return f"Fine-tuning took {_hours(seconds)} GPU hours (one GPU a cell). " if seconds else ""


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return UNKNOWN


def commit_of(repository: Path, besides: Path | None = None) -> str:
    """Return the commit of a checkout, and whether files but for those of a folder differ."""

    def ask(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(repository), *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    apart = []
    # A folder elsewhere changes nothing of the checkout, and git takes no path outside of it.
    if besides is not None and besides.resolve().is_relative_to(repository.resolve()):
        apart = [f":(exclude){besides.resolve().relative_to(repository.resolve())}"]
    try:
        changes = ask("status", "--porcelain", "--", ".", *apart)
        return ask("rev-parse", "HEAD") + (", with changes" if changes else "")
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {part}" for key, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else str(value)


def _last_row(path: Path) -> dict[str, str] | None:
    rows = read_rows(path) if path.is_file() else []
    return rows[-1] if rows else None


def _device(log: Path) -> str:
    if log.is_file():
        for line in log.read_text(encoding="utf-8").splitlines():
            _, found, name = line.partition("INFO device: ")
            if found:
                return name
    return UNKNOWN


def _seconds(path: Path) -> float:
    with path.open(newline="", encoding="utf-8") as file:
        return sum(float(row["s"]) for row in csv.DictReader(file, delimiter="\t"))


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.3f}"
