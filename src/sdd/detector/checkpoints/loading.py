"""Loading detectors strictly: every weight has its place, or an error names it."""

import json
from collections.abc import Mapping
from functools import reduce
from pathlib import Path

import torch
from torch import Tensor, nn

from sdd.detector.architectures import (
    ARCHITECTURES,
    Architecture,
    find_architecture,
    parse_convolutions,
)
from sdd.detector.checkpoints.file_formats import checkpoint_format
from sdd.detector.checkpoints.foreign_names import (
    about_wrappers,
    describe_shard,
    describe_weights,
    why_no_detector,
)
from sdd.detector.checkpoints.reading import Stored, read_checkpoint, read_safetensors_metadata
from sdd.detector.checkpoints.weight_names import (
    ARCHITECTURE_KEY,
    BACK_END_PREFIX,
    ENCODER_PREFIX,
    detector_names,
)
from sdd.detector.detector import Detector
from sdd.detector.initialisation import without_weights
from sdd.errors import InputError

# Parts of a configuration that change the output without changing the shape of any weight.
SHAPELESS_KEYS = ("encoder_attention_heads", "layer_norm_first", "activation_fn", "conv_pos_groups")

MOST_NAMED = 8

# Floating, but of so few bits that nothing is computed in them; by name, since versions differ.
_FEW_BITS = frozenset(
    getattr(torch, name)
    for name in dir(torch)
    if name.startswith(("float8", "float4")) and isinstance(getattr(torch, name), torch.dtype)
)


def load_detector(
    path: Path | str,
    architecture: str | Mapping[str, object] | Architecture | None = None,
    *,
    dtype: torch.dtype | None = None,
) -> Detector:
    """Load a detector from AntiDeepfake's `.ckpt`, safetensors or a file of `save_detector`.

    Weights are mapped from the file, not copied, where its format allows, so that peak memory is
    little more than the weights.

    Parameters
    ----------
    architecture
        A name, fairseq's configuration keys, or an `Architecture`; None to take what
        `save_detector` wrote into the file.
    dtype
        Of the weights, such as `torch.float32` for training; None keeps them as stored (the widest
        type, if there are several).

    Returns
    -------
    Detector
        In evaluation mode, on the CPU.

    Raises
    ------
    InputError
        If the file cannot be read or would run code, a weight is missing, left over, of another
        shape or not finite, or the file's own configuration contradicts the architecture.
    """
    path = Path(path)
    stored = read_checkpoint(path)
    if architecture is None:
        chosen = _stored_architecture(path, stored.metadata)
    else:
        chosen = find_architecture(architecture)
    # What shapes do not tell: two architectures of the same weights compute different things.
    _check_configuration(path, stored, chosen)
    weights = detector_names(stored.tensors)
    if not any(name.startswith(BACK_END_PREFIX) for name in weights):
        raise InputError(
            f"{path} has no {BACK_END_PREFIX}weight: {why_no_detector(path, stored.tensors)}."
        )
    _check_depth(path, weights, chosen)
    with without_weights():
        detector = Detector(chosen)
    _assign(path, detector, weights, dtype)
    return detector.eval()


def load_named_detector(
    path: Path, architecture: str | None, *, dtype: torch.dtype | None = None
) -> Detector:
    """Load a detector as a user of the command line names it.

    Parameters
    ----------
    architecture
        Its name, or fairseq's keys as JSON; None if the file says.

    Raises
    ------
    InputError
        As `load_detector`, and if the architecture is no JSON, or neither given nor in the file.
    """
    chosen: str | dict[str, object] | None = architecture
    if architecture is not None and architecture.lstrip().startswith("{"):
        try:
            chosen = json.loads(architecture)
        except json.JSONDecodeError as error:
            raise InputError(f"--architecture is no JSON ({error}).") from error
    if architecture is None and checkpoint_format(path) != "safetensors":
        raise InputError(
            f"{path} does not say what architecture it has: give --architecture, one of "
            f"{', '.join(ARCHITECTURES)}."
        )
    return load_detector(path, chosen, dtype=dtype)


