"""sdd: speech deepfake detection by supervised and reinforcement fine-tuning."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def lazy_names(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Make the `__getattr__` of a package whose names are imported when they are first used.

    A package's face is for users. The library itself imports each name from the module that
    defines it, and must not pay for the others: torch takes seconds, in hundreds of processes.

    Parameters
    ----------
    homes
        By public name the module that defines it, relative to the package.
    """

    def __getattr__(name: str) -> Any:  # noqa: ANN401, N807  # what the module holds
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    return __getattr__
