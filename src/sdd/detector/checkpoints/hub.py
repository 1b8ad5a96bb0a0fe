"""Checkpoints on the Hugging Face hub: `hf://owner/name@revision[/file]`, pinned and checked.

huggingface_hub says where a file is and who may have it, and its cache holds it: `HF_ENDPOINT`,
`HF_HOME`, `HF_TOKEN`, `HF_HUB_OFFLINE` and `hf auth login` mean here what they mean elsewhere. The
transfer itself is that of `sdd.detector.checkpoints.download`, which goes on after a process was
killed; the hub's own begins anew, and XLS-R-2B has 8.65 GB.
"""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sdd.detector.checkpoints.checking import CORRECT, GIT_BLOB, check_digest
from sdd.detector.checkpoints.download import HUB, download
from sdd.detector.checkpoints.file_formats import WEIGHT_SUFFIXES
from sdd.errors import InputError

if TYPE_CHECKING:
    from huggingface_hub.hf_api import GitRefs

USUAL_FILE = "model.safetensors"
LOG_IN = "log in (`hf auth login`, or set HF_TOKEN)"
_ADDRESS = re.compile(r"hf://([^/@\s]+/[^/@\s]+)@([^/@\s]+)(?:/(\S.*))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# They say each request at the level of our own progress.
_TALKATIVE = ("httpx", "httpx2")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class HubAddress:
    """Where a checkpoint is on the hub.

    Attributes
    ----------
    repository
        As ``owner/name``.
    file
        None for the one that holds weights.
    """

    repository: str
    revision: str
    file: str | None = None

    def __str__(self) -> str:
        file = "" if self.file is None else f"/{self.file}"
        return f"{HUB}{self.repository}@{self.revision}{file}"

    @property
    def is_commit(self) -> bool:
        """Whether the revision is a commit in full, which cannot come to mean another one."""
        return bool(_COMMIT.fullmatch(self.revision))


def read_address(source: str) -> HubAddress:
    """Read ``hf://owner/name@revision[/file]``.

    Raises
    ------
    InputError
        If it is written otherwise, or has no revision.
    """
    found = _ADDRESS.fullmatch(source)
    if found is None or ".." in source.split("/"):
        raise InputError(
            f"{source} is no checkpoint on the hub: write hf://owner/name@revision, or "
            "hf://owner/name@revision/file; the revision is a commit (40 digits) or a tag, and "
            "@main tells which commit that is now"
        )
    return HubAddress(found[1], found[2], found[3])


def fetch_from_hub(source: str, digest: str | None = None) -> Path:
    """Return the file of a checkpoint on the hub, downloaded once into the hub's own cache.

    A commit that was fetched before needs no network. A tag is looked up each time.

    Parameters
    ----------
    digest
        As ``sha256:...`` or ``md5:...``; None for the hub's own, by which its cache names files.

    Raises
    ------
    InputError
        If the revision is a branch, which moves: the commit to pin. If there is no such repository,
        revision or file, it may not be read, the hub cannot be reached, or the digest is another.
    """
    address = read_address(source)
    with _discreet(), _explained(address):
        pinned = replace(address, revision=_commit_of(address))
        path = _cached(pinned) or _downloaded(pinned)
    with _named(address):
        _check(path, digest)
    return path


def _commit_of(address: HubAddress) -> str:
    if address.is_commit:
        return address.revision
    from huggingface_hub import HfApi

    refs = HfApi().list_repo_refs(address.repository)
    for tag in refs.tags:
        if tag.name == address.revision:
            logger.info("%s: its commit is %s", address, tag.target_commit)
            return tag.target_commit
    raise InputError(_why_not_pinned(address, refs))


def _why_not_pinned(address: HubAddress, refs: "GitRefs") -> str:
    for branch in refs.branches:
        if branch.name == address.revision:
            pinned = replace(address, revision=branch.target_commit)
            return (
                f"{address}: {address.revision} is a branch, and may be another commit tomorrow: "
                f"pin the one that it is now, {pinned}"
            )
    tags = ", ".join(tag.name for tag in refs.tags[:8]) or "none"
    return (
        f"{address}: {address.repository} has no tag {address.revision} (it has {tags}): name a "
        "commit in full (40 digits), or a tag"
    )


def _cached(address: HubAddress) -> Path | None:
    """Return what was fetched before of a commit."""
    from huggingface_hub import try_to_load_from_cache

    name = address.file or USUAL_FILE
    found = try_to_load_from_cache(address.repository, name, revision=address.revision)
    return Path(found) if isinstance(found, str) else None


def _downloaded(address: HubAddress) -> Path:
    """Download a file of a commit into the hub's cache, and return its place there."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RemoteEntryNotFoundError

    name = address.file or _weights_file(address)
    try:
        _transfer(address, name)
    except RemoteEntryNotFoundError as error:
        there = ", ".join(_files(address)[:8]) or "none"
        raise InputError(
            f"{address}: there is no file {name}; those of weights are: {there}"
        ) from error
    # What lies where the cache keeps it is not downloaded, but entered under its name.
    return Path(HfApi().hf_hub_download(address.repository, name, revision=address.revision))


def _weights_file(address: HubAddress) -> str:
    names = _files(address)
    if USUAL_FILE in names:
        return USUAL_FILE
    if len(names) != 1:
        there = ", ".join(names[:8]) or "no file of weights"
        raise InputError(f"{address}: it has {there}: name one file, {address}/FILE")
    return names[0]


def _files(address: HubAddress) -> list[str]:
    """List the files of a commit that may hold weights."""
    from huggingface_hub import HfApi

    there = HfApi().model_info(address.repository, revision=address.revision).siblings or []
    return sorted(file.rfilename for file in there if file.rfilename.endswith(WEIGHT_SUFFIXES))


def _transfer(address: HubAddress, name: str) -> None:
    """Put a file where the hub's cache keeps contents: under the digest that the hub states."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import repo_folder_name
    from huggingface_hub.utils import WeakFileLock, build_hf_headers  # type: ignore[attr-defined]

    endpoint = constants.ENDPOINT
    url = hf_hub_url(address.repository, name, revision=address.revision, endpoint=endpoint)
    found = get_hf_file_metadata(url, endpoint=endpoint)
    if found.etag is None or found.commit_hash is None:
        raise InputError(f"{address}: {endpoint} answers, but as no hub does: correct HF_ENDPOINT")
    cache = Path(constants.HF_HUB_CACHE)
    folder = repo_folder_name(repo_id=address.repository, repo_type="model")
    blob, lock = cache / folder / "blobs" / found.etag, cache / ".locks" / folder
    try:
        for place in (blob.parent, lock):
            place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{address}: the hub's cache {cache} cannot be written ({error.strerror}): correct its "
            "permissions, or set HF_HOME to another folder"
        ) from error
    # Where the content lies elsewhere, its address is signed, and no business of the token.
    own = urlsplit(found.location).netloc == urlsplit(url).netloc
    secrets = {"Authorization": build_hf_headers().get("authorization", "")} if own else {}
    with WeakFileLock(lock / f"{found.etag}.lock"), _named(address):
        if not blob.exists():
            download(
                found.location,
                blob,
                _stated(found.etag),
                title=f"{address.repository}/{name}",
                secrets={key: value for key, value in secrets.items() if value},
            )


