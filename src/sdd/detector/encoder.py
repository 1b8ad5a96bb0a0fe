"""The wav2vec 2.0 encoder under fairseq's parameter names.

Waveform -> strided convolutions -> layer norm -> linear projection -> positional convolution ->
transformer, after Baevski et al., *wav2vec 2.0: A Framework for Self-Supervised Learning of Speech
Representations*, NeurIPS 2020. Parameters bear the names that fairseq 0.12.2 gives them, so its
checkpoints and those of AntiDeepfake load with no mapping. Two things differ from fairseq on
purpose: a padded frame takes part in nothing, not even in group norm; and the number of frames is
not padded to an even one, which has no effect on the result.

Shapes: B utterances, T samples, F frames, C channels of the convolutions, D width of the
transformer, H heads.
"""

import math
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint

from sdd.detector.architectures import Architecture
from sdd.detector.convolutions import ConvolutionalExtractor, gelu
from sdd.errors import InputError

ATTENTION = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
"""Kernels of attention, of which the first that can takes a batch: flash has no mask and no
float32, the memory-efficient one has both, the plain one everything. Not cuDNN's, which torch
prefers on some GPUs: it makes a plan for each shape, and hardly two batches have the same. A CPU
has the first and the last."""


class ScaleGradient(torch.autograd.Function):
    """Identity whose gradient is multiplied by a constant."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:  # noqa: ANN401  # torch's context
        """Return `x` unchanged."""
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        """Scale the gradient."""
        return gradient * ctx.factor, None


class CastForProducts(torch.autograd.Function):
    """The same tensor three times in a narrower type, whose gradients are added in the wider one.

    Under autocast each of three products would cast its input and keep a copy of its own for the
    backward pass. The values are the same; so are those of the gradients, but that a fourth use of
    `x`, such as a post-norm residual, is added at another place in the sum.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        x: Tensor,
        dtype: torch.dtype,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Cast `x` once."""
        ctx.dtype = x.dtype
        narrow = x.to(dtype)
        return narrow, narrow.view_as(narrow), narrow.view_as(narrow)

    @staticmethod
    def backward(
        ctx: Any,  # noqa: ANN401
        first: Tensor,
        second: Tensor,
        third: Tensor,
    ) -> tuple[Tensor, None]:
        """Add as autograd would have done: the last product's gradient comes first."""
        return third.to(ctx.dtype) + second.to(ctx.dtype) + first.to(ctx.dtype), None


