"""Lines of bytes from blocks of cells: a line's pieces are merged until few are left, then joined for all rows at once.

Text of few different values comes from a pool; neighbouring pools, and literals around them, become one pool. Whatever
has a fixed width becomes a field of one record. What is left is joined row by row, in one call for the whole block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pytest_aosfarm.synthetic.pieces import fixed_width
from pytest_aosfarm.synthetic.rows import NULL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from pytest_aosfarm.synthetic.rows import Block, Cell

__all__ = ("Fixed", "Layout", "Piece", "Varying", "binary_rows", "codes")

LARGEST_POOL = 1 << 12
"""Neighbouring pools are multiplied up to so many texts: more would not stay in the cache."""


@dataclass(frozen=True, slots=True)
class Codes:
    """One of the texts of a pool, by number."""

    pool: pa.Array
    numbers: Callable[[Block], NDArray[np.int64]]

    def array(self, block: Block) -> pa.Array:
        """The texts of a block."""
        return self.pool.take(pa.array(self.numbers(block)))


@dataclass(frozen=True, slots=True)
class Fixed:
    """Bytes of the same width in all rows: `template` with fields (where, NumPy format, values) written over it."""

    template: bytes
    fields: tuple[tuple[int, str, Callable[[Block], NDArray[Any]]], ...]

    def array(self, block: Block) -> pa.Array:
        """The bytes of a block."""
        return binary_rows(self.record(block))

    def record(self, block: Block) -> NDArray[Any]:
        """The bytes of a block as one item a row."""
        width = len(self.template)
        names = [f"f{k}" for k in range(len(self.fields))]
        rows = np.full(len(block), np.void(self.template), f"V{width}")
        fields = rows.view(
            np.dtype(
                {
                    "names": names,
                    "formats": [form for _, form, _ in self.fields],
                    "offsets": [at for at, *_ in self.fields],
                    "itemsize": width,
                }
            )
        )
        for name, (*_, values) in zip(names, self.fields, strict=True):
            fields[name] = values(block)
        return rows


@dataclass(frozen=True, slots=True)
class Varying:
    """Bytes made row by row, none of them null."""

    make: Callable[[Block], pa.Array]

    def array(self, block: Block) -> pa.Array:
        """The bytes of a block."""
        return self.make(block).cast(pa.binary())


Piece: TypeAlias = bytes | Codes | Fixed | Varying
"""Part of a line; bytes are a literal."""


class Layout:
    """What the lines of a table are made of."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self.pieces: list[Piece] = []
        for piece in pieces:
            last = piece
            while self.pieces and (merged := _merged(self.pieces[-1], last)) is not None:
                last = merged
                self.pieces.pop()
            self.pieces.append(last)

    def join(self, block: Block) -> memoryview:
        """All lines of a block, one after another."""
        if len(self.pieces) == 1 and isinstance(self.pieces[0], Fixed):
            return self.pieces[0].record(block).view(np.uint8).data
        arrays = [pa.scalar(piece) if isinstance(piece, bytes) else piece.array(block) for piece in self.pieces]
        return _bytes(pc.binary_join_element_wise(*arrays, b""))


def _merged(left: Piece, right: Piece) -> Piece | None:
    """One piece that stands for both, or None."""
    match left, right:
        case bytes(), bytes():
            merged: Piece | None = left + right
        case bytes(), Codes():
            merged = Codes(pc.binary_join_element_wise(left, right.pool, b""), right.numbers)
        case Codes(), bytes():
            merged = Codes(pc.binary_join_element_wise(left.pool, right, b""), left.numbers)
        case Codes(), Codes() if len(left.pool) * len(right.pool) <= LARGEST_POOL:
            merged = _product(left, right)
        case bytes(), Fixed():
            merged = _side_by_side(Fixed(left, ()), right)
        case Fixed(), bytes():
            merged = Fixed(left.template + right, left.fields)
        case Fixed(), Fixed():
            merged = _side_by_side(left, right)
        case _:
            merged = None
    return merged


def _product(left: Codes, right: Codes) -> Codes:
    count, left_numbers, right_numbers = len(right.pool), left.numbers, right.numbers
    first, second = np.divmod(np.arange(len(left.pool) * count), count)
    pool = pc.binary_join_element_wise(left.pool.take(pa.array(first)), right.pool.take(pa.array(second)), b"")
    return Codes(pool, lambda block: left_numbers(block) * count + right_numbers(block))


def _side_by_side(left: Fixed, right: Fixed) -> Fixed:
    width = len(left.template)
    moved = tuple((at + width, form, values) for at, form, values in right.fields)
    return Fixed(left.template + right.template, left.fields + moved)


def codes(pool: pa.Array, cells: Callable[[Any], Cell], *, null: bytes | None = None) -> Codes:
    """The texts of `pool` at the numbers that `cells` gives, and `null` where those are NULL."""
    pool = pool.cast(pa.binary())
    if null is None:
        return Codes(pool, lambda block: np.asarray(cells(block), np.int64))
    missing = len(pool)
    widened = pa.concat_arrays([pool, pa.array([null], pa.binary())])
    return Codes(widened, lambda block: np.where(cells(block) == NULL, missing, cells(block)))


def binary_rows(rows: NDArray[Any]) -> pa.Array:
    """Items of one width as Arrow binary, without a copy."""
    return fixed_width(rows, pa.binary())


def _bytes(joined: pa.Array) -> memoryview:
    _, offsets, data = joined.buffers()
    end = np.frombuffer(offsets, np.int32, len(joined) + 1)[-1]
    return memoryview(data)[:end]
