"""What detectors cost, by arithmetic: parameters, operations, memory and disk.

Nothing here was measured on a GPU, and nothing imports torch. docs/clusters.md explains it.
"""

from sdd.data.audio import SAMPLE_RATE
from sdd.detector.architectures import Architecture
from sdd.experiment.training_needs import TrainingNeeds

FP32_BYTES = 4
BF16_BYTES = 2
CLASSES = 2
BACKWARD_PASSES = 2
"""A backward pass costs two forward passes: gradients of the inputs and of the weights."""
GPU_SHARE = 0.9
"""Share of a GPU's memory that a step may need by estimate. The rest, ours and assumed: CUDA's own
half a gigabyte, what kernels allocate for themselves, blocks of a wrong size, the estimate's error.
"""


def parameters(architecture: Architecture) -> int:
    """Count the parameters of a detector."""
    width, inner = architecture.encoder_embed_dim, architecture.encoder_ffn_embed_dim
    linear = _linear(width, width) * 4 + _linear(width, inner) + _linear(inner, width)
    layers = architecture.encoder_layers * (linear + 2 * 2 * width)
    position = architecture.conv_pos + _positional_kernel(architecture) + width
    channels = architecture.convolutions[-1][0]
    projection = _linear(channels, width) if channels != width else 0
    norms = 2 * channels + 2 * width
    return (
        layers + position + projection + norms + _extractor(architecture) + _linear(width, CLASSES)
    )


def _positional_kernel(architecture: Architecture) -> int:
    width = architecture.encoder_embed_dim
    return architecture.conv_pos * width * width // architecture.conv_pos_groups


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


def narrow_bytes(architecture: Architecture) -> int:
    """Bytes of a copy whose weights of products are in bf16; the positional convolution's are not.

    Norms and the back end, a thousandth of all, count as if they were in bf16, too.
    """
    wide = _positional_kernel(architecture)
    return BF16_BYTES * (parameters(architecture) - wide) + FP32_BYTES * wide


def frozen_bytes(architecture: Architecture, precision: str) -> int:
    """Bytes of a frozen policy on a GPU that computes in this precision."""
    return narrow_bytes(architecture) if precision == "bf16" else weight_bytes(architecture)


def state_bytes(architecture: Architecture, needs: TrainingNeeds, precision: str) -> int:
    """Bytes of a saved state of a GPU: weights, AdamW's two moments and the old policy."""
    old = needs.old * frozen_bytes(architecture, precision)
    return 3 * weight_bytes(architecture) + old


def training_disk_bytes(architecture: Architecture, needs: TrainingNeeds, precision: str) -> int:
    """Bytes on disk for a moment while a state is saved: two states and the best weights."""
    return 2 * state_bytes(architecture, needs, precision) + weight_bytes(architecture)


def training_memory_bytes(architecture: Architecture) -> int:
    """Bytes of main memory: the start and the reference, ahead of the GPU; states are mapped."""
    return 2 * weight_bytes(architecture)