def load_pretrained(
    path: Path | str,
    architecture: str | Mapping[str, object] | Architecture,
    seed: int,
    *,
    dtype: torch.dtype = torch.float32,
) -> Detector:
    """Make a detector of a pre-trained encoder and a fresh back end (init: pre).

    Parameters
    ----------
    path
        fairseq's `.pt`, or any file that `load_detector` reads; its back end is ignored.
    architecture
        A name, fairseq's configuration keys, or an `Architecture`.
    seed
        Of the back end's weights.

    Returns
    -------
    Detector
        In evaluation mode, on the CPU.

    Raises
    ------
    InputError
        As `load_detector`.
    """
    chosen = find_architecture(architecture)
    with without_weights():
        detector = Detector(chosen)
    # Not by `to_empty`, for which torch imports its symbolic mathematics: 0.4 s.
    for name, parameter in detector.proj_fc.named_parameters():
        setattr(detector.proj_fc, name, nn.Parameter(torch.empty(parameter.shape)))
    detector.initialise_back_end(seed)
    detector.proj_fc.to(dtype=dtype)
    load_encoder_weights(path, detector)
    return detector.eval()


def load_encoder_weights(path: Path | str, detector: Detector) -> None:
    """Load the encoder of a detector from a pre-trained checkpoint and leave its back end alone.

    The detector's parameters become other objects: make the optimiser afterwards. The encoder goes
    to the back end's type and device.

    Parameters
    ----------
    path
        fairseq's `.pt`, or any file that `load_detector` reads; its back end is ignored.

    Raises
    ------
    InputError
        As `load_detector`.
    """
    path = Path(path)
    stored = read_checkpoint(path)
    _check_configuration(path, stored, detector.architecture)
    weights = {
        name: tensor
        for name, tensor in detector_names(stored.tensors).items()
        if not name.startswith(BACK_END_PREFIX)
    }
    back_end = detector.proj_fc
    kept = {f"{BACK_END_PREFIX}{name}": value for name, value in back_end.state_dict().items()}
    _assign(path, detector, weights | kept, back_end.weight.dtype, back_end.weight.device)


def read_metadata(path: Path | str) -> dict[str, str]:
    """Read the metadata of a safetensors file without its weights.

    In files of `save_detector`, `architecture` is JSON.

    Raises
    ------
    InputError
        If the file is missing or not safetensors.
    """
    return read_safetensors_metadata(Path(path))


def stored_architecture(path: Path | str) -> Architecture:
    """Read the architecture that `save_detector` wrote into a file.

    Raises
    ------
    InputError
        If the file is missing or none of a checkpoint, or does not say.
    """
    path = Path(path)
    if checkpoint_format(path) != "safetensors":
        raise InputError(f"{path} does not say what architecture it has: name it.")
    return _stored_architecture(path, read_metadata(path))


def _stored_architecture(path: Path, metadata: Mapping[str, str]) -> Architecture:
    if ARCHITECTURE_KEY not in metadata:
        raise InputError(f"{path} does not say what architecture it has: name it.")
    try:
        fields = json.loads(metadata[ARCHITECTURE_KEY])
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"The architecture in {path} is not JSON ({error}): name it.") from error
    try:
        return find_architecture(fields)
    except InputError as error:
        raise InputError(f"The architecture that {path} says it has cannot be used: {error}") from (
            error
        )


def _check_configuration(path: Path, stored: Stored, chosen: Architecture) -> None:
    """Refuse an architecture that fits the weights but not what the file says of itself."""
    said = dict(stored.configuration)
    if ARCHITECTURE_KEY in stored.metadata:
        said = dict(_stored_architecture(path, stored.metadata).as_dict())
    for key in SHAPELESS_KEYS:
        value, wanted = said.get(key), getattr(chosen, key)
        if isinstance(value, str | int) and value != wanted:
            raise InputError(
                f"{path} was made with {key} {value!r}, the architecture chosen for it has "
                f"{wanted!r}: choose the one it was made with."
            )
    layers = said.get("conv_feature_layers")
    if not isinstance(layers, str):
        return
    try:
        convolutions = parse_convolutions(layers)
    except InputError as error:
        raise InputError(f"{path}: what it says of itself cannot be used: {error}") from error
    if convolutions != chosen.convolutions:
        raise InputError(
            f"{path} was made with conv_feature_layers {layers!r}, the architecture chosen for it "
            f"has {chosen.conv_feature_layers!r}: choose the one it was made with."
        )


