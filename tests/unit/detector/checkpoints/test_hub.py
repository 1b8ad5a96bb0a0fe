"""Checkpoints of the hub, a local one: pinned, checked, resumed, or refused with one line."""

import hashlib
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from sdd.detector import load_detector
from sdd.detector.checkpoints import download
from sdd.detector.checkpoints.download import fetch
from sdd.detector.checkpoints.hub import HubAddress, read_address
from sdd.detector.checkpoints.saving import save_detector
from sdd.errors import InputError
from tests.helpers.local_hub import COMMIT, OLDER, TOKEN, local_hub, use_hub

NAME = "lab/tiny-anti-deepfake"
PINNED = f"hf://{NAME}@{COMMIT}"
CONTENT = bytes(range(256)) * 1200  # 307,200 bytes
SHA256 = hashlib.sha256(CONTENT).hexdigest()
REFS, ABOUT = f"api/models/{NAME}/refs", f"api/models/{NAME}/revision/{COMMIT}"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with local_hub() as hub:
        use_hub(hub, tmp_path / "home", monkeypatch)
        hub.add(NAME, {"model.safetensors": CONTENT, "README.md": b"a card"})
        yield hub


def fetched(source, folder=Path("unused"), digest=None):
    return fetch(source, folder, digest)


def blobs(tmp_path):
    return sorted(path.name for path in (tmp_path / "home/hub").glob("models--*/blobs/*"))


def refusal(source, digest=None):
    with pytest.raises(InputError) as caught:
        fetched(source, digest=digest)
    message = str(caught.value)
    assert "\n" not in message
    assert "hf://" in message
    return message


# ------------------------------------------------------------------------------------- fetched
def test_a_detector_is_fetched_and_loaded(hub, tmp_path, tiny_detector):
    save_detector(tiny_detector, tmp_path / "own.safetensors")
    hub.add(NAME, {"model.safetensors": (tmp_path / "own.safetensors").read_bytes()})
    loaded = load_detector(fetched(PINNED))
    for name, value in tiny_detector.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name


def test_it_is_the_hubs_own_cache(hub, tmp_path):
    path = fetched(PINNED)
    folder = tmp_path / f"home/hub/models--{NAME.replace('/', '--')}"
    assert path == folder / f"snapshots/{COMMIT}/model.safetensors"
    assert path.read_bytes() == CONTENT
    assert path.resolve() == folder / f"blobs/{SHA256}"
    assert not Path("unused").exists()


def test_nothing_else_is_asked_and_nothing_told(hub, caplog, capfd):
    caplog.set_level(logging.INFO)
    fetched(PINNED)
    resolve = f"{NAME}/resolve/{COMMIT}/model.safetensors"
    assert hub.requests == [
        ("GET", ABOUT),
        ("HEAD", resolve),
        ("GET", f"large/{SHA256}"),
        ("HEAD", resolve),
    ]
    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")


def test_a_commit_that_is_there_needs_no_hub(hub):
    first = fetched(PINNED)
    hub.requests.clear()
    assert fetched(PINNED) == fetched(f"{PINNED}/model.safetensors") == first
    assert hub.requests == []


def test_a_tag_is_its_commit(hub, caplog):
    caplog.set_level(logging.INFO)
    assert fetched(f"hf://{NAME}@v1") == fetched(PINNED)
    assert f"hf://{NAME}@v1: its commit is {COMMIT}" in caplog.text
    # It may be moved: it is looked up again, and then there is nothing to download.
    hub.requests.clear()
    fetched(f"hf://{NAME}@v1")
    assert hub.requests == [("GET", REFS)]


def test_an_older_commit_has_its_own_file(hub):
    hub.repositories[NAME].commits[OLDER] = {"model.safetensors": CONTENT[::-1]}
    assert fetched(f"hf://{NAME}@{OLDER}").read_bytes() == CONTENT[::-1]
    assert fetched(PINNED).read_bytes() == CONTENT


def test_a_named_file_in_a_folder_and_a_small_one(hub):
    files = {"ckpt/a.ckpt": CONTENT, "ckpt/b.ckpt": b"small", "model.safetensors": b"other"}
    hub.add(NAME, files)
    assert fetched(f"{PINNED}/ckpt/a.ckpt").read_bytes() == CONTENT
    assert fetched(f"{PINNED}/ckpt/b.ckpt").read_bytes() == b"small"


