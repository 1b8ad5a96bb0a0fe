"""Lengths: what is believed, what is read, and what is said where they differ."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sdd.data.audio.decoding import Source, decode
from sdd.data.audio.flac import flac_length
from sdd.data.audio.headers import UNKNOWN_LENGTH, Header, read_header
from sdd.data.audio.mp3 import mp3_length
from sdd.data.audio.ogg import ogg_length
from sdd.data.audio.remarks import length_remark
from sdd.data.corpora.listing import header_cells
from sdd.errors import InputError
from tests.helpers.audio_files import as_integers, chirp, write_container
from tests.helpers.odd_audio import (
    RATE,
    SECONDS,
    beginning_late,
    beside_a_longer_video,
    chained_ogg,
    flac_stating,
    live_webm,
    mp3_stating,
    ogg_with_skeleton,
    sound,
    unfinished_rf64,
    unfinished_wav,
    wav_with,
)

SAMPLES = round(SECONDS * RATE)


def read(path: Path) -> tuple[np.ndarray, list[str]]:
    """Samples of a file, and what is said of it."""
    source = Source(path)
    samples = np.concatenate(list(source.blocks()))
    return samples, [str(remark) for remark in source.remarks]


def is_the_chirp(samples: np.ndarray) -> bool:
    return bool(np.abs(as_integers(samples[:, 0]) - as_integers(chirp(SECONDS, RATE))).max() <= 1)


# ----------------------------------------------------------------------------------------- FLAC


def test_flac_of_unknown_length(tmp_path: Path) -> None:
    path = flac_stating(tmp_path / "a.flac", 0)
    assert soundfile.info(path).frames > 1e18  # what libsndfile makes of it
    assert read_header(path) == Header(RATE, SAMPLES, 1, "FLAC", 16)
    samples, remarks = read(path)
    assert is_the_chirp(samples)
    assert remarks == []


def test_flac_that_states_too_little(tmp_path: Path) -> None:
    path = flac_stating(tmp_path / "a.flac", SAMPLES // 4)
    assert read_header(path).samples == SAMPLES
    samples, remarks = read(path)
    assert is_the_chirp(samples)
    assert remarks == ["wrong length in the header: it states 0.50 s, and all 2.00 s were read"]


def test_flac_that_states_too_much(tmp_path: Path) -> None:
    path = flac_stating(tmp_path / "a.flac", 3 * SAMPLES)
    assert read_header(path).samples == SAMPLES
    samples, remarks = read(path)
    assert is_the_chirp(samples)
    assert remarks == ["cut short: 2.00 s of 6.00 s"]


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 16_001])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_last_flac_frame_shows_the_length(tmp_path: Path, rate: int, channels: int) -> None:
    """Also where noise has bytes that look like a frame, and in files of one frame."""
    rng = np.random.default_rng(rate + channels)
    for samples in (1, 100, 4_096, 4_097, 200_001):
        noise = rng.uniform(-1, 1, (samples, channels))
        soundfile.write(tmp_path / "a.flac", noise, rate)
        with (tmp_path / "a.flac").open("rb") as file:
            length = flac_length(file)
        assert (length.stated, length.shown) == (samples, samples)
        # Without the help of a header that agrees.
        path = tmp_path / "b.flac"
        data = bytearray((tmp_path / "a.flac").read_bytes())
        data[18:26] = (int.from_bytes(data[18:26]) >> 36 << 36).to_bytes(8)
        path.write_bytes(data)
        with path.open("rb") as file:
            length = flac_length(file)
        assert (length.stated, length.shown) == (0, samples)


@pytest.mark.parametrize("end", [b"TAG" + bytes(125), bytes(100_000)], ids=["tag", "padding"])
def test_what_follows_the_last_flac_frame_is_not_sound(tmp_path: Path, end: bytes) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(sound(path, kind="FLAC") + end)
    samples, remarks = read(path)
    assert is_the_chirp(samples)
    assert remarks == []


def test_bytes_that_look_like_flac_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    # A search for one mark from behind each of the other would take the square of the length.
    path.write_bytes(sound(path, kind="FLAC") + b"\xff\xf8" * (1 << 18))
    assert read_header(path).samples == SAMPLES


def test_flac_files_that_were_joined(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(2 * sound(path, kind="FLAC"))
    with pytest.raises(InputError, match=r"a\.flac holds more than one FLAC file, one after"):
        read(path)


def test_what_is_no_flac(tmp_path: Path) -> None:
    for data in (b"", b"fLaC", b"RIFF" + bytes(100), b"fLaC\x01" + bytes(100)):
        (tmp_path / "a.flac").write_bytes(data)
        with (tmp_path / "a.flac").open("rb") as file:
            assert flac_length(file) is None
    (tmp_path / "a.flac").write_bytes(b"fLaC\0" + bytes(100_000))
    with (tmp_path / "a.flac").open("rb") as file:
        assert flac_length(file).shown is None


# ------------------------------------------------------------------------------------------ Ogg


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_all_of_a_chain_is_read(tmp_path: Path, subtype: str) -> None:
    path = chained_ogg(tmp_path / "two.ogg", subtype)
    assert soundfile.info(path).duration == SECONDS  # libsndfile ends with the first
    assert read_header(path).seconds == pytest.approx(2 * SECONDS, abs=0.03)
    samples, remarks = read(path)
    rate = read_header(path).rate
    # FFmpeg does not cut off what fills the last block of the first.
    assert len(samples) == pytest.approx(2 * SECONDS * rate, abs=0.08 * rate)
    assert remarks == [
        "several recordings in one file: 2 one after the other, read as one of 4.00 s"
    ]
    # Both are there.
    half = len(samples) // 2
    assert min(np.abs(samples[:half]).max(), np.abs(samples[half:]).max()) > 0.3


def test_ogg_that_was_cut(tmp_path: Path) -> None:
    data = sound(tmp_path / "a.ogg", kind="OGG", subtype="OPUS")
    with (tmp_path / "a.ogg").open("rb") as file:
        whole = ogg_length(file)
    assert (whole.recordings, whole.ended) == (1, True)
    assert whole.seconds == pytest.approx(SECONDS, abs=1e-3)
    (tmp_path / "a.ogg").write_bytes(data[: data.rindex(b"OggS")] + b"junk")
    (remark,) = read(tmp_path / "a.ogg")[1]
    assert remark.startswith("cut short: ")
    assert remark.endswith("s, and no page is marked as the last")


def test_ogg_with_a_skeleton(tmp_path: Path) -> None:
    path = ogg_with_skeleton(tmp_path / "a.ogg")
    # FFmpeg has a packet of it last for three days.
    assert read_header(path).seconds == SECONDS


def test_what_is_no_ogg(tmp_path: Path) -> None:
    for data in (b"", b"OggS", bytes(200_000), b"OggS" + bytes(22) + b"\xff"):
        (tmp_path / "x").write_bytes(data)
        with (tmp_path / "x").open("rb") as file:
            assert ogg_length(file) is None


# ------------------------------------------------------------------------------------------ WAV


@pytest.mark.parametrize("write", [unfinished_wav, unfinished_rf64])
def test_headers_that_were_never_finished(tmp_path: Path, write: object) -> None:
    path = write(tmp_path / "a.wav")
    assert read_header(path) == Header(RATE, SAMPLES, 1, "PCM_S", 16)
    samples, remarks = read(path)
    assert is_the_chirp(samples)
    assert remarks == [
        "wrong length in the header: it was never finished, and all 2.00 s were read"
    ]


def test_wav_that_states_too_little(tmp_path: Path) -> None:
    path = wav_with(tmp_path / "a.wav", place=40, value=struct.pack("<I", SAMPLES))
    assert read_header(path).samples == SAMPLES
    samples, remarks = read(path)
    assert is_the_chirp(samples)
    assert remarks == ["wrong length in the header: it states 1.00 s, and all 2.00 s were read"]


@pytest.mark.parametrize(
    "end",
    [
        b"LIST" + struct.pack("<I", 5_000) + b"INFO" + bytes(4_996),
        b"TAG" + bytes(5_000),
        bytes(10_000),
        b"id3 " + struct.pack("<I", 4_999) + bytes(5_000),
    ],
)
def test_what_follows_the_samples_is_not_sound(tmp_path: Path, end: bytes) -> None:
    path = wav_with(tmp_path / "a.wav", place=0, value=b"RIFF", end=end)
    assert read_header(path).samples == SAMPLES
    assert [len(read(path)[0]), *read(path)[1]] == [SAMPLES]


def test_a_wav_without_samples_has_none(tmp_path: Path) -> None:
    """Also with a chunk behind it, which FFmpeg takes for samples."""
    soundfile.write(tmp_path / "a.wav", np.zeros(0), RATE)
    chunk = b"LIST" + struct.pack("<I", 4_000) + b"INFO" + b"x" * 3_996
    (tmp_path / "b.wav").write_bytes((tmp_path / "a.wav").read_bytes() + chunk)
    for name in ("a.wav", "b.wav"):
        assert read_header(tmp_path / name).samples == 0
        with pytest.raises(InputError, match="holds no audio samples: replace"):
            decode(tmp_path / name)


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [
        ("WAV", "PCM_24"),
        ("AIFF", "PCM_16"),
        ("AU", "PCM_16"),
        ("W64", "PCM_16"),
        ("NIST", "PCM_16"),
    ],
)
def test_files_that_were_cut(tmp_path: Path, kind: str, subtype: str) -> None:
    data = sound(tmp_path / "a", kind=kind, subtype=subtype)
    (tmp_path / "a").write_bytes(data[: len(data) // 2])
    assert read_header(tmp_path / "a").seconds == pytest.approx(SECONDS / 2, abs=0.04)
    (remark,) = read(tmp_path / "a")[1]
    assert remark.startswith("cut short: ")
    assert remark.endswith(f" s of {SECONDS:.2f} s")


@pytest.mark.parametrize(
    ("kind", "codec"), [("matroska", "aac"), ("avi", "libmp3lame"), ("flv", "aac")]
)
def test_containers_that_were_cut(tmp_path: Path, kind: str, codec: str) -> None:
    path = write_container(tmp_path / "a", chirp(SECONDS, 44_100)[None], 44_100, codec, kind)
    assert read(path)[1] == []
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert read_header(path).seconds == pytest.approx(SECONDS / 2, abs=0.1)
    remark = read(path)[1][-1]
    assert remark.startswith(("cut short: 0.9", "cut short: 1.0"))
    assert " s of 2.0" in remark


def test_a_raw_stream_that_was_cut_is_read_up_to_its_last_frame(tmp_path: Path) -> None:
    path = write_container(tmp_path / "a.aac", chirp(2, 44_100)[None], 44_100, "aac", "adts")
    data = path.read_bytes()
    whole, _ = decode(path)
    path.write_bytes(data[: len(data) // 2])
    got, remarks = read(path)
    np.testing.assert_array_equal(got[:-1024], whole[: len(got) - 1024])
    assert remarks == ["damaged: 1 frames cannot be decoded and are left out"]
    # In the midst it is another matter: what follows would come too early.
    middle = data.index(data[:2], len(data) // 2)
    path.write_bytes(data[: middle - 40] + data[middle:])
    with pytest.raises(InputError, match=r"a\.aac cannot be decoded beyond"):
        decode(path)


# ---------------------------------------------------------------------------------- mp3 and WebM


def test_mp3_whose_tag_states_too_little(tmp_path: Path) -> None:
    path = mp3_stating(tmp_path / "a.mp3", 0.5)
    assert soundfile.info(path).frames < 0.6 * SAMPLES
    assert SAMPLES <= read_header(path).samples <= SAMPLES + 4 * 576
    assert len(read(path)[0]) >= SAMPLES


def test_mp3_whose_tag_states_too_much(tmp_path: Path) -> None:
    path = mp3_stating(tmp_path / "a.mp3", 2)
    assert SAMPLES <= read_header(path).samples <= SAMPLES + 4 * 576
    samples, remarks = read(path)
    assert SAMPLES <= len(samples) <= SAMPLES + 2 * 576
    assert remarks == ["cut short: 2.02 s of 4.04 s"] or remarks[0].startswith("cut short: 2.0")


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("seconds", [0.05, 1.0, 3.3])
def test_frames_of_an_mp3_are_those_its_tag_states(
    tmp_path: Path, rate: int, seconds: float
) -> None:
    soundfile.write(tmp_path / "a.mp3", chirp(seconds, rate), rate)
    length = mp3_length(tmp_path / "a.mp3")
    assert length.whole
    assert length.confirmed
    assert length.missing == 0
    assert length.frame == (1152 if rate > 24_000 else 576)
    assert read_header(tmp_path / "a.mp3").samples == round(seconds * rate)


def test_mp3_behind_several_tags(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    tag = b"ID3\x04\0\0" + bytes([0, 0, 1, 0]) + bytes(128)
    path.write_bytes(3 * tag + sound(path, kind="MP3"))
    assert read_header(path).samples == SAMPLES


def test_what_is_no_mp3(tmp_path: Path) -> None:
    for data in (
        b"",
        b"\xff",
        b"\xff\xfb\xff\xff" * 99,
        b"ID3\x04\0\0\x7f\x7f\x7f\x7f",
        bytes(999),
    ):
        (tmp_path / "a.mp3").write_bytes(data)
        assert mp3_length(tmp_path / "a.mp3").counted == 0


def test_webm_as_browsers_record_it(tmp_path: Path) -> None:
    path = live_webm(tmp_path / "a.webm")
    header = read_header(path)
    assert header.seconds == pytest.approx(SECONDS, abs=0.02)
    samples, remarks = read(path)
    assert len(samples) == pytest.approx(SECONDS * 48_000, abs=1_000)
    assert remarks == []


# ------------------------------------------------------------------------------------ protocols


def test_a_recording_may_be_shorter_than_the_pictures_beside_it(tmp_path: Path) -> None:
    path = beside_a_longer_video(tmp_path / "a.mkv")
    assert read_header(path).seconds == SECONDS
    samples, remarks = read(path)
    assert is_the_chirp(samples)
    assert remarks == []
    path.write_bytes(path.read_bytes()[:-4000])
    assert any(remark.startswith("cut short") for remark in read(path)[1])


def test_time_stamps_that_begin_late(tmp_path: Path) -> None:
    samples, remarks = read(beginning_late(tmp_path / "a.mkv", 3600))
    assert is_the_chirp(samples)
    assert remarks == []


def test_durations_of_protocols() -> None:
    def seconds(samples: int, window: tuple[int, int] | None = None) -> object:
        return header_cells(Header(RATE, samples, 1, "FLAC", 16), window)["Duration"]

    assert seconds(32_000) == 2.0
    assert seconds(10) == 0.01  # never 0
    assert seconds(0) == -1.0
    assert seconds(UNKNOWN_LENGTH) == -1.0
    assert seconds(UNKNOWN_LENGTH, (8_000, 16_000)) == 0.5
    assert seconds(12_000, (8_000, 16_000)) == 0.25
    assert seconds(4_000, (8_000, 16_000)) == -1.0


def test_lengths_that_differ_by_hand() -> None:
    assert length_remark(100, None, 1000) is None
    assert length_remark(900, 1000, 1000) is None
    assert str(length_remark(899, 1000, 1000)) == "cut short: 0.90 s of 1.00 s"
    assert length_remark(1101, 1000, 1000).kind == "length"