def _check_depth(path: Path, weights: Mapping[str, Tensor], chosen: Architecture) -> None:
    """Refuse far more layers than there are weights before they are built, which takes hours."""
    if chosen.encoder_layers > len(weights):
        raise InputError(
            f"{path} does not fit the architecture: encoder_layers is {chosen.encoder_layers}, and "
            f"the file has {len(weights)} weights in all. Choose the architecture that the file "
            "was made with."
        )


def _assign(
    path: Path,
    detector: Detector,
    weights: Mapping[str, Tensor],
    dtype: torch.dtype | None,
    device: torch.device | None = None,
) -> None:
    """Make the weights of a file a detector's parameters, if they are just those that it needs."""
    wanted = detector.state_dict()
    missing = [f"{name} {_shape(wanted[name])}" for name in wanted if name not in weights]
    extra = [f"{name} {_shape(weights[name])}" for name in weights if name not in wanted]
    shapes = [
        f"{name} {_shape(tensor)} instead of {_shape(wanted[name])}"
        for name, tensor in weights.items()
        if name in wanted and tensor.shape != wanted[name].shape
    ]
    problems = {"missing": missing, "left over": extra, "of another shape": shapes}
    if any(problems.values()):
        raise InputError(
            f"{path} does not fit the architecture "
            f"({', '.join(f'{len(names)} weights {what}' for what, names in problems.items())}). "
            + " ".join(f"{what}: {_list(names)}." for what, names in problems.items() if names)
            + about_wrappers(weights)
            + f" {_remedy(path, weights)}."
        )
    for name, tensor in weights.items():
        _check_kind(path, name, tensor)
        _check_finite(path, name, tensor)
    if dtype is None:
        # One type throughout, since the layers multiply with each other.
        dtype = reduce(torch.promote_types, {tensor.dtype for tensor in weights.values()})
    assigned = {name: weights[name].to(device=device, dtype=dtype) for name in wanted}
    # assign: the tensors of the file become the parameters; nothing is copied.
    detector.load_state_dict(assigned, strict=True, assign=True)


def _remedy(path: Path, weights: Mapping[str, Tensor]) -> str:
    """Say what to do about weights that are not those of the architecture."""
    names = [name.removeprefix(ENCODER_PREFIX) for name in weights]
    told = describe_weights(names) or describe_shard(path)
    if told is not None:
        return f"It is {told}"
    return "Choose the architecture that the file was made with"


def _check_kind(path: Path, name: str, tensor: Tensor) -> None:
    """Refuse a tensor that is not plain numbers in memory, and say what it is instead."""
    kind = None
    if tensor.is_meta:
        kind = "on the meta device: it has a shape and no values; save the model once it has some"
    elif tensor.is_quantized or tensor.dtype in _FEW_BITS:
        kind = (
            f"quantised to {tensor.dtype}, which is for inference: get the checkpoint in float32, "
            "float16 or bfloat16"
        )
    elif tensor.layout != torch.strided or tensor.is_nested:
        layout = "nested" if tensor.is_nested else str(tensor.layout)
        kind = f"sparse or nested ({layout}): save it anew with .to_dense()"
    elif not tensor.is_floating_point():
        kind = f"of type {tensor.dtype}, not floating: get the checkpoint in float32"
    if kind is not None:
        raise InputError(f"{path}: weight {name} is {kind}.")


def _check_finite(path: Path, name: str, tensor: Tensor) -> None:
    # The extremes of a tensor with a NaN are NaN; isfinite would allocate twice its size.
    if tensor.numel() and not all(map(torch.isfinite, torch.aminmax(tensor))):
        raise InputError(
            f"{path}: weight {name} {_shape(tensor)} has values that are not finite (NaN or "
            "infinite): the training that made it has diverged, or the file is damaged."
        )


def _shape(tensor: Tensor) -> str:
    return str(list(tensor.shape))


def _list(names: list[str]) -> str:
    listed = "; ".join(names[:MOST_NAMED])
    return listed if len(names) <= MOST_NAMED else f"{listed}; and {len(names) - MOST_NAMED} more"
