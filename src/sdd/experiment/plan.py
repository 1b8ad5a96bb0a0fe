"""What a whole experiment takes, as a table: jobs, GPU hours, memory and disk of each row."""

import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path

from sdd.experiment import tree
from sdd.experiment.cells import Cell, ScoringJob
from sdd.experiment.experiment import Experiment
from sdd.experiment.needs import Job, JobResources
from sdd.experiment.plan_lines import Line, Made
from sdd.experiment.speeds import Speeds
from sdd.experiment.variants import (
    scored,
    trade_off_runs,
    trade_off_starts,
    trade_off_steps,
    tuned_rows,
    variants_of_row,
    with_first_stages,
)

NAME_WIDTH = 31
HOURS, CPU_HOURS = "GPU h", "CPU h"
COLUMNS = ("jobs", "done", "h each", HOURS, "mem GB", "GPU GB", "disk GB")
WIDTHS = (5, 5, 7, 7, 7, 7, 8)
MANY_HOURS = 1000
MARKS = {"measured": " m", "scaled": " s", "arithmetic": " a"}
"""How the hours of a line are known, behind it, where a pilot was run."""


def plan(experiment: Experiment, needs: JobResources, recipe: str, results: Path) -> list[Line]:
    """List the jobs for a cluster of a recipe's whole experiment, kind by kind.

    Parameters
    ----------
    results
        ``results/{name}``, where what is done already lies.
    """
    made = Made(results, recipe, models_are_kept=experiment.config["keep_models"] != "none")
    return [
        *_corpora(experiment, needs, made),
        *_remade(experiment, needs, recipe, made),
        *_checkpoints(experiment, needs, made),
        *_tuning(experiment, needs, recipe, made),
        *_finetuning(experiment, needs, recipe, made),
        *_trade_off(experiment, needs, recipe, made),
        *_scoring(experiment, needs, made, experiment.scoring_precision(recipe)),
        *_analysis(experiment, needs, made),
    ]


def _corpora(experiment: Experiment, needs: JobResources, made: Made) -> list[Line]:
    return [
        Line(
            f"decode {corpus}",
            needs.preparation(corpus),
            1,
            int(made.has(tree.AUDIO, corpus=corpus)),
        )
        for corpus in experiment.corpora()
    ]


def _remade(experiment: Experiment, needs: JobResources, recipe: str, made: Made) -> list[Line]:
    """List the sets whose audio is made anew, a line a set: under conditions, and as mp3."""
    lines = []
    for name in experiment.sets_in_use():
        again = experiment.is_encoded_again(name, recipe)
        if again or experiment.condition(name) is not None:
            done = made.has(tree.MP3_SEGMENTS if again else tree.SEGMENTS, set=name)
            kind = "mp3 again" if again else "condition"
            lines.append(Line(f"{kind} {name}", needs.remaking(name), 1, int(done)))
    return lines


def _checkpoints(experiment: Experiment, needs: JobResources, made: Made) -> list[Line]:
    lines = []
    for checkpoint in _needed_checkpoints(experiment):
        model, init = checkpoint.split("/")
        outputs = [tree.CHECKPOINT, tree.CHECKPOINT_HISTORY]
        if (model, init) not in experiment.trained_checkpoints():
            name, job, outputs = f"fetch {checkpoint}", needs.fetching(model), [tree.CHECKPOINT]
        elif init == "post":
            name, job = f"post-train {model}", needs.posttraining(model)
        else:
            name, job = f"pre-train {model}", needs.pretraining(model)
        lines.append(Line(name, job, 1, int(made.has(*outputs, checkpoint=checkpoint))))
    return lines


def _needed_checkpoints(experiment: Experiment) -> list[str]:
    """List the checkpoints of cells, and before a post-trained one that which it starts from."""
    needed: dict[str, None] = {}
    for checkpoint in experiment.checkpoints_in_use():
        model, init = checkpoint.split("/")
        if init == "post" and (model, init) in experiment.trained_checkpoints():
            needed[f"{model}/pre"] = None
        needed[checkpoint] = None
    return list(needed)


