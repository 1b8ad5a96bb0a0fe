"""Decoding, preparation and reading of audio, to the sample."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
import torchaudio.functional

from sdd.audio import decode, prepare_source, read_segment
from sdd.corpora.headers import read_header
from sdd.errors import InputError
from sdd.preparation import (
    COLUMNS,
    flac_name,
    prepare_corpus,
    read_audio_table,
    read_failures,
    read_paths,
    write_audio_table,
)
from sdd.resampling import Resampler


def chirp(seconds: float, rate: int, level: float = 0.4) -> np.ndarray:
    """Speech-band sweep with a slow beat, so that any shift in time shows."""
    time = np.arange(round(seconds * rate)) / rate
    sweep = np.sin(2 * np.pi * (150 + 400 * time) * time)
    return (level * sweep * (1 + 0.5 * np.sin(11 * time))).astype(np.float32)


def write_container(path: Path, samples: np.ndarray, rate: int, codec: str, kind: str) -> Path:
    """Encode [C, T] with PyAV."""
    layout = "mono" if len(samples) == 1 else "stereo"
    sample_format = {"alac": "s16p", "libopus": "flt"}.get(codec, "fltp")
    if codec == "alac":
        samples = np.rint(samples * 32768).astype(np.int16)
    if codec == "libopus":
        samples = samples.T.reshape(1, -1)
    with av.open(str(path), "w", format=kind) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.layout, stream.format, stream.bit_rate = layout, sample_format, 192_000
        if codec == "aac":  # noise that decoders draw by themselves would differ
            stream.codec_context.options = {"aac_pns": "0"}
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples), format=sample_format, layout=layout
        )
        frame.rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return path


def delay(got: np.ndarray, sent: np.ndarray) -> int:
    """Samples by which `got` lags `sent`, from the peak of their cross-correlation."""
    size = len(got) + len(sent)
    product = np.fft.rfft(got, size) * np.conj(np.fft.rfft(sent, size))
    lag = int(np.argmax(np.fft.irfft(product, size)))
    return lag if lag < len(got) else lag - size


def resampled(samples: np.ndarray, rate: int) -> np.ndarray:
    """Mono to 16 kHz by the plain call, on the whole."""
    return torchaudio.functional.resample(torch.from_numpy(samples), rate, 16_000).numpy()


def as_integers(samples: np.ndarray) -> np.ndarray:
    return np.rint(samples * 32768).astype(np.int64)


# -------------------------------------------------------------------------------------- decoding


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
    monkeypatch.setattr("sdd.audio._BLOCK", 5_000)
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


@pytest.mark.skipif(shutil.which("faad") is None, reason="faad, another AAC decoder, is not there")
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
    monkeypatch.setattr("sdd.audio._BLOCK", 5_000)
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
    assert "cut.mp3 is cut short" in caplog.text
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
    with pytest.raises(InputError, match=r"zero\.wav holds no audio samples: replace or remove"):
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


# ------------------------------------------------------------------------------------- preparing


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_001, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("samples", [1, 100, 20_000])
def test_resampling_in_pieces_equals_torchaudio_on_the_whole(rate: int, samples: int) -> None:
    rng = np.random.default_rng(samples)
    sent = rng.uniform(-1, 1, samples).astype(np.float32)
    resampler = Resampler(rate, 16_000, piece_seconds=0.1)
    got: list[np.ndarray] = []
    position = 0
    while position < samples:
        size = int(rng.integers(1, 9_000))
        got += resampler.push(sent[position : position + size])
        position += size
    got += resampler.finish()
    expected = resampled(sent, rate)
    assert len(np.concatenate(got)) == len(expected)
    # An exact filter would be up to 4e-5 off torchaudio's, which is rounded to float32.
    np.testing.assert_allclose(np.concatenate(got), expected, rtol=0, atol=5e-7)


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_segment_of_prepared_file_equals_decode_resample_slice(tmp_path: Path, rate: int) -> None:
    sent = np.stack([chirp(3.0, rate), chirp(3.0, rate, 0.2)], axis=1)
    soundfile.write(tmp_path / "a.mp3", sent, rate)
    prepared = prepare_source(tmp_path / "a.mp3", tmp_path / "a.flac")
    samples, _ = decode(tmp_path / "a.mp3")
    whole = as_integers(resampled(samples.mean(axis=1), rate))
    assert prepared.samples == len(whole) == 48_000
    assert (prepared.source_rate, prepared.source_samples) == (rate, len(sent))
    assert prepared.clipped == 0
    info = soundfile.info(tmp_path / "a.flac")
    assert (info.format, info.subtype, info.samplerate, info.channels) == (
        "FLAC",
        "PCM_16",
        16_000,
        1,
    )
    rng = np.random.default_rng(0)
    windows = [(0, 48_000), (0, 1), (47_999, 48_000)]
    windows += [tuple(np.sort(rng.choice(48_001, 2, replace=False)).tolist()) for _ in range(20)]
    for start, end in windows:
        got = read_segment(tmp_path / "a.flac", start, end)
        assert got.dtype == np.float32
        assert got.shape == (end - start,)
        assert np.abs(as_integers(got) - whole[start:end]).max() <= 1


@pytest.mark.parametrize(
    ("subtype", "rate", "channels"),
    [
        ("PCM_U8", 8_000, 1),
        ("PCM_24", 96_000, 2),
        ("FLOAT", 44_100, 6),
        ("DOUBLE", 11_025, 1),
        ("ULAW", 8_000, 1),
    ],
)
def test_odd_formats_are_prepared_to_the_sample(
    tmp_path: Path, subtype: str, rate: int, channels: int
) -> None:
    sent = np.stack([chirp(1.0, rate, 0.05 * (c + 1)) for c in range(channels)], axis=1)
    soundfile.write(tmp_path / "a.wav", sent, rate, subtype=subtype)
    read, _ = soundfile.read(tmp_path / "a.wav", dtype="float32", always_2d=True)
    prepare_source(tmp_path / "a.wav", tmp_path / "a.flac")
    got, got_rate = soundfile.read(tmp_path / "a.flac", dtype="int16")
    expected = as_integers(resampled(read.mean(axis=1, dtype=np.float32), rate))
    assert got_rate == 16_000
    assert len(got) == len(expected) == 16_000
    assert np.abs(got - expected).max() <= 1


def test_three_hours_in_bounded_memory(tmp_path: Path) -> None:
    """Below 200 MB; the samples alone would be 691 MB, and torch takes some 550 MB."""
    rate, hours = 8_000, 3
    with soundfile.SoundFile(tmp_path / "a.wav", "w", rate, 1, subtype="PCM_U8") as file:
        minute = chirp(60, rate)
        for _ in range(hours * 60):
            file.write(minute)
    # Not getrusage: its maximum begins with that of the process that started this one.
    code = (
        "import re, sys; from pathlib import Path; "
        "from sdd.preparation import prepare_corpus; "
        "peak = lambda: re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]; "
        "root = Path(sys.argv[1]); "
        "rows = prepare_corpus(['$ROOT/a.wav'], root, root / 'audio', 'mine', workers=1); "
        "print(rows[0]['samples'], peak())"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    samples, peak = map(int, done.stdout.split())
    assert samples == hours * 3_600 * 16_000
    assert peak * 1024 < 200e6


def test_sixteen_bit_mono_at_16_khz_is_kept_exactly(tmp_path: Path) -> None:
    sent = np.random.default_rng(0).integers(-32768, 32768, 5_000, dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", sent, 16_000)
    assert prepare_source(tmp_path / "a.wav", tmp_path / "a.flac").clipped == 0
    np.testing.assert_array_equal(soundfile.read(tmp_path / "a.flac", dtype="int16")[0], sent)


def test_clipped_samples_are_limited_and_counted(tmp_path: Path) -> None:
    sent = np.array([0.5, 1.5, -1.0, -1.2, 32767.4 / 32768, 1.0, 2.5 / 32768], dtype=np.float32)
    soundfile.write(tmp_path / "a.wav", np.tile(sent, 10), 16_000, subtype="FLOAT")
    assert prepare_source(tmp_path / "a.wav", tmp_path / "a.flac").clipped == 30
    got = soundfile.read(tmp_path / "a.flac", dtype="int16")[0][:7]
    assert got.tolist() == [16384, 32767, -32768, -32768, 32767, 32767, 2]


def test_failed_preparation_leaves_nothing(tmp_path: Path) -> None:
    samples = chirp(0.1, 16_000)
    samples[-1] = np.inf
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    with pytest.raises(InputError, match="not finite"):
        prepare_source(tmp_path / "a.wav", tmp_path / "out/a.flac")
    assert list((tmp_path / "out").iterdir()) == []


def test_bad_windows(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", chirp(0.1, 16_000), 16_000)
    for start, end in ((0, 1601), (-1, 5), (5, 5), (1600, 1601)):
        with pytest.raises(InputError, match=rf"a\.flac has 1600 samples, not {start} to {end}"):
            read_segment(tmp_path / "a.flac", start, end)
    with pytest.raises(InputError, match=r"b\.flac cannot be read .*: prepare the corpus again"):
        read_segment(tmp_path / "b.flac", 0, 1)


# ------------------------------------------------------------------------------- a whole corpus


def write_sources(root: Path, count: int = 4) -> pd.DataFrame:
    names = ["a.wav", 'b, "c".mp3', "ü ñ.flac", "d.m4a", *(f"x{i}.wav" for i in range(99))][:count]
    root.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        samples = chirp(0.5 + 0.1 * number, 44_100)
        if name.endswith("m4a"):
            write_container(root / name, samples[None], 44_100, "aac", "ipod")
        else:
            soundfile.write(root / name, samples, 44_100)
    return pd.DataFrame({"Path": [f"$ROOT/{name}" for name in (*names, *names[:1])]})


def prepared(protocol: pd.DataFrame, *arguments: object, **options: object) -> pd.DataFrame:
    return pd.DataFrame(prepare_corpus(protocol["Path"], *arguments, **options))


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_corpus_is_prepared_once_per_path(tmp_path: Path) -> None:
    protocol = write_sources(tmp_path / "data")
    table = prepared(protocol, tmp_path / "data", tmp_path / "audio", "mine", workers=2)
    assert tuple(table.columns) == COLUMNS
    assert table["path"].tolist() == protocol["Path"].tolist()[:4]
    assert table["source_rate"].tolist() == [44_100] * 4
    assert table["source_samples"].tolist()[:3] == [22_050, 26_460, 30_870]
    assert table["samples"].tolist()[:3] == [8_000, 9_600, 11_200]
    assert table["clipped"].tolist() == [0] * 4
    for row in table.itertuples():
        assert row.file.startswith("mine/")
        assert row.file.isascii()
        assert soundfile.info(tmp_path / "audio" / row.file).frames == row.samples
    write_audio_table(table.to_dict("records"), tmp_path / "audio/mine.csv")
    pd.testing.assert_frame_equal(read_audio_table(tmp_path / "audio/mine.csv"), table)
    assert read_failures(tmp_path / "audio", "mine") == []


def test_preparing_again_redoes_only_what_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, audio = tmp_path / "data", tmp_path / "audio"
    protocol = write_sources(root)
    first = prepared(protocol, root, audio, "mine", workers=2)
    done: list[str] = []

    def counted(source: Path, target: Path) -> object:
        done.append(source.name)
        return prepare_source(source, target)

    monkeypatch.setattr("sdd.preparation.prepare_source", counted)
    before = tree(audio)
    again = prepared(protocol, root, audio, "mine", workers=1)
    pd.testing.assert_frame_equal(again, first)
    assert done == []
    assert tree(audio) == before
    (audio / first["file"][1]).write_bytes(b"damaged")
    (audio / first["file"][2]).unlink()
    soundfile.write(root / "a.wav", chirp(1.5, 8_000), 8_000)
    changed = prepared(protocol, root, audio, "mine", workers=1)
    assert sorted(done) == ["a.wav", 'b, "c".mp3', "ü ñ.flac"]
    assert changed["samples"].tolist() == [24_000, *first["samples"][1:]]
    pd.testing.assert_frame_equal(changed[1:], first[1:])


KILLED = """
import os, signal, sys, threading
from pathlib import Path
import sdd.preparation
from sdd.audio import prepare_source

