"""Trainers of a tiny detector on a few tones, and what tests ask of them."""

import dataclasses

import torch

from sdd.detector import Detector, find_architecture
from sdd.experiment.trainable import Trainable
from sdd.runtime.machine import Machine
from sdd.runtime.stopping import StopRequest
from sdd.training.finetuning import Stage, StageFiles
from sdd.training.objective_kinds import objective_from_config
from sdd.training.policies import Policies
from sdd.training.recipe import Recipe
from sdd.training.trainer import Trainer
from sdd.training.training_data import TrainingData
from tests.conftest import RECIPE, TINY

CPU = torch.device("cpu")
ALONE = Machine(device="cpu")


def make_trainer(
    tones,
    folder,
    objective,
    *,
    seed=3,
    detector_seed=7,
    code="this",
    accept_state=False,
    machine=ALONE,
    kept_steps=(),
    **switches,
):
    segments, audio = tones
    torch.manual_seed(seed)
    detector = Detector(find_architecture(TINY))
    detector.initialise(detector_seed)
    recipe = Recipe.from_config({**RECIPE, **switches})
    parameters = {name: value for name, value in objective.items() if name != "trainable"}
    return Trainer(
        Policies(
            detector,
            objective_from_config(parameters),
            recipe,
            trainable=Trainable.of(objective),
            seed=seed,
        ),
        TrainingData(segments, segments, audio),
        seed=seed,
        state=folder,
        machine=machine,
        code=code,
        accept_state=accept_state,
        kept_steps=kept_steps,
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
    """Arguments of `finetune` for a tiny detector on the tones; a change finds its own place."""
    segments, audio = tones
    stage = {
        "architecture": TINY,
        "objective": objective,
        "recipe": RECIPE,
        "seed": 3,
        "new_back_end": False,
        "checkpoint_is_reference": False,
    }
    stage |= {n: changes.pop(n) for n in list(changes) if n in stage or n == "kept_steps"}
    arguments = {
        "stage": Stage.from_config(stage),
        "files": StageFiles(
            start=start,
            checkpoint=start,
            model=folder / "model.safetensors",
            history=folder / "history.csv",
            state=folder / "state",
        ),
        "data": TrainingData(segments, segments, audio),
        "machine": ALONE,
        "code": "this",
        "accept_state": False,
    }
    for name, value in changes.items():
        if name in arguments:
            arguments[name] = value
            continue
        (place,) = (
            key
            for key, group in arguments.items()
            if dataclasses.is_dataclass(group) and hasattr(group, name)
        )
        arguments[place] = dataclasses.replace(arguments[place], **{name: value})
    return arguments