def _finetuning(experiment: Experiment, needs: JobResources, recipe: str, made: Made) -> list[Line]:
    lines = []
    trained = [*experiment.cells(), *experiment.drift_cells(), *trade_off_starts(experiment)]
    for (model, init, algorithm), cells in _rows(with_first_stages(experiment, trained)).items():
        if experiment.is_averaged(algorithm):
            done = sum(made.has_average(cell) for cell in cells)
            job, name = needs.averaging(cells[0]), f"average {model} {init} {algorithm}"
            lines.append(Line(name, job, len(cells), done))
        elif experiment.stages(algorithm):
            done = sum(made.has_model(cell) for cell in cells)
            job = needs.finetuning(cells[0], recipe)
            lines.append(Line(f"train {model} {init} {algorithm}", job, len(cells), done))
    return lines


def _tuning(experiment: Experiment, needs: JobResources, recipe: str, made: Made) -> list[Line]:
    """List the training of candidates, a line a row and length."""
    lines = []
    for row in tuned_rows(experiment):
        for variant in variants_of_row(experiment, row):
            names = {"candidate": variant.name, "cell": variant.cell.path}
            done = made.has(tree.CANDIDATE_HISTORY, **names)
            lines.append(
                Line(f"tune {' '.join(row)}", needs.candidate(variant, recipe), 1, int(done))
            )
    return _merged(lines)


def _trade_off(experiment: Experiment, needs: JobResources, recipe: str, made: Made) -> list[Line]:
    """List the runs of the trade-off, which are done when all weights that they keep are there."""
    lines = []
    for variant in trade_off_runs(experiment):
        names = {"variant": variant.name, "cell": variant.cell.path}
        kept = trade_off_steps(experiment) if made.models_are_kept else []
        done = made.has(tree.TRADE_OFF_HISTORY, **names) and all(
            made.has(tree.STEP_MODEL, step=str(step), **names) for step in kept
        )
        job = needs.followed_training(variant, recipe)
        lines.append(
            Line(f"follow {variant.cell.model} {variant.cell.algorithm}", job, 1, int(done))
        )
    return _merged(lines)


def _rows(cells: Iterable[Cell]) -> dict[tuple[str, str, str], list[Cell]]:
    rows: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in cells:
        rows.setdefault((cell.model, cell.init, cell.algorithm), []).append(cell)
    return rows


def _scoring(experiment: Experiment, needs: JobResources, made: Made, precision: str) -> list[Line]:
    """List a line a model and group of corpora; cells of Figure 2 score the reference set, too."""
    counted: dict[tuple[str, ScoringJob], list[str]] = {}
    for model, job, path in scored(experiment):
        counted.setdefault((model, job), []).append(path)
    models = list(experiment.config["models"])
    lines = []
    for (model, job), paths in sorted(counted.items(), key=lambda item: models.index(item[0][0])):
        done = sum(made.has_scores(path, job) for path in paths)
        what = needs.scoring(model, job.sets, precision)
        lines.append(Line(f"score {model} {job.name}", what, len(paths), done))
    return _merged(lines)


def _analysis(experiment: Experiment, needs: JobResources, made: Made) -> list[Line]:
    cells = experiment.drift_cells()
    drifts = sum(made.has(tree.DRIFT, cell=cell.path) for cell in cells)
    intervals = int(made.has(tree.INTERVALS, tree.COMPARISONS))
    lines = [Line("measure drift", needs.drift(), len(cells), drifts)] if cells else []
    return [*lines, Line("measure uncertainty", needs.uncertainty(), 1, intervals)]


def _merged(lines: Iterable[Line]) -> list[Line]:
    """Join the lines of one name and one need."""
    merged: dict[tuple[str, Job], Line] = {}
    for line in lines:
        before = merged.get((line.name, line.job))
        jobs, done = (before.jobs, before.done) if before else (0, 0)
        merged[line.name, line.job] = Line(line.name, line.job, jobs + line.jobs, done + line.done)
    return list(merged.values())


