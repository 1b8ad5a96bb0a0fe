"""Odd audio files, built from sound ones; each function writes one and returns its path."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile

from tests.helpers.audio_files import chirp, write_container

RATE = 16_000
SECONDS = 2.0


def sound(path: Path, *, kind: str, subtype: str | None = None, rate: int = RATE) -> bytes:
    """Write a chirp; return the bytes of the file."""
    soundfile.write(path, chirp(SECONDS, rate), rate, format=kind, subtype=subtype)
    return path.read_bytes()


def flac_stating(path: Path, samples: int) -> Path:
    """A FLAC whose header states another length; 0 is unknown."""
    data = bytearray(sound(path, kind="FLAC"))
    stated = int.from_bytes(data[18:26]) >> 36 << 36 | samples
    data[18:26] = stated.to_bytes(8)
    path.write_bytes(data)
    return path


def chained_ogg(path: Path, subtype: str) -> Path:
    """Two recordings in one Ogg file, as `cat` makes it."""
    first = sound(path, kind="OGG", subtype=subtype)
    second = bytearray(sound(path, kind="OGG", subtype=subtype))
    path.write_bytes(first + second)
    return path


def wav_with(path: Path, *, place: int, value: bytes, end: bytes = b"") -> Path:
    """A WAV with some bytes of its header replaced."""
    data = bytearray(sound(path, kind="WAV", subtype="PCM_16"))
    data[place : place + len(value)] = value
    path.write_bytes(bytes(data) + end)
    return path


def unfinished_wav(path: Path) -> Path:
    """A WAV of a recorder that was cut off: its sizes are 0."""
    return wav_with(path, place=40, value=bytes(4))


def unfinished_rf64(path: Path) -> Path:
    """An RF64 of a recorder that was cut off: the sizes in `ds64` are 0."""
    data = sound(path, kind="WAV", subtype="PCM_16")
    ds64 = b"ds64" + struct.pack("<I", 28) + bytes(28)
    head = b"RF64" + b"\xff" * 4 + b"WAVE" + ds64 + data[12:40] + b"\xff" * 4
    path.write_bytes(head + data[44:])
    return path


def live_webm(path: Path) -> Path:
    """A WebM as a browser records it: nothing states a duration."""
    options = {"live": "1"}
    with av.open(str(path), "w", format="webm", container_options=options) as container:
        stream = container.add_stream("libopus", rate=48_000)
        stream.layout, stream.format = "mono", "flt"
        samples = chirp(SECONDS, 48_000)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
        frame.rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return path


def latin1_mp3(path: Path) -> Path:
    """An mp3 without a length, whose title is tagged as UTF-8 and is Latin-1."""
    data = sound(path, kind="MP3")
    second = data.index(data[:2], 4)
    title = b"\x03caf\xe9"
    frame = b"TIT2" + len(title).to_bytes(4) + bytes(2) + title
    path.write_bytes(b"ID3\x03\0\0\0\0\0" + bytes([len(frame)]) + frame + data[second:])
    return path


def mp3_stating(path: Path, share: float) -> Path:
    """An mp3 whose tag states some share of its frames, and all of its bytes."""
    data = bytearray(sound(path, kind="MP3"))
    place = max(data.find(b"Xing", 0, 256), data.find(b"Info", 0, 256)) + 8
    frames = round(int.from_bytes(data[place : place + 4]) * share)
    data[place : place + 4] = frames.to_bytes(4)
    path.write_bytes(data)
    return path


def two_tracks(path: Path, *, levels: tuple[float, ...], default: int | None = None) -> Path:
    """A Matroska file with several audio tracks of one chirp at different levels."""
    samples = chirp(SECONDS, RATE)
    with av.open(str(path), "w", format="matroska") as container:
        streams = []
        for number in range(len(levels)):
            stream = container.add_stream("pcm_s16le", rate=RATE)
            stream.layout = "mono"
            # Said of every track, or FFmpeg makes the first the default.
            stream.disposition = int(number == default) if default is not None else 1
            streams.append(stream)
        for stream, level in zip(streams, levels, strict=True):
            whole = np.rint(32_767 * level * samples)[None].astype(np.int16)
            frame = av.AudioFrame.from_ndarray(whole, format="s16", layout="mono")
            frame.rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
            for packet in (*stream.encode(frame), *stream.encode(None)):
                container.mux(packet)
    return path


def float_wav(path: Path, factor: float) -> Path:
    """A floating-point WAV, the chirp times a factor."""
    soundfile.write(path, chirp(SECONDS, RATE) * factor, RATE, subtype="FLOAT")
    return path


def antiphase_wav(path: Path) -> Path:
    """Two channels whose mean is nothing."""
    wave = chirp(SECONDS, RATE)
    soundfile.write(path, np.stack([wave, -wave], axis=1), RATE, subtype="FLOAT")
    return path


def write_bad_files(folder: Path) -> dict[str, str]:
    """Files that cannot be read, of many kinds; the reason that has to be given for each."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bad-pointer.flac").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 100\n"
    )
    (folder / "bad-page.mp3").write_text("<!DOCTYPE html><title>404</title>")
    (folder / "bad-json.wav").write_text('{"error": "not found"}')
    (folder / "bad-empty.ogg").touch()
    (folder / "bad-zeros.flac").write_bytes(bytes(50_000))
    (folder / "bad-playlist.m4a").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/a.ts\n")
    (folder / "bad-text.aac").write_text("no sound at all")
    wav_with(folder / "bad-rate.wav", place=24, value=struct.pack("<I", 1))
    wav_with(folder / "bad-high.wav", place=24, value=struct.pack("<I", 2_000_000_000))
    wav_with(folder / "bad-channels.wav", place=22, value=struct.pack("<H", 1000))
    soundfile.write(folder / "bad-nothing.wav", np.zeros(0), RATE)
    soundfile.write(folder / "bad-nan.wav", np.full(100, np.nan), RATE, subtype="FLOAT")
    float_wav(folder / "bad-huge.wav", 1e12)
    write_container(folder / "a.m4a", chirp(1.0, 44_100)[None], 44_100, "aac", "ipod")
    data = (folder / "a.m4a").read_bytes()
    (folder / "a.m4a").unlink()
    (folder / "bad-cut.m4a").write_bytes(data[: len(data) // 2])
    return {
        "bad-pointer.flac": "it is a Git LFS pointer and not the recording itself",
        "bad-page.mp3": "it is a web page",
        "bad-json.wav": "it is JSON",
        "bad-empty.ogg": "empty",
        "bad-zeros.flac": "zero bytes",
        "bad-playlist.m4a": "what playlists name is not opened",
        "bad-text.aac": "cannot be decoded, neither by soundfile nor by PyAV",
        "bad-rate.wav": "a sample rate of 1 Hz, and 4,000 to 768,000 Hz can be read",
        "bad-high.wav": "a sample rate of 2,000,000,000 Hz, and 4,000 to 768,000",
        "bad-channels.wav": "1,000 channels, and 1 to 64 can be read",
        "bad-nothing.wav": "holds no audio samples",
        "bad-nan.wav": "not finite",
        "bad-huge.wav": "full scale is 1",
        "bad-cut.m4a": "cannot be decoded, neither by soundfile nor by PyAV",
    }


def beside_a_longer_video(path: Path) -> Path:
    """A recording of two seconds in a file whose pictures last five."""
    with av.open(str(path), "w", format="matroska") as container:
        pictures = container.add_stream("mpeg4", rate=2)
        pictures.width = pictures.height = 32
        sound_of = container.add_stream("flac", rate=RATE)
        sound_of.layout = "mono"
        for number in range(10):
            picture = av.VideoFrame(32, 32, "yuv420p")
            picture.pts = number
            container.mux(pictures.encode(picture))
        container.mux(pictures.encode(None))
        _mux_chirp(container, sound_of, start=0)
    return path


def beginning_late(path: Path, seconds: int) -> Path:
    """A Matroska file cut out of a longer one, whose time stamps were kept."""
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("flac", rate=RATE)
        stream.layout = "mono"
        _mux_chirp(container, stream, start=seconds * RATE)
    return path


def _mux_chirp(container: "av.container.OutputContainer", stream: object, start: int) -> None:
    whole = np.rint(32_767 * chirp(SECONDS, RATE))[None].astype(np.int16)
    frame = av.AudioFrame.from_ndarray(whole, format="s16", layout="mono")
    frame.rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
    for packet in (*stream.encode(frame), *stream.encode(None)):
        container.mux(packet)


def ogg_with_skeleton(path: Path) -> Path:
    """An Ogg Vorbis file with a second stream that describes it, as Xiph's tools write it."""
    data = sound(path, kind="OGG", subtype="VORBIS")
    described = b"fishead\0" + struct.pack("<HHqqqq", 3, 0, 0, 1000, 0, 1000) + bytes(20)
    first = data.index(b"OggS", 4)
    pages = (_ogg_page(2, 0, described), data[:first], _ogg_page(4, 1, b""), data[first:])
    path.write_bytes(b"".join(pages))
    return path


def _ogg_page(flags: int, number: int, body: bytes) -> bytes:
    head = b"OggS\0" + bytes([flags]) + bytes(8) + struct.pack("<II", 77, number)
    table = bytes([1, len(body)])
    checksum = 0
    for byte in head + bytes(4) + table + body:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = (checksum << 1 ^ (0x04C11DB7 if checksum >> 31 else 0)) & 0xFFFFFFFF
    return head + struct.pack("<I", checksum) + table + body


def encrypted_mp4(path: Path) -> Path:
    """An MP4 as shops sell it (Common Encryption): its index can be read, its samples cannot."""
    options = {
        "encryption_scheme": "cenc-aes-ctr",
        "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
        "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
    }
    with av.open(str(path), "w", format="mp4", container_options=options) as container:
        stream = container.add_stream("aac", rate=RATE)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(chirp(SECONDS, RATE)[None], format="fltp", layout="mono")
        frame.rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return path