def _check(path: Path, digest: str | None) -> None:
    """Hold a file against the digest that is given, else that by which the cache names it."""
    if digest is not None:
        check_digest(path, digest, CORRECT)
        return
    # Not resolved further: what stands there may be shared with other caches under other names.
    content = path.parent / path.readlink() if path.is_symlink() else path
    stated = _stated(content.name)
    if stated is None:
        logger.info("%s has no `digest` in the config: a flipped byte may go unnoticed", path)
        return
    try:
        check_digest(path, stated, "it was deleted; run the same command again")
    except InputError:
        for part in (path, content):
            part.unlink(missing_ok=True)
        raise


def _stated(name: str) -> str | None:
    """Return the digest that the hub names a content by: what is large by SHA-256, else as Git."""
    if _SHA256.fullmatch(name):
        return f"sha256:{name}"
    return f"{GIT_BLOB}:{name}" if _COMMIT.fullmatch(name) else None


@contextmanager
def _discreet() -> Iterator[None]:
    """Ask the hub nothing but for the checkpoint, tell it nothing of this machine, and be quiet."""
    from huggingface_hub import constants

    telemetry = constants.HF_HUB_DISABLE_TELEMETRY
    levels = {name: logging.getLogger(name).level for name in _TALKATIVE}
    for name in levels:
        logging.getLogger(name).setLevel(logging.WARNING)
    constants.HF_HUB_DISABLE_TELEMETRY = True
    try:
        yield
    finally:
        constants.HF_HUB_DISABLE_TELEMETRY = telemetry
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


@contextmanager
def _named(address: HubAddress) -> Iterator[None]:
    """Say of which checkpoint it is that a file is wrong."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{address}: {error}") from error


@contextmanager
def _explained(address: HubAddress) -> Iterator[None]:
    """Turn what huggingface_hub raises into one line that says what to do."""
    from huggingface_hub import constants, errors

    repository, endpoint = address.repository, constants.ENDPOINT
    try:
        yield
    except errors.GatedRepoError as error:
        raise InputError(
            f"{address}: its repository is gated: accept its conditions at {endpoint}/{repository} "
            f"and {LOG_IN}"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise InputError(
            f"{address}: {endpoint} has no model {repository}, or it is private: correct the name, "
            f"or {LOG_IN}"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise InputError(
            f"{address}: {repository} has no revision {address.revision}: "
            f"{endpoint}/{repository}/commits/main lists its commits"
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise InputError(
            f"{address} is not in the cache ({constants.HF_HUB_CACHE}), and HF_HUB_OFFLINE forbids "
            "to ask the hub: unset it, or fetch the checkpoint where there is a network"
        ) from error
    except errors.HFValidationError as error:
        raise InputError(f"{address}: {repository} cannot be a repository's name") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        remedy = f"your token is refused: {LOG_IN}" if status == 401 else "try again later"
        raise InputError(f"{address}: {endpoint} answers with status {status}; {remedy}") from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"{address}: {endpoint} answers, but as no hub does: correct HF_ENDPOINT"
        ) from error
    except (_network_error(), errors.LocalEntryNotFoundError) as error:
        raise InputError(
            f"{address} is not in the cache ({constants.HF_HUB_CACHE}), and {endpoint} cannot be "
            f"reached ({type(error).__name__}): connect, or download the file elsewhere and give "
            "it as `source`"
        ) from error


def _network_error() -> type[Exception]:
    """Return what all errors of the hub's HTTP client are, whichever client its version has."""
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

    error: type[Exception] = HTTPError
    return error
