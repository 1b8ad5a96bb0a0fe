"""The door to audio: nothing but the named file is opened, and no library's exception leaves it."""

import ast
import ctypes
import io
import os
import re
import select
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sdd.data.audio import door
from sdd.data.audio.content import remedy_for
from sdd.data.audio.decoding import decode
from sdd.data.audio.headers import read_header
from sdd.data.audio.prepared import read_segment
from sdd.errors import InputError
from tests.helpers.audio_files import chirp, write_container
from tests.helpers.odd_audio import latin1_mp3, wav_with, write_bad_files
from tests.helpers.paths import CHECKOUT

# ------------------------------------------------------------------------------------- canaries


class Watch:
    """Which files of a folder are opened, by whatever code: inotify, as C code is seen by it."""

    _OPENED = 0x20

    def __init__(self, folder: Path) -> None:
        self._libc = ctypes.CDLL(None)
        self._file = self._libc.inotify_init1(os.O_NONBLOCK)
        assert self._libc.inotify_add_watch(self._file, os.fsencode(folder), self._OPENED) > 0

    def opened(self) -> set[str]:
        """Names since the last call."""
        names = set()
        while select.select([self._file], [], [], 0)[0]:
            data, place = os.read(self._file, 1 << 16), 0
            while place < len(data):
                (length,) = struct.unpack_from("I", data, place + 12)
                name = data[place + 16 : place + 16 + length].rstrip(b"\0")
                names.add(os.fsdecode(name))
                place += 16 + length
        return names - {""}  # the folder itself

    def close(self) -> None:
        os.close(self._file)


