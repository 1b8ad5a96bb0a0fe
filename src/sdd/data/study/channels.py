"""What recordings of each collection came through: fakes are sent through the same.

A fake that comes from an engine has no trace of the codec that its neighbours were stored by, and
would be known by that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from sdd.data.audio import SAMPLE_RATE
from sdd.data.audio.codecs import CODECS, Codec
from sdd.data.audio.coding import decoded, encoded, fitted, resampled
from sdd.data.audio.flac_files import to_16_bits

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Channel:
    """A codec with its settings."""

    codec: Codec
    bitrate: int | None = None
    quality: float | None = None

    def send(self, samples: FloatArray) -> FloatArray:
        """Encode and decode ``float64 [T]`` at 16 kHz; as long as before and in time."""
        sent = resampled(samples.astype(np.float32), SAMPLE_RATE, self.codec.rate)
        file = encoded(to_16_bits(sent)[0], self.codec, bitrate=self.bitrate, quality=self.quality)
        received, rate = decoded(file, self.codec)
        back = resampled(received[self.codec.delay :], rate, SAMPLE_RATE)
        return fitted(back, len(samples)).astype(np.float64)


CHANNELS: Mapping[str, Channel] = MappingProxyType(
    {
        "vorbis": Channel(CODECS["vorbis"], quality=0.3),
        "mp3": Channel(
            Codec(
                11_025,
                "libmp3lame",
                "mp3",
                decoded_by_libsndfile=True,
                sample_format="fltp",
                bitrates=(16_000,),
            ),
            bitrate=16_000,
        ),
        "pcm8": Channel(
            Codec(11_025, "PCM_U8", "WAV", by_libsndfile=True, decoded_by_libsndfile=True)
        ),
        "g722": Channel(CODECS["g722"]),
        "gsm": Channel(CODECS["gsm"]),
    }
)
