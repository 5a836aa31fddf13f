"""The keyed counter hash in NumPy: bit for bit what `hashing` defines, a block of rows at a time.

Everything is computed in place. Blocks have 16,384 rows: a column of 128 KiB stays in the cache and in the heap, while
larger ones are mapped and faulted in anew each time. Scratch memory is per thread.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pytest_aosfarm.synthetic.hashing import Shuffle

__all__ = ("BLOCK", "below", "draws", "shuffled")

BLOCK = 16_384
"""Rows computed together."""

Bits: TypeAlias = "NDArray[np.uint64]"
Numbers: TypeAlias = "NDArray[np.int64]"

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31, _32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_RAMP = np.arange(BLOCK, dtype=np.uint64) * np.uint64(_GOLDEN)

# Made and freed at once. From then on glibc keeps as much free memory at the top of its heap as two of these; before, it
# gives the blocks back to the system as they are freed and faults them in again for the next ones, at half the speed.
np.empty(31 << 20, np.uint8)


class _Scratch(threading.local):
    """A block that a thread writes intermediate bits to."""

    def __init__(self) -> None:
        self.block = np.empty(BLOCK, np.uint64)


_scratch = _Scratch()


def draws(key: tuple[int, int], rows: range | Numbers) -> Bits:
    """The 64-bit draws of `rows` in the column keyed `key`; at most BLOCK rows if they are a range (of step 1)."""
    k1, k2 = key
    z: Bits
    if isinstance(rows, range):
        z = _RAMP[: len(rows)] + np.uint64((k1 + rows.start * _GOLDEN) & _MASK)
    else:
        z = rows.astype(np.uint64)
        z *= np.uint64(_GOLDEN)
        z += np.uint64(k1)
    spare = _scratch.block[: len(z)] if len(z) <= BLOCK else np.empty_like(z)
    np.right_shift(z, _30, out=spare)
    z ^= spare
    z *= _FIRST
    z ^= np.uint64(k2)
    np.right_shift(z, _27, out=spare)
    z ^= spare
    z *= _SECOND
    np.right_shift(z, _31, out=spare)
    z ^= spare
    return z


def below(bits: Bits, n: int) -> Numbers:
    """`bits * n >> 64` for each of `bits`, n <= 2**32: whole numbers in [0, n). The high word of a 96-bit product."""
    low = bits & _LOW
    low *= np.uint64(n)
    low >>= _32
    high = bits >> _32
    high *= np.uint64(n)
    high += low
    high >>= _32
    return high.view(np.int64)


def shuffled(shuffle: Shuffle, elements: Numbers) -> Numbers:
    """`shuffle[i]` for each of `elements`, all within range(n)."""
    rows, columns, keys = shuffle.rows, shuffle.columns, shuffle.keys
    result = elements
    pending: slice | Numbers = slice(None)
    while True:  # walk on with those that landed outside n
        row, column = np.divmod(result[pending], columns)
        for turn in (0, 2):
            row = (row.view(np.uint64) + draws(keys[turn], column) % np.uint64(rows)).view(np.int64) % rows
            column = (column.view(np.uint64) + draws(keys[turn + 1], row) % np.uint64(columns)).view(np.int64) % columns
        moved = row * columns + column
        if isinstance(pending, slice):
            result = moved
        else:
            result[pending] = moved
        pending = np.flatnonzero(result >= shuffle.n)
        if not len(pending):
            return result