@pytest.fixture
def port() -> Iterator[tuple[int, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server.getsockname()[1], server


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """In a folder with a sound file, `good.wav`, which is also the current one."""
    soundfile.write(tmp_path / "good.wav", chirp(1.0, 16_000), 16_000)
    (tmp_path / "a001.m4a").write_bytes((tmp_path / "good.wav").read_bytes())
    monkeypatch.chdir(tmp_path)
    watch = Watch(tmp_path)
    yield watch
    watch.close()


def connected(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_the_canaries_sing(watch: Watch, port: tuple[int, socket.socket]) -> None:
    number, server = port
    assert not connected(server)
    socket.create_connection(("127.0.0.1", number)).close()
    assert connected(server)
    soundfile.info("good.wav")
    assert watch.opened() == {"good.wav"}


NAMES = [
    "http:127.0.0.1:{port}",
    "tcp:127.0.0.1:{port}",
    "rtp:127.0.0.1:{port}",
    "concat:good.wav|good.wav",
    "subfile,,start,0,end,0,,:good.wav",
    "file:good.wav",
    "cache:good.wav",
    "async:good.wav",
    "pipe:0",
    "data:audio;base64,AAAA",
    "a%03d.m4a",
    "-",
]
CONTENTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXTINF:1,\ngood.wav\n"
    "#EXT-X-ENDLIST\n",
    "hls of a file": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{file}\n#EXT-X-ENDLIST\n",
    "ffconcat": "ffconcat version 1.0\nfile good.wav\nfile '{url}'\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=audio {port} RTP/AVP 0\n",
    "dash": "<?xml version='1.0'?>\n<MPD type='static' mediaPresentationDuration='PT1S'><Period>"
    "<AdaptationSet mimeType='audio/mp4'><Representation id='1' bandwidth='1'>"
    "<BaseURL>{url}</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "pls": "[playlist]\nFile1=good.wav\nFile2={url}\n",
    "asx": "<asx version='3.0'><entry><ref href='{url}'/></entry></asx>",
    "reference": "[Reference]\nRef1={url}\n",
    "smil": "<smil><body><audio src='{url}'/></body></smil>",
    "rtsp": "RTSPtextrtsp://127.0.0.1:{port}/a",
    "webm dash": "good.wav\n{url}\n",
    "script": "good.wav = x",
    "m3u": "good.wav\n{file}\n",
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content", ["text", "sound"])
def test_names_are_names_of_local_files(
    tmp_path: Path, watch: Watch, port: tuple[int, socket.socket], name: str, content: str
) -> None:
    number, server = port
    path = Path(name.format(port=number))
    data = (tmp_path / "good.wav").read_bytes()
    path.write_bytes(data if content == "sound" else b"not audio")
    watch.opened()
    if content == "sound":
        assert read_header(path).samples == 16_000
        assert len(decode(path)[0]) == 16_000
    else:
        for read in (read_header, decode):
            with pytest.raises(InputError, match="cannot be"):
                read(path)
    assert watch.opened() == {str(path)}
    assert not connected(server)


@pytest.mark.parametrize("name", ["12:30 call.m4a", "http:call.m4a", "a%03d.m4a", "x|y.m4a"])
def test_names_that_ffmpeg_would_misread(watch: Watch, tmp_path: Path, name: str) -> None:
    write_container(tmp_path / "plain.m4a", chirp(1.0, 44_100)[None], 44_100, "aac", "ipod")
    (tmp_path / "plain.m4a").rename(tmp_path / name)
    watch.opened()
    assert read_header(Path(name)).encoding == "AAC"
    assert 44_100 <= len(decode(Path(name))[0]) < 46_200
    assert watch.opened() == {name}


@pytest.mark.parametrize("kind", CONTENTS)
@pytest.mark.parametrize("suffix", [".m4a", ".mp3", ".wav"])
def test_contents_that_point_elsewhere_open_nothing(
    watch: Watch, port: tuple[int, socket.socket], tmp_path: Path, kind: str, suffix: str
) -> None:
    number, server = port
    path = tmp_path / f"list{suffix}"
    places = {"port": number, "url": f"http://127.0.0.1:{number}/a", "file": tmp_path / "good.wav"}
    path.write_text(CONTENTS[kind].format(**places))
    watch.opened()
    for read in (read_header, decode):
        with pytest.raises(InputError, match=rf"list\{suffix} cannot be"):
            read(path)
    assert watch.opened() == {path.name}
    assert not connected(server)


def test_ffmpeg_opens_nothing_by_itself(tmp_path: Path) -> None:
    """Whatever demuxer would ask: the list of formats is not the only lock."""
    (tmp_path / "x.wav").write_bytes(b"x")
    with pytest.raises(InputError, match="points to 'http://a', which is not opened"):
        door._refuse("http://a", 0, {})


# ------------------------------------------------------------------------------ what is no file


def test_pipes_folders_and_devices_are_no_recordings(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "folder.wav").mkdir()
    for path in (tmp_path / "pipe.wav", tmp_path / "folder.wav", Path("/dev/zero")):
        for read in (read_header, decode):
            with pytest.raises(InputError, match="is no regular file: name a recording"):
                read(path)
    with pytest.raises(InputError, match=r"none\.wav is missing"):
        read_header(tmp_path / "none.wav")
    with pytest.raises(InputError, match=r"cannot be opened \(.*embedded null"):
        read_header(tmp_path / "a\0.wav")


def test_bad_files_are_named_with_their_reason(tmp_path: Path) -> None:
    for name, reason in write_bad_files(tmp_path).items():
        with pytest.raises(InputError) as caught:
            decode(tmp_path / name)
        assert str(caught.value).startswith(str(tmp_path / name))
        assert reason in str(caught.value)


# ------------------------------------------------------------------------- what libraries raise


@pytest.mark.parametrize(
    "error", [UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "bad"), ZeroDivisionError("x"), OSError()]
)
def test_any_exception_becomes_a_reason(tmp_path: Path, error: Exception) -> None:
    message = r"x\.wav cannot be decoded \(.+\): "
    with (
        pytest.raises(InputError, match=message) as caught,
        door.reading(tmp_path / "x.wav"),
    ):
        raise error
    assert caught.value.__cause__ is error


def test_memory_that_a_library_asked_for_in_vain_is_the_files_fault(tmp_path):
    """FFmpeg and numpy raise errors of their own where a header states absurd sizes."""
    path = tmp_path / "odd.m4a"
    path.touch()

    class LibraryMemoryError(MemoryError):
        pass

    message = r"odd\.m4a cannot be decoded \(it needs more memory than there is\)"
    with pytest.raises(InputError, match=message), door.reading(path):
        raise LibraryMemoryError


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(75), MemoryError()])
def test_what_is_not_the_files_fault_passes(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)), door.reading(tmp_path / "x.wav"):
        raise error
    with pytest.raises(InputError, match=r"^mine$"), door.reading(tmp_path / "x.wav"):
        raise InputError("mine")


def test_tags_that_are_not_utf8(tmp_path: Path) -> None:
    path = latin1_mp3(tmp_path / "a.mp3")
    assert read_header(path).encoding == "MP3"
    assert 32_000 <= len(decode(path)[0]) < 34_000


