"""Names of weights: those of the authors' checkpoints, which our detectors have, too.

m_ssl.model.*   the encoder, by fairseq's names
proj_fc.*       the back end: a linear layer
"""

from collections.abc import Mapping

from torch import Tensor

ENCODER_PREFIX = "m_ssl.model."
BACK_END_PREFIX = "proj_fc."
ARCHITECTURE_KEY = "architecture"

# Parts of pre-training that a detector does not have; nothing else may be left over.
DROPPED_PREFIXES = ("quantizer.", "project_q.", "final_proj.")
DROPPED_NAMES = ("mask_emb",)

# What torch's newer parametrisation of weight norm calls the two parts of a weight.
WEIGHT_NORM_NAMES = {
    "parametrizations.weight.original0": "weight_g",
    "parametrizations.weight.original1": "weight_v",
}


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
