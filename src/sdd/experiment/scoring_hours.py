"""What scoring takes in each precision, for the plan: arithmetic, as all of its hours."""

from sdd.experiment.experiment import Experiment
from sdd.experiment.needs import JobResources
from sdd.experiment.variants import scored

PRECISIONS = ("fp32", "tf32", "bf16")


def scoring_hours(experiment: Experiment, needs: JobResources) -> dict[str, float]:
    """Return the GPU hours of scoring all cells, by precision; sets of unknown length left out."""
    pairs = [(model, job.sets) for model, job, _ in scored(experiment)]
    return {
        precision: sum(needs.scoring(model, sets, precision).hours or 0.0 for model, sets in pairs)
        for precision in PRECISIONS
    }


def precision_notes(experiment: Experiment, needs: JobResources, recipe: str) -> list[str]:
    """Say what scoring would take in each precision, as lines of the plan."""
    chosen = experiment.scoring_precision(recipe)
    if experiment.config["device"] == "cpu":
        return [f"Scoring is in fp32: scoring_precision ({chosen}) is that of a GPU."]
    hours = scoring_hours(experiment, needs)
    by_precision = ", ".join(f"{of:.0f} h in {precision}" for precision, of in hours.items())
    return [f"Scoring takes {by_precision}; {recipe}: {chosen}."]