def test_files_are_closed(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", chirp(0.1, 16_000), 16_000)
    write_bad_files(tmp_path / "bad")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in (tmp_path / "a.flac", *(tmp_path / "bad").iterdir()):
        try:
            read_header(path)
            decode(path)
        except InputError:
            pass
    read_segment(tmp_path / "a.flac", 0, 5)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("end", [None, 15, 10, 4, 0])
def test_mended_bytes_are_read_wherever_reads_begin(tmp_path: Path, end: int | None) -> None:
    (tmp_path / "x").write_bytes(bytes(range(20)))
    expected = bytearray(range(20))
    expected[3:5], expected[9:12] = b"ab", b"cde"
    for size in (1, 2, 3, 7, 20):
        with door.open_local(tmp_path / "x") as file:
            mended = door._MendedFile(file, door.Mended({3: b"ab", 9: b"cde"}, end))
            pieces = []
            while piece := mended.read(size):
                pieces.append(piece)
            assert mended.tell() == len(expected[:end])
            assert mended.seek(0, os.SEEK_END) == len(expected[:end])
        assert b"".join(pieces) == bytes(expected[:end])


# --------------------------------------------------------------------------------- the one door

# Who writes files needs a library, too.
WRITERS = {
    "data/audio/flac_files.py",
    "data/materialisation.py",
    "data/toy/encoding.py",
}
# It needs the name of an exception: frames that are left out of an mp3.
EXCEPTIONS = {"data/audio/decoding.py"}
# It decodes what it has encoded itself, and opens no file.
IN_MEMORY = "data/audio/coding.py"


def test_only_the_door_reads_by_a_library() -> None:
    source = CHECKOUT / "src/sdd"
    importers = set()
    for path in source.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names.append(node.module or "")
            if {name.split(".")[0] for name in names} & {"av", "soundfile"}:
                importers.add(path.relative_to(source).as_posix())
    assert importers - WRITERS - EXCEPTIONS == {"data/audio/door.py", IN_MEMORY}
    opened = re.findall(
        r"(?:SoundFile|read|av\.open)\(\s*(.*?)[,)]", (source / IN_MEMORY).read_text()
    )
    assert set(opened) <= {"io.BytesIO(data", "file", "data"}
    assert "open_local" not in (source / IN_MEMORY).read_text()
    for name in WRITERS | EXCEPTIONS:
        text = (source / name).read_text(encoding="utf-8")
        assert not any(
            call in text for call in ("soundfile.read", "soundfile.info", "av.open(str(path))")
        )


def test_formats_that_hold_sound_are_known_to_ffmpeg() -> None:
    import av

    known = {name for formats in av.formats_available for name in formats.split(",")}
    assert set(door._FORMATS) <= known | {"amrnb", "amrwb"}
    lists = {"hls", "dash", "concat", "sdp", "image2", "rtsp", "lavfi", "webm_dash_manifest"}
    assert not lists & set(door._FORMATS)


def test_formats_beyond_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    for rate in door.RATES:
        door.check_format(path, rate, 1)
    for rate, channels in ((3_999, 1), (768_001, 1), (None, 1), (16_000, 0), (16_000, 65)):
        with pytest.raises(InputError, match="can be read: its header is damaged"):
            door.check_format(path, rate, channels)
    # Ratios are bounded where the filter would take all memory; usual rates are not.
    for rate in (11_025, 44_100, 191_999, 192_000, 352_800, 384_000, 705_600):
        door.check_format(path, rate, 1)
    with pytest.raises(InputError, match="the ratio is 767,999 to 16,000, and at most 200,000 can"):
        door.check_format(path, 767_999, 1)
    soundfile.write(path, np.zeros((10, 64)), 16_000)
    assert read_header(path).channels == 64


def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.wav")
    assert remedy_for(tmp_path / "x.wav").startswith("it is empty")


def test_a_codec_that_nobody_knows_is_named_for_what_it_is(tmp_path: Path) -> None:
    path = wav_with(tmp_path / "x.wav", place=20, value=b"\x34\x12")
    with pytest.raises(InputError, match=r"x\.wav is encoded in a way that neither soundfile nor"):
        read_header(path)


def test_a_file_of_countless_parts_ends_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "a.wav", chirp(0.1, 16_000), 16_000)
    data = (tmp_path / "a.wav").read_bytes()
    monkeypatch.setattr(door, "_MOST_SEEKS", 500)
    file_seeks = []

    class Counted(io.FileIO):
        def seek(self, offset: int, whence: int = 0) -> int:
            file_seeks.append(offset)
            return super().seek(offset, whence)

    monkeypatch.setattr(door, "open_local", lambda path: Counted(path))

    def after(parts: int) -> Path:
        path = tmp_path / f"{parts}.wav"
        path.write_bytes(data[:12] + parts * b"LIST\x04\0\0\0INFO" + data[12:])
        return path

    with door.open_container(after(50)) as container:
        assert container.streams.audio[0].rate == 16_000
    file_seeks.clear()
    with suppress(InputError), door.reading(after(1_000)), door.open_container(after(1_000)):
        pass
    assert len(file_seeks) < 600
