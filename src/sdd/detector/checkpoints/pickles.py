"""What the pickles of a checkpoint name, and which storages they ask for, without running them.

A pickle is a program for a stack. Here its operations are only counted: what stands in it as it is
(texts, numbers, names, and tuples of them) is followed over the stack, all else is None.
"""

import pickletools
import sys
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, BinaryIO, cast

# torch's older format is five pickles in a row: magic number, version, system, content, storages.
_PICKLES_IN_A_FILE = 5
_TUPLES = ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_TUPLE")
_PUTS = ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE")
_GETS = ("GET", "BINGET", "LONG_BINGET")
_MARK = object()
# What a damaged pickle makes pickletools and a stack fail with.
_DAMAGE = (ValueError, UnicodeDecodeError, OverflowError, IndexError, KeyError)


@dataclass
class Claims:
    """What the pickles of a file claim.

    Attributes
    ----------
    names
        As ``module.attribute``, by today's names of modules.
    protocol
        The highest of the pickles.
    storages
        What each asks for as torch.save writes it: ``('storage', type, key, place, elements)``;
        None where it does not stand there as it is.
    whole
        Whether each pickle could be followed to its end. If not, the rest claims what it may.
    """

    names: set[str] = field(default_factory=set)
    protocol: int = 0
    storages: list[object] = field(default_factory=list)
    whole: bool = True


class _Bounded:
    """A file of a pickle that asks for no more memory than the file has bytes."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self.tell, self.readline = file.tell, file.readline

    def read(self, count: int) -> bytes:
        """Read at most as many bytes; a damaged pickle may ask for exabytes."""
        return self._file.read(min(count, self._size))


def claims_of(file: BinaryIO, size: int, pickles: int = _PICKLES_IN_A_FILE) -> Claims:
    """List what the pickles of a file claim, without running them.

    Parameters
    ----------
    size
        Of the file, in bytes.
    pickles
        How many are looked at, one after the other.
    """
    claims = Claims()
    try:
        for _ in range(pickles):
            _follow(cast(IO[bytes], _Bounded(file, size)), claims)
    except _DAMAGE:  # or the end of the file: torch's reader tells
        claims.whole = False
    return claims


def _follow(file: IO[bytes], claims: Claims) -> None:
    """Add what one pickle claims."""
    stack = _Stack()
    for opcode, argument, _ in pickletools.genops(file):
        taken = stack.take(opcode, argument)
        if opcode.name == "PROTO":
            claims.protocol = max(claims.protocol, int(str(argument)))
        elif opcode.name == "GLOBAL":
            claims.names.add(todays_name(str(argument)))
        elif opcode.name == "STACK_GLOBAL" and all(isinstance(text, str) for text in taken):
            claims.names.add(todays_name(" ".join(map(str, taken))))
        elif opcode.name == "BINPERSID":
            claims.storages.append(taken[0])


class _Stack:
    """The stack of a pickle, and what it keeps for later."""

    def __init__(self) -> None:
        self._items: list[object] = []
        self._memo: dict[int, object] = {}

    def take(self, opcode: pickletools.OpcodeInfo, argument: object) -> list[object]:
        """Do what an operation does to the stack; return what it took from there."""
        if opcode.name in _PUTS:
            place = cast(int, argument) if argument is not None else len(self._memo)
            self._memo[place] = self._items[-1]
            return []
        if opcode.name in _GETS:
            self._items.append(self._memo[cast(int, argument)])
            return []
        taken = list(self._taken(opcode))
        if opcode.name == "MARK":
            self._items.append(_MARK)
        elif opcode.name == "DUP":
            self._items += 2 * taken
        elif opcode.name in _TUPLES:
            self._items.append(tuple(taken))
        else:
            # A number or text stands in the pickle; what is made of other things is not known.
            known = argument if not opcode.stack_before else None
            self._items += [known] * len(opcode.stack_after)
        return taken

    def _taken(self, opcode: pickletools.OpcodeInfo) -> Iterator[object]:
        before = opcode.stack_before
        count = len(before)
        if pickletools.markobject in before:
            # Whatever lies above the last mark, and so many things below it.
            mark = len(self._items) - 1
            while self._items[mark] is not _MARK:
                mark -= 1
                if mark < 0:
                    raise IndexError("a pickle closes what it never opened")
            taken = self._items[mark + 1 :]
            del self._items[mark:]
            count = before.index(pickletools.markobject)
            yield from taken
        if count > len(self._items):
            raise IndexError("a pickle takes more than there is")
        below = self._items[len(self._items) - count :]
        del self._items[len(self._items) - count :]
        yield from below


def todays_name(argument: str) -> str:
    """Return a name of ``module attribute`` as Python 3 calls it."""
    module, _, name = argument.partition(" ")
    if (module, name) in NAME_MAPPING:
        module, name = NAME_MAPPING[module, name]
    else:
        module = IMPORT_MAPPING.get(module, module)
    return f"{sys.intern(module)}.{name}"