count = 0
def deadly(source, target):
    global count
    count += 1
    if count == 4:
        (target.parent / ".unfinished.abc.flac").write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    return prepare_source(source, target)

sdd.preparation.prepare_source = deadly
root, audio = Path(sys.argv[1]), Path(sys.argv[2])
sdd.preparation.prepare_corpus(sys.argv[3:], root, audio, "mine", workers=1)
"""


def test_killed_midway_and_run_again_gives_the_same_bytes(tmp_path: Path) -> None:
    root = tmp_path / "data"
    protocol = write_sources(root, count=6)
    straight = prepared(protocol, root, tmp_path / "straight", "mine", workers=2)
    killed = tmp_path / "killed"
    command = [sys.executable, "-c", KILLED, str(root), str(killed), *protocol["Path"]]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    kept = {path: path.stat().st_mtime_ns for path in (killed / "mine").glob("[!.]*.flac")}
    assert len(kept) == 3
    journal = killed / "mine/prepared.jsonl"
    entries = [json.loads(line) for line in journal.read_text().splitlines()]
    assert 2 <= len(entries) <= 3
    with journal.open("a") as file:  # a line that was being written
        file.write('{"version": 1, "path": "$RO')
    again = prepared(protocol, root, killed, "mine", workers=2)
    pd.testing.assert_frame_equal(again, straight)
    assert tree(killed) == tree(tmp_path / "straight")
    for entry in entries:
        path = killed / entry["file"]
        assert path.stat().st_mtime_ns == kept[path]


def test_all_failures_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root, audio = tmp_path / "data", tmp_path / "audio"
    protocol = write_sources(root)
    (root / "a.wav").write_bytes(b"junk")
    (root / "d.m4a").unlink()
    with pytest.raises(InputError) as caught:
        prepared(protocol, root, audio, "mine", workers=2, allowed_failures=1)
    message = str(caught.value)
    assert "Corpus mine: 2 of 4 source files could not be prepared (1 may fail)." in message
    assert f"$ROOT/a.wav: {root}/a.wav cannot be decoded" in message
    assert f"$ROOT/d.m4a: {root}/d.m4a is missing." in message
    assert read_failures(audio, "mine") == ["$ROOT/a.wav", "$ROOT/d.m4a"]
    with caplog.at_level(logging.WARNING):
        table = prepared(protocol, root, audio, "mine", workers=2, allowed_failures=2)
    assert table["path"].tolist() == ['$ROOT/b, "c".mp3', "$ROOT/ü ñ.flac"]
    assert "2 source files could not be prepared" in caplog.text
    with pytest.raises(InputError, match="2 of 2 source files could not be prepared"):
        prepared(protocol.iloc[[0, 3]], root, audio, "mine", workers=1, allowed_failures=9)


def test_flac_names_are_safe_and_different() -> None:
    paths = ["$ROOT/a/x.wav", "$ROOT/b/x.wav", "$ROOT/a/x.mp3", '/x/ü, "y"\n.wav', "/" + "n" * 255]
    names = [flac_name(path) for path in paths]
    assert len(set(names)) == len(names)
    assert names[0].startswith("x-")
    assert all(name.isascii() and len(name) < 100 and "/" not in name for name in names)
    assert not any(set(name) & set(" ,\"'\n") for name in names)
    assert flac_name(paths[0]) == names[0]


def test_bad_audio_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.csv is missing: prepare the corpus first"):
        read_audio_table(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text("x\n1\n")
    with pytest.raises(InputError, match=r"a\.csv is not an audio table: it has x\."):
        read_audio_table(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(InputError, match=r"a\.csv is not an audio table"):
        read_audio_table(tmp_path / "a.csv")


def test_paths_of_a_protocol(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text('ID,Path\n1,"$ROOT/a, ""b""\n.wav"\n2,$ROOT/ü.wav\n')
    assert read_paths(tmp_path / "p.csv") == ['$ROOT/a, "b"\n.wav', "$ROOT/ü.wav"]
