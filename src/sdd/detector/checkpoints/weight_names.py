"""Names of weights: those of the authors' checkpoints, which our detectors have, too.

m_ssl.model.*   the encoder, by fairseq's names
proj_fc.*       the back end: a linear layer
"""

import hashlib
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

ENCODER_PREFIX = "m_ssl.model."
BACK_END_PREFIX = "proj_fc."
ARCHITECTURE_KEY = "architecture"
# In the metadata of our files: safetensors itself has no checksum.
DIGEST_KEY = "weights_sha256"

# Parts of pre-training that a detector does not have; nothing else may be left over. HuBERT has the
# embeddings of its labels instead of a quantiser.
DROPPED_PREFIXES = ("quantizer.", "project_q.", "final_proj.")
DROPPED_NAMES = ("mask_emb", "label_embs_concat")

# What torch, Lightning and training programs put before all names: DataParallel, torch.compile,
# FSDP, activation checkpointing; and attributes that hold the detector. No name of ours begins so.
WRAPPERS = (
    "module.",
    "_orig_mod.",
    "_fsdp_wrapped_module.",
    "_checkpoint_wrapped_module.",
    "model.",
    "net.",
    "detector.",
)
# Those that also stand within names, where a part of the detector alone was wrapped.
_INNER_WRAPPERS = WRAPPERS[:4]

# What torch's newer parametrisation of weight norm calls the two parts of a weight.
WEIGHT_NORM_NAMES = {
    "parametrizations.weight.original0": "weight_g",
    "parametrizations.weight.original1": "weight_v",
}


def without_wrappers(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take the prefixes of wrappers off, in any combination, each where all names carry it.

    A prefix that only some names carry stays, for the strict comparison to find. One within names
    goes where all names of the same parent carry it.
    """
    renamed = {name: name for name in tensors}
    while (prefix := _shared_wrapper(renamed.values())) is not None:
        renamed = {name: new.removeprefix(prefix) for name, new in renamed.items()}
    children: dict[str, list[str]] = {}
    for name, new in renamed.items():
        if "." in new:
            children.setdefault(new.split(".")[0], []).append(name)
    for parent, names in children.items():
        tails = [renamed[name].removeprefix(f"{parent}.") for name in names]
        while (prefix := _shared_wrapper(tails, _INNER_WRAPPERS)) is not None:
            tails = [tail.removeprefix(prefix) for tail in tails]
        renamed |= {name: f"{parent}.{tail}" for name, tail in zip(names, tails, strict=True)}
    return {renamed[name]: tensor for name, tensor in tensors.items()}


def _shared_wrapper(names: Iterable[str], wrappers: Iterable[str] = WRAPPERS) -> str | None:
    listed = list(names)
    shared = (prefix for prefix in wrappers if all(name.startswith(prefix) for name in listed))
    return next(shared, None) if listed else None


def is_encoder(names: Iterable[str]) -> bool:
    """Tell whether weights of these names are a wav2vec 2.0 encoder under fairseq's names."""
    plain = {name.removeprefix(ENCODER_PREFIX) for name in names}
    return {"feature_extractor.conv_layers.0.0.weight", "layer_norm.weight"} <= plain


def detector_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the weights of a checkpoint to a detector's names; drop the parts of pre-training."""
    # fairseq's own files hold the encoder alone, without a prefix.
    prefixed = any(name.startswith(ENCODER_PREFIX) for name in tensors)
    renamed = {}
    for name, tensor in tensors.items():
        outside = prefixed or name.startswith(BACK_END_PREFIX)
        within = name.removeprefix(ENCODER_PREFIX)
        if not name.startswith(BACK_END_PREFIX) and _is_dropped(within):
            continue
        full = name if outside else ENCODER_PREFIX + name
        for old, new in WEIGHT_NORM_NAMES.items():
            if full.endswith("." + old):
                full = full.removesuffix(old) + new
        renamed[full] = tensor
    return renamed


def _is_dropped(name: str) -> bool:
    return name in DROPPED_NAMES or name.startswith(DROPPED_PREFIXES)


def weights_digest(tensors: Mapping[str, Tensor]) -> str:
    """Digest names, types, shapes and bytes of weights on the CPU: 64 digits of SHA-256."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
