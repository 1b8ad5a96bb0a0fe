"""What detectors cost, by arithmetic: parameters, operations, memory and disk.

Nothing here was measured on a GPU, and nothing imports torch. docs/clusters.md explains it.
"""

from sdd.data.audio import SAMPLE_RATE
from sdd.detector.architectures import Architecture
from sdd.experiment.trainable import Lora, Trainable
from sdd.experiment.training_needs import TrainingNeeds

FP32_BYTES = 4
BF16_BYTES = 2
CLASSES = 2
GPU_SHARE = 0.9
"""Share of a GPU's memory that a step may need by estimate. The rest, ours and assumed: CUDA's own
half a gigabyte, what kernels allocate for themselves, blocks of a wrong size, the estimate's error.
"""


def parameters(architecture: Architecture) -> int:
    """Count the parameters of a detector."""
    width = architecture.encoder_embed_dim
    layers = architecture.encoder_layers * _layer(architecture)
    position = architecture.conv_pos + _positional_kernel(architecture) + width
    channels = architecture.convolutions[-1][0]
    projection = _linear(channels, width) if channels != width else 0
    norms = 2 * channels + 2 * width
    rest = position + projection + norms + _extractor(architecture)
    return layers + rest + _back_end(architecture)


def trained_parameters(architecture: Architecture, trainable: Trainable) -> int:
    """Count the parameters that are trained, what LoRA adds included."""
    if trainable.encoder:
        return parameters(architecture)
    layers = len(trainable.trained_layers(architecture.encoder_layers)) * _layer(architecture)
    return layers + _back_end(architecture) + added_parameters(architecture, trainable)


def added_parameters(architecture: Architecture, trainable: Trainable) -> int:
    """Count the parameters that LoRA adds."""
    if trainable.lora is None:
        return 0
    sides = sum(sum(_sides(architecture, name)) for name in trainable.lora.modules)
    return architecture.encoder_layers * trainable.lora.rank * sides


def _sides(architecture: Architecture, module: str) -> tuple[int, int]:
    """Return inputs and outputs of a linear layer of the transformer."""
    width, inner = architecture.encoder_embed_dim, architecture.encoder_ffn_embed_dim
    return {"fc1": (width, inner), "fc2": (inner, width)}.get(module, (width, width))


def _layer(architecture: Architecture) -> int:
    width, inner = architecture.encoder_embed_dim, architecture.encoder_ffn_embed_dim
    linear = _linear(width, width) * 4 + _linear(width, inner) + _linear(inner, width)
    return linear + 2 * 2 * width


def _back_end(architecture: Architecture) -> int:
    return _linear(architecture.encoder_embed_dim, CLASSES)


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


def training_passes(architecture: Architecture, needs: TrainingNeeds, *, recomputed: bool) -> float:
    """Count the forward passes that a training step is worth, to two decimals.

    A backward pass costs two, gradients of the inputs and of the weights: the first, and what is
    computed again, of the layers from the first that is trained on; the second of what is trained.
    Both by their share of the parameters.
    """
    total, layers = parameters(architecture), architecture.encoder_layers
    passed, trained = 1.0, 1.0
    if not needs.trainable.encoder:
        upper = layers - needs.trainable.first_layer_with_gradient(layers)
        passed = upper * _layer(architecture) / total
        trained = trained_parameters(architecture, needs.trainable) / total
    passes = round(1 + needs.frozen + trained + passed * (1 + recomputed), 2)
    return int(passes) if passes.is_integer() else passes


def narrow_bytes(architecture: Architecture) -> int:
    """Bytes of a copy whose weights of products are in bf16; the positional convolution's are not.

    Norms and the back end, a thousandth of all, count as if they were in bf16, too.
    """
    wide = _positional_kernel(architecture)
    return BF16_BYTES * (parameters(architecture) - wide) + FP32_BYTES * wide


def frozen_bytes(architecture: Architecture, precision: str) -> int:
    """Bytes of a frozen policy on a GPU that computes in this precision."""
    return narrow_bytes(architecture) if precision == "bf16" else weight_bytes(architecture)


def _old_bytes(architecture: Architecture, part: Trainable, precision: str) -> int:
    """Bytes of what is trained, as the old policy has it; what LoRA adds stays in float32."""
    if part.encoder:
        return frozen_bytes(architecture, precision)
    added = added_parameters(architecture, part)
    size = BF16_BYTES if precision == "bf16" else FP32_BYTES
    return size * (trained_parameters(architecture, part) - added) + FP32_BYTES * added


