"""Reading checkpoint files of other people without running anything that they hold.

torch.load with `weights_only=True` rebuilds tensors and plain containers and nothing else. fairseq
adds configuration objects of its own kind (argparse.Namespace, omegaconf): their names are bound
to a class without behaviour, which only keeps what is stored in it.
"""

import pickle
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from sdd.errors import InputError

ZIP_SIGNATURE = b"PK\x03\x04"


class Inert:
    """Stands in for a class named in a pickle: accepts any arguments, does nothing."""

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments


def _plain_dict(*_: object) -> dict[object, object]:
    """Stand in for defaultdict, whose factory would be called."""
    return {}


# omegaconf 2.0 and 2.1 store these; the builtins are types named in its metadata, never called.
INERT_NAMES: tuple[str, ...] = (
    "argparse.Namespace",
    "typing.Any",
    *(f"builtins.{name}" for name in ("dict", "list", "tuple", "int", "float", "str", "bool")),
    *(
        f"omegaconf.{name}"
        for name in (
            "base.ContainerMetadata",
            "base.Metadata",
            "dictconfig.DictConfig",
            "listconfig.ListConfig",
            "nodes.AnyNode",
            "nodes.BooleanNode",
            "nodes.EnumNode",
            "nodes.FloatNode",
            "nodes.IntegerNode",
            "nodes.StringNode",
        )
    ),
)
STAND_INS: Mapping[str, Callable[..., object]] = MappingProxyType(
    {"collections.defaultdict": _plain_dict, **dict.fromkeys(INERT_NAMES, Inert)}
)
# Enumerations and settings that fairseq's configuration may hold, by the start of their names.
INERT_PREFIXES = ("fairseq.", "omegaconf.")


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
    """Read a safetensors file or one of torch.save.

    Raises
    ------
    InputError
        If the file is missing, truncated, of no known format, or would run code.
    """
    if not path.is_file():
        raise InputError(f"There is no checkpoint file {path}.")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    content = _read_pickle(path)
    if not isinstance(content, Mapping):
        raise InputError(
            f"{path} holds a {type(content).__name__}, not a dictionary of named tensors."
        )
    state = content["model"] if isinstance(content.get("model"), Mapping) else content
    tensors = {}
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise InputError(
                f"{path}: {name!r} is a {type(value).__name__} where a tensor should be; a "
                "checkpoint is a dictionary of named tensors, plain or under 'model'."
            )
        tensors[str(name)] = value
    return Stored(tensors, _model_configuration(content))


def read_safetensors_metadata(path: Path) -> dict[str, str]:
    """Read the metadata of a safetensors file without its tensors.

    Raises
    ------
    InputError
        If the file is missing, truncated or of another format.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise InputError(f"There is no checkpoint file {path}.")
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise _unreadable(path, error) from error


def _read_safetensors(path: Path) -> Stored:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return Stored(tensors, metadata=dict(file.metadata() or {}))
    except (SafetensorError, OSError) as error:
        raise _unreadable(path, error) from error


def _read_pickle(path: Path) -> object:
    with path.open("rb") as file:
        is_zip = file.read(len(ZIP_SIGNATURE)) == ZIP_SIGNATURE
    # Files of torch before 1.6 are no zip: they can neither be mapped nor be asked what they name.
    stand_ins = dict(STAND_INS)
    try:
        if is_zip:
            stand_ins.update(dict.fromkeys(_harmless_globals(path), Inert))
        allowed: list[Callable[..., object] | tuple[Callable[..., object], str]] = [
            (stand_in, name) for name, stand_in in stand_ins.items()
        ]
        with torch.serialization.safe_globals(allowed), warnings.catch_warnings():
            # About pickle protocols and deprecated storages: nothing that a user could act on.
            warnings.simplefilter("ignore")
            content: object = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
            return content
    except pickle.UnpicklingError as error:
        raise _refused(path, error) from error
    except MemoryError:
        raise  # the machine's fault, not the file's
    except Exception as error:
        # A damaged file makes torch's reader fail in every way there is, struct.error and
        # AssertionError included; all of them mean the same to the user.
        raise _unreadable(path, error) from error


def _harmless_globals(path: Path) -> list[str]:
    named = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    return [name for name in named if name.startswith(INERT_PREFIXES)]


def _refused(path: Path, error: Exception) -> InputError:
    found = re.search(r"GLOBAL ([\w.]+)", str(error))
    if found is None:
        # Opcodes that torch.save never writes.
        return _unreadable(path, error)
    return InputError(
        f"{path} was refused and nothing of it was executed: it names {found[1]}, and reading it "
        "in full would run code. Get the checkpoint from its authors, or as safetensors."
    )


def _unreadable(path: Path, error: Exception) -> InputError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    return InputError(
        f"{path} cannot be read as a checkpoint ({reason}): it is truncated, altered or of another "
        "format, and nothing of it was executed. Get it anew."
    )


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
