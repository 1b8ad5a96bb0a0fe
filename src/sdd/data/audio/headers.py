"""Headers of audio files: format and length, without decoding, and how a file is to be decoded.

Lengths are believed where something else in the file confirms them: the size of the file, the last
frame, the pages or the packets. A length that nothing confirms is unknown.
"""

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sdd.data.audio.door import (
    Mended,
    UndecodableError,
    check_format,
    open_container,
    open_local,
    open_sound,
    reading,
)
from sdd.data.audio.flac import flac_length
from sdd.data.audio.mp3 import MP3_FORMATS, mp3_length
from sdd.data.audio.ogg import ogg_length
from sdd.data.audio.remarks import LENGTH_TOLERANCE, Remark
from sdd.data.audio.stated import Length, share_of_avi, stated_length
from sdd.data.audio.tracks import choose_track
from sdd.errors import InputError

UNKNOWN_LENGTH = -1

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
_STREAMS = ("mp3", "aac", "loas")
_CODECS = {"mp3float": "MP3"}
_PLAIN = re.compile(r"pcm_[suf](\d+)(?:le|be)?$")
# Of a sample, where an encoding has no fixed number: about as few as there are.
_FEW_BITS = 2
# No recording is longer; what libsndfile and FFmpeg give for an unknown length is.
_LONGEST_SECONDS = 366 * 86_400

# Waiting for the disk is most of the work.


