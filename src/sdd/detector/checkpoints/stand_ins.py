"""Inert stand-ins for what checkpoints name beside their weights.

A pickle names classes and functions, and a careless reader imports and calls them. Here each name
is bound to a class without behaviour, which takes whatever it is given and keeps it: nothing is
imported, nothing is called. Names that no settings or results have are not bound at all, so that
torch refuses the file: functions of Python's own, for instance, which malicious pickles name.
"""

import re
from collections import OrderedDict

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
