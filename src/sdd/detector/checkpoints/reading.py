"""Reading checkpoint files of other people without running anything that they hold.

torch.load with `weights_only=True` rebuilds tensors and plain containers and nothing else. What
lies beside the weights, fairseq's configuration for instance, is bound to stand-ins without
behaviour (`sdd.detector.checkpoints.stand_ins`), which only keep what is stored in them.
"""

import logging
import pickle
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from sdd.detector.checkpoints.file_formats import check_count, checkpoint_format
from sdd.detector.checkpoints.pickles import Claims, claims_of
from sdd.detector.checkpoints.stand_ins import (
    Inert,
    InertList,
    InertMapping,
    is_harmless,
    stand_in_for,
)
from sdd.detector.checkpoints.weight_names import DIGEST_KEY, weights_digest, without_wrappers
from sdd.detector.checkpoints.zip_files import UNCHECKED, claims_of_zip
from sdd.errors import InputError

# Where training programs keep the weights: fairseq, Lightning, torch's tutorials, DeepSpeed.
STATE_KEYS = ("model", "state_dict", "model_state_dict", "module", "net", "network", "weights")
KEEP_WEIGHTS_ALONE = (
    "If it is yours, save its weights alone in the program that made it: "
    "torch.save({'model': model.state_dict()}, FILE)"
)
# torch's own words on this are no advice: it asks to run what the file holds.
_NOT_ADVICE = ("weights_only", "safe_globals", "torch.load", "pytorch.org")
_NOT_FILLED = re.compile(r"Can only (SETITEM|append).*got <class '.*Inert\[(.+)\]'>")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stored:
    """Content of a checkpoint file.

    Attributes
    ----------
    tensors
        Mapped from the file where its format allows.
    configuration
        fairseq's configuration of the model, plain values only; empty if there is none.
    metadata
        Of a safetensors file.
    """

    tensors: dict[str, Tensor]
    configuration: dict[str, object] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)


def read_checkpoint(path: Path) -> Stored:
    """Read a safetensors file or one of torch.save, as its content says.

    Prefixes that wrappers put before all names are taken off.

    Raises
    ------
    InputError
        If the file is missing, closed to the user, truncated, altered, of no known format, holds no
        weights, or would run code.
    """
    if checkpoint_format(path) == "safetensors":
        stored = _read_safetensors(path)
        return Stored(without_wrappers(stored.tensors), metadata=stored.metadata)
    content = _read_pickle(path)
    state = _state_of(path, content)
    tensors = {}
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise InputError(
                f"{path}: {name!r} is a {_kind(value)} where a tensor should be; a checkpoint is a "
                "dictionary of named tensors, plain or under 'model' or 'state_dict'."
            )
        tensors[str(name)] = value
    configuration = _model_configuration(content) if isinstance(content, Mapping) else {}
    return Stored(without_wrappers(tensors), configuration)


def _state_of(path: Path, content: object) -> Mapping[object, object]:
    """Find the dictionary of weights in what a file holds."""
    if not isinstance(content, Mapping):
        whole = " (a whole model, which is code as well as weights)" * isinstance(content, Inert)
        raise InputError(
            f"{path} holds a {_kind(content)}{whole}, not a dictionary of named tensors. "
            f"{KEEP_WEIGHTS_ALONE}."
        )
    under = [key for key in STATE_KEYS if _holds_weights(content.get(key))]
    if under:
        # fairseq's own key first; the others stand alone in files of their programs.
        state: Mapping[object, object] = content[under[0]]
        return state
    if any(isinstance(value, Tensor) for value in content.values()) or not content:
        return content
    keys = ", ".join(repr(key) for key in list(content)[:8])
    raise InputError(
        f"{path} holds no weights where they are looked for: it has {keys}; wanted is a dictionary "
        f"of named tensors, plain or under one of {', '.join(map(repr, STATE_KEYS))}. "
        f"{KEEP_WEIGHTS_ALONE}."
    )


def _holds_weights(value: object) -> bool:
    return isinstance(value, Mapping) and any(isinstance(item, Tensor) for item in value.values())


def _kind(value: object) -> str:
    return value.stands_for if isinstance(value, Inert) else type(value).__name__


def read_safetensors_metadata(path: Path) -> dict[str, str]:
    """Read the metadata of a safetensors file without its tensors.

    Raises
    ------
    InputError
        If the file is missing, truncated or of another format.
    """
    from safetensors import SafetensorError, safe_open

    if checkpoint_format(path) != "safetensors":
        raise InputError(f"{path} is a file of torch.save, not safetensors.")
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError, RuntimeError) as error:
        raise _unreadable(path, error) from error


def _read_safetensors(path: Path) -> Stored:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            check_count(path, len(names))
            tensors = {name: file.get_tensor(name) for name in names}
            metadata = dict(file.metadata() or {})
    # Types that torch does not have yet, or that this version of safetensors does not know.
    except (SafetensorError, OSError, RuntimeError, AttributeError, KeyError) as error:
        raise _unreadable(path, error) from error
    if DIGEST_KEY not in metadata:
        logger.info(UNCHECKED, path)
    elif metadata[DIGEST_KEY] != weights_digest(tensors):
        raise InputError(
            f"{path} cannot be read as a checkpoint: its weights are not those that were saved "
            f"({DIGEST_KEY} in its metadata differs): it is damaged. Get it anew."
        )
    return Stored(tensors, metadata=metadata)


