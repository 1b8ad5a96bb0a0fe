"""Weights of other programs, told by their names: what they are, and what to load instead."""

import re
from collections.abc import Iterable
from pathlib import Path

from sdd.detector.checkpoints.file_formats import JOIN_SHARDS
from sdd.detector.checkpoints.weight_names import (
    BACK_END_PREFIX,
    ENCODER_PREFIX,
    WRAPPERS,
    is_encoder,
)

_SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.")
_FROM_FAIRSEQ = (
    "take fairseq's file of the same model, or the authors' .ckpt (docs/checkpoints.md lists what "
    "can be loaded)"
)
# Parts of names, and whose they are; the first that is found speaks.
_KINDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"(^|\.)(lora_[AB]|base_model\.model)\."),
        "an adapter (PEFT, LoRA), which holds differences from a model's weights: merge it into "
        "the model, and save that",
    ),
    (
        re.compile(r"^ssl_model\.model\.|^(GAT|HtrgGAT|pos_S$|LL\.)"),
        "the detector of SSL_Anti-spoofing (AASIST behind wav2vec 2.0), which has another back "
        "end: only detectors with one linear layer, proj_fc, can be loaded",
    ),
    (
        re.compile(
            r"(^|\.)(wav2vec2|wavlm|hubert|data2vec_audio|unispeech|sew)\."
            r"|(^|\.)feature_projection\.(projection|layer_norm)\.|(^|\.)masked_spec_embed$"
            r"|(^|\.)encoder\.layers\.\d+\.attention\.[qkv]_proj\.|(^|\.)pos_conv_embed\."
        ),
        f"a model of Hugging Face transformers, which has names of its own: {_FROM_FAIRSEQ}",
    ),
    (
        re.compile(
            r"(^|\.)encoder\.transformer\.layers\.\d+\.|(^|\.)encoder\.feature_projection\."
        ),
        f"a model of torchaudio, which has names of its own: {_FROM_FAIRSEQ}",
    ),
    (
        re.compile(r"^w2v_encoder\.|^encoder\.w2v_model\."),
        "a model that fairseq fine-tuned for speech recognition: take its pre-trained file",
    ),
    (
        re.compile(r"(^|\.)relative_attention_bias\.|(^|\.)grep_linear\."),
        "WavLM, which is another network than wav2vec 2.0",
    ),
    (
        re.compile(r"(_scale_inv|\.qweight|\.qzeros|\.scales|\.weight_scale|\.absmax|SCB)$"),
        "a model quantised for inference: get it in float32, float16 or bfloat16",
    ),
)


def describe_weights(names: Iterable[str]) -> str | None:
    """Say what weights of these names are, and the remedy; None where they say nothing."""
    listed = list(names)
    for pattern, what in _KINDS:
        if any(pattern.search(name) for name in listed):
            return what
    return None


def describe_shard(path: Path) -> str | None:
    """Say so where a file is one of several shards by its name; None where it is not."""
    found = _SHARD.search(path.name)
    if found is None or int(found[2]) < 2:
        return None
    return f"one of {int(found[2])} shards of a checkpoint: {JOIN_SHARDS}"


def why_no_detector(path: Path, names: Iterable[str]) -> str:
    """Say what a file without a back end is: the end of a message."""
    listed = list(names)
    if not listed:
        return "it holds no weights at all: name another file"
    told = describe_weights(listed) or describe_shard(path)
    if told is not None:
        return f"it is {told}. Its names begin with {_shown(listed)}"
    if is_encoder(listed):
        return (
            "it is a pre-trained encoder, not a detector. Load it as the front end of a detector "
            "with a new back end (init: pre)"
        )
    return f"it is no detector that is known here. Its names begin with {_shown(listed)}"


def about_wrappers(names: Iterable[str]) -> str:
    """Say, where some names but not all carry the prefix of a wrapper, how many do."""
    listed = list(names)
    for prefix in WRAPPERS:
        count = sum(name.startswith(prefix) for name in listed)
        if 0 < count < len(listed):
            return (
                f" {count} of {len(listed)} names begin with {prefix!r}, which is taken off only "
                "where all do."
            )
    return ""


def _shown(names: list[str]) -> str:
    own = [name for name in names if not name.startswith((ENCODER_PREFIX, BACK_END_PREFIX))]
    return ", ".join((own or names)[:4])
