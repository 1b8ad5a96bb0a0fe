"""Checkpoint files that are damaged, of other formats, or would run code."""

import os
import pickle

import pytest
import torch

from sdd.detector import (
    load_detector,
    read_metadata,
    save_detector,
)
from sdd.errors import InputError
from tests.helpers.tiny_detectors import (
    FC1,
    LARGE,
    authors_state,
    make,
)


@pytest.mark.parametrize("name", ["zip.ckpt", "legacy.pt", "own.safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_truncated(tmp_path, name, share):
    path, detector = tmp_path / name, make()
    if name == "own.safetensors":
        save_detector(detector, path)
    else:
        torch.save(detector.state_dict(), path, _use_new_zipfile_serialization=name == "zip.ckpt")
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match="cannot be read as a checkpoint"):
        load_detector(path, LARGE)


def test_missing_and_foreign_files(tmp_path):
    with pytest.raises(InputError, match=r"no checkpoint file .*none\.ckpt"):
        load_detector(tmp_path / "none.ckpt", LARGE)
    with pytest.raises(InputError, match="no checkpoint file"):
        read_metadata(tmp_path / "none.safetensors")
    for name in ("a.ckpt", "a.safetensors"):
        (tmp_path / name).write_text("<html>404</html>")
        with pytest.raises(InputError, match=r"cannot be read.*Get it anew"):
            load_detector(tmp_path / name, LARGE)
    torch.save([torch.ones(2)], tmp_path / "list.ckpt")
    with pytest.raises(InputError, match="holds a list"):
        load_detector(tmp_path / "list.ckpt", LARGE)


class Payload:
    """Runs a command when a careless reader unpickles it."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


class Evaluation(Payload):
    def __reduce__(self):
        return eval, (f"__import__('os').system({self.command!r})",)


@pytest.mark.parametrize("payload", [Payload, Evaluation])
@pytest.mark.parametrize("place", ["args", "model", "top"])
@pytest.mark.parametrize("layout", ["zip", "legacy", "pickle2", "pickle4"])
def test_malicious_pickle_is_refused_and_leaves_no_trace(tmp_path, payload, place, layout):
    trace, path = tmp_path / "trace", tmp_path / "evil.ckpt"
    bomb, state = payload(f"touch {trace}"), authors_state(make())
    content = {
        "args": {"args": bomb, "model": state},
        "model": {"model": {**state, FC1: bomb}},
        "top": bomb,
    }[place]
    if layout.startswith("pickle"):
        content = {"args": bomb} if place != "top" else bomb
        path.write_bytes(pickle.dumps(content, protocol=int(layout[-1])))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=layout == "zip")
    with pytest.raises(InputError, match="nothing of it was executed") as caught:
        load_detector(path, LARGE)
    assert not trace.exists()
    if layout != "pickle4":
        assert "system" in str(caught.value) or "eval" in str(caught.value)
    # The payload is live: only the reader was careful.
    pickle.loads(pickle.dumps(bomb))
    assert trace.exists()
