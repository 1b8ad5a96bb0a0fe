"""Downloads resume, and a file with another digest is never used; against a server on this host."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sdd.detector.checkpoints import download
from sdd.detector.checkpoints.checking import check_digest
from sdd.detector.checkpoints.download import fetch
from sdd.errors import InputError

CONTENT = bytes(range(256)) * 1200  # 307,200 bytes
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves one file under every path, with the troubles that a test asks for."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.resumes = True
        self.chunked = False
        self.size_in_416 = True
        self.breaks = []  # bytes to send before the connection is closed, a request each
        self.statuses = []  # statuses to answer with before all is well
        self.ranges = []  # the Range header of every request

    def url(self, path="/files/model.ckpt?download=1"):
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        wanted = self.headers.get("Range")
        server.ranges.append(wanted)
        self.close_connection = True
        if server.statuses:
            self.send_error(server.statuses.pop(0))
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        resumed = bool(wanted) and server.resumes
        if resumed and start >= len(server.content):
            self.send_response(416)
            if server.size_in_416:
                self.send_header("Content-Range", f"bytes */{len(server.content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = server.content[start:] if resumed else server.content
        self.send_response(206 if resumed else 200)
        if server.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        sent = body[: server.breaks.pop(0)] if server.breaks else body
        if server.chunked:
            end = b"\r\n0\r\n\r\n" if len(sent) == len(body) else b""
            self.wfile.write(f"{len(body):x}\r\n".encode() + sent + end)
        else:
            self.wfile.write(sent)

    def log_message(self, *_):
        """Keep the screen clean."""


@pytest.fixture
def server(monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "downloads"


def place(folder):
    return folder / "127.0.0.1" / "files" / "model.ckpt"


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


# --------------------------------------------------------------------------------- downloading
def test_download(server, folder):
    path = fetch(server.url(), folder)
    assert path == place(folder)  # the query is no part of the name
    assert path.read_bytes() == CONTENT
    assert (path.parent / "model.ckpt.sha256").read_text(encoding="utf-8") == f"{SHA256}\n"
    assert files_in(folder) == ["model.ckpt", "model.ckpt.sha256"]


def test_second_time_there_is_nothing_to_download(server, folder):
    first = fetch(server.url(), folder)
    assert fetch(server.url(), folder) == first
    assert server.ranges == [None]


def test_same_name_at_another_address_is_another_file(server, folder):
    first = fetch(server.url("/a/model.ckpt"), folder)
    server.content = b"other"
    second = fetch(server.url("/b/model.ckpt"), folder)
    assert first.read_bytes() == CONTENT
    assert second.read_bytes() == b"other"


def test_download_that_breaks_off_twice_goes_on(server, folder, caplog):
    server.breaks = [100_000, 50_000]
    assert fetch(server.url(), folder).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=100000-", "bytes=150000-"]
    assert "broke off at 100000 of 307200 bytes" in caplog.text
    assert "broke off at 150000 of 307200 bytes" in caplog.text
    assert files_in(folder) == ["model.ckpt", "model.ckpt.sha256"]


def test_server_that_cannot_resume_starts_anew(server, folder):
    server.resumes = False
    server.breaks = [100_000, 50_000]
    assert fetch(server.url(), folder, f"sha256:{SHA256}").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=100000-", "bytes=50000-"]


def test_chunks_that_break_off(server, folder):
    server.chunked = True
    server.breaks = [1000, 2000]
    assert fetch(server.url(), folder).read_bytes() == CONTENT
    assert len(server.ranges) == 3


def test_part_of_an_earlier_process_is_kept(server, folder):
    server.breaks = [10_000] * download.ATTEMPTS
    with pytest.raises(InputError) as caught:
        fetch(server.url(), folder)
    assert server.url() in str(caught.value)
    assert "broke off at 50000 of 307200 bytes" in str(caught.value)
    assert "download it yourself and give the file as `source`" in str(caught.value)
    assert len(server.ranges) == download.ATTEMPTS
    assert files_in(folder) == ["model.ckpt.part"]
    assert fetch(server.url(), folder).read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=50000-"
    assert files_in(folder) == ["model.ckpt", "model.ckpt.sha256"]


def test_part_that_is_whole_already(server, folder):
    place(folder).parent.mkdir(parents=True)
    place(folder).with_name("model.ckpt.part").write_bytes(CONTENT)
    assert fetch(server.url(), folder, f"md5:{MD5}").read_bytes() == CONTENT
    assert server.ranges == [f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize("size_in_416", [True, False])
def test_part_that_is_longer_than_the_file_is_not_used(server, folder, size_in_416):
    server.size_in_416 = size_in_416
    place(folder).parent.mkdir(parents=True)
    place(folder).with_name("model.ckpt.part").write_bytes(CONTENT + b"more")
    assert fetch(server.url(), folder).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={len(CONTENT) + 4}-", None]


def test_busy_server_is_asked_again(server, folder):
    server.statuses = [503, 500]
    assert fetch(server.url(), folder).read_bytes() == CONTENT
    assert len(server.ranges) == 3


@pytest.mark.parametrize("status", [404, 403])
def test_missing_page_is_not_asked_again(server, folder, status):
    server.statuses = [status] * 2
    with pytest.raises(InputError) as caught:
        fetch(server.url(), folder)
    assert str(status) in str(caught.value)
    assert server.url() in str(caught.value)
    assert "download it yourself" in str(caught.value)
    assert len(server.ranges) == 1
    assert files_in(folder) == []


def test_no_server(server, folder):
    url = server.url()
    server.shutdown()
    server.server_close()
    with pytest.raises(InputError, match=r"cannot be downloaded .* download it yourself"):
        fetch(url, folder)
    assert files_in(folder) == []


# ------------------------------------------------------------------------------------- digests
@pytest.mark.parametrize("digest", [f"sha256:{SHA256}", f"md5:{MD5}"])
def test_right_digest(server, folder, digest):
    assert fetch(server.url(), folder, digest).read_bytes() == CONTENT
    assert fetch(server.url(), folder, digest).read_bytes() == CONTENT


@pytest.mark.parametrize(("name", "found"), [("sha256", SHA256), ("md5", MD5)])
def test_wrong_digest_leaves_no_file(server, folder, name, found):
    wrong = "0" * len(found)
    with pytest.raises(InputError) as caught:
        fetch(server.url(), folder, f"{name}:{wrong}")
    message = str(caught.value)
    assert all(word in message for word in (server.url(), name, found, wrong, "`digest`"))
    assert files_in(folder) == []


def test_wrong_digest_of_a_file_that_was_there(server, folder):
    path = fetch(server.url(), folder)
    with pytest.raises(InputError, match="its md5 is"):
        fetch(server.url(), folder, f"md5:{'0' * 32}")
    assert path.exists()


def test_file_is_held_against_the_digest_of_the_first_download(server, folder):
    path = fetch(server.url(), folder)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(InputError) as caught:
        fetch(server.url(), folder)
    assert str(path) in str(caught.value)
    assert SHA256 in str(caught.value)
    assert "delete it and fetch it again" in str(caught.value)
    path.unlink()
    assert fetch(server.url(), folder).read_bytes() == CONTENT


def test_another_file_under_the_same_address_is_refused(server, folder):
    fetch(server.url(), folder).unlink()
    server.content = CONTENT[::-1]
    with pytest.raises(InputError, match=f"not {SHA256}"):
        fetch(server.url(), folder)
    assert files_in(folder) == ["model.ckpt.sha256"]
    other = hashlib.sha256(server.content).hexdigest()
    assert fetch(server.url(), folder, f"sha256:{other}").read_bytes() == server.content


def test_file_put_there_by_hand(server, folder):
    place(folder).parent.mkdir(parents=True)
    place(folder).write_bytes(CONTENT)
    assert fetch(server.url(), folder, f"sha256:{SHA256}") == place(folder)
    assert server.ranges == []


# --------------------------------------------------------------------------------- local files
def test_local_file(tmp_path, folder, monkeypatch):
    path = tmp_path / "own.ckpt"
    path.write_bytes(CONTENT)
    assert fetch(str(path), folder) == path
    assert fetch(str(path), folder, f"sha256:{SHA256}") == path
    monkeypatch.setenv("HOME", str(tmp_path))
    assert fetch("~/own.ckpt", folder) == path
    assert not folder.exists()
    assert files_in(tmp_path) == ["own.ckpt"]


def test_local_file_with_another_digest_is_refused_and_kept(tmp_path, folder):
    path = tmp_path / "own.ckpt"
    path.write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"its sha256 is .* damaged or another file"):
        fetch(str(path), folder, f"sha256:{SHA256}")
    assert path.read_bytes() == b"damaged"


@pytest.mark.parametrize("name", ["none.ckpt", "."])
def test_missing_local_file(tmp_path, folder, name):
    with pytest.raises(InputError) as caught:
        fetch(str(tmp_path / name), folder)
    assert str(tmp_path / name) in str(caught.value)
    assert "does not exist; correct its `source`" in str(caught.value)


def test_check_digest(tmp_path):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    # RFC 1321, A.5, and FIPS 180-2, B.1.
    check_digest(path, "md5:900150983cd24fb0d6963f7d28e17f72")
    check_digest(path, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    with pytest.raises(InputError, match="its md5 is 900150983cd24fb0d6963f7d28e17f72, not 9"):
        check_digest(path, "md5:900150983cd24fb0d6963f7d28e17f73")
