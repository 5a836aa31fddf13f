"""Rows in PostgreSQL's binary COPY format: of each row the number of fields, of each field its length and its bytes."""

from __future__ import annotations

import struct
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pytest_aosfarm.sinks.lines import Fixed, Layout, Varying, binary_rows, codes
from pytest_aosfarm.synthetic import texts
from pytest_aosfarm.synthetic.columns import (
    Boolean,
    Constant,
    Id,
    IPv4,
    Kind,
    Number,
    Of,
    Pairs,
    Timestamp,
    WordLists,
    Words,
)  # fmt: skip
from pytest_aosfarm.synthetic.rows import NULL, OneRow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pytest_aosfarm.sinks.lines import Piece
    from pytest_aosfarm.synthetic.rows import Cell
    from pytest_aosfarm.synthetic.table import Table

    Cells = Callable[[Any], Cell]

__all__ = ("HEADER", "TRAILER", "row_layout")

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

_NO_VALUE = struct.pack(">i", -1)
_SINCE_2000 = 946_684_800_000_000
_TEXT_OID = 25
_ADDRESS = struct.pack(">iBBBB", 8, 2, 32, 0, 4) + bytes(4)
"""An inet: IPv4, all 32 bits, no network, four bytes."""


def row_layout(table: Table, leading: Sequence[str] = ()) -> Layout:
    """How rows of `table` are written, with the same texts `leading` in front of every row's own columns."""
    pieces: list[Piece] = [struct.pack(">h", len(leading) + len(table.kinds)), *(_field(one.encode()) for one in leading)]
    first = OneRow(table, 0)
    for name, kind in table.kinds.items():
        pieces += _pieces(kind, itemgetter(name), first)
    return Layout(pieces)


def _pieces(kind: Kind, cells: Cells, first: OneRow) -> list[Piece]:
    match kind:
        case Constant():
            made: list[Piece] = [_field(cells(first).encode())]
        case Words() | Pairs() | Of():
            made = [codes(_fields(texts.pool(kind)), cells, null=_NO_VALUE if kind.null else None)]
        case WordLists():
            made = [codes(pa.array([_field(_array(words)) for words in kind.lists]), cells)]
        case Boolean():
            made = [codes(pa.array([_field(b"\0"), _field(b"\1")]), cells)]
        case Number() if not kind.null:
            made = [Fixed(_field(bytes(8)), ((4, ">i8", cells),))]
        case Timestamp() if not kind.null:
            made = [Fixed(_field(bytes(8)), ((4, ">i8", lambda b: cells(b) - _SINCE_2000),))]
        case IPv4() if not kind.null:
            made = [Fixed(_ADDRESS, ((8, ">u4", cells),))]
        case Id() if not kind.null:
            prefix = kind.prefix.encode()
            digits = (4 + len(prefix), "S16", lambda b: texts.hex_digits(cells(b)).view("S16")[:, 0])
            made = [Fixed(_field(prefix + bytes(16)), (digits,))]
        case _:
            made = _unlike_lengths(kind, cells)
    return made


def _unlike_lengths(kind: Kind, cells: Cells) -> list[Piece]:
    """The length of each value, -1 where there is none, and the values."""
    values = _kept_for_a_block(lambda block: _values(kind, cells(block)))

    def lengths(block: Any) -> NDArray[np.int32]:
        found: NDArray[np.int32] = pc.binary_length(values(block)).fill_null(-1).to_numpy()
        return found

    return [Fixed(bytes(4), ((0, ">i4", lengths),)), Varying(lambda block: pc.fill_null(values(block), b""))]


def _kept_for_a_block(make: Callable[[Any], pa.Array]) -> Callable[[Any], pa.Array]:
    """`make`, called once for each block although two pieces ask for it; blocks come one after another."""
    last: list[Any] = [None, None]

    def get(block: Any) -> pa.Array:
        if last[0] is not block:
            last[:] = block, make(block)
        return last[1]

    return get


def _values(kind: Kind, cells: Cell) -> pa.Array:
    match kind:
        case Number():
            there, values = cells != NULL, binary_rows(cells.astype(">i8"))
        case Timestamp():
            there, values = cells != NULL, binary_rows((cells - _SINCE_2000).astype(">i8"))
        case IPv4():
            there, addresses = cells != NULL, np.full(len(cells), np.void(_ADDRESS[4:]), "V8")
            addresses.view(np.dtype({"names": ["bits"], "formats": [">u4"], "offsets": [4], "itemsize": 8}))["bits"] = cells
            values = binary_rows(addresses)
        case _:
            return texts.text(kind, cells).cast(pa.binary())
    return pc.if_else(pa.array(there), values, None)


def _field(value: bytes) -> bytes:
    return struct.pack(">i", len(value)) + value


def _array(words: Sequence[str]) -> bytes:
    """A text[]: dimensions, no nulls, type of the elements, length, lower bound, elements."""
    head = struct.pack(">iii", 1, 0, _TEXT_OID) + struct.pack(">ii", len(words), 1)
    return head + b"".join(_field(word.encode()) for word in words)


def _fields(values: pa.Array) -> pa.Array:
    values = values.cast(pa.binary())
    lengths = binary_rows(pc.binary_length(values).to_numpy().astype(">i4"))
    return pc.binary_join_element_wise(lengths, values, b"")