def test_the_only_file_of_weights_need_not_be_named(hub):
    hub.add(NAME, {"best.ckpt": CONTENT, "config.json": b"{}"})
    assert fetched(PINNED).name == "best.ckpt"


def test_which_of_several_must_be_said(hub):
    hub.add(NAME, {"a.ckpt": CONTENT, "b.pt": CONTENT})
    assert refusal(PINNED).endswith(f"it has a.ckpt, b.pt: name one file, {PINNED}/FILE")


# ------------------------------------------------------------------------------------- resumed
def test_a_download_that_breaks_off_goes_on(hub, tmp_path):
    hub.breaks = [100_000, 50_000]
    assert fetched(PINNED).read_bytes() == CONTENT
    assert [wanted for *_, wanted in hub.sent] == [None, "bytes=100000-", "bytes=150000-"]
    assert blobs(tmp_path) == [SHA256]


def test_a_download_of_a_process_that_ended_goes_on(hub, tmp_path):
    hub.breaks = [10_000] * download.ATTEMPTS
    with pytest.raises(InputError, match="broke off at 50000 of 307200 bytes"):
        fetched(PINNED)
    assert blobs(tmp_path) == [f"{SHA256}.part"]
    assert fetched(PINNED).read_bytes() == CONTENT
    assert hub.sent[-1][2] == "bytes=50000-"


# ------------------------------------------------------------------------------------- checked
@pytest.mark.parametrize("digest", [f"sha256:{SHA256}", f"md5:{hashlib.md5(CONTENT).hexdigest()}"])
def test_right_digest(hub, digest):
    assert fetched(PINNED, digest=digest).read_bytes() == CONTENT


def test_wrong_digest_is_refused_and_the_file_kept(hub, tmp_path):
    message = refusal(PINNED, digest=f"md5:{'0' * 32}")
    assert "its md5 is" in message
    assert message.startswith(f"{PINNED}: ")
    assert message.endswith("or correct `digest`")
    assert blobs(tmp_path) == [SHA256]


def test_what_is_not_what_the_hub_says_never_comes_into_the_cache(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "large", lambda _: CONTENT[:-1] + b"?")
    message = refusal(PINNED)
    assert f"{SHA256}.part: its sha256 is" in message
    assert f"not {SHA256}" in message
    assert blobs(tmp_path) == []


@pytest.mark.parametrize("content", [CONTENT, b"small"])
def test_a_file_damaged_in_the_cache_is_fetched_again(hub, content):
    hub.add(NAME, {"model.safetensors": content})
    path = fetched(PINNED)
    path.resolve().write_bytes(content[:-1] + b"?")
    assert "it was deleted; run the same command again" in refusal(PINNED)
    assert fetched(PINNED).read_bytes() == content


def test_a_cache_without_links_has_no_digest_to_check(hub, caplog):
    caplog.set_level(logging.INFO)
    path = fetched(PINNED)
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    assert fetched(PINNED) == path
    assert f"{path} has no `digest` in the config" in caplog.text


# ------------------------------------------------------------------------------------- refused
def test_a_branch_is_refused_with_the_commit_to_pin(hub):
    message = refusal(f"hf://{NAME}@main/model.safetensors")
    assert "main is a branch, and may be another commit tomorrow" in message
    assert message.endswith(f"pin the one that it is now, {PINNED}/model.safetensors")
    fetched(message.split()[-1])


@pytest.mark.parametrize("revision", ["v2", COMMIT[:12]])
def test_a_tag_that_is_not_there(hub, revision):
    message = refusal(f"hf://{NAME}@{revision}")
    assert f"{NAME} has no tag {revision} (it has v1): name a commit in full" in message


def test_a_commit_that_is_not_there(hub):
    wrong = 40 * "1"
    message = refusal(f"hf://{NAME}@{wrong}")
    assert f"{NAME} has no revision {wrong}: {hub.endpoint}/{NAME}/commits/main" in message
    assert f"has no revision {wrong}" in refusal(f"hf://{NAME}@{wrong}/model.safetensors")


def test_a_file_that_is_not_there(hub):
    message = refusal(f"{PINNED}/none.ckpt")
    assert "there is no file none.ckpt; those of weights are: model.safetensors" in message


@pytest.mark.parametrize("rest", ["", "/model.safetensors"])
def test_a_repository_that_is_not_there(hub, rest):
    message = refusal(f"hf://lab/none@{COMMIT}{rest}")
    assert f"{hub.endpoint} has no model lab/none, or it is private" in message
    assert "`hf auth login`, or set HF_TOKEN" in message


