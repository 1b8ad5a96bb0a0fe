"""Inert stand-ins for what checkpoints name beside their weights.

A pickle names classes and functions, and a careless reader imports and calls them. Here each name
is bound to a class without behaviour, which takes whatever it is given and keeps it: nothing is
imported, nothing is called. Names that no settings or results have are not bound at all, so that
torch refuses the file: functions of Python's own, for instance, which malicious pickles name.
"""

import pickletools
import re
import sys
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import OrderedDict
from collections.abc import Iterator
from typing import IO, BinaryIO, cast

# torch's older format is five pickles in a row: magic number, version, system, content, storages.
_PICKLES_IN_A_FILE = 5

# Data of Python's own. The builtins are types, named in omegaconf's metadata, and getattr, by
# which enumerations of Python 3.11 name their members.
_PYTHON_NAMES = frozenset(
    {
        "argparse.Namespace",
        "collections.defaultdict",
        "collections.deque",
        "copyreg._reconstructor",
        "datetime.date",
        "datetime.datetime",
        "datetime.time",
        "datetime.timedelta",
        "datetime.timezone",
        "decimal.Decimal",
        "fractions.Fraction",
        "functools.partial",
        "pathlib.Path",
        "pathlib.PosixPath",
        "pathlib.PurePath",
        "pathlib.PurePosixPath",
        "pathlib.PureWindowsPath",
        "pathlib.WindowsPath",
        "types.SimpleNamespace",
        "uuid.SafeUUID",
        "uuid.UUID",
        "zoneinfo.ZoneInfo._unpickle",
        *(
            f"builtins.{name}"
            for name in (
                *("bool", "bytes", "dict", "float", "frozenset", "getattr", "int", "list"),
                *("object", "range", "slice", "str", "tuple"),
            )
        ),
    }
)
_DATA = re.compile(
    r"numpy\.(dtype|ndarray|(bool|str|bytes|void|(u?int|float|complex)\d*)_?|longlong|ulonglong)"
    r"|numpy\._?core\.multiarray\.(scalar|_reconstruct)"
    r"|numpy\._?core\.numeric\._frombuffer"
    r"|numpy\.dtypes\.\w+|numpy\.random\.(_pickle|_generator|bit_generator)\.\w+"
    r"|numpy\.random\._(mt19937|pcg64|philox|sfc64)\.\w+"
    r"|pathlib\._local\.\w*Path|typing\.\w+"
    r"|torch\.torch_version\.TorchVersion|torch\.(optim|nn\.modules)\.[\w.]+"
)
# Packages whose settings, metrics and callbacks lie in checkpoints.
_PACKAGES = (
    *("addict.", "box.", "easydict.", "espnet.", "espnet2.", "fairseq.", "hydra.", "hyperpyyaml."),
    *("lightning.", "lightning_fabric.", "lightning_utilities.", "ml_collections.", "mmcv.utils."),
    *("mmengine.config.", "munch.", "omegaconf.", "pytorch_lightning.", "s3prl.", "speechbrain."),
    *("torchmetrics.", "transformers.", "yacs."),
)


class Inert:
    """Stands in for a class or function named in a pickle: takes any arguments, does nothing."""

    stands_for = "?"

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments

    def __new__(cls, *_: object) -> "Inert":
        """Make one without arguments too, as pickles do."""
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        """Keep what the object held: attributes by their name, anything else as `state`."""
        # A pair is of attributes and slots.
        parts = state if isinstance(state, tuple) and len(state) == 2 else (state,)
        for part in parts:
            if isinstance(part, dict):
                vars(self).update({str(key): value for key, value in part.items()})
            elif part is not None:
                vars(self)["state"] = state


class InertMapping:
    """Stands in for a kind of dictionary, and is a plain one."""

    def __new__(cls, *_: object) -> OrderedDict[object, object]:  # type: ignore[misc]
        """Return a dictionary that may have attributes, as torch's reader allows."""
        return OrderedDict()


class InertList(list[object]):
    """Stands in for a kind of list, or what is filled as one."""

    def __init__(self, *_: object) -> None:
        super().__init__()

    def __setstate__(self, state: object) -> None:
        """Leave out what it held beside its items."""


def is_harmless(name: str) -> bool:
    """Tell whether a name, as ``module.attribute``, is one of data beside weights."""
    return name in _PYTHON_NAMES or bool(_DATA.fullmatch(name)) or name.startswith(_PACKAGES)


def stand_in_for(name: str) -> type:
    """Make the class without behaviour that takes the place of a name."""
    if name == "collections.defaultdict":
        return InertMapping
    return type("Inert", (Inert,), {"stands_for": name, "__qualname__": f"Inert[{name}]"})


class _Bounded:
    """A file of a pickle that asks for no more memory than the file has bytes."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self.tell, self.readline = file.tell, file.readline

    def read(self, count: int) -> bytes:
        """Read at most as many bytes; a damaged pickle may ask for exabytes."""
        return self._file.read(min(count, self._size))


def named_in(file: BinaryIO, size: int) -> tuple[set[str], int]:
    """List what the pickles of a file name, without running them.

    Parameters
    ----------
    size
        Of the file, in bytes.

    Returns
    -------
    names
        As ``module.attribute``, by today's names of modules.
    protocol
        The highest of the pickles; what cannot be scanned ends the list early.
    """
    names: set[str] = set()
    protocol = 0
    for _ in range(_PICKLES_IN_A_FILE):
        try:
            for operation, argument in _operations(cast(IO[bytes], _Bounded(file, size))):
                if operation == "PROTO":
                    protocol = max(protocol, int(argument))
                else:
                    names.add(_todays_name(argument))
        except (ValueError, UnicodeDecodeError, OverflowError, IndexError, KeyError):
            break  # damaged, or the end of the file: torch's reader tells
    return names, protocol


def _operations(file: IO[bytes]) -> Iterator[tuple[str, str]]:
    texts: list[str] = []
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name == "PROTO":
            yield "PROTO", str(argument)
        elif opcode.name == "GLOBAL":
            yield "GLOBAL", str(argument)
        elif opcode.name == "STACK_GLOBAL" and len(texts) > 1:
            # Most often the two texts before it; a name for the message is all that is wanted.
            yield "GLOBAL", f"{texts[-2]} {texts[-1]}"
        elif isinstance(argument, str):
            texts = [*texts[-1:], argument]


def _todays_name(argument: str) -> str:
    module, _, name = argument.partition(" ")
    if (module, name) in NAME_MAPPING:
        module, name = NAME_MAPPING[module, name]
    else:
        module = IMPORT_MAPPING.get(module, module)
    return f"{sys.intern(module)}.{name}"
