"""The convolutions of wav2vec 2.0 that turn samples into frames, under fairseq's parameter names.

Shapes: B utterances, T samples, F frames, C channels.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sdd.detector.architectures import Architecture


class Float32LayerNorm(nn.LayerNorm):
    """Layer norm computed in at least float32, returned in the type of its input."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise over the last axis."""
        weight, bias = widen(self.weight), widen(self.bias)
        return F.layer_norm(widen(x), self.normalized_shape, weight, bias, self.eps).type_as(x)


class Float32GroupNorm(nn.GroupNorm):
    """Group norm with one group per channel, over time, computed in at least float32."""

    def forward(self, x: Tensor, frames: Tensor | None = None) -> Tensor:
        """Normalise each channel over its own frames.

        Parameters
        ----------
        x
            [B, C, F].
        frames
            [B], valid frames of each utterance; None if all are.

        Returns
        -------
        Tensor
            [B, C, F]; what stands in padded frames has no meaning.
        """
        weight, bias, wide = widen(self.weight), widen(self.bias), widen(x)
        if frames is None:
            return F.group_norm(wide, self.num_groups, weight, bias, self.eps).type_as(x)
        valid = (torch.arange(x.shape[-1], device=x.device) < frames[:, None])[:, None]
        count = frames[:, None, None]
        mean = (wide * valid).sum(-1, keepdim=True) / count
        centred = (wide - mean) * valid
        variance = centred.square().sum(-1, keepdim=True) / count
        normal = centred * torch.rsqrt(variance + self.eps)
        return (normal * weight[:, None] + bias[:, None]).type_as(x)


class ConvolutionBlock(nn.Sequential):
    """Convolution, its norm if it has one, GELU; indices within are those of fairseq's names."""

    def __init__(self, inputs: int, layer: tuple[int, int, int], norm: str, bias: bool) -> None:
        channels, kernel, stride = layer
        modules: list[nn.Module] = [
            nn.Conv1d(inputs, channels, kernel, stride=stride, bias=bias),
            nn.Identity(),  # fairseq has a dropout of 0 here
        ]
        if norm == "layer":
            # fairseq transposes before and after.
            modules.append(nn.Sequential(nn.Identity(), Float32LayerNorm(channels), nn.Identity()))
        elif norm == "group":
            modules.append(Float32GroupNorm(channels, channels))
        super().__init__(*modules, nn.GELU())
        self.kernel, self.stride = kernel, stride

    def frames(self, samples: Tensor) -> Tensor:
        """Count output frames for so many input samples."""
        return torch.div(samples - self.kernel, self.stride, rounding_mode="floor") + 1

    def forward(self, x: Tensor, frames: Tensor | None = None) -> Tensor:
        """Convolve, normalise, apply GELU, in the layout that the norm wants.

        Parameters
        ----------
        x
            [B, samples, inputs] if the block has a layer norm, else [B, inputs, samples].
        frames
            [B], valid frames of the output; None if all are.

        Returns
        -------
        Tensor
            [B, F, C] or [B, C, F], the layout of `x`.
        """
        convolution, normalise = cast(nn.Conv1d, self[0]), self[2]
        if isinstance(normalise, Float32GroupNorm):
            return F.gelu(normalise(convolution(x), frames))
        if isinstance(normalise, nn.GELU):
            return F.gelu(convolution(x))
        return F.gelu(cast(Tensor, normalise(convolve(x, convolution))))


def convolve(x: Tensor, convolution: nn.Conv1d) -> Tensor:
    """Convolve time-major input by one matrix product over its windows.

    Forward and backward together it takes less CPU time than `F.conv1d` at 512 channels (forward
    alone more), and the norms that follow find their axis last.

    Parameters
    ----------
    x
        [B, T, inputs].
    convolution
        Unpadded, ungrouped.

    Returns
    -------
    Tensor
        [B, F, C].
    """
    windows = x.unfold(1, convolution.kernel_size[0], convolution.stride[0])  # [B, F, inputs, k]
    weight = convolution.weight.transpose(1, 2).flatten(1)  # [C, k * inputs]
    # Inputs last: each window is then one run of memory.
    return F.linear(windows.transpose(2, 3).flatten(2), weight, convolution.bias)


class ConvolutionalExtractor(nn.Module):
    """The strided convolutions that turn samples into frames."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        # A layer norm runs over channels, which are fastest to reach if they come last.
        self.time_major = architecture.extractor_mode == "layer_norm"
        blocks, inputs = [], 1
        for index, layer in enumerate(architecture.convolutions):
            if architecture.extractor_mode == "layer_norm":
                norm = "layer"
            else:
                norm = "group" if index == 0 else "none"
            blocks.append(ConvolutionBlock(inputs, layer, norm, architecture.conv_bias))
            inputs = layer[0]
        self.conv_layers = nn.ModuleList(blocks)

    def frames(self, samples: Tensor) -> Tensor:
        """Count the frames that so many samples [B] give."""
        for block in self.conv_layers:
            samples = cast(ConvolutionBlock, block).frames(samples)
        return samples

    def forward(self, waveforms: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[B, T] -> [B, F, C]; `lengths` [B] in samples."""
        x = waveforms[..., None] if self.time_major else waveforms[:, None]
        for block in self.conv_layers:
            if lengths is not None:
                lengths = cast(ConvolutionBlock, block).frames(lengths)
            x = block(x, lengths)
        return x if self.time_major else x.transpose(1, 2)


def widen(x: Tensor) -> Tensor:
    """Return `x` in float32 if its type is narrower."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