@dataclass(frozen=True)
class Header:
    """Format of an audio file.

    Attributes
    ----------
    rate
        Samples per second of each channel.
    samples
        Samples per channel; for lossy formats what the header claims. `UNKNOWN_LENGTH` where it
        claims nothing that could be confirmed.
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
        """Duration in seconds; negative where it is unknown."""
        return self.samples / self.rate


@dataclass(frozen=True)
class Plan:
    """A header, and how the samples are to be read.

    Attributes
    ----------
    stated
        Samples per channel as the header has it, confirmed or not; None if it does not say.
    container
        Whether FFmpeg reads it; else libsndfile.
    track
        Which of its audio tracks, from 0.
    mended
        What is read instead of its header, where that states too little.
    """

    header: Header
    stated: int | None
    container: bool = False
    track: int = 0
    mended: Mended | None = None
    remarks: tuple[Remark, ...] = ()


def read_header(path: Path) -> Header:
    """Read the header of an audio file, or of a container such as m4a or webm that holds audio.

    With soundfile, else with PyAV.

    Raises
    ------
    InputError
        If the file cannot be opened, holds no audio, or states a format that no recording has.
    """
    return plan_reading(path).header


def plan_reading(path: Path, *, decoding: bool = False) -> Plan:
    """Read the header of a file and choose how its samples are read.

    Parameters
    ----------
    decoding
        Whether samples are wanted, for the words of an error.

    Raises
    ------
    InputError
        As `read_header`.
    """
    open_local(path).close()  # a file that is missing is no other library's matter
    problem = (
        "cannot be decoded, neither by soundfile nor by PyAV"
        if decoding
        else "cannot be opened as audio"
    )
    try:
        with reading(path):
            plan = _plan_sound(path)
    except UndecodableError:
        plan = None
    if plan is None:
        with reading(path, problem):
            return _plan_container(path)
    if plan.header.samples == 0 and plan.stated is None:
        return _second_opinion(path, plan)
    return plan


def _second_opinion(path: Path, plan: Plan) -> Plan:
    """Ask FFmpeg where libsndfile finds no samples: a header that was never finished, perhaps."""
    try:
        with reading(path):
            other = _plan_container(path)
    except InputError:
        return plan
    return other if other.header.samples > 0 else plan


# ------------------------------------------------------------------------------------ libsndfile
def _plan_sound(path: Path) -> Plan | None:
    """Plan to read with libsndfile; None if it would not read all."""
    with open_sound(path) as sound:
        kind, rate, channels = sound.format, sound.samplerate, sound.channels
        frames, subtype = sound.frames, sound.subtype
    check_format(path, rate, channels)
    encoding, bits = _ENCODINGS.get(subtype, (subtype, 0))
    header = Header(rate, frames, channels, "FLAC" if kind == "FLAC" else encoding, bits)
    if kind in MP3_FORMATS:
        return _plan_mp3(path, header)
    if kind == "FLAC":
        return _plan_flac(path, header)
    if kind == "OGG":
        return _plan_ogg(path, header)
    with open_local(path) as file:
        length = stated_length(file, rate * channels * (bits or _FEW_BITS) / 8)
    if length is None:
        return Plan(header, _plausible(frames, rate))
    return _plan_stated(path, header, length)


def _plan_mp3(path: Path, header: Header) -> Plan | None:
    length = mp3_length(path)
    if not length.confirmed:
        return None
    samples = max(0, header.samples - length.missing)
    if length.missing and not length.whole:  # junk on the way, or the end of the file
        samples = min(header.samples, _plan_container(path).header.samples)
    return Plan(replace(header, samples=samples), header.samples)


def _plan_flac(path: Path, header: Header) -> Plan | None:
    with open_local(path) as file:
        length = flac_length(file)
    if length is None:
        return Plan(header, _plausible(header.samples, header.rate))
    if not length.stated and not length.shown:
        return None  # FFmpeg counts its packets
    shown = length.shown if length.shown is not None else length.stated
    # libFLAC ends where the header says.
    beyond = shown > length.stated
    samples = shown if beyond else min(shown, length.stated)
    return Plan(replace(header, samples=samples), length.stated or None, container=beyond)


def _plan_ogg(path: Path, header: Header) -> Plan | None:
    with open_local(path) as file:
        length = ogg_length(file)
    if length is not None and length.recordings > 1:
        return None
    if length is None or length.ended:
        return Plan(header, header.samples)
    remark = Remark("cut_short", f"{header.seconds:.2f} s, and no page is marked as the last")
    return Plan(header, header.samples, remarks=(remark,))


def _plan_stated(path: Path, header: Header, length: Length) -> Plan:
    """Plan to read a file whose header states the length of its samples in bytes."""
    if length.mended is None:
        if not length.stated or not length.available:
            return Plan(header, length.stated)
        # Encodings differ in the bytes of a sample: the shares are the same.
        there = min(length.stated, length.available)
        return Plan(header, round(header.samples * length.stated / there))
    with open_sound(path, mended=length.mended) as sound:
        header = replace(header, samples=sound.frames)
    if not length.is_low:
        stated = None if length.stated is None else header.samples
        return Plan(header, stated, mended=length.mended)
    return Plan(header, None, mended=length.mended, remarks=(_low_remark(length, header.seconds),))


def _low_remark(length: Length, seconds: float) -> Remark:
    stated = f"it states {length.share * seconds:.2f} s"
    what = "it was never finished" if length.stated is None else stated
    return Remark("length", f"{what}, and all {seconds:.2f} s were read")


# ---------------------------------------------------------------------------------------- FFmpeg
def _plan_container(path: Path) -> Plan:
    track, remark = choose_track(path)
    with open_local(path) as file:
        length = stated_length(file, byte_rate=0) or Length(None, 0)
    with open_container(path, mended=length.mended) as container:
        stream = container.streams.audio[track]
        if stream.codec_context is None:
            raise InputError(
                f"{path} is encoded in a way that neither soundfile nor PyAV knows: convert it to "
                "WAV or FLAC with the program that made it."
            )
        rate, channels = stream.rate, stream.channels
        check_format(path, rate, channels)
        stated = _stated_seconds(container, stream)
        name = stream.codec_context.name
        chained = container.format.name == "ogg"
        if chained:
            stated, confirmed = _seconds_of_ogg(path, container, stream, stated)
        else:
            stated, confirmed = _confirmed_seconds(path, container, stream, stated)
    promised = max(length.share, 1 / _share_of_avi(path))
    if confirmed is not None and promised > 1:
        stated = confirmed * promised
    samples = UNKNOWN_LENGTH if confirmed is None else round(confirmed * rate)
    header = Header(rate, samples, channels, _CODECS.get(name, name.upper()), 0)
    remarks = [remark] if remark else []
    if length.is_low and header.seconds * (1 - length.share) > LENGTH_TOLERANCE:
        remarks.append(_low_remark(length, header.seconds))
        stated = None
    if chained and (more := _chained_remark(path)):
        header = replace(header, samples=round(more[1] * rate))
        remarks.append(more[0])
        stated = None
    return Plan(
        header,
        None if stated is None else round(stated * rate),
        container=True,
        track=track,
        mended=length.mended,
        remarks=tuple(remarks),
    )


def _chained_remark(path: Path) -> tuple[Remark, float] | None:
    """Return what to say of a chain of recordings, and its seconds; None if it is no chain."""
    with open_local(path) as file:
        length = ogg_length(file)
    if length is None or length.recordings < 2:
        return None
    text = f"{length.recordings} one after the other, read as one of {length.seconds:.2f} s"
    return Remark("chained", text), length.seconds


def _share_of_avi(path: Path) -> float:
    with open_local(path) as file:
        return share_of_avi(file) or 1.0


def _stated_seconds(container: Any, stream: Any) -> float | None:  # noqa: ANN401
    """Return the duration that a container states; None if it states none that could be."""
    if container.format.name in _STREAMS:  # their duration is a guess
        return None
    if stream.duration is not None and stream.time_base is not None:
        seconds = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        seconds = container.duration / 1_000_000  # AV_TIME_BASE
    else:
        return None
    return seconds if math.isfinite(seconds) and 0 < seconds < _LONGEST_SECONDS else None


def _confirmed_seconds(
    path: Path,
    container: Any,  # noqa: ANN401
    stream: Any,  # noqa: ANN401
    stated: float | None,
) -> tuple[float | None, float | None]:
    """Return what is stated of the track, and its length as index or packets confirm it."""
    if stated is not None and "mov" in container.format.name.split(",") and _is_whole(path, stream):
        return stated, stated
    counted, end = _count_packets(container, stream)
    if stated is not None and abs(stated - counted) <= LENGTH_TOLERANCE:
        return stated, stated
    if stated is not None and stream.duration is None and end >= stated - LENGTH_TOLERANCE:
        # The container's duration is that of its longest track, or counts from 0 where the track
        # begins later: all of it is there, and nothing is said of this track.
        stated = None
    return stated, counted if 0 < counted < _LONGEST_SECONDS else None


def _count_packets(container: Any, stream: Any) -> tuple[float, float]:  # noqa: ANN401
    """Return the seconds of a track's packets, and where the last packet of any track ends."""
    counted, end = 0.0, 0.0
    for packet in container.demux():
        if packet.stream_index == stream.index:
            counted += float(_duration(packet, stream))
        if packet.pts is not None and packet.time_base is not None:
            end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return counted, end


