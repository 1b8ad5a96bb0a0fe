"""What detectors cost, by arithmetic: parameters, operations, memory and disk.

Nothing here was measured on a GPU, and nothing imports torch. docs/clusters.md explains it.
"""

from sdd.data.audio import SAMPLE_RATE
from sdd.detector.architectures import Architecture
from sdd.experiment.training_needs import TrainingNeeds

FP32_BYTES = 4
CLASSES = 2
BACKWARD_PASSES = 2
"""A backward pass costs two forward passes: gradients of the inputs and of the weights."""
TOKEN_BYTES = 34
"""Bytes that a transformer layer keeps for the backward pass, by frame and channel, in 16 bits and
with fused attention: Korthikanti et al., Reducing Activation Recomputation in Large Transformer
Models (2022), Eq. 1 without the attention matrix."""
EXTRACTOR_COPIES = 4
"""Times that a convolution of the extractor keeps its output in 16 bits for the backward pass:
before and after normalisation and activation, and as windows of the next one; our estimate."""


def parameters(architecture: Architecture) -> int:
    """Count the parameters of a detector."""
    width, inner = architecture.encoder_embed_dim, architecture.encoder_ffn_embed_dim
    linear = _linear(width, width) * 4 + _linear(width, inner) + _linear(inner, width)
    layers = architecture.encoder_layers * (linear + 2 * 2 * width)
    position = architecture.conv_pos * (1 + width * width // architecture.conv_pos_groups) + width
    channels = architecture.convolutions[-1][0]
    projection = _linear(channels, width) if channels != width else 0
    norms = 2 * channels + 2 * width
    return (
        layers + position + projection + norms + _extractor(architecture) + _linear(width, CLASSES)
    )


def _linear(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


def _extractor(architecture: Architecture) -> int:
    total, inputs = 0, 1
    for number, (channels, kernel, _) in enumerate(architecture.convolutions):
        total += inputs * channels * kernel + (channels if architecture.conv_bias else 0)
        if architecture.extractor_mode == "layer_norm" or number == 0:
            total += 2 * channels
        inputs = channels
    return total


def weight_bytes(architecture: Architecture) -> int:
    """Bytes of a detector's weights, which are float32."""
    return FP32_BYTES * parameters(architecture)


def forward_operations(architecture: Architecture, segment_seconds: float) -> float:
    """Floating-point operations of a forward pass, for a second of audio.

    Parameters
    ----------
    segment_seconds
        Length of the segments, with whose square the attention grows.
    """
    width, rate = architecture.encoder_embed_dim, float(SAMPLE_RATE)
    operations, inputs = 0.0, 1
    for channels, kernel, stride in architecture.convolutions:
        rate /= stride
        operations += 2 * rate * inputs * channels * kernel
        inputs = channels
    linear = 4 * width * width + 2 * width * architecture.encoder_ffn_embed_dim
    attention = 2 * rate * segment_seconds * width
    operations += 2 * rate * architecture.encoder_layers * (linear + attention)
    operations += 2 * rate * architecture.conv_pos * width * width / architecture.conv_pos_groups
    return operations + 2 * rate * inputs * width


def training_passes(needs: TrainingNeeds, *, recomputed: bool) -> int:
    """Count the forward passes that a training step is worth."""
    return 1 + BACKWARD_PASSES + needs.frozen + recomputed


def state_bytes(architecture: Architecture, needs: TrainingNeeds) -> int:
    """Bytes of a saved state: weights, AdamW's two moments and the old policy."""
    return (3 + needs.old) * weight_bytes(architecture)


def training_disk_bytes(architecture: Architecture, needs: TrainingNeeds) -> int:
    """Bytes on disk for a moment while a state is saved: two states and the best weights."""
    return 2 * state_bytes(architecture, needs) + weight_bytes(architecture)


def training_memory_bytes(architecture: Architecture, needs: TrainingNeeds) -> int:
    """Bytes of main memory: a state is loaded there before it goes to the GPU."""
    return state_bytes(architecture, needs) + weight_bytes(architecture)


def activation_bytes(
    architecture: Architecture, batch_seconds: float, *, recomputed: bool = False
) -> float:
    """Bytes kept for the backward pass of a batch.

    With `recomputed` activations a layer keeps its input, and one layer at a time the rest.
    """
    rate, extractor = float(SAMPLE_RATE), 0.0
    for channels, _, stride in architecture.convolutions:
        rate /= stride
        extractor += 2 * EXTRACTOR_COPIES * channels * rate
    layer = TOKEN_BYTES * architecture.encoder_embed_dim * rate
    count = architecture.encoder_layers
    layers = layer * (1 + 2 / TOKEN_BYTES * count) if recomputed else layer * count
    return batch_seconds * (extractor + layers)


def training_gpu_bytes(
    architecture: Architecture, needs: TrainingNeeds, batch_seconds: float, *, recomputed: bool
) -> float:
    """Bytes on the GPU: weights, gradients, two moments, frozen copies and activations."""
    fixed = (4 + needs.frozen) * weight_bytes(architecture)
    return fixed + activation_bytes(architecture, batch_seconds, recomputed=recomputed)


def scoring_gpu_bytes(architecture: Architecture, batch_seconds: float) -> float:
    """Bytes on the GPU: weights, and the activations of about one layer, in float32."""
    widest = max(channels for channels, _, _ in architecture.convolutions)
    first = SAMPLE_RATE / architecture.convolutions[0][2]
    return weight_bytes(architecture) + 4 * FP32_BYTES * widest * first * batch_seconds
