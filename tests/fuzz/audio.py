"""Recordings: containers and codecs that libsndfile and FFmpeg read."""

import math
from collections.abc import Callable
from pathlib import Path

from tests.fuzz.target import Target
from tests.helpers.audio_files import chirp, write_container

_SECONDS = 0.3
_RATE = 16_000
_LENGTH = round(_SECONDS * _RATE)
# What a file could ask a library to open instead of it, or take for another format.
_ADDRESSES = (
    *(b"http://127.0.0.1:1/a.ts", b"#EXTM3U\n", b"ffconcat version 1.0\nfile 'a'\n", b"concat:a|b"),
    *(b"file:/etc/passwd", b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", b"<MPD>", b"<!DOCTYPE html>"),
)
_RIFF = (*(b"RIFF", b"WAVE", b"fmt ", b"data", b"LIST", b"ds64", b"RF64", b"JUNK"), b"\xff" * 4)
_OGG = (b"OggS", b"OpusHead", b"\x01vorbis", b"\x03vorbis", b"\xff" * 8)
_BOXES = (b"moov", b"mdat", b"stsz", b"stts", b"elst", b"dref", b"url ", b"rmra", b"rdrf", b"alis")


def _by_soundfile(*kinds: tuple[str, str]) -> Callable[[Path], list[bytes]]:
    def prepare(folder: Path) -> list[bytes]:
        import soundfile

        contents = []
        for number, (kind, subtype) in enumerate(kinds):
            path = folder / f"valid{number}"
            samples = chirp(_SECONDS, _RATE)
            soundfile.write(path, samples, _RATE, format=kind, subtype=subtype)
            contents.append(path.read_bytes())
        return contents

    return prepare


def _by_ffmpeg(*kinds: tuple[str, str]) -> Callable[[Path], list[bytes]]:
    def prepare(folder: Path) -> list[bytes]:
        contents = []
        for number, (codec, container) in enumerate(kinds):
            path = folder / f"valid{number}.{container}"
            rate = 48_000 if codec == "libopus" else _RATE
            write_container(path, chirp(_SECONDS, rate)[None], rate, codec, container)
            contents.append(path.read_bytes())
        return contents

    return prepare


def _prepare(folder: Path, path: Path) -> None:
    """Read the header, and decode; what comes out must be as long as it is said to be."""
    import soundfile

    from sdd.data.audio.headers import read_header
    from sdd.data.audio.preparing import prepare_source
    from sdd.errors import InputError

    target = folder / "prepared.flac"
    target.unlink(missing_ok=True)
    try:
        read_header(path)
        prepared = prepare_source(path, target)
    except InputError:
        # Neither half a file nor a temporary one stays.
        assert not list(folder.glob("*prepared*")), sorted(folder.iterdir())
        raise
    assert soundfile.info(target).frames == prepared.samples > 0
    lengths = prepared.samples / _RATE, prepared.source_samples / prepared.source_rate
    assert math.isclose(*lengths, abs_tol=0.01), lengths


def _target(name: str, make: Callable[[Path], list[bytes]], tokens: tuple[bytes, ...]) -> Target:
    return Target(name, f"odd.{name}", make, _prepare, (*tokens, *_ADDRESSES), inputs=60)


TARGETS = (
    _target("wav", _by_soundfile(("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAVEX", "PCM_24")), _RIFF),
    _target("flac", _by_soundfile(("FLAC", "PCM_16"), ("FLAC", "PCM_24")), (b"fLaC", b"\xff\xf8")),
    _target(
        "mp3", _by_soundfile(("MP3", "MPEG_LAYER_III")), (b"ID3", b"Xing", b"Info", b"\xff\xfb")
    ),
    _target("ogg", _by_soundfile(("OGG", "VORBIS"), ("OGG", "OPUS")), _OGG),
    _target("aiff", _by_soundfile(("AIFF", "PCM_16"), ("CAF", "PCM_16"), ("AU", "PCM_16")), _RIFF),
    _target("m4a", _by_ffmpeg(("aac", "ipod"), ("aac", "mp4")), _BOXES),
    _target("webm", _by_ffmpeg(("libopus", "webm"), ("libopus", "matroska")), (b"\x1aE\xdf\xa3",)),
)