def _read_pickle(path: Path) -> object:
    is_zip = checkpoint_format(path) == "zip"
    try:
        claims = claims_of_zip(path) if is_zip else _claims_of_file(path)
        stand_ins = {name: stand_in_for(name) for name in claims.names if is_harmless(name)}
        content = _load(path, stand_ins, is_zip=is_zip)
        if is_zip and not claims.whole:
            raise ValueError("not all of the storages it asks for are known")
        return content
    except InputError:
        raise
    except pickle.UnpicklingError as error:
        raise _refused(path, error, claims.protocol) from error
    except MemoryError:
        raise  # the machine's fault, not the file's
    except Exception as error:
        # A damaged file makes torch's reader fail in every way there is, struct.error and
        # AssertionError included; all of them mean the same to the user.
        raise _unreadable(path, error) from error


def _load(path: Path, stand_ins: dict[str, type], *, is_zip: bool) -> object:
    # Each time round one stand-in becomes a dictionary or a list, as the file fills it.
    for _ in range(len(stand_ins) + 1):
        allowed: list[Callable[..., object] | tuple[Callable[..., object], str]] = [
            (stand_in, name) for name, stand_in in stand_ins.items()
        ]
        try:
            with torch.serialization.safe_globals(allowed), warnings.catch_warnings():
                # About pickle protocols and deprecated storages: nothing to act on.
                warnings.simplefilter("ignore")
                # Files of torch before 1.6 are no zip, and cannot be mapped.
                return _load_pickle(path, mmap=is_zip)
        except pickle.UnpicklingError as error:
            found = _NOT_FILLED.search(str(error))
            if found is None or stand_ins.get(found[2]) in (None, InertMapping, InertList):
                raise
            stand_ins[found[2]] = InertMapping if found[1] == "SETITEM" else InertList
    raise AssertionError("each stand-in changes once")


def _load_pickle(path: Path, *, mmap: bool) -> object:
    content: object
    if path.suffix != ".safetensors":
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    else:
        # torch goes by the name of a file, and by the content of an open one, which it cannot map.
        with path.open("rb") as file:
            content = torch.load(file, map_location="cpu", weights_only=True)
    return content


def _claims_of_file(path: Path) -> Claims:
    logger.info(UNCHECKED, path)
    with path.open("rb") as file:
        return claims_of(file, path.stat().st_size)


def _refused(path: Path, error: Exception, protocol: int) -> InputError:
    found = re.search(r"GLOBAL ([\w.]+)|reduce for .*Inert\[([\w.]+)\]", str(error))
    if found is None:
        if protocol > 2 and "operand" in str(error):
            return InputError(
                f"{path} cannot be read as a checkpoint: it is a pickle of protocol {protocol}, "
                "which is not read without running code, and nothing of it was executed. Save it "
                "anew by torch.save, whose protocol is 2, or as safetensors."
            )
        # Opcodes that torch.save never writes.
        return _unreadable(path, error)
    name = found[1] or found[2]
    if name.startswith("torch.distributed."):
        return InputError(
            f"{path} holds weights that are spread over processes ({name}), and nothing of it "
            "was executed: gather them where it was made (full_state_dict), and save them anew."
        )
    return InputError(
        f"{path} was refused and nothing of it was executed: it names {name}, and reading it "
        f"in full would run code. Get the checkpoint from its authors, or as safetensors. "
        f"{KEEP_WEIGHTS_ALONE}."
    )


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path} cannot be read as a checkpoint ({_reason(error)}): it is truncated, altered or of "
        "another format, and nothing of it was executed. Get it anew."
    )


def _reason(error: Exception) -> str:
    """Word what a reader found, in one line and without its advice."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line.partition("Unpickler error: ")[2] for line in lines if "Unpickler error: " in line]
    for line in told or lines[:1]:
        if line and not any(word in line for word in _NOT_ADVICE):
            return line[:200]
    return type(error).__name__


def _model_configuration(content: Mapping[object, object]) -> dict[str, object]:
    """Find fairseq's configuration of the model: `cfg.model`, or the older `args`."""
    for found in (_plain(_plain(content.get("cfg")).get("model")), _plain(content.get("args"))):
        if found:
            return {str(key): _value(value) for key, value in found.items()}
    return {}


def _plain(holder: object) -> dict[object, object]:
    holder = _value(holder)
    if isinstance(holder, Mapping):
        return dict(holder)
    if not isinstance(holder, Inert):
        return {}
    content = vars(holder).get("_content")
    if isinstance(content, Mapping):
        return dict(content)
    return {key: value for key, value in vars(holder).items() if not key.startswith("_")}


def _value(holder: object) -> object:
    # omegaconf wraps each value in a node.
    return vars(holder)["_val"] if isinstance(holder, Inert) and "_val" in vars(holder) else holder