def training_gpu_bytes(
    architecture: Architecture,
    needs: TrainingNeeds,
    batch_seconds: float,
    *,
    precision: str,
    recomputed: bool,
) -> float:
    """Bytes on the GPU at the fullest moment of a training step.

    ``max(3 W + F + n, 3 W + F + c + a, 4 W + F + a_0 + l + g)``: W the weights, thrice with AdamW's
    moments and four times with all gradients; F the frozen policies; n what a group norm after the
    first convolution holds; a what the forward pass keeps. The second is the end of the forward
    pass, when the bf16 copies c that autocast made of the weights are alive, too. The third is the
    end of the transformer's backward pass, at the first layer: a_0 is kept ahead of the layers, l
    by a layer, and g are the gradients within its feed-forward block.
    `benchmarks/memory.py` holds it against a count.

    Parameters
    ----------
    batch_seconds
        Audio of a batch, padding included.
    precision
        ``bf16``; or ``fp32`` and ``tf32``, which are the same.
    recomputed
        Whether the transformer's layers keep their input alone.
    """
    size = BF16_BYTES if precision == "bf16" else FP32_BYTES
    frames = batch_seconds * _frame_rate(architecture)
    width, inner = architecture.encoder_embed_dim, architecture.encoder_ffn_embed_dim
    weights, frozen = (
        weight_bytes(architecture),
        needs.frozen * frozen_bytes(architecture, precision),
    )
    copies = narrow_bytes(architecture) if precision == "bf16" else 0
    before = _kept_before_layers(architecture, batch_seconds, size)
    layer = frames * _kept_by_layer(architecture, size)
    kept = architecture.encoder_layers * (frames * width * size if recomputed else layer)
    last_norm = 2 * FP32_BYTES * frames * width
    return max(
        3 * weights + frozen + batch_seconds * _held_by_group_norm(architecture, size),
        3 * weights + frozen + copies + before + kept + last_norm,
        4 * weights + frozen + before + layer + 2 * frames * inner * size,
    )


def fits_gpu(gpu_bytes: float, memory_bytes: float) -> bool:
    """Tell whether a step that needs so much fits a GPU with so much memory."""
    return gpu_bytes <= GPU_SHARE * memory_bytes


def _frame_rate(architecture: Architecture) -> float:
    rate = float(SAMPLE_RATE)
    for _, _, stride in architecture.convolutions:
        rate /= stride
    return rate


def _kept_before_layers(architecture: Architecture, batch_seconds: float, size: int) -> float:
    """Bytes that convolutions, projection and positional convolution keep for the backward pass.

    Of each convolution the windows that it multiplies and its output; where that is normalised, in
    float32 before and in the type of the pass after. `size` is that of a number in the pass.
    """
    rate, inputs, kept = float(SAMPLE_RATE), 1, 0.0
    for number, (channels, kernel, stride) in enumerate(architecture.convolutions):
        rate /= stride
        normalised = architecture.extractor_mode == "layer_norm" or number == 0
        outputs = channels * (size + (FP32_BYTES if normalised else 0))
        kept += rate * (kernel * inputs * size + outputs)
        inputs = channels
    # Once more normalised; then the projection, the positional convolution and their sum.
    kept += rate * (inputs * (FP32_BYTES + size) + 3 * architecture.encoder_embed_dim * size)
    return batch_seconds * kept


def _held_by_group_norm(architecture: Architecture, size: int) -> float:
    """Bytes that the first convolution's output and its copies in a group norm take, of a second.

    In float32 with channels last and first, normalised, and back; in bf16 also before and after.
    """
    if architecture.extractor_mode == "layer_norm":
        return 0.0
    channels, kernel, stride = architecture.convolutions[0]
    copies = 4 * FP32_BYTES + (2 * size if size < FP32_BYTES else 0)
    return SAMPLE_RATE / stride * (kernel * size + channels * copies)


def _kept_by_layer(architecture: Architecture, size: int) -> int:
    """Bytes that a transformer layer keeps for the backward pass, of each frame.

    Inputs of its two norms in float32, what comes out of them, queries, keys, values and what
    attention makes of them; of the feed-forward block before and after its activation.
    """
    width, inner = architecture.encoder_embed_dim, architecture.encoder_ffn_embed_dim
    kept = width * (2 * FP32_BYTES + 6 * size) + 2 * inner * size
    # A byte of each number that may be dropped, and the rest of the activations.
    masks = 2 * width * (architecture.dropout > 0)
    return kept + masks + inner * (1 + size) * (architecture.activation_dropout > 0)


def scoring_gpu_bytes(architecture: Architecture, batch_seconds: float) -> float:
    """Bytes on the GPU: weights, and the activations of about one layer, in float32."""
    widest = max(channels for channels, _, _ in architecture.convolutions)
    first = SAMPLE_RATE / architecture.convolutions[0][2]
    return weight_bytes(architecture) + 4 * FP32_BYTES * widest * first * batch_seconds
