"""Bytes of valid files, changed at random: the same seed and number give the same bytes."""

import random
from collections.abc import Sequence

# Headers and ends hold what readers believe: lengths, offsets, names.
_EDGE = 512
_SIZES = (1, 2, 4, 8)
_EXTREMES = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    (1 << 63) - 1,
    (1 << 64) - 1,
)


def mutate(seeds: Sequence[bytes], tokens: Sequence[bytes], generator: random.Random) -> bytes:
    """Change one of several valid contents, most often once, at most six times.

    Parameters
    ----------
    tokens
        What means something in files of this kind: separators, keywords, odd numbers.
    """
    data = bytearray(generator.choice(seeds))
    changes = (_flip, _overwrite, _delete, _repeat, _insert_token, _truncate, _splice)
    weights = (4, 3, 2, 1, 4 if tokens else 0, 1, 1)
    for change in generator.choices(changes, weights, k=min(6, 1 + int(generator.expovariate(1)))):
        change(data, seeds, tokens, generator)
    return bytes(data)


def _place(data: bytearray, generator: random.Random) -> int:
    where = generator.random()
    if where < 0.5:
        return generator.randint(0, min(len(data), _EDGE))
    if where < 0.7:
        return generator.randint(max(0, len(data) - _EDGE), len(data))
    return generator.randint(0, len(data))


def _length(generator: random.Random) -> int:
    return min(int(generator.expovariate(0.1)) + 1, 4096)


def _flip(data, seeds, tokens, generator):
    place = _place(data, generator)
    if place < len(data):
        data[place] ^= 1 << generator.randrange(8)


def _overwrite(data, seeds, tokens, generator):
    size = generator.choice(_SIZES)
    number = generator.choice(_EXTREMES) if generator.random() < 0.7 else generator.getrandbits(64)
    order = generator.choice(("little", "big"))
    place = _place(data, generator)
    data[place : place + size] = (number % (1 << 8 * size)).to_bytes(size, order)


def _delete(data, seeds, tokens, generator):
    place = _place(data, generator)
    del data[place : place + _length(generator)]


def _repeat(data, seeds, tokens, generator):
    place = _place(data, generator)
    data[place:place] = data[place : place + _length(generator)] * generator.randint(1, 4)


def _insert_token(data, seeds, tokens, generator):
    place = _place(data, generator)
    token = generator.choice(tokens)
    end = place + (len(token) if generator.random() < 0.5 else 0)
    data[place:end] = token


def _truncate(data, seeds, tokens, generator):
    del data[_place(data, generator) :]


def _splice(data, seeds, tokens, generator):
    other = generator.choice(seeds)
    place = _place(data, generator)
    data[place:] = other[generator.randint(0, len(other)) :]
