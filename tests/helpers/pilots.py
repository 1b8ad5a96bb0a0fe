"""Rows of a pilot's table."""

from sdd.experiment.pilot import SCORING, TRAINING, PilotRow


def training_row(**changes):
    """XLS-R-2B by GRPO in bf16: five passes, 4,500 s of audio in 18 s."""
    values = {
        "work": TRAINING,
        "recipe": "as_written",
        "model": "xlsr_2b",
        "name": "grpo",
        "precision": "bf16",
        "device": "cuda",
        "device_name": "NVIDIA H100",
        "passes": 5,
        "audio_seconds": 4500.0,
        "seconds": 18.0,
    }
    return PilotRow(**values | changes)


def scoring_row(name, **changes):
    """A set scored by XLS-R-2B in tf32, as `as_written` does: 800 s of audio in 4 s."""
    values = {"work": SCORING, "name": name, "precision": "tf32", "passes": 1}
    return training_row(**values | {"audio_seconds": 800.0, "seconds": 4.0} | changes)
