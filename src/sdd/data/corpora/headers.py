"""Headers of audio files: format and length, without decoding."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import soundfile

from sdd.data.audio.mp3 import MP3_FORMATS, states_its_length
from sdd.errors import InputError

# Names as torchaudio gives them, since the AntiDeepfake protocols were made with it.
_ENCODINGS = {
    "PCM_S8": ("PCM_S", 8),
    "PCM_16": ("PCM_S", 16),
    "PCM_24": ("PCM_S", 24),
    "PCM_32": ("PCM_S", 32),
    "PCM_U8": ("PCM_U", 8),
    "FLOAT": ("PCM_F", 32),
    "DOUBLE": ("PCM_F", 64),
    "ULAW": ("ULAW", 8),
    "ALAW": ("ALAW", 8),
    "VORBIS": ("VORBIS", 0),
    "OPUS": ("OPUS", 0),
    "MPEG_LAYER_III": ("MP3", 0),
}

# FFmpeg's formats that state no duration, and its decoders whose name is not the codec's.
_STREAMS = ("mp3", "aac")
_CODECS = {"mp3float": "MP3"}

# Waiting for the disk is most of the work.
_THREADS = 8


@dataclass(frozen=True)
class Header:
    """Format of an audio file.

    Attributes
    ----------
    rate
        Samples per second of each channel.
    samples
        Samples per channel; for lossy formats what the header claims.
    encoding
        Name as in AntiDeepfake's protocols: PCM_S, FLAC, MP3, AAC, ...
    bits
        Bits per sample, 0 where the encoding has none.
    """

    rate: int
    samples: int
    channels: int
    encoding: str
    bits: int

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self.samples / self.rate


def read_header(path: Path) -> Header:
    """Read the header of an audio file, or of a container such as m4a or webm that holds audio.

    With soundfile, else with PyAV.

    Raises
    ------
    InputError
        If the file cannot be opened or holds no audio.
    """
    try:
        info = soundfile.info(str(path))
    except (soundfile.LibsndfileError, TypeError):  # TypeError: headerless .raw
        return _read_container_header(path)
    if info.format in MP3_FORMATS and not states_its_length(path):
        return _read_container_header(path)
    encoding, bits = _ENCODINGS.get(info.subtype, (info.subtype, 0))
    if info.format == "FLAC":
        encoding = "FLAC"
    return Header(info.samplerate, info.frames, info.channels, encoding, bits)


def read_headers(paths: Iterable[Path]) -> dict[Path, Header | None]:
    """Read many headers in parallel threads.

    Parameters
    ----------
    paths
        Audio files; each distinct one is read once.

    Returns
    -------
    dict
        Header by path; None where the file cannot be read, so that one bad file does not hide the
        others: preparing the audio reports it.
    """
    distinct = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(distinct, pool.map(_header_or_none, distinct), strict=True))


def _header_or_none(path: Path) -> Header | None:
    try:
        return read_header(path)
    except (InputError, OSError):
        return None


def _read_container_header(path: Path) -> Header:
    import av  # only few files need it

    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise InputError(f"{path} holds no audio stream: replace or remove the file.")
            stream = container.streams.audio[0]
            seconds = 0.0
            if container.format.name in _STREAMS:  # their duration is a guess
                packets = (packet for packet in container.demux(stream) if packet.duration)
                seconds = float(
                    sum((packet.duration or 0) * packet.time_base for packet in packets)
                )
            elif stream.duration is not None and stream.time_base is not None:
                seconds = float(stream.duration * stream.time_base)
            elif container.duration is not None:
                seconds = container.duration / av.time_base
            return Header(
                rate=stream.rate,
                samples=round(seconds * stream.rate),
                channels=stream.channels,
                encoding=_CODECS.get(stream.codec_context.name, stream.codec_context.name.upper()),
                bits=0,
            )
    except av.FFmpegError as error:
        raise InputError(
            f"{path} cannot be opened as audio ({error}): replace or remove the file."
        ) from error
