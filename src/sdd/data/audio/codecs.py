"""Codecs of test conditions: what each takes, and how this machine encodes it.

Light to import: the config is held against this table before anything else is loaded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Codec:
    """A codec, mono.

    Attributes
    ----------
    rate
        Sample rate that it works at, in Hz; audio is resampled to it and back.
    encoder, container
        FFmpeg's names, or libsndfile's of the subtype and the format.
    by_libsndfile
        Whether libsndfile encodes it, and not FFmpeg.
    decoded_by_libsndfile
        Whether libsndfile decodes it, as it does recordings of this kind in a corpus.
    sample_format
        What FFmpeg's encoder takes.
    bitrates
        Bits per second that there are: all of them, or the lowest and the highest of a span; empty
        where there is no choice.
    spans
        Whether any whole number between the two `bitrates` will do.
    takes_quality
        Whether a quality from 0 to 1 is chosen instead of a bit rate.
    delay
        Samples by which what is decoded comes late, and no container says so.
    """

    rate: int
    encoder: str
    container: str
    by_libsndfile: bool = False
    decoded_by_libsndfile: bool = False
    sample_format: str = "s16"
    bitrates: tuple[int, ...] = ()
    spans: bool = False
    takes_quality: bool = False
    delay: int = 0

    def has_bitrate(self, bits: int) -> bool:
        """Tell whether there is a bit rate."""
        if self.spans:
            return self.bitrates[0] <= bits <= self.bitrates[1]
        return bits in self.bitrates

    @property
    def choices(self) -> str:
        """Say which bit rates there are, such as ``6k to 256k``."""
        rates = [in_kilobits(bits) for bits in self.bitrates]
        return " to ".join(rates) if self.spans else ", ".join(rates)


def in_kilobits(bits: int) -> str:
    """Write bits per second as the config does: 12,200 as ``12.2k``."""
    return f"{bits / 1000:g}k"


# Of mp3 at 16 kHz (MPEG 2), and of AMR's eight modes (3GPP TS 26.071).
_MP3 = tuple(1000 * rate for rate in (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160))
_AMR = (4_750, 5_150, 5_900, 6_700, 7_400, 7_950, 10_200, 12_200)

MP3_FILE = Codec(44_100, "MPEG_LAYER_III", "MP3", by_libsndfile=True)
"""Segments that are written as mp3 again: at any rate of mp3's, which is the source's."""

CODECS: Mapping[str, Codec] = MappingProxyType(
    {
        "mulaw": Codec(8_000, "pcm_mulaw", "wav", decoded_by_libsndfile=True),  # ITU-T G.711
        "alaw": Codec(8_000, "pcm_alaw", "wav", decoded_by_libsndfile=True),  # ITU-T G.711
        # Its filters of two bands delay by 22 samples, there and back.
        "g722": Codec(16_000, "g722", "wav", delay=22),  # ITU-T G.722 at 64 kbit/s
        # FFmpeg has no encoder of GSM 06.10 of its own, and PyAV's build lacks libgsm.
        "gsm": Codec(8_000, "GSM610", "WAV", by_libsndfile=True, decoded_by_libsndfile=True),
        # The encoder looks 5 ms ahead.
        "amr": Codec(8_000, "libopencore_amrnb", "amr", bitrates=_AMR, delay=40),
        "opus": Codec(
            16_000,
            "libopus",
            "ogg",
            decoded_by_libsndfile=True,
            bitrates=(6_000, 256_000),
            spans=True,
        ),
        "mp3": Codec(
            16_000,
            "libmp3lame",
            "mp3",
            decoded_by_libsndfile=True,
            sample_format="fltp",
            bitrates=_MP3,
        ),
        # Above 6 bits a sample FFmpeg's encoder takes less than it was told.
        "aac": Codec(
            16_000, "aac", "mp4", sample_format="fltp", bitrates=(8_000, 96_000), spans=True
        ),
        # PyAV's build lacks libvorbis, and libsndfile lets a quality be chosen alone.
        "vorbis": Codec(
            16_000,
            "VORBIS",
            "OGG",
            by_libsndfile=True,
            decoded_by_libsndfile=True,
            takes_quality=True,
        ),
    }
)