def state_bytes(architecture: Architecture, needs: TrainingNeeds, precision: str) -> int:
    """Bytes of a saved state of a GPU, of what is trained: weights, two moments, old policy."""
    trained = FP32_BYTES * trained_parameters(architecture, needs.trainable)
    return 3 * trained + needs.old * _old_bytes(architecture, needs.trainable, precision)


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

    ``max(H + n, H + c + a_0 + a + m, H + G + a_0 + l + g)``: H is held throughout, the weights,
    AdamW's two moments of what is trained, and the frozen policies; n by the first norm of a
    convolution; a_0 the forward pass keeps ahead of the transformer's layers, a of these from the
    first that is trained on, and c are bf16 copies of weights. The second is the turn from the
    forward pass to the backward one, where m is the last norm; or, where activations are computed
    again, those of the last layer, and gradients within it. The third is the end of the
    transformer's backward pass, at the first layer: G are all gradients, l is kept by a layer, and
    g are the gradients within its feed-forward block.
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
    part, frames = needs.trainable, batch_seconds * _frame_rate(architecture)
    width, inner = architecture.encoder_embed_dim, architecture.encoder_ffn_embed_dim
    trained = FP32_BYTES * trained_parameters(architecture, part)
    held = _held_throughout(architecture, needs, precision) + 2 * trained
    before = _kept_before_layers(architecture, batch_seconds, size) if part.encoder else 0.0
    layers = [frames * it for it in _kept_by_layers(architecture, part, size)] or [0.0]
    within = 2 * frames * inner * size * (layers != [0.0])
    last_norm = 2 * FP32_BYTES * frames * width
    kept, copies = sum(layers), _copies(architecture, part, size, saved=not recomputed)
    if recomputed:
        kept = len(layers) * frames * width * size
        again = layers[-1] + within + (BF16_BYTES * _layer(architecture) * (size == BF16_BYTES))
        last_norm = max(last_norm, again - copies)
    turn = copies + before + kept + last_norm
    return max(
        held + batch_seconds * _held_by_first_norm(architecture, size, frozen=not part.encoder),
        held + turn,
        held + trained + before + layers[0] + within,
    )


def _held_throughout(architecture: Architecture, needs: TrainingNeeds, precision: str) -> int:
    """Bytes of the weights of all policies, and of what LoRA adds to the policy and the old one."""
    part = needs.trainable
    added = FP32_BYTES * added_parameters(architecture, part)
    frozen = needs.frozen * frozen_bytes(architecture, precision) + needs.old * added
    if needs.share:
        frozen = frozen_bytes(architecture, precision) + _old_bytes(architecture, part, precision)
    return weight_bytes(architecture) + added + frozen


def _copies(architecture: Architecture, part: Trainable, size: int, *, saved: bool) -> int:
    """Bytes of the bf16 copies of weights at the end of the forward pass.

    Autocast keeps those of weights that are trained. Of frozen ones there are those that are saved
    for the backward pass, to multiply the gradient with; none where activations are not.
    """
    if size == FP32_BYTES:
        return 0
    if part.encoder:
        return narrow_bytes(architecture)
    layers = architecture.encoder_layers
    trained = len(part.trained_layers(layers))
    if saved:
        trained = layers - part.first_layer_with_gradient(layers)
    return BF16_BYTES * (trained * _layer(architecture) + added_parameters(architecture, part))


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


def _held_by_first_norm(architecture: Architecture, size: int, *, frozen: bool) -> float:
    """Bytes that the first convolution's output and its copies in a norm take, of a second.

    A group norm: in float32 with channels last, first as well if it is trained, normalised, and
    back; in bf16 also before and after. A layer norm: in float32 before and after, in bf16 also as
    it came.
    """
    channels, kernel, stride = architecture.convolutions[0]
    narrow = size if size < FP32_BYTES else 0
    if architecture.extractor_mode == "layer_norm":
        copies = 2 * FP32_BYTES + narrow
    else:
        copies = (4 - frozen) * FP32_BYTES + 2 * narrow
    return SAMPLE_RATE / stride * (kernel * size + channels * copies)


def _kept_by_layers(architecture: Architecture, part: Trainable, size: int) -> list[int]:
    """Bytes that each layer keeps for the backward pass, of each frame; from the first that does.

    Inputs of a layer's two norms in float32, queries, keys, values and what attention makes of
    them, and the feed-forward block before its activation. What is multiplied by a weight, the
    outputs of norms and of the activation, only if the weight is trained.
    """
    layers = architecture.encoder_layers
    trained = part.trained_layers(layers)
    adapted = 0 if part.lora is None else _kept_by_adapted(architecture, part.lora, size)
    return [
        _kept_by_any(architecture, size)
        + (_kept_by_trained(architecture, size) if number in trained else adapted)
        for number in range(part.first_layer_with_gradient(layers), layers)
    ]


def _kept_by_any(architecture: Architecture, size: int) -> int:
    width, inner = architecture.encoder_embed_dim, architecture.encoder_ffn_embed_dim
    kept = width * (2 * FP32_BYTES + 4 * size) + inner * size
    # A byte of each number that may be dropped, and the rest of the activations.
    masks = 2 * width * (architecture.dropout > 0)
    return kept + masks + inner * (architecture.activation_dropout > 0)


def _kept_by_trained(architecture: Architecture, size: int) -> int:
    width, inner = architecture.encoder_embed_dim, architecture.encoder_ffn_embed_dim
    return 2 * width * size + inner * size * (1 + (architecture.activation_dropout > 0))


def _kept_by_adapted(architecture: Architecture, lora: Lora, size: int) -> int:
    """Bytes that LoRA has a layer keep: inputs of what it adds to, once each, and what A makes."""
    width, inner = architecture.encoder_embed_dim, architecture.encoder_ffn_embed_dim
    together = bool({"q_proj", "k_proj", "v_proj"} & set(lora.modules))
    inputs = width * (together + ("fc1" in lora.modules)) + inner * ("fc2" in lora.modules)
    return size * (inputs + lora.rank * len(lora.modules))


def scoring_gpu_bytes(architecture: Architecture, batch_seconds: float) -> float:
    """Bytes on the GPU: weights, and the activations of about one layer, in float32."""
    widest = max(channels for channels, _, _ in architecture.convolutions)
    first = SAMPLE_RATE / architecture.convolutions[0][2]
    return weight_bytes(architecture) + 4 * FP32_BYTES * widest * first * batch_seconds
