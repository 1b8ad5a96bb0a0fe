"""Show what the experiment will take, before anything is submitted."""

import sys
from typing import TYPE_CHECKING

from sdd.data.buckets import notes_on_batches
from sdd.data.segments import audio_hours
from sdd.experiment import tree
from sdd.experiment.experiment import Experiment
from sdd.experiment.listed_hours import listed_audio_hours, notes_on_unknown_hours
from sdd.experiment.needs import JobResources
from sdd.experiment.pilot import read_pilot
from sdd.experiment.plan import plan, render
from sdd.experiment.scoring_hours import precision_notes
from sdd.runtime.job_log import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with logged(snakemake.log[0]):
    experiment = Experiment(snakemake.config)
    recipe, results = snakemake.config["recipe"], tree.folder(experiment.name)
    hours = listed_audio_hours(experiment, results)
    sets = experiment.sets_in_use()
    hours |= audio_hours({name: tree.path(tree.SEGMENTS, results, set=name) for name in sets})
    needs = JobResources(experiment, hours, read_pilot(results))
    lines = plan(experiment, needs, recipe, results)
    notes = [
        *notes_on_unknown_hours(experiment, needs),
        *precision_notes(experiment, needs, recipe),
    ]
    if experiment.trains():
        training = tree.path(tree.SEGMENTS, results, set=snakemake.config["training_set"])
        notes += notes_on_batches(training, snakemake.config["recipes"][recipe])
    title = f"Plan of {experiment.name}, {recipe}"
    sys.stdout.write("\n" + render(lines, title, hours, needs.speeds, notes) + "\n")
