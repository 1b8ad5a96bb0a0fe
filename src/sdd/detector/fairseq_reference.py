"""The authors' detector as real fairseq computes it: what ours is held against.

The one place of the project that imports fairseq. It runs in an environment of its own (the scripts
that use it say so in their first lines), never in the workflow's.
"""

import dataclasses
import functools
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch.nn.functional as F
from torch import Tensor, nn

from sdd.detector.architectures import Architecture
from sdd.detector.checkpoints.reading import read_checkpoint
from sdd.errors import InputError

# What fairseq's models hold for pre-training alone, besides the embedding of masked frames.
PRETRAINING = ("quantizer.", "project_q.", "final_proj.")
MASK_EMBEDDING = "mask_emb"
# HuBERT's labels, by which its files are told from those of wav2vec 2.0.
LABEL_EMBEDDINGS = "label_embs_concat"
HUBERT = "hubert"
LABEL_RATE = 50.0
"""Labels a second, as HuBERT was trained with."""
REMEDY = "choose the architecture that the file was made with."
ENCODER, BACK_END = "m_ssl.model.", "proj_fc."


@contextmanager
def _hashable_dataclasses() -> Iterator[None]:
    """Let fairseq and hydra be imported on Python 3.11 and later.

    Their configurations have dataclass instances as defaults, which Python refuses since 3.11
    unless the instances can be hashed.
    """
    original = dataclasses.dataclass

    def patched(cls: type | None = None, /, **options: Any) -> Any:  # noqa: ANN401  # as the original
        if cls is None:
            return functools.partial(patched, **options)
        if cls.__module__.split(".")[0] in ("fairseq", "hydra"):
            options["unsafe_hash"] = True
        return original(cls, **options)

    dataclasses.dataclass = cast(Any, patched)
    try:
        yield
    finally:
        dataclasses.dataclass = original


@dataclass(frozen=True)
class Fairseq:
    """What is used of fairseq: its models, their configurations, its dictionary and version."""

    version: str
    wav2vec2: Callable[..., nn.Module]
    wav2vec2_config: Callable[..., object]
    hubert: Callable[..., nn.Module]
    hubert_config: Callable[..., object]
    hubert_task: Callable[..., object]
    dictionary: Callable[[], Any]