def render(
    lines: Iterable[Line],
    title: str,
    audio_hours: Mapping[str, float],
    speeds: Speeds,
    further_notes: Iterable[str] = (),
) -> str:
    """Write the plan as text of 80 columns.

    Parameters
    ----------
    speeds
        By which the needs were made: what device the hours are of, and whether it was piloted.
    further_notes
        Its last lines.
    """
    lines = list(lines)
    columns = [CPU_HOURS if (name, speeds.device) == (HOURS, "cpu") else name for name in COLUMNS]
    header = "".join(f"{name:>{width}}" for name, width in zip(columns, WIDTHS, strict=True))
    text = [title, "", " " * NAME_WIDTH + header]
    text += [_row(line) + (_mark(line) if speeds.rows else "") for line in lines]
    known = [line.device_hours for line in lines if line.device_hours is not None]
    kept = sum(line.jobs * line.job.kept_gb for line in lines)
    total = Line(
        "together", Job(None, 0.0), sum(li.jobs for li in lines), sum(li.done for li in lines)
    )
    text.append(_row(total, device_hours=sum(known), disk=kept))
    return "\n".join([*text, "", *_notes(lines, audio_hours, speeds), *further_notes]) + "\n"


def _row(line: Line, device_hours: float | None = None, disk: float | None = None) -> str:
    job = line.job
    device_hours = line.device_hours if device_hours is None else device_hours
    disk = line.jobs * job.kept_gb if disk is None else disk
    values = (
        str(line.jobs),
        str(line.done),
        "" if not job.memory_gb else "?" if job.hours is None else _hours(job.hours, 2),
        "?" if device_hours is None else _hours(device_hours, 1) if device_hours else "-",
        f"{job.memory_gb:.0f}" if job.memory_gb else "",
        f"{job.gpu_gb:.0f}" if job.gpu_gb else "" if not job.memory_gb else "-",
        f"{disk:.1f}" if disk else "-",
    )
    cells = "".join(f"{value:>{width}}" for value, width in zip(values, WIDTHS, strict=True))
    return f"{line.name:<{NAME_WIDTH}.{NAME_WIDTH}}{cells}"


def _hours(hours: float, digits: int) -> str:
    """Write hours with so many decimals; four where they would come out as none, none of many."""
    if 0 < hours < 0.5 * 10**-digits:
        digits = 4
    elif hours >= MANY_HOURS:
        digits = 0
    return f"{hours:.{digits}f}"


def _mark(line: Line) -> str:
    return MARKS[line.job.basis] if line.job.computes and line.job.hours is not None else ""


def _notes(lines: list[Line], audio_hours: Mapping[str, float], speeds: Speeds) -> list[str]:
    training = [line.job.passing_gb for line in lines if line.job.passing_gb]
    passing = (
        f"While it trains, a cell also needs up to {max(training):.1f} GB of disk for its state."
        if training
        else "Nothing is trained."
    )
    sets = (
        f"Audio: {len(audio_hours)} sets are listed or cut, and counted; others: config.yaml."
        if audio_hours
        else "Audio: no corpus is read yet; hours are those of config.yaml (resources)."
    )
    return [
        *_notes_on_speeds(speeds),
        passing,
        sets,
        "Jobs ask for 3 times their hours (1 at least), more with each attempt.",
        "Steps of seconds run where Snakemake runs and are not counted.",
        "docs/clusters.md explains the numbers.",
    ]


def _notes_on_speeds(speeds: Speeds) -> list[str]:
    """Say what the hours are made of: of the pilot what was run, of all else what was assumed."""
    if not speeds.rows:
        taken = ["`device: auto` is taken for a GPU."] if speeds.setting == "auto" else []
        return [
            "Hours are arithmetic from assumed speeds, memory of what a step keeps.",
            "`snakemake pilot` measures speeds on this machine; the plan then goes by them.",
            *taken,
        ]
    names = ", ".join(speeds.device_names)
    return [
        *textwrap.wrap(f"Speeds of the pilot on: {names}.", 80),
        "h each: m  measured: the pilot ran this row's objective or scored its sets.",
        "        s  scaled from the pilot of the same model: other objectives by their",
        "           forward passes, other sets by their operations.",
        "        a  arithmetic from assumed speeds: not piloted in this precision.",
        "Steps, audio, validations, memory and disk are arithmetic; pilot.csv has peaks.",
    ]
