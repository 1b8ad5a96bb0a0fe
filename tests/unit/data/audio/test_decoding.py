"""Decoding of audio, to the sample."""

import re
import shutil
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from sdd.data.audio.decoding import decode
from sdd.data.audio.headers import read_header
from sdd.errors import InputError
from tests.helpers.audio_files import as_integers, chirp, write_container
from tests.helpers.odd_audio import encrypted_mp4


def delay(got: np.ndarray, sent: np.ndarray) -> int:
    """Samples by which `got` lags `sent`, from the peak of their cross-correlation."""
    size = len(got) + len(sent)
    product = np.fft.rfft(got, size) * np.conj(np.fft.rfft(sent, size))
    lag = int(np.argmax(np.fft.irfft(product, size)))
    return lag if lag < len(got) else lag - size


@pytest.mark.parametrize(
    ("name", "subtype", "step"),
    [
        ("a.wav", "PCM_U8", 2**-7),
        ("a.wav", "PCM_16", 2**-15),
        ("a.wav", "PCM_24", 2**-23),
        ("a.wav", "FLOAT", 2**-30),
        ("a.flac", "PCM_16", 2**-15),
    ],
)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_lossless_files_come_back(
    tmp_path: Path, name: str, subtype: str, step: float, channels: int
) -> None:
    sent = np.stack([chirp(0.3, 8_000, 0.1 * (c + 1)) for c in range(channels)], axis=1)
    soundfile.write(tmp_path / name, sent, 8_000, subtype=subtype)
    got, rate = decode(tmp_path / name)
    assert rate == 8_000
    assert got.dtype == np.float32
    assert got.shape == sent.shape
    np.testing.assert_allclose(got, sent, atol=step)


@pytest.mark.parametrize(
    ("name", "codec", "kind", "rate"),
    [
        ("a.m4a", "aac", "ipod", 44_100),
        ("a.mp4", "aac", "mp4", 48_000),
        ("a.dat", "aac", "mp4", 22_050),
        ("a.webm", "libopus", "webm", 48_000),
        ("a.mp3", "libmp3lame", "mp3", 44_100),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_lossy_files_come_back_without_delay(
    tmp_path: Path, name: str, codec: str, kind: str, rate: int, channels: int
) -> None:
    sent = np.stack([chirp(1.0, rate), chirp(1.0, rate, 0.2)][:channels])
    got, got_rate = decode(write_container(tmp_path / name, sent, rate, codec, kind))
    assert got_rate == rate
    assert got.shape[1] == channels
    # AAC's last frame is filled up; nothing may be missing.
    assert rate <= len(got) < rate + 2048
    for channel in range(channels):
        assert delay(got[:, channel], sent[channel]) == 0
        # The codec's noise in the middle of the file; the ends hold its transients.
        difference = got[2000 : rate - 4000, channel] - sent[channel, 2000 : rate - 4000]
        assert np.sqrt(np.mean(difference**2)) < 0.02


def test_lossless_in_a_container_is_exact(tmp_path: Path) -> None:
    sent = np.stack([chirp(0.5, 44_100), chirp(0.5, 44_100, 0.2)])
    got, _ = decode(write_container(tmp_path / "a.m4a", sent, 44_100, "alac", "ipod"))
    np.testing.assert_array_equal(as_integers(got[: sent.shape[1]]), as_integers(sent).T)


@pytest.mark.parametrize("rate", [22_050, 48_000])
def test_mp3_agrees_with_other_decoders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: int
) -> None:
    # Blocks much shorter than the file: nothing may be heard of their boundaries.
    monkeypatch.setattr("sdd.data.audio.decoding._BLOCK", 5_000)
    path = tmp_path / "a.mp3"
    noise = np.random.default_rng(0).normal(0, 0.02, 3 * rate).astype(np.float32)
    sent = np.stack([chirp(3.0, rate) + noise, chirp(3.0, rate, 0.1)], axis=1)
    soundfile.write(path, sent, rate)
    got, _ = decode(path)
    at_once, _ = soundfile.read(path, dtype="float32", always_2d=True)
    np.testing.assert_allclose(got, at_once, rtol=0, atol=2.5e-7)
    with av.open(str(path)) as container:
        other = np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1).T
    assert got.shape == other.shape == sent.shape
    assert np.abs(as_integers(got) - as_integers(other)).max() <= 1


