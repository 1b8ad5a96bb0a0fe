"""Lengths that headers state too low, or not at all, in every format that states bytes."""

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from sdd.data.audio.decoding import Source
from sdd.data.audio.headers import read_header
from sdd.data.audio.sample_chunks import find_samples
from sdd.data.audio.stated import stated_length
from tests.helpers.audio_files import as_integers, chirp
from tests.helpers.odd_audio import RATE, SECONDS, sound

SAMPLES = round(SECONDS * RATE)
BYTES = 2 * SAMPLES
W64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")

# Name, chunk of the samples, bytes between name and size, bytes and order of the size, what it
# counts beside the samples.
FIELDS = {
    "WAV": (b"data", 0, 4, "little", 0),
    "RIFX": (b"data", 0, 4, "big", 0),
    "W64": (b"data", 12, 8, "little", 24),
    "AIFF": (b"SSND", 0, 4, "big", 8),
    "SVX": (b"BODY", 0, 4, "big", 0),
    "CAF": (b"data", 0, 8, "big", 4),
    "AU": (b".snd", 4, 4, "big", 0),
    "AU little": (b"dns.", 4, 4, "little", 0),
}
# What lies behind the samples and is none of them: a chunk as the format writes it.
CHUNK = 4_999 * b"\x11"
PADDED = CHUNK + b"\0"
CHUNKS = {
    "WAV": b"LIST" + len(CHUNK).to_bytes(4, "little") + PADDED,
    "RIFX": b"LIST" + len(CHUNK).to_bytes(4) + PADDED,
    "W64": b"levl" + W64_TAIL + (len(CHUNK) + 24).to_bytes(8, "little") + PADDED,
    "AIFF": b"ANNO" + len(CHUNK).to_bytes(4) + PADDED,
    "SVX": b"ANNO" + len(CHUNK).to_bytes(4) + PADDED,
    "CAF": b"info" + len(CHUNK).to_bytes(8) + CHUNK,
}


def written(path: Path, kind: str) -> bytearray:
    """A chirp in some format, and the bytes of the file."""
    kind, _, little = kind.partition(" ")
    endian = "BIG" if kind == "RIFX" else "LITTLE" if little else None
    kind = "WAV" if kind == "RIFX" else kind
    samples = chirp(SECONDS, RATE)
    soundfile.write(path, samples, RATE, format=kind, subtype="PCM_16", endian=endian)
    return bytearray(path.read_bytes())


def stating(path: Path, kind: str, value: int) -> Path:
    """Write a chirp whose header states another size of its samples, in bytes."""
    data = written(path, kind)
    name, between, size, order, more = FIELDS[kind]
    place = data.index(name) + 4 + between
    assert int.from_bytes(data[place : place + size], order) == BYTES + more
    value = (value + more) % (1 << 8 * size)
    data[place : place + size] = value.to_bytes(size, order)
    path.write_bytes(data)
    return path


def read(path: Path) -> tuple[np.ndarray, list[str]]:
    source = Source(path)
    samples = np.concatenate(list(source.blocks()))
    return samples, [str(remark) for remark in source.remarks]


def is_the_chirp(samples: np.ndarray) -> bool:
    wanted = as_integers(chirp(SECONDS, RATE))
    got = as_integers(samples[:, 0])
    return len(got) == len(wanted) and bool(np.abs(got - wanted).max() <= 1)


