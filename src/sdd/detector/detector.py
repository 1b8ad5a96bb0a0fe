"""The detector: encoder, mean over frames, linear layer to two logits (0 FAKE, 1 REAL).

Modules are named as in AntiDeepfake's checkpoints (Ge et al., arXiv 2506.21090).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sdd.data.audio import SAMPLE_RATE
from sdd.detector.architectures import Architecture
from sdd.detector.convolutions import widen
from sdd.detector.encoder import Encoder
from sdd.detector.initialisation import initialise_encoder, initialise_linear
from sdd.errors import InputError
from sdd.runtime.devices import in_float32

NORM_EPSILON = 1e-5
CLASSES = 2


class FrontEnd(nn.Module):
    """The encoder, under the prefix `m_ssl.model.` that its parameters have in the checkpoints."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.model = Encoder(architecture)


class Detector(nn.Module):
    """A detector of fake speech.

    Fresh weights come from torch's global generator; `initialise` draws them from a seed.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.m_ssl = FrontEnd(architecture)
        self.proj_fc = nn.Linear(architecture.encoder_embed_dim, CLASSES)

    @property
    def encoder(self) -> Encoder:
        """The wav2vec 2.0 encoder."""
        return self.m_ssl.model

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.proj_fc.weight.device

    @property
    def checkpoint_activations(self) -> bool:
        """Whether activations are recomputed in the backward pass rather than kept."""
        return self.encoder.encoder.checkpoint_activations

    @checkpoint_activations.setter
    def checkpoint_activations(self, value: bool) -> None:
        self.encoder.encoder.checkpoint_activations = value

    def initialise(self, seed: int) -> None:
        """Draw all weights, encoder and back end, from a seed."""
        generator = torch.Generator().manual_seed(seed)
        initialise_encoder(self.encoder, generator)
        initialise_linear(self.proj_fc, generator)

    def initialise_back_end(self, seed: int) -> None:
        """Draw the weights of the linear layer alone from a seed."""
        initialise_linear(self.proj_fc, torch.Generator().manual_seed(seed))

    def check_input(self, waveforms: Tensor, lengths: Tensor | None = None) -> None:
        """Refuse a batch that cannot be scored.

        Input is as `forward`'s. `embed_and_logits`, `embed` and `forward` call this themselves.

        Raises
        ------
        InputError
            If the batch is empty, not ``float [B, T]``, has lengths that do not fit it,
            has an utterance shorter than the receptive field, or a sample that is not finite.
        """
        if waveforms.ndim != 2 or not waveforms.is_floating_point():
            raise InputError(
                f"Waveforms of shape {list(waveforms.shape)} and type {waveforms.dtype} were "
                "given; they must be [utterances, samples] of a floating type."
            )
        if len(waveforms) == 0:
            raise InputError("The batch is empty: give at least one waveform.")
        self._check_lengths(waveforms, lengths)
        if not bool(torch.isfinite(waveforms).all()):
            rows = (~torch.isfinite(waveforms).all(1)).nonzero().flatten().tolist()
            raise InputError(
                f"Waveforms {_shorten(rows)} of the batch have samples that are not finite "
                "(NaN or infinite): repair or leave out the recording."
            )

    def _check_lengths(self, waveforms: Tensor, lengths: Tensor | None) -> None:
        batch, samples = waveforms.shape
        shortest = samples
        if lengths is not None:
            integer = not lengths.is_floating_point() and lengths.dtype != torch.bool
            if lengths.shape != (batch,) or not integer:
                raise InputError(
                    f"Lengths of shape {list(lengths.shape)} and type {lengths.dtype} were given "
                    f"for {batch} waveforms; they must be {batch} integers."
                )
            shortest, longest = int(lengths.min()), int(lengths.max())
            if longest > samples:
                raise InputError(
                    f"A length of {longest} samples was given, but the waveforms are padded to "
                    f"{samples} only."
                )
        needed = self.architecture.receptive_field
        if shortest < needed:
            raise InputError(
                f"A waveform has {shortest} samples; this encoder needs at least {needed} "
                f"({1000 * needed / SAMPLE_RATE:g} ms at 16 kHz): leave it out or lengthen it."
            )

    def embed_and_logits(
        self, waveforms: Tensor, lengths: Tensor | None = None, normalise: bool = True
    ) -> tuple[Tensor, Tensor]:
        """Score waveforms as `forward`, and return the embeddings the scores were made of, too.

        Returns
        -------
        embeddings
            ``float32 [B, D]``, the mean over frames.
        logits
            ``float32 [B, 2]``, 0 FAKE and 1 REAL.

        Raises
        ------
        InputError
            As `check_input`.
        """
        if lengths is not None:
            lengths = lengths.to(waveforms.device)
        self.check_input(waveforms, lengths)
        lengths = unless_all_count(waveforms, lengths)
        if normalise:
            waveforms = normalise_waveforms(waveforms, lengths)
        return self.pool_and_score(waveforms, lengths)

    def pool_and_score(
        self, waveforms: Tensor, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return embeddings and logits of waveforms that are checked and normalised already.

        Nothing here looks at a value, so that a GPU can run on.

        Parameters
        ----------
        waveforms
            ``float [B, T]`` at 16 kHz.
        lengths
            ``int64 [B]``, on the device of the waveforms; None where no padding is to be masked.

        Returns
        -------
        embedding
            ``float [B, D]``, the mean over frames.
        logits
            ``float [B, 2]``, 0 FAKE and 1 REAL.
        """
        features, padding = self.encoder(waveforms, lengths)
        pooled = pool_frames(features, padding)
        # bf16 logits would have three digits: too few for likelihood ratios and for an EER.
        with in_float32(pooled.device):
            pooled = widen(pooled)
            weight, bias = self.proj_fc.weight, self.proj_fc.bias
            logits = F.linear(pooled, weight.type_as(pooled), bias.type_as(pooled))
        return pooled, logits

    def embed(
        self, waveforms: Tensor, lengths: Tensor | None = None, normalise: bool = True
    ) -> Tensor:
        """Average the last layer over frames: ``float32 [B, D]``; input as `forward` takes it.

        Raises
        ------
        InputError
            As `check_input`.
        """
        return self.embed_and_logits(waveforms, lengths, normalise)[0]

    def forward(
        self, waveforms: Tensor, lengths: Tensor | None = None, normalise: bool = True
    ) -> Tensor:
        """Score waveforms.

        Parameters
        ----------
        waveforms
            ``float32 [B, T]`` at 16 kHz.
        lengths
            ``int64 [B]``, samples of each utterance. A padded batch then gives what each utterance
            gives alone. None: all samples count, padding too, as in the authors' code.
        normalise
            Whether to layer-normalise each waveform over its own length first, as the authors'
            loader does.

        Returns
        -------
        ``float32 [B, 2]``
            Logits, 0 FAKE and 1 REAL; float64 of a detector in float64.

        Raises
        ------
        InputError
            As `check_input`.
        """
        return self.embed_and_logits(waveforms, lengths, normalise)[1]