@functools.cache
def import_fairseq() -> Fairseq:
    """Import fairseq, quietly.

    Raises
    ------
    InputError
        If fairseq is not installed.
    """
    logging.getLogger("fairseq").setLevel(logging.ERROR)
    with _hashable_dataclasses(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import fairseq
            from fairseq.data import Dictionary
            from fairseq.models.hubert import HubertConfig, HubertModel
            from fairseq.models.wav2vec import Wav2Vec2Config, Wav2Vec2Model
            from fairseq.tasks.hubert_pretraining import HubertPretrainingConfig
        except ModuleNotFoundError as error:
            raise InputError(
                f"fairseq cannot be imported ({error}); it has an environment of its own: start "
                "the script with `uv run --script`."
            ) from error
    return Fairseq(
        str(fairseq.__version__),
        *(Wav2Vec2Model, Wav2Vec2Config),
        *(HubertModel, HubertConfig, HubertPretrainingConfig),
        Dictionary,
    )


def model_config(configuration: Mapping[str, object]) -> object:
    """Make fairseq's configuration of its keys: of HuBERT where `_name` says so."""
    fairseq = import_fairseq()
    if configuration.get("_name") != HUBERT:
        return fairseq.wav2vec2_config(**configuration)
    # It has no default, and what is computed of waveforms does not depend on it.
    return fairseq.hubert_config(**{"label_rate": LABEL_RATE, **configuration})


def label_dictionary(labels: int) -> Any:  # noqa: ANN401  # fairseq is untyped here
    """Make a dictionary of so many labels, special ones included, as HuBERT is trained with."""
    dictionary = import_fairseq().dictionary()
    for number in range(labels - len(dictionary)):
        dictionary.add_symbol(str(number))
    return dictionary


def make_encoder(configuration: Mapping[str, object], labels: int | None = None) -> nn.Module:
    """Make fairseq's `Wav2Vec2Model`, or its `HubertModel` where `_name` is hubert.

    Parameters
    ----------
    labels
        Of HuBERT's pre-training; None for a model without their embeddings.
    """
    fairseq, config = import_fairseq(), model_config(configuration)
    with warnings.catch_warnings():
        # weight_norm is deprecated; its names of weights are those of the checkpoints.
        warnings.simplefilter("ignore")
        if configuration.get("_name") != HUBERT:
            return fairseq.wav2vec2(config)
        # What the encoder computes does not depend on the task; 16 kHz is its default.
        task = fairseq.hubert_task()
        return fairseq.hubert(config, task, [None if labels is None else label_dictionary(labels)])


class FairseqDetector(nn.Module):
    """AntiDeepfake's detector: fairseq's encoder, mean over frames, linear layer.

    Parameters
    ----------
    configuration
        Keys of fairseq's `Wav2Vec2Config`, or `HubertConfig` where `_name` is hubert.
    labels
        As for `make_encoder`.
    """

    def __init__(self, configuration: Mapping[str, object], labels: int | None = None) -> None:
        super().__init__()
        self.m_ssl = nn.Module()
        self.m_ssl.model = make_encoder(configuration, labels)
        self.proj_fc = nn.Linear(int(cast(int, configuration["encoder_embed_dim"])), 2)

    def embed_and_logits(self, waveforms: Tensor) -> tuple[Tensor, Tensor]:
        """Return embeddings ``float32 [B, D]`` and logits ``float32 [B, 2]``.

        `waveforms` are ``float32 [B, T]`` at 16 kHz; each is layer-normalised first, as the
        authors' loader does.
        """
        encoder = cast(Callable[..., dict[str, Tensor]], self.m_ssl.model)
        normal = F.layer_norm(waveforms, waveforms.shape[1:])
        embeddings = encoder(normal, mask=False, features_only=True)["x"].mean(1)
        return embeddings, cast(Tensor, self.proj_fc(embeddings))


def load_fairseq_detector(path: Path, architecture: Architecture) -> FairseqDetector:
    """Load a checkpoint into real fairseq.

    Parameters
    ----------
    path
        AntiDeepfake's `.ckpt`, fairseq's `.pt`, or safetensors under the same names.

    Returns
    -------
    FairseqDetector
        In evaluation mode, on the CPU, float32. Without a back end in the file, its linear layer
        is random.

    Raises
    ------
    InputError
        If the file cannot be read, or holds other weights than fairseq's model needs.
    """
    tensors = {name: value.float() for name, value in read_checkpoint(path).tensors.items()}
    head = {
        name.removeprefix(BACK_END): tensors.pop(name)
        for name in list(tensors)
        if name.startswith(BACK_END)
    }
    # What is left: fairseq's own files have no prefix to remove.
    encoder = {name.removeprefix(ENCODER): value for name, value in tensors.items()}
    # Its embeddings of labels have no place in a model that is made without a dictionary.
    hubert = encoder.pop(LABEL_EMBEDDINGS, None) is not None
    detector = FairseqDetector(architecture.as_dict() | ({"_name": HUBERT} if hubert else {}))
    model = cast(Any, detector.m_ssl.model)
    model.remove_pretraining_modules()
    # Not strict: the parts that only pre-training has may be there or not. All else is checked.
    try:
        found = model.load_state_dict(encoder, strict=False)
    except RuntimeError as error:  # shapes
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"{path} does not fit fairseq's model: {reason}; {REMEDY}") from error
    missing = [name for name in found.missing_keys if name != MASK_EMBEDDING]
    extra = [name for name in found.unexpected_keys if not name.startswith(PRETRAINING)]
    if missing or extra:
        raise InputError(
            f"{path} does not fit fairseq's model of this architecture: missing {missing[:8]}, "
            f"left over {extra[:8]}; {REMEDY}"
        )
    if head:
        detector.proj_fc.load_state_dict(head)
    return detector.eval()
