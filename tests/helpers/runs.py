"""Trainers of a tiny detector on a few tones, and what tests ask of them."""

import torch

from sdd.detector import Detector, find_architecture
from sdd.runtime.stopping import StopRequest
from sdd.training.policies import Policies
from sdd.training.recipe import Recipe, objective_from_config
from sdd.training.trainer import Trainer
from tests.conftest import RECIPE, TINY

CPU = torch.device("cpu")


def make_trainer(tones, folder, objective, *, seed=3, detector_seed=7, **switches):
    segments, audio = tones
    torch.manual_seed(seed)
    detector = Detector(find_architecture(TINY))
    detector.initialise(detector_seed)
    recipe = Recipe.from_config({**RECIPE, **switches})
    policies = Policies(detector, objective_from_config(objective), recipe)
    return Trainer(
        policies,
        recipe,
        segments,
        segments,
        audio_folder=audio,
        seed=seed,
        state=folder,
        device=CPU,
    )


def weights(trainer):
    return {name: value.clone() for name, value in trainer.policies.policy.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


class StopAfter(StopRequest):
    """Asks to stop once a step is done, as a signal at that moment would."""

    def __init__(self, trainer, step):
        self.trainer, self.step = trainer, step

    @property
    def requested(self):
        return self.trainer.progress.step >= self.step


def finetune_arguments(tones, folder, start, objective, **changes):
    """Arguments of `finetune` for a tiny detector on the tones."""
    segments, audio = tones
    return {
        "start": start,
        "checkpoint": start,
        "model": folder / "model.safetensors",
        "history": folder / "history.csv",
        "state": folder / "state",
        "training": segments,
        "validation": segments,
        "audio_folder": audio,
        "architecture": TINY,
        "objective": objective,
        "recipe": RECIPE,
        "seed": 3,
        "new_back_end": False,
        "checkpoint_is_reference": False,
        "device": "cpu",
        **changes,
    }