def unless_all_count(waveforms: Tensor, lengths: Tensor | None) -> Tensor | None:
    """Return None where nothing is padded, else the lengths: attention without a mask is faster."""
    if lengths is None or bool((lengths == waveforms.shape[1]).all()):
        return None
    return lengths


def normalise_waveforms(waveforms: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Normalise each waveform of ``float [B, T]`` to zero mean and unit variance over its length.

    (x - mean) / sqrt(variance + 1e-5), with the biased variance: layer normalisation without a
    scale, as the authors' loader applies it.

    Parameters
    ----------
    lengths
        ``int64 [B]``, samples of each; None if all count.

    Returns
    -------
    ``float32 [B, T]``
        Zero beyond the lengths.
    """
    wide = widen(waveforms)
    if lengths is None:
        return F.layer_norm(wide, wide.shape[1:], eps=NORM_EPSILON)
    count = lengths.to(wide.device)[:, None]
    padding = torch.arange(wide.shape[1], device=wide.device) >= count
    mean = wide.masked_fill(padding, 0).sum(1, keepdim=True) / count
    centred = (wide - mean).masked_fill(padding, 0)
    variance = centred.square().sum(1, keepdim=True) / count
    return centred * torch.rsqrt(variance + NORM_EPSILON)


def pool_frames(features: Tensor, padding: Tensor | None = None) -> Tensor:
    """Average ``float [B, F, D]`` to ``float [B, D]``, over frames.

    `padding`, ``bool [B, F]``, is true in frames that do not count.
    """
    if padding is None:
        return features.mean(1)
    total = features.masked_fill(padding[..., None], 0).sum(1)
    return total / (~padding).sum(1, keepdim=True)


def _shorten(rows: list[int]) -> str:
    listed = ", ".join(map(str, rows[:8]))
    return listed if len(rows) <= 8 else f"{listed} and {len(rows) - 8} more"