@pytest.mark.parametrize("kind", FIELDS)
@pytest.mark.parametrize(
    ("stated", "said"),
    [
        (BYTES // 2, "it states 1.00 s"),
        (BYTES // 8 + 1, "it states 0.25 s"),
        (0, "it was never finished"),
    ],
)
def test_all_samples_are_read_of_a_file_that_states_less(
    tmp_path: Path, kind: str, stated: int, said: str
) -> None:
    path = stating(tmp_path / "a", kind, stated)
    assert read_header(path).samples == SAMPLES
    samples, remarks = read(path)
    assert is_the_chirp(samples)
    assert remarks == [f"wrong length in the header: {said}, and all 2.00 s were read"]


@pytest.mark.parametrize("kind", FIELDS)
def test_a_length_that_is_not_known_is_that_of_the_file(tmp_path: Path, kind: str) -> None:
    _, _, size, _, more = FIELDS[kind]
    for value in (-1 - more, 0x7FFFFFFF - more, 0x7F000000):
        path = stating(tmp_path / "a", kind, value)
        with path.open("rb") as file:
            assert stated_length(file, BYTES / 2).stated is None or size == 8
        assert read_header(path).samples == SAMPLES
        samples, remarks = read(path)
        assert is_the_chirp(samples)
        assert remarks == []


@pytest.mark.parametrize("kind", FIELDS)
def test_a_file_that_was_cut_says_how_much_is_there(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a"
    data = written(path, kind)
    path.write_bytes(data[: len(data) - BYTES // 2])
    samples, remarks = read(path)
    assert len(samples) == SAMPLES // 2
    assert remarks == ["cut short: 1.00 s of 2.00 s"]


@pytest.mark.parametrize("kind", CHUNKS)
@pytest.mark.parametrize("end", ["chunk", "two chunks", "tag", "padding"])
def test_what_follows_the_samples_is_none_of_them(tmp_path: Path, kind: str, end: str) -> None:
    path = tmp_path / "a"
    ends = {"chunk": CHUNKS[kind], "two chunks": 2 * CHUNKS[kind]}
    ends |= {"tag": b"TAG" + bytes(range(125)), "padding": bytes(10_000)}
    path.write_bytes(written(path, kind) + ends[end])
    assert read_header(path).samples == SAMPLES
    samples, remarks = read(path)
    assert is_the_chirp(samples)
    assert remarks == []


@pytest.mark.parametrize("kind", ["WAV", "W64", "AIFF"])
def test_chunks_begin_at_even_places(tmp_path: Path, kind: str) -> None:
    path, samples = tmp_path / "a", 1_001
    soundfile.write(path, chirp(1, RATE)[:samples], RATE, format=kind, subtype="PCM_24")
    with path.open("rb") as file:
        end = find_samples(file).begin + 3 * samples
    padding = bytes(-end % 8 if kind == "W64" else end % 2)
    assert padding
    path.write_bytes(path.read_bytes()[:end] + padding + CHUNKS[kind])
    assert [len(read(path)[0]), *read(path)[1]] == [samples]


@pytest.mark.parametrize("kind", CHUNKS)
def test_what_only_looks_like_a_chunk_is_read(tmp_path: Path, kind: str) -> None:
    """Its length leads beyond the file, or to no other chunk."""
    for lost in (1_000, -1_000):
        path = tmp_path / "a"
        chunk = CHUNKS[kind][:-lost] if lost > 0 else CHUNKS[kind] + b"\x80" * 1_000
        path.write_bytes(written(path, kind) + chunk)
        with path.open("rb") as file:
            length = stated_length(file, 100)
        assert length.stated == BYTES
        assert length.is_low


@pytest.mark.parametrize("end", [b"TAG" + bytes(range(125)), bytes(10_000)], ids=["tag", "padding"])
@pytest.mark.parametrize("kind", ["AU", "AU little", "NIST"])
def test_nothing_but_tags_and_padding_follows_a_plain_header(
    tmp_path: Path, kind: str, end: bytes
) -> None:
    path = tmp_path / "a"
    data = written(path, kind)
    path.write_bytes(data + end)
    assert is_the_chirp(read(path)[0])
    path.write_bytes(data + b"\x11" * 10_000)
    samples, remarks = read(path)
    assert len(samples) == SAMPLES + 5_000
    assert remarks == ["wrong length in the header: it states 2.00 s, and all 2.31 s were read"]


@pytest.mark.parametrize(
    ("count", "remarks"),
    [
        (SAMPLES // 2, ["wrong length in the header: it states 1.00 s, and all 2.00 s were read"]),
        (0, []),
        (2 * SAMPLES, ["cut short: 2.00 s of 4.00 s"]),
    ],
)
def test_sphere_states_a_number_of_samples(tmp_path: Path, count: int, remarks: list[str]) -> None:
    path = tmp_path / "a.sph"
    data = bytes(written(path, "NIST"))
    field = f"sample_count -i {SAMPLES}".encode()
    path.write_bytes(data.replace(field, f"sample_count -i {count}".encode().ljust(len(field))))
    samples, said = read(path)
    assert is_the_chirp(samples)
    assert said == remarks


@pytest.mark.parametrize("count", [SAMPLES // 2, 0, 0xFFFFFFFF])
def test_the_number_of_frames_of_an_aiff_decides_nothing(tmp_path: Path, count: int) -> None:
    path = tmp_path / "a.aiff"
    data = written(path, "AIFF")
    place = data.index(b"COMM") + 10
    data[place : place + 4] = count.to_bytes(4)
    path.write_bytes(data)
    samples, remarks = read(path)
    assert is_the_chirp(samples)
    assert remarks == []


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [("AIFF", "IMA_ADPCM"), ("AU", "G721_32"), ("CAF", "ULAW"), ("W64", "IMA_ADPCM")],
)
def test_also_of_encodings_without_whole_samples(tmp_path: Path, kind: str, subtype: str) -> None:
    path = tmp_path / "a"
    data = bytearray(sound(path, kind=kind, subtype=subtype))
    whole, remarks = read(path)
    assert remarks == []
    name, between, size, order, _ = FIELDS[kind]
    place = data.index(name) + 4 + between
    half = int.from_bytes(data[place : place + size], order) // 2
    data[place : place + size] = half.to_bytes(size, order)
    path.write_bytes(data)
    samples, remarks = read(path)
    np.testing.assert_array_equal(samples, whole)
    (remark,) = remarks
    assert remark.startswith("wrong length in the header: it states 1.0")


def in_ffmpeg(path: Path, kind: str, codec: str) -> Path:
    """Write a chirp by FFmpeg, in an encoding that libsndfile does not read there."""
    samples = np.rint(32_767 * chirp(SECONDS, RATE))[None].astype(np.int16)
    with av.open(str(path), "w", format=kind) as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return path


@pytest.mark.parametrize(
    ("kind", "codec", "field"),
    [("wav", "adpcm_yamaha", "WAV"), ("w64", "adpcm_yamaha", "W64"), ("au", "adpcm_g722", "AU")],
)
def test_ffmpeg_reads_all_as_well(tmp_path: Path, kind: str, codec: str, field: str) -> None:
    path = in_ffmpeg(tmp_path / "a", kind, codec)
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.info(path)
    whole, remarks = read(path)
    assert remarks == []
    data = bytearray(path.read_bytes())
    name, between, size, order, more = FIELDS[field]
    place = data.index(name) + 4 + between
    value = (int.from_bytes(data[place : place + size], order) - more) // 2 // 1024 * 1024
    data[place : place + size] = (value + more).to_bytes(size, order)
    path.write_bytes(data)
    samples, remarks = read(path)
    np.testing.assert_array_equal(samples, whole)
    (remark,) = remarks
    assert remark.startswith("wrong length in the header: it states ")
    assert remark.endswith(f"and all {len(whole) / RATE:.2f} s were read")


def test_what_has_no_such_length(tmp_path: Path) -> None:
    contents = (
        *(b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0AVI ", b"FORM\0\0\0\0ILBM" + bytes(99)),
        *(b"caff" + bytes(60), b"NIST_1A\n   x024\n", b"fLaC" + bytes(99), b"riff" + bytes(99)),
    )
    for content in contents:
        (tmp_path / "x").write_bytes(content)
        with (tmp_path / "x").open("rb") as file:
            assert find_samples(file) is None, content


class Counting(io.FileIO):
    """A file that counts how often it is read."""

    reads = 0

    def read(self, size: int = -1) -> bytes:
        self.reads += 1
        return super().read(size)


def test_a_search_among_very_many_chunks_ends(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(written(path, "WAV")) + 100_000 * (b"junk" + bytes(4)))
    with Counting(path) as file:
        assert stated_length(file, 100).is_low
        assert file.reads < 3_000
