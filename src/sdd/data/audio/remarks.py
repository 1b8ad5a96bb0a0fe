"""What a user should know of a recording that can be read all the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

SILENCE = 10 ** (-60 / 20)
CLIPPED_SHARE = 0.001
# Of the loudest channel, what is left in the mean of all: below it they cancel each other.
CANCELLED = 10 ** (-20 / 20)
# The lengths that headers of lossy files state are off by a frame or two.
LENGTH_TOLERANCE = 0.1
_SIXTEEN_BITS = 32_768

TITLES = MappingProxyType(
    {
        "cut_short": "cut short",
        "length": "wrong length in the header",
        "chained": "several recordings in one file",
        "track": "several audio tracks",
        "scaled": "not on a scale of 1",
        "damaged": "damaged",
        "clipped": "clipped",
        "silent": "silent",
        "cancelled": "channels cancel each other",
    }
)
"""Kinds of remarks, in words."""


@dataclass(frozen=True)
class Remark:
    """Something to know of a recording; `kind` is a key of `TITLES`."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{TITLES[self.kind]}: {self.text}"


@dataclass
class Levels:
    """Extremes of a signal; full scale is 1.

    Attributes
    ----------
    full_scale
        From here on a sample counts as being at full scale.
    low, high
        Smallest and largest sample of all channels.
    at_full_scale, count
        Samples of all channels at full scale or beyond, and all of them.
    mixed_low, mixed_high
        Of the mean of all channels.
    """

    full_scale: float = 1.0
    low: float = np.inf
    high: float = -np.inf
    at_full_scale: int = 0
    count: int = 0
    mixed_low: float = np.inf
    mixed_high: float = -np.inf

    @property
    def peak(self) -> float:
        """Largest absolute sample; 0 where there is none."""
        return max(0.0, -self.low, self.high)

    @property
    def swing(self) -> float:
        """Half the distance between the extremes, which a constant offset does not raise."""
        return max((self.high - self.low) / 2, 0.0)

    @property
    def mixed_swing(self) -> float:
        """The same of the mean of all channels."""
        return max((self.mixed_high - self.mixed_low) / 2, 0.0)

    def add(self, block: FloatArray) -> bool:
        """Take ``float32 [t, C]``; return False if a sample is not finite."""
        low, high = float(block.min()), float(block.max())
        # Cheaper than to look at each sample: not-a-number is an extreme of whatever it is in.
        if not (np.isfinite(low) and np.isfinite(high)):
            return False
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.count += block.size
        if max(-low, high) >= self.full_scale:
            self.at_full_scale += int(np.count_nonzero(np.abs(block) >= self.full_scale))
        return True

    def add_mixed(self, samples: FloatArray) -> None:
        """Take ``float32 [t]``, the mean of all channels."""
        if len(samples):
            self.mixed_low = min(self.mixed_low, float(samples.min()))
            self.mixed_high = max(self.mixed_high, float(samples.max()))

    def remarks(self) -> Iterator[Remark]:
        """Yield what the levels say: clipped, silent, cancelled."""
        if self.count and self.at_full_scale >= CLIPPED_SHARE * self.count:
            share = 100 * self.at_full_scale / self.count
            yield Remark("clipped", f"{share:.1f} % of the samples are at full scale or beyond")
        if self.swing < SILENCE:
            yield Remark("silent", self._silence())
        elif self.mixed_swing < CANCELLED * self.swing:
            left = (
                f"{decibels(self.mixed_swing / self.swing):.0f} dB of them are left"
                if self.mixed_swing * _SIXTEEN_BITS >= 0.5
                else "nothing is left at 16 bits"
            )
            yield Remark("cancelled", f"peak {self.peak:.2g}, and in their mean {left}")

    def _silence(self) -> str:
        offset = ", a constant offset" if self.peak >= SILENCE else ""
        lost = ", which 16 bits do not hold" if 0 < self.swing * _SIXTEEN_BITS < 0.5 else ""
        return f"peak {self.peak:.2g} of full scale{offset}{lost}"


def decibels(ratio: float) -> float:
    """Return a ratio of amplitudes in dB."""
    return float(20 * np.log10(ratio))


def length_remark(samples: int, stated: int | None, rate: int) -> Remark | None:
    """Compare samples that were read with what the header states; None where they agree.

    Parameters
    ----------
    stated
        None if the header does not say.
    """
    if not stated or abs(stated - samples) <= LENGTH_TOLERANCE * rate:
        return None
    if samples < stated:
        return Remark("cut_short", f"{samples / rate:.2f} s of {stated / rate:.2f} s")
    return Remark(
        "length", f"it states {stated / rate:.2f} s, and all {samples / rate:.2f} s were read"
    )
