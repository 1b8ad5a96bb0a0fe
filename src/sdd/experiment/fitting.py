"""What of an experiment's plan will not fit where it is to run, said before anything starts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sdd.experiment.plan_lines import Line

SMALL_FILES_GB = 0.2
"""Toy corpora, protocols, tables, scores, pictures, logs: not in the plan; our estimate."""


@dataclass(frozen=True)
class Room:
    """What there is for an experiment.

    Attributes
    ----------
    folder, free_gb
        Where results are written, and what is free there.
    memory_gb, cores
        Of the machine that runs jobs; None where these are others, or it is not known.
    given_cores
        What Snakemake may use of them (``--cores``).
    """

    folder: Path
    free_gb: float
    memory_gb: float | None = None
    cores: int | None = None
    given_cores: int | None = None


@dataclass(frozen=True)
class Shortage:
    """A line that says what will not fit and what helps; whether it makes the run impossible."""

    text: str
    impossible: bool


def find_shortages(
    lines: Iterable[Line], room: Room, *, threads: Mapping[str, int], keeps_models: bool
) -> list[Shortage]:
    """Hold what is left of a plan against what there is.

    Parameters
    ----------
    threads
        Cores that jobs ask for, by what they do.
    keeps_models
        Whether weights of cells stay when nothing needs them any more.
    """
    left = [line for line in lines if line.done < line.jobs]
    found = (
        _disk(left, room, keeps_models=keeps_models) if left else None,
        _memory(left, room),
        _cores(room, threads),
    )
    return [shortage for shortage in found if shortage is not None]


def _disk(left: list[Line], room: Room, *, keeps_models: bool) -> Shortage | None:
    needed = SMALL_FILES_GB + max((line.job.passing_gb for line in left), default=0.0)
    for line in left:
        # What trains has a state; without `keep_models` one model at a time is enough.
        at_once = line.jobs - line.done if keeps_models or not line.job.passing_gb else 1
        needed += at_once * line.job.kept_gb
    if needed <= room.free_gb:
        return None
    move = "run from a folder on a larger disk (--directory)"
    ways = f"{move}, or set `keep_models: none`" if keeps_models else f"or {move}"
    return Shortage(
        f"Disk: about {needed:.1f} GB will be written to {room.folder}, where {room.free_gb:.1f} "
        f"GB are free. Make room, {ways}.",
        impossible=True,
    )


def _memory(left: list[Line], room: Room) -> Shortage | None:
    if room.memory_gb is None or not left:
        return None
    heaviest = max(left, key=lambda line: line.job.loaded_gb)
    if heaviest.job.loaded_gb > room.memory_gb:
        return Shortage(
            f"Memory: `{heaviest.name}` loads {heaviest.job.loaded_gb:.1f} GB, and there are "
            f"{room.memory_gb:.1f} GB. Run it on a machine that has more, or leave it out of the "
            "config.",
            impossible=True,
        )
    largest = max(left, key=lambda line: line.job.memory_gb)
    if largest.job.memory_gb <= room.memory_gb:
        return None
    return Shortage(
        f"Memory: there are {room.memory_gb:.1f} GB, and up to {largest.job.memory_gb:.1f} GB are "
        f"set aside for a job (`{largest.name}`), which may be killed. Close other programs, and "
        "run one job at a time (--cores 1).",
        impossible=False,
    )


def _cores(room: Room, threads: Mapping[str, int]) -> Shortage | None:
    if room.cores is None or room.given_cores is None:
        return None
    given, most = room.given_cores, max(threads, key=lambda name: threads[name])
    text = None
    if given > room.cores:
        text = (
            f"{given} were given, and {room.cores} may be used: jobs will wait for each other. "
            f"--cores {room.cores} takes no longer."
        )
    elif given < threads[most]:
        text = (
            f"{given}, where jobs ask for up to {threads[most]} (`threads: {most}`): it works, but "
            "takes longer. More --cores help."
        )
    elif given == 1:
        text = "1, so one job runs at a time: it works, but takes longer. More --cores help."
    return Shortage(f"Cores: {text}", impossible=False) if text else None
