"""What is fuzzed: an entry of the software, and valid files that it reads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Target:
    """An entry that reads one file.

    To add one, name it in `tests.fuzz.targets.TARGETS`.

    Attributes
    ----------
    name
        On the command line, and in the names of failing inputs.
    file
        Where the changed bytes are put, below a folder of their own.
    prepare
        Makes in that folder what else the entry needs, and returns the contents of valid files.
    run
        Takes the folder and the file; returns, or raises InputError that names the file.
    tokens
        What means something in such files.
    wrap
        What is done to the changed bytes: put into a container that holds, so that the change
        reaches what reads its content.
    inputs
        How many `make test` tries.
    """

    name: str
    file: str
    prepare: Callable[[Path], Sequence[bytes]]
    run: Callable[[Path, Path], object]
    tokens: Sequence[bytes] = ()
    wrap: Callable[[bytes], bytes] = bytes
    inputs: int = 200
