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
from pathlib import Path
from typing import Any, cast

import torch.nn.functional as F
from torch import Tensor, nn

from sdd.detector.architectures import Architecture
from sdd.detector.checkpoints.reading import read_checkpoint
from sdd.errors import InputError

# What fairseq's model holds for pre-training alone, besides the embedding of masked frames.
PRETRAINING = ("quantizer.", "project_q.", "final_proj.")
MASK_EMBEDDING = "mask_emb"
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


@functools.cache
def import_fairseq() -> tuple[Callable[..., nn.Module], Callable[..., object], str]:
    """Import fairseq, quietly: return `Wav2Vec2Model`, `Wav2Vec2Config` and fairseq's version.

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
            from fairseq.models.wav2vec import Wav2Vec2Config, Wav2Vec2Model
        except ModuleNotFoundError as error:
            raise InputError(
                f"fairseq cannot be imported ({error}); it has an environment of its own: start "
                "the script with `uv run --script`."
            ) from error
    return Wav2Vec2Model, Wav2Vec2Config, str(fairseq.__version__)


class FairseqDetector(nn.Module):
    """AntiDeepfake's detector: fairseq's `Wav2Vec2Model`, mean over frames, linear layer.

    Parameters
    ----------
    configuration
        Keys of fairseq's `Wav2Vec2Config`.
    """

    def __init__(self, configuration: Mapping[str, object]) -> None:
        super().__init__()
        model, config, _ = import_fairseq()
        with warnings.catch_warnings():
            # weight_norm is deprecated; its names of weights are those of the checkpoints.
            warnings.simplefilter("ignore")
            encoder = model(config(**configuration))
        self.m_ssl = nn.Module()
        self.m_ssl.model = encoder
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
    detector = FairseqDetector(architecture.as_dict())
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