def cast_for_products(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return `x` for three products, in the type that autocast has them in."""
    kind = x.device.type
    narrows = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
    if not narrows or x.dtype != torch.float32:
        return x, x, x
    return cast(
        tuple[Tensor, Tensor, Tensor],
        CastForProducts.apply(x, torch.get_autocast_dtype(kind)),
    )


class WeightNormConvolution(nn.Module):
    """Grouped 1-D convolution with weight_v * weight_g / ||weight_v||, one norm per kernel tap.

    Written out rather than parametrised so that the parameters keep the names of the checkpoints.
    """

    def __init__(self, width: int, kernel: int, groups: int) -> None:
        super().__init__()
        self.groups, self.padding = groups, kernel // 2
        self.weight_g = nn.Parameter(torch.ones(1, 1, kernel))
        self.weight_v = nn.Parameter(torch.empty(width, width // groups, kernel))
        self.bias = nn.Parameter(torch.zeros(width))
        nn.init.normal_(self.weight_v, std=self.standard_deviation)

    @property
    def standard_deviation(self) -> float:
        """Standard deviation of fresh weights: sqrt(4 / (kernel * width))."""
        width, _, kernel = self.weight_v.shape
        return math.sqrt(4 / (kernel * width))

    def forward(self, x: Tensor) -> Tensor:
        """Turn ``float [B, D, F]`` into as many frames, or F + 1 with an even kernel."""
        # What torch's own weight_norm calls; a third of the time of writing the norm out.
        weight = torch._weight_norm(self.weight_v, self.weight_g, 2)
        return F.conv1d(x, weight, self.bias, padding=self.padding, groups=self.groups)


class SamePad(nn.Module):
    """Cut the one frame too many that an even kernel gives."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.excess = 1 - kernel % 2

    def forward(self, x: Tensor) -> Tensor:
        """Cut ``float [B, D, F + excess]`` to ``float [B, D, F]``."""
        return x[..., : x.shape[-1] - self.excess]


class SelfAttention(nn.Module):
    """Multi-head self-attention."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor, attended: Tensor | None) -> Tensor:
        """Let each frame of ``float [B, F, D]`` attend to those it may see.

        `attended`, ``bool [B, 1, 1, F]``, is true where frames are seen; None if all are.
        """
        # A head beside a head, [B, H, F, D / H]: what torch's fused kernels of attention take.
        query, key, value = (
            projection(same).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for projection, same in zip(
                (self.q_proj, self.k_proj, self.v_proj), cast_for_products(x), strict=True
            )
        )
        dropout = self.dropout if self.training else 0.0
        with sdpa_kernel(ATTENTION, set_priority=True):
            y = F.scaled_dot_product_attention(query, key, value, attended, dropout)
        return cast(Tensor, self.out_proj(y.transpose(1, 2).flatten(2)))


class TransformerLayer(nn.Module):
    """Self-attention and feed-forward block, each with a residual, pre-norm or post-norm."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        width, inner = architecture.encoder_embed_dim, architecture.encoder_ffn_embed_dim
        self.norm_first = architecture.layer_norm_first
        self.activation = architecture.activation_fn
        self.dropout = nn.Dropout(architecture.dropout)
        self.activation_dropout = nn.Dropout(architecture.activation_dropout)
        self.self_attn = SelfAttention(
            width, architecture.encoder_attention_heads, architecture.attention_dropout
        )
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, inner)
        self.fc2 = nn.Linear(inner, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def feed_forward(self, x: Tensor) -> Tensor:
        """Transform each frame of ``float [B, F, D]`` alone."""
        x = self.activation_dropout(activate(self.fc1(x), self.activation))
        return cast(Tensor, self.fc2(x))

    def forward(self, x: Tensor, attended: Tensor | None) -> Tensor:
        """Return ``float [B, F, D]`` of as many frames; `attended` as in `SelfAttention`."""
        if self.norm_first:
            x = x + self.dropout(self.self_attn(self.self_attn_layer_norm(x), attended))
            return x + cast(Tensor, self.dropout(self.feed_forward(self.final_layer_norm(x))))
        x = self.self_attn_layer_norm(x + self.dropout(self.self_attn(x, attended)))
        return cast(Tensor, self.final_layer_norm(x + self.dropout(self.feed_forward(x))))


class Transformer(nn.Module):
    """Positional convolution and transformer layers.

    `checkpoint_activations`, false at first, recomputes each layer in the backward pass instead of
    keeping its activations.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        width, kernel = architecture.encoder_embed_dim, architecture.conv_pos
        self.checkpoint_activations = False
        self.norm_first = architecture.layer_norm_first
        self.layer_drop = architecture.encoder_layerdrop
        self.dropout = nn.Dropout(architecture.dropout)
        self.pos_conv = nn.Sequential(
            WeightNormConvolution(width, kernel, architecture.conv_pos_groups),
            SamePad(kernel),
            nn.GELU(),
        )
        self.layers = nn.ModuleList(
            TransformerLayer(architecture) for _ in range(architecture.encoder_layers)
        )
        self.layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        """Return ``float [B, F, D]`` of the same; `padding`, ``bool [B, F]``, true where padded."""
        # Without padding no mask at all: torch then has faster kernels of attention.
        attended = None
        if padding is not None:
            # Zeros, as beyond the ends of the utterance, for the positional convolution.
            x = x.masked_fill(padding[..., None], 0)
            attended = ~padding[:, None, None]
        # The only thing that tells frames their order.
        x = x + self.pos_conv(x.transpose(1, 2)).transpose(1, 2)
        # Post-norm models have this norm first, pre-norm ones last; the parameter is the same one.
        if not self.norm_first:
            x = self.layer_norm(x)
        x = self.dropout(x)
        # LayerDrop: a layer is left out of a step as a whole, decided for the batch.
        for layer in self.layers:
            drops = self.training and self.layer_drop > 0
            if not drops or torch.rand(()).item() >= self.layer_drop:
                x = self._through(layer, x, attended)
        return self.layer_norm(x) if self.norm_first else x

    def _through(self, layer: nn.Module, x: Tensor, attended: Tensor | None) -> Tensor:
        # use_reentrant=False also works where no input needs a gradient: frozen convolutions.
        if self.checkpoint_activations and torch.is_grad_enabled():
            return cast(Tensor, checkpoint(layer, x, attended, use_reentrant=False))
        return cast(Tensor, layer(x, attended))


class Encoder(nn.Module):
    """A wav2vec 2.0 encoder: waveforms in, one vector per frame out."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        channels, width = architecture.convolutions[-1][0], architecture.encoder_embed_dim
        self.architecture = architecture
        self.feature_grad_mult = architecture.feature_grad_mult
        self.feature_extractor = ConvolutionalExtractor(architecture)
        self.layer_norm = nn.LayerNorm(channels)
        # fairseq has no projection where it would change no width.
        self.post_extract_proj = nn.Linear(channels, width) if channels != width else None
        self.dropout_input = nn.Dropout(architecture.dropout_input)
        self.encoder = Transformer(architecture)

    def frames(self, samples: Tensor) -> Tensor:
        """Count the frames that so many samples make: ``int64`` of any shape."""
        return self.feature_extractor.frames(samples)

    def convolve(
        self, waveforms: Tensor, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Turn waveforms into normalised convolutional features, the targets of pre-training.

        Parameters
        ----------
        waveforms
            ``float32 [B, T]`` at 16 kHz, already normalised.
        lengths
            ``int64 [B]``, valid samples of each; None if all are.

        Returns
        -------
        features
            ``float32 [B, F, C]``, layer-normalised.
        padding
            ``bool [B, F]``, true in padded frames; None without `lengths`.
        """
        # Audio comes in float32; a detector loaded in bf16 or float64 computes in its own type.
        waveforms = waveforms.to(self.layer_norm.weight.dtype)
        # Pre-training slows the convolutions down by this factor, or freezes them, as a stage of
        # fine-tuning may; without gradients their activations, the longest there are, need not be
        # kept, and what is frozen computes as in the frozen policies, to the bit.
        if self.feature_grad_mult > 0 and self._extractor_has_gradient(waveforms):
            x = self.feature_extractor(waveforms, lengths)
            if self.feature_grad_mult != 1:
                x = ScaleGradient.apply(x, self.feature_grad_mult)
        else:
            with torch.no_grad():
                x = self.feature_extractor(waveforms, lengths)
        features = self.layer_norm(x)
        if lengths is None:
            return features, None
        index = torch.arange(features.shape[1], device=features.device)
        return features, index >= self.frames(lengths)[:, None]

    def _extractor_has_gradient(self, waveforms: Tensor) -> bool:
        trained = (it.requires_grad for it in self.feature_extractor.parameters())
        return waveforms.requires_grad or any(trained)

    def contextualise(
        self,
        features: Tensor,
        padding: Tensor | None = None,
        mask: Tensor | None = None,
        mask_embedding: Tensor | None = None,
    ) -> Tensor:
        """Turn convolutional features into contextual ones.

        Parameters
        ----------
        features, padding
            As `convolve` returns them.
        mask
            ``bool [B, F]``, true where a frame is replaced by `mask_embedding`, for pre-training.
        mask_embedding
            ``float32 [D]``, the width of the transformer; with `mask` or not at all.

        Returns
        -------
        ``float32 [B, F, D]``
            Of the last layer.

        Raises
        ------
        InputError
            If only one of `mask` and `mask_embedding` is given.
        """
        if (mask is None) != (mask_embedding is None):
            raise InputError("A mask needs a mask_embedding, and the other way round.")
        x = features if self.post_extract_proj is None else self.post_extract_proj(features)
        x = self.dropout_input(x)
        if mask is not None and mask_embedding is not None:
            x = torch.where(mask[..., None], mask_embedding.type_as(x), x)
        return cast(Tensor, self.encoder(x, padding))

    def forward(
        self,
        waveforms: Tensor,
        lengths: Tensor | None = None,
        mask: Tensor | None = None,
        mask_embedding: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Turn waveforms into contextual features: `contextualise` of what `convolve` returns.

        Returns
        -------
        features
            ``float32 [B, F, D]``, those of the last layer.
        padding
            ``bool [B, F]``, true in padded frames; None without `lengths`.
        """
        features, padding = self.convolve(waveforms, lengths)
        return self.contextualise(features, padding, mask, mask_embedding), padding


def activate(x: Tensor, name: str) -> Tensor:
    """Apply one of fairseq's activation functions to `x`, which may be overwritten."""
    match name:
        case "gelu":
            return gelu(x)
        case "gelu_accurate" | "gelu_fast":
            return F.gelu(x, approximate="tanh")
        case "relu":
            return F.relu(x)
        case "tanh":
            return torch.tanh(x)
        case _:
            return x
