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
        """Normalise each channel of ``float [B, F, C]`` over its own frames.

        `frames`, ``int64 [B]``, are the valid ones of each utterance; None if all are. What stands
        in padded frames has no meaning.
        """
        weight, bias, wide = widen(self.weight), widen(self.bias), widen(x)
        if frames is None:
            # Its backward pass is six times faster with the frames of a channel together.
            together = torch.is_grad_enabled()
            image = as_image(wide).contiguous() if together else as_image(wide)
            normal = F.group_norm(image, self.num_groups, weight, bias, self.eps)
            return as_sequence(normal).contiguous().type_as(x)
        # Over valid frames only, or an utterance would be scored by how much it is padded.
        valid = (torch.arange(x.shape[1], device=x.device) < frames[:, None])[..., None]
        count = frames[:, None, None]
        mean = (wide * valid).sum(1, keepdim=True) / count
        centred = (wide - mean) * valid
        variance = centred.square().sum(1, keepdim=True) / count
        normal = centred * torch.rsqrt(variance + self.eps)
        return (normal * weight + bias).type_as(x)


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
        """Convolve ``float [B, T, inputs]`` to ``float [B, F, C]``, normalise, apply GELU.

        `frames`, ``int64 [B]``, are the valid ones of the output; None if all are.
        """
        x, normalise = convolve(x, cast(nn.Conv1d, self[0])), self[2]
        if isinstance(normalise, Float32GroupNorm):
            x = normalise(x, frames)
        elif not isinstance(normalise, nn.GELU):
            x = cast(Tensor, normalise(x))
        return gelu(x)


def convolve(x: Tensor, convolution: nn.Conv1d) -> Tensor:
    """Convolve ``float [B, T, inputs]`` to ``float [B, F, C]``, with neither padding nor groups.

    In training one matrix product over all windows: its backward pass takes half the time of
    `F.conv1d`'s at 512 channels. Without gradients torch's convolution of images whose channels
    come last, which copies no window; but not for one channel, whose layout torch cannot tell.
    """
    weight, (stride,) = convolution.weight, convolution.stride
    if not torch.is_grad_enabled() and x.shape[-1] > 1:
        image = F.conv2d(as_image(x), weight[:, :, None], convolution.bias, (1, stride))
        return as_sequence(image)
    windows = x.unfold(1, weight.shape[-1], stride)  # [B, F, inputs, k]
    # Inputs last: each window is then one run of memory.
    flat = windows.transpose(2, 3).flatten(2)  # [B, F, k * inputs]
    return F.linear(flat, weight.transpose(1, 2).flatten(1), convolution.bias)


def gelu(x: Tensor) -> Tensor:
    """Apply GELU; without gradients the result overwrites `x`, which nothing else may hold."""
    if torch.is_grad_enabled():
        return F.gelu(x)
    return cast(Tensor, torch.ops.aten.gelu_(x))


def as_image(x: Tensor) -> Tensor:
    """View ``float [B, F, C]`` as ``float [B, C, 1, F]``: an image whose channels come last."""
    return x.transpose(1, 2)[:, :, None]


def as_sequence(image: Tensor) -> Tensor:
    """View ``float [B, C, 1, F]`` as ``float [B, F, C]``."""
    return image[:, :, 0].transpose(1, 2)


class ConvolutionalExtractor(nn.Module):
    """The strided convolutions that turn samples into frames."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
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
        """Count the frames that so many samples make: ``int64 [B]`` to ``int64 [B]``."""
        for block in self.conv_layers:
            samples = cast(ConvolutionBlock, block).frames(samples)
        return samples

    def forward(self, waveforms: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Turn ``float [B, T]`` into ``float [B, F, C]``; `lengths`, ``int64 [B]``, in samples."""
        x = waveforms[..., None]  # channels last throughout, where layer norms find them together
        for block in self.conv_layers:
            if lengths is not None:
                lengths = cast(ConvolutionBlock, block).frames(lengths)
            x = block(x, lengths)
        return x


def widen(x: Tensor) -> Tensor:
    """Return `x` in float32 if its type is narrower."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