def write_quiet_then_loud_mp3(path: Path, seconds: float = 5.0) -> tuple[bytes, bytes]:
    """Write a variable bit rate; give the frame that states the length, and all others."""
    rate = 44_100
    noise = np.random.default_rng(0).normal(0, 0.1, round(seconds * rate)).astype(np.float32)
    noise[: rate // 2] *= 1e-4
    soundfile.write(path, noise, rate)
    data = path.read_bytes()
    second = data.index(data[:2], 4)
    return data[:second], data[second:]


def by_ffmpeg(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1).T


@pytest.mark.parametrize("case", ["no tag", "joined", "ID3", "trailing tag", "joined after ID3"])
def test_mp3_of_unknown_length_is_read_to_its_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    """libsndfile would end where the tag or a guess says: here after a fraction of the file."""
    path = tmp_path / "a.mp3"
    tag, frames = write_quiet_then_loud_mp3(path)
    id3 = b"ID3\x04\0\0\0\0\x02\x00" + bytes(256)
    content = {
        "no tag": frames,
        "joined": tag + frames + tag + frames,
        "ID3": id3 + tag + frames,
        "trailing tag": tag + frames + b"TAG" + bytes(125),
        "joined after ID3": id3 + tag + frames + frames,
    }[case]
    path.write_bytes(content)
    got, rate = decode(path)
    other = by_ffmpeg(path)
    assert got.shape == other.shape
    assert np.abs(as_integers(got) - as_integers(other)).max() <= 1
    times = 2 if "joined" in case else 1
    assert len(got) >= times * 5 * rate
    assert len(got) < times * 5 * rate + 4 * 1152
    # A header counts the first frame, which decoders take the encoder's delay from.
    assert 0 <= read_header(path).samples - len(got) <= 1152
    assert read_header(path).encoding == "MP3"
    assert caplog.text == ""


def test_junk_within_an_mp3_is_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, frames = write_quiet_then_loud_mp3(tmp_path / "a.mp3")
    middle = len(frames) // 2
    junk = b"\xff\xfb" + np.random.default_rng(1).bytes(3_000)
    (tmp_path / "a.mp3").write_bytes(frames[:middle] + junk + frames[middle:])
    got, rate = decode(tmp_path / "a.mp3")
    assert 4.8 * rate < len(got) < 5.2 * rate
    assert "a.mp3: " in caplog.text
    assert "cannot be decoded and are left out" in caplog.text


@pytest.mark.skipif(
    shutil.which("faad") is None,
    reason="another AAC decoder to hold ours against: apt-get install faad",
)
@pytest.mark.parametrize(("name", "channels"), [("a.m4a", 1), ("a.m4a", 2), ("a.dat", 2)])
def test_aac_agrees_with_another_decoder(tmp_path: Path, name: str, channels: int) -> None:
    rate = 44_100
    noise = np.random.default_rng(0).normal(0, 0.02, (channels, 3 * rate)).astype(np.float32)
    sent = np.stack([chirp(3.0, rate), chirp(3.0, rate, 0.1)][:channels]) + noise
    kind = "ipod" if name.endswith("m4a") else "mp4"
    path = write_container(tmp_path / name, sent, rate, "aac", kind)
    command = ["faad", "-q", "-b", "4", "-o", str(tmp_path / "other.wav"), str(path)]
    subprocess.run(command, check=True, capture_output=True)
    other, _ = soundfile.read(tmp_path / "other.wav", dtype="float32", always_2d=True)
    got, _ = decode(path)
    assert len(got) == len(other)
    difference = as_integers(got) - as_integers(other[:, :channels])
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize(
    ("name", "subtype"), [("a.ogg", "VORBIS"), ("a.opus", "OPUS"), ("a.wav", "PCM_24")]
)
def test_blocks_join_without_a_seam(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, subtype: str
) -> None:
    monkeypatch.setattr("sdd.data.audio.decoding._BLOCK", 5_000)
    kind = "WAV" if name.endswith("wav") else "OGG"
    soundfile.write(tmp_path / name, chirp(1.0, 48_000), 48_000, format=kind, subtype=subtype)
    at_once, _ = soundfile.read(tmp_path / name, dtype="float32", always_2d=True)
    np.testing.assert_array_equal(decode(tmp_path / name)[0], at_once)


def test_content_counts_not_the_name(tmp_path: Path) -> None:
    sent = chirp(0.5, 16_000)
    soundfile.write(tmp_path / "a.m4a", sent, 16_000, format="WAV")
    got, _ = decode(tmp_path / "a.m4a")
    assert np.abs(got[:, 0] - sent).max() < 2**-15


def test_truncated_mp3_is_decoded_as_far_as_it_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_container(tmp_path / "a.mp3", chirp(4.0, 44_100)[None], 44_100, "libmp3lame", "mp3")
    data = (tmp_path / "a.mp3").read_bytes()
    (tmp_path / "cut.mp3").write_bytes(data[: len(data) // 3])
    got, _ = decode(tmp_path / "cut.mp3")
    assert 20_000 < len(got) < 88_200
    assert re.search(r"cut\.mp3: cut short: 1\.\d\d s of 4\.0\d s", caplog.text)
    whole, _ = decode(tmp_path / "a.mp3")
    end = len(got) - 2_000  # the last frames need bits that are not there
    np.testing.assert_array_equal(got[:end], whole[:end])


def test_undecodable_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no audio in here")
    with pytest.raises(InputError, match=r"text\.wav cannot be decoded, neither by soundfile nor"):
        decode(tmp_path / "text.wav")
    (tmp_path / "empty.mp3").touch()
    with pytest.raises(InputError, match=r"empty\.mp3 cannot be decoded"):
        decode(tmp_path / "empty.mp3")
    with pytest.raises(InputError, match=r"none\.wav is missing"):
        decode(tmp_path / "none.wav")
    soundfile.write(tmp_path / "zero.wav", np.zeros(0), 16_000)
    with pytest.raises(InputError, match=r"zero\.wav holds no audio samples: replace"):
        decode(tmp_path / "zero.wav")
    samples = chirp(0.1, 16_000)
    samples[7] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, 16_000, subtype="FLOAT")
    with pytest.raises(InputError, match=r"nan\.wav holds samples that are not finite"):
        decode(tmp_path / "nan.wav")
    soundfile.write(tmp_path / "a.flac", np.random.default_rng(0).normal(0, 0.1, 99_999), 16_000)
    data = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"cut\.flac cannot be decoded beyond 0\.00 s"):
        decode(tmp_path / "cut.flac")
    write_container(tmp_path / "a.m4a", chirp(1.0, 44_100)[None], 44_100, "aac", "ipod")
    data = (tmp_path / "a.m4a").read_bytes()
    (tmp_path / "cut.m4a").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"cut\.m4a cannot be decoded"):
        decode(tmp_path / "cut.m4a")


def test_video_without_sound(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "v.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), dtype=np.uint8), format="rgb24")
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    with pytest.raises(InputError, match=r"v\.mp4 holds no audio stream"):
        decode(tmp_path / "v.mp4")


@pytest.mark.parametrize("kind", [b"enca", b"drms", b"aavd"])
def test_encrypted_recordings_are_named(tmp_path: Path, kind: bytes) -> None:
    path = encrypted_mp4(tmp_path / "a.m4a")
    data = path.read_bytes().replace(b"enca", kind)
    if kind != b"enca":  # shops that say it by the name of the codec alone
        data = data.replace(b"sinf", b"skip").replace(b"senc", b"skip")
    path.write_bytes(data)
    for read in (read_header, decode):
        with pytest.raises(InputError, match=r"a\.m4a is encrypted \(DRM\), and its key is not in"):
            read(path)