@pytest.mark.parametrize("rest", [f"@{COMMIT}", f"@{COMMIT}/model.safetensors", "@v1"])
def test_a_gated_repository_wants_a_token(hub, monkeypatch, rest):
    hub.repositories[NAME].gated = True
    message = refusal(f"hf://{NAME}{rest}")
    assert f"is gated: accept its conditions at {hub.endpoint}/{NAME} and log in" in message
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert fetched(f"hf://{NAME}{rest}").read_bytes() == CONTENT
    # Where large contents lie is another host, and the token is none of its business.
    assert {token for _, token, _ in hub.sent} == {None}


def test_a_small_file_of_a_gated_repository(hub, monkeypatch):
    hub.add(NAME, {"model.safetensors": b"small"}, gated=True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert fetched(PINNED).read_bytes() == b"small"


def test_a_hub_in_trouble(hub):
    hub.status = 503
    for rest in (f"@{COMMIT}", "@v1"):
        assert f"{hub.endpoint} answers with status 503; try again" in refusal(f"hf://{NAME}{rest}")
    hub.status = 401
    assert "log in" in refusal(PINNED)


def test_a_cache_that_cannot_be_written(hub, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home/hub").write_text("in the way")
    assert "cannot be written (Not a directory): correct its permissions" in refusal(PINNED)


@pytest.mark.parametrize("rest", ["", "/model.safetensors"])
def test_something_else_answers(hub, rest):
    hub.page = b"<html>Welcome to our hotel</html>"
    assert "answers, but as no hub does: correct HF_ENDPOINT" in refusal(f"{PINNED}{rest}")


@pytest.mark.parametrize("rest", [f"@{COMMIT}", f"@{COMMIT}/model.safetensors", "@v1"])
def test_no_network(hub, rest):
    hub.shutdown()
    hub.server_close()
    message = refusal(f"hf://{NAME}{rest}")
    assert f"{hub.endpoint} cannot be reached (ConnectError): connect, or download" in message


def test_no_network_wanted(hub, monkeypatch):
    fetched(PINNED)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    from huggingface_hub import close_session

    close_session()
    fetched(PINNED)
    for rest in (f"@{OLDER}", f"@{OLDER}/model.safetensors", "@v1"):
        assert "HF_HUB_OFFLINE forbids to ask the hub" in refusal(f"hf://{NAME}{rest}")
    close_session()


# ----------------------------------------------------------------------------------- addresses
def test_addresses():
    assert read_address(PINNED) == HubAddress(NAME, COMMIT)
    assert read_address(f"{PINNED}/a/b.pt") == HubAddress(NAME, COMMIT, "a/b.pt")
    assert str(read_address(f"hf://{NAME}@v1.0/b.pt")) == f"hf://{NAME}@v1.0/b.pt"


@pytest.mark.parametrize(
    "source",
    ["hf://", "hf://a", "hf://a/b", "hf://a/b/c.pt", "hf://a@main", "hf://a/b@", "hf://a/b@v1/",
     "hf:///b@v1", "hf://a/b@v1/../../x", "hf://a/b/c@v1"],
)  # fmt: skip
def test_what_is_no_address(source):
    message = refusal(source)
    assert f"{source} is no checkpoint on the hub: write hf://owner/name@revision" in message


def test_a_name_that_none_can_have(hub):
    assert "a--b/c cannot be a repository's name" in refusal(f"hf://a--b/c@{COMMIT}")


# --------------------------------------------------------------------------------- environment
def test_the_environment_says_which_hub_and_where(hub, tmp_path):
    """In a process of its own, since huggingface_hub reads it when it is imported."""
    code = (
        "import sys; from pathlib import Path; from sdd.detector.checkpoints.download import fetch;"
        f"print(fetch({PINNED!r}, Path('none'))); print('torch' in sys.modules)"
    )
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
        "HF_ENDPOINT": hub.endpoint,
        "HF_HOME": str(tmp_path / "other"),
        "HOME": str(tmp_path / "nobody"),
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    place, torch_is_there = done.stdout.splitlines()
    assert place.startswith(str(tmp_path / "other/hub"))
    assert Path(place).read_bytes() == CONTENT
    assert torch_is_there == "False"
    assert done.stderr == ""
    assert not (tmp_path / "nobody").exists()
