"""Resampling as `torchaudio.functional.resample` does at its defaults, on a stream, without torch.

The filter is torchaudio's, the filtering scipy's: importing torch would take some 550 MB and three
seconds in every process that prepares audio.
"""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

# torchaudio's defaults: the filter ends at its sixth zero crossing, and cuts off at 0.99 of the
# lower Nyquist frequency.
_ZERO_CROSSINGS = 6
_ROLLOFF = 0.99


def sinc_filter(source: int, target: int) -> FloatArray:
    """Return torchaudio's Hann-windowed sinc, on the common multiple of both rates.

    `scale * sinc(t) * cos(pi t / 12) ** 2` with t in zero crossings, |t| <= 6, and
    `scale = 0.99 min(source, target) / source`. torchaudio evaluates it in float32 at times that
    are differences of two roundings, which moves output by up to 4e-5 of full scale. The same
    operations here make it the same filter, rounding included.

    Parameters
    ----------
    source, target
        The two rates without their common divisor.

    Returns
    -------
    ndarray
        ``float32 [2 R + 1]``, the middle at index R; one step is
        1 / (source * target) of the unit in which the rates are given.
    """
    cutoff = _ROLLOFF * min(source, target)
    reach = math.floor(_ZERO_CROSSINGS * source * target / cutoff)
    step = np.arange(-reach, reach + 1)
    # Each step belongs to one pair of input and output sample: step = output source - input target.
    outputs = step * pow(source, -1, target) % target
    inputs = (outputs * source - step) // target
    t = (-outputs).astype(np.float32) / target + inputs.astype(np.float32) / source
    t = np.clip(t * cutoff, -_ZERO_CROSSINGS, _ZERO_CROSSINGS)
    window = np.cos(t * math.pi / _ZERO_CROSSINGS / 2) ** 2
    t *= math.pi
    sinc = np.divide(np.sin(t), t, out=np.ones_like(t), where=t != 0)
    taps: FloatArray = (sinc * (window * (cutoff / source))).astype(np.float32, copy=False)
    return taps


class Resampler:
    """Takes samples in blocks and yields them at another rate.

    The whole is cut into pieces whose length is a multiple of the reduced source rate, so that
    pieces of output join without a seam; each is resampled with as much of its neighbours as the
    filter reaches.

    Parameters
    ----------
    rate, target
        Of what goes in and of what comes out, in Hz.
    piece_seconds
        What is filtered at once, at least.
    """

    def __init__(self, rate: int, target: int, piece_seconds: float = 2.0) -> None:
        divisor = math.gcd(rate, target)
        self._source, self._target = rate // divisor, target // divisor
        self._filter = sinc_filter(self._source, self._target)
        reach = len(self._filter) // 2 / self._target  # in samples of the source
        self._context = math.ceil(reach / self._source + 1) * self._source
        pieces = math.ceil(piece_seconds * rate / self._source)
        self._piece = max(pieces * self._source, self._context)
        self._left = 0
        self._waiting: list[FloatArray] = []
        self._count = 0

    def push(self, samples: FloatArray) -> Iterator[FloatArray]:
        """Take ``float32 [t]``; yield what output, ``float32 [t']``, no later sample changes."""
        if self._source == self._target:
            yield samples
            return
        self._waiting.append(samples)
        self._count += len(samples)
        if self._count < self._left + self._piece + self._context:
            return
        buffer = np.concatenate(self._waiting)
        while len(buffer) >= self._left + self._piece + self._context:
            end = self._left + self._piece
            output = self._resampled(buffer[: end + self._context])
            yield output[self._output(self._left) : self._output(end)]
            buffer, self._left = buffer[end - self._context :], self._context
        self._waiting, self._count = [buffer], len(buffer)

    def finish(self) -> Iterator[FloatArray]:
        """Yield the rest of the output."""
        if self._waiting:
            yield self._resampled(np.concatenate(self._waiting))[self._output(self._left) :]

    def _output(self, samples: int) -> int:
        return samples // self._source * self._target

    def _resampled(self, samples: FloatArray) -> FloatArray:
        from scipy.signal import upfirdn

        # Zeros before the filter, so that its middle falls on a sample of the output.
        reach = len(self._filter) // 2
        zeros = -reach % self._source
        taps = np.concatenate([np.zeros(zeros, np.float32), self._filter])
        first = (zeros + reach) // self._source
        count = -(-len(samples) * self._target // self._source)
        output: FloatArray = upfirdn(taps, samples, self._target, self._source)
        return output[first : first + count]
