"""Fetching checkpoints: downloads that resume, and files that are checked before use."""

import http.client
import logging
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from sdd.detector.checkpoints.checking import CORRECT, check_digest
from sdd.errors import InputError
from sdd.runtime.digests import file_digest
from sdd.runtime.progress import progress_bar

CHUNK = 1 << 20
ATTEMPTS = 5
BROKEN_OFF = (
    urllib.error.URLError,
    http.client.HTTPException,
    ssl.SSLError,
    ConnectionError,
    TimeoutError,
)
HUB = "hf://"
"""What the address of a checkpoint on the Hugging Face hub begins with."""
logger = logging.getLogger(__name__)


def fetch(source: str, folder: Path, digest: str | None = None) -> Path:
    """Return the local file of a source, downloaded once.

    A download that breaks off goes on where it stopped. Where no digest is given, the one seen at
    the first download is kept beside the file, and held against it from then on.

    Parameters
    ----------
    source
        An http(s) URL, ``hf://owner/name@revision[/file]``, or a path.
    folder
        Where downloads are kept, as ``{host}/{path of the URL}``; what is of the hub is in its own
        cache.
    digest
        As ``sha256:...`` or ``md5:...``, in hexadecimal.

    Raises
    ------
    InputError
        If the file is missing, cannot be downloaded, or has another digest; a download with a
        wrong digest is deleted.
    """
    if source.startswith(HUB):
        from sdd.detector.checkpoints.hub import fetch_from_hub

        return fetch_from_hub(source, digest)
    if not source.startswith(("http://", "https://")):
        path = Path(source).expanduser()
        if not path.is_file():
            raise InputError(f"checkpoint {path} does not exist; correct its `source`")
        if digest:
            check_digest(path, digest, CORRECT)
        else:
            logger.info("%s has no `digest` in the config: a flipped byte may go unnoticed", path)
        return path
    # The address is part of the path: many checkpoints are called `model.safetensors`.
    address = urllib.parse.urlsplit(source)
    path = folder / (address.hostname or "") / address.path.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    record = path.with_name(f"{path.name}.sha256")
    if record.exists() and not digest:
        digest = f"sha256:{record.read_text(encoding='utf-8').strip()}"
    if not path.exists():
        download(source, path, digest)
    elif digest:
        check_digest(path, digest)
    if not record.exists():
        record.write_text(f"{file_digest(path)}\n", encoding="utf-8")
    return path


def download(
    url: str,
    path: Path,
    digest: str | None,
    *,
    title: str | None = None,
    secrets: Mapping[str, str] | None = None,
) -> None:
    """Download a file, going on where an earlier attempt stopped, also one of another process.

    Parameters
    ----------
    path
        Where it goes, whole and checked; until then it is beside it, as ``{name}.part``.
    digest
        As `fetch` takes it.
    title
        What to call it on the screen; None for the name of `path`.
    secrets
        Headers for this address alone: what it redirects to is not sent them.

    Raises
    ------
    InputError
        If it cannot be downloaded, or has another digest and is deleted.
    """
    part = path.with_name(f"{path.name}.part")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _continue_download(url, part, title or path.name, secrets or {})
            break
        except BROKEN_OFF as error:
            gone = isinstance(error, urllib.error.HTTPError) and 400 <= error.code < 500
            if gone or attempt == ATTEMPTS:
                raise InputError(
                    f"{url} cannot be downloaded ({error}); download it yourself and give the "
                    "file as `source`"
                ) from error
            logger.warning("%s: %s; going on (attempt %d)", url, error, attempt + 1)
    if digest:
        try:
            check_digest(part, digest)
        except InputError as error:
            part.unlink()
            raise InputError(f"{url}: {error}") from None
    part.replace(path)


def _continue_download(url: str, part: Path, title: str, secrets: Mapping[str, str]) -> None:
    """Append what is missing to a partial file; start anew if the server cannot resume."""
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    for name, value in secrets.items():
        request.add_unredirected_header(name, value)
    try:
        response = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        # 416: the range begins at or after the end. The partial file is whole, or of another file.
        if error.code != 416 or not done:
            raise
        if error.headers.get("Content-Range") == f"bytes */{done}":  # nothing is missing
            return
        part.unlink()
        raise ConnectionError(f"{part} was part of another file") from error
    with response:
        # 206: the server sends what was asked for. Any other answer is the file from its beginning.
        resumed = response.status == 206
        expected = int(response.headers.get("Content-Length", 0)) + (done if resumed else 0)
        with (
            part.open("ab" if resumed else "wb") as file,
            progress_bar(
                total=expected or None,
                initial=done if resumed else 0,
                unit="B",
                unit_scale=True,
                desc=title,
            ) as bar,
        ):
            while chunk := response.read(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    if expected and part.stat().st_size < expected:
        raise ConnectionError(f"broke off at {part.stat().st_size} of {expected} bytes")