def _seconds_of_ogg(
    path: Path,
    container: Any,  # noqa: ANN401
    stream: Any,  # noqa: ANN401
    stated: float | None,
) -> tuple[float | None, float | None]:
    """Return the same of an Ogg file, whose pages tell where FFmpeg takes odd packets for days."""
    with open_local(path) as file:
        length = ogg_length(file)
    if length is not None and length.seconds > 0:
        return stated, length.seconds
    return _confirmed_seconds(path, container, stream, stated)


def _duration(packet: Any, stream: Any) -> Any:  # noqa: ANN401
    """Return the seconds of a packet; of plain samples by their bytes, since the last are fewer."""
    plain = _PLAIN.match(stream.codec_context.name)
    if plain:
        return 8 * packet.size / (int(plain[1]) * stream.channels * stream.rate)
    return (packet.duration or 0) * packet.time_base if packet.size else 0


def _is_whole(path: Path, stream: Any) -> bool:  # noqa: ANN401
    """Tell whether all that the index of an MP4 names lies within the file."""
    size = path.stat().st_size
    entries = stream.index_entries
    count = len(entries)
    return count > 0 and bool(entries[count - 1].pos + entries[count - 1].size <= size)


def _plausible(samples: int, rate: int) -> int | None:
    """Return a number of samples that a header states, None if it stands for an unknown one."""
    return samples if 0 < samples < _LONGEST_SECONDS * rate else None
