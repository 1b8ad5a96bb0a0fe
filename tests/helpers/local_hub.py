"""A Hugging Face hub on this host, as far as fetching checkpoints asks one.

What is large lies at another address of it (`127.1`, not `127.0.0.1`), as the real hub's
contents do: there its tokens have no business.
"""

import hashlib
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

COMMIT = "c0ffee" + 34 * "0"
OLDER = "decaf" + 35 * "0"
TOKEN = "hf_test"
LARGE = 1000
"""Bytes from which on a file is kept under its SHA-256, elsewhere."""


@dataclass
class Repository:
    """Files by commit, and what names commits."""

    commits: dict[str, dict[str, bytes]]
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    gated: bool = False

    def commit(self, revision):
        known = {**self.branches, **self.tags, **{name: name for name in self.commits}}
        return known.get(revision)


class Hub(ThreadingHTTPServer):
    """Serves repositories, with the troubles that a test asks for."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories = {}
        self.breaks = []  # bytes to send of a large file before the connection is closed
        self.status = None  # to answer everything with
        self.page = None  # to answer everything with, as a captive portal does
        self.requests = []  # (method, path)
        self.sent = []  # (path, token, range) of transfers

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, name, files, **options):
        """Add a repository of one commit, which `main` and the tag v1 name."""
        options = {"branches": {"main": COMMIT}, "tags": {"v1": COMMIT}, **options}
        self.repositories[name] = Repository({COMMIT: files}, **options)
        return self.repositories[name]

    def large(self, digest):
        for repository in self.repositories.values():
            for files in repository.commits.values():
                for content in files.values():
                    if hashlib.sha256(content).hexdigest() == digest:
                        return content
        raise KeyError(digest)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self._answer()

    def do_GET(self):
        self._answer()

    def log_message(self, *_):
        """Keep the screen clean."""

    def _answer(self):
        path = unquote(self.path.split("?")[0]).lstrip("/")
        self.server.requests.append((self.command, path))
        if self.server.status is not None:
            self._send(self.server.status, b"")
        elif self.server.page is not None:
            self._send(200, self.server.page)
        elif path.startswith("large/"):
            self._send_large(path.removeprefix("large/"))
        elif path.startswith("api/models/"):
            self._describe(path.removeprefix("api/models/"))
        else:
            self._resolve(path)

    def _repository(self, name):
        """Find a repository, or answer why not."""
        repository = self.server.repositories.get(name)
        if repository is None:
            # As the hub answers who is not logged in, lest private names be guessed.
            self._send(401, b"", {"X-Error-Code": "RepoNotFound"})
        elif repository.gated and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._send(401, b"", {"X-Error-Code": "GatedRepo"})
        else:
            return repository
        return None

    def _describe(self, path):
        owner, name, *rest = path.split("/")
        repository = self._repository(f"{owner}/{name}")
        if repository is None:
            return
        if rest == ["refs"]:
            found = {
                kind: [
                    {"name": name, "ref": f"refs/{part}/{name}", "targetCommit": commit}
                    for name, commit in there.items()
                ]
                for kind, part, there in (
                    ("branches", "heads", repository.branches),
                    ("tags", "tags", repository.tags),
                )
            }
            self._send(200, json.dumps({**found, "converts": []}).encode())
            return
        commit = repository.commit(rest[-1])
        if commit is None:
            self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
            return
        siblings = [{"rfilename": file} for file in repository.commits[commit]]
        about = {"id": f"{owner}/{name}", "sha": commit, "siblings": siblings}
        self._send(200, json.dumps(about).encode())

    def _resolve(self, path):
        owner, name, _, revision, *file = path.split("/")
        repository = self._repository(f"{owner}/{name}")
        if repository is None:
            return
        commit = repository.commit(revision)
        if commit is None:
            self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
            return
        content = repository.commits[commit].get("/".join(file))
        headers = {"X-Repo-Commit": commit}
        if content is None:
            self._send(404, b"", {**headers, "X-Error-Code": "EntryNotFound"})
        elif len(content) < LARGE:
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            self._send(200, content, {**headers, "ETag": f'"{blob}"'})
        else:
            digest = hashlib.sha256(content).hexdigest()
            elsewhere = f"http://127.1:{self.server.server_port}/large/{digest}"
            linked = {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content))}
            self._send(302, b"", {**headers, **linked, "Location": elsewhere})

    def _send_large(self, digest):
        content, wanted = self.server.large(digest), self.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        self.server.sent.append((self.path, self.headers.get("Authorization"), wanted))
        body = content[start:]
        sent = body[: self.server.breaks.pop(0)] if self.server.breaks else body
        self._send(206 if wanted else 200, sent, {"Content-Length": str(len(body))})

    def _send(self, status, body, headers=None):
        # A connection of its own for each answer, so that one may break off.
        usual = {"Content-Length": str(len(body)), "Connection": "close"}
        self.send_response(status)
        for name, value in {**usual, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


@contextmanager
def local_hub():
    """Serve a hub while the block runs."""
    with Hub() as hub:
        thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()


def use_hub(hub, home, monkeypatch):
    """Have this process take a hub for the real one, and a folder for the cache and the token."""
    from huggingface_hub import close_session, constants

    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1,127.1")
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    places = {
        "ENDPOINT": hub.endpoint,
        "HUGGINGFACE_CO_URL_TEMPLATE": hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HOME": str(home),
        "HF_HUB_CACHE": str(home / "hub"),
        "HF_TOKEN_PATH": str(home / "token"),
        "HF_STORED_TOKENS_PATH": str(home / "stored_tokens"),
        "AGENT_HARNESSES_PATH": str(home / "agent_harnesses.json"),
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_TELEMETRY": False,
    }
    for name, value in places.items():
        monkeypatch.setattr(constants, name, value)
    # What its user agent tells of this machine is asked of the hub once a process.
    monkeypatch.setattr("huggingface_hub.utils._detect_agent._registry", None)
    close_session()  # one of before has the proxies of before
