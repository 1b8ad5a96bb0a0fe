"""Freezing what a stage does not train, and adding what it trains in its place."""

from torch import nn

from sdd.detector.detector import Detector
from sdd.detector.lora import LORA_WEIGHTS, add_lora, initialise_lora
from sdd.experiment.trainable import Trainable


def train_only(detector: Detector, trainable: Trainable, seed: int) -> None:
    """Freeze a detector but for what is trained; LoRA is added, and does nothing yet.

    Parameters
    ----------
    seed
        Of what LoRA adds.
    """
    if trainable.encoder:
        return
    if trainable.lora is not None:
        lora = trainable.lora
        add_lora(detector, lora.modules, lora.rank, lora.scale)
        initialise_lora(detector, seed)
    detector.requires_grad_(False)
    detector.proj_fc.requires_grad_(True)
    layers = detector.encoder.encoder.layers
    for number in trainable.trained_layers(len(layers)):
        layers[number].requires_grad_(True)
    for name, parameter in detector.named_parameters():
        if name.rpartition(".")[2] in LORA_WEIGHTS:
            parameter.requires_grad_(True)


def trained_parameters(policy: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters that are not frozen, by their names."""
    return {name: it for name, it in policy.named_parameters() if it.requires_grad}
