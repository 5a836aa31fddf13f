"""How rows stand in a SQLite file: their types, then their values, and pages full of such rows.

Lengths always take two bytes, whole numbers eight, numbers of rows five: SQLite reads what is longer than it need be, and
all that is fixed in width is written at once.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pytest_aosfarm.sinks.lines import Codes, Fixed, Layout, Varying, binary_rows, codes, kept_for_a_block
from pytest_aosfarm.synthetic import texts
from pytest_aosfarm.synthetic.columns import Boolean, Constant, Id, Kind, Number, Of, Pairs, Timestamp, WordLists, Words
from pytest_aosfarm.synthetic.rows import NULL, OneRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from pytest_aosfarm.sinks.lines import Piece
    from pytest_aosfarm.synthetic.rows import Block, Cell
    from pytest_aosfarm.synthetic.table import Table

    Numbers = NDArray[np.int64]

__all__ = ("PAGE", "StoredRows", "number_of_five_bytes")

PAGE = 16_384
"""Bytes of a page."""
_LEAF, _LEAF_HEAD = 13, 8
_LONGEST_ROW = PAGE - 35
_TEXT, _WHOLE_NUMBER, _FALSE = 13, 6, 8


class StoredRows:
    """How the rows of a table are written."""

    def __init__(self, table: Table, tenant_id: str) -> None:
        first = OneRow(table, 0)
        columns = [_constant(tenant_id)]
        columns += [_column(kind, itemgetter(name), first) for name, kind in table.kinds.items()]
        header = 1 + 2 * len(columns)
        self._fixed = header + sum(column.size for column in columns)
        self._varying = [column.sizes for column in columns if column.sizes is not None]
        self._sizes = kept_for_a_block(self._payload_sizes)
        pieces: list[Piece] = [
            Fixed(bytes(2), ((0, ">u2", lambda block: _two_bytes(self._sizes(block))),)),
            Fixed(bytes(4), ((0, ">u4", lambda block: number_of_five_bytes(block.i + 1)[0]),)),
            Fixed(bytes(1), ((0, "u1", lambda block: number_of_five_bytes(block.i + 1)[1]),)),
            bytes([header]),
        ]
        pieces += [column.type for column in columns]
        for column in columns:
            pieces += column.body
        self._layout = Layout(pieces)

    def _payload_sizes(self, block: Block) -> Numbers:
        total = np.full(len(block), self._fixed)
        for sizes in self._varying:
            total += np.maximum(sizes(block), 0)
        if len(total) and int(total.max()) > _LONGEST_ROW:
            raise ValueError(f"a row of {block.table.name} has {total.max()} bytes, more than fit into a page")
        return total

    def leaves(self, block: Block) -> Iterator[tuple[bytes, int]]:
        """The rows of a block as pages, each with the number of its last row, counted from 1."""
        lines = self._layout.join(block)
        sizes = self._sizes(block) + 7  # the two numbers in front
        ends = np.concatenate(([0], np.cumsum(sizes)))
        with_pointers = ends + 2 * np.arange(len(ends))
        first, count = 0, len(block)
        while first < count:
            stop = int(with_pointers.searchsorted(with_pointers[first] + PAGE - _LEAF_HEAD, side="right")) - 1
            begin, end = int(ends[first]), int(ends[stop])
            start = PAGE - (end - begin)
            head = struct.pack(">BHHHB", _LEAF, 0, stop - first, start, 0)
            pointers = (ends[first:stop] + (start - begin)).astype(">u2").tobytes()
            yield b"".join(((head + pointers).ljust(start, b"\0"), lines[begin:end])), block.rows.start + stop
            first = stop


@dataclass(frozen=True, slots=True)
class _Column:
    """A column's type as it stands in each row, its bytes, and how many these are: `size` plus what `sizes` gives."""

    type: Piece
    body: list[Piece]
    size: int = 0
    sizes: Callable[[Any], Numbers] | None = None


def _column(kind: Kind, cells: Callable[[Any], Cell], first: OneRow) -> _Column:
    match kind:
        case Constant():
            made = _constant(cells(first))
        case Words() | Pairs() | Of():
            made = _of_pool(codes(texts.pool(kind), cells, null=b"" if kind.null else None), null=kind.null)
        case WordLists():
            lists = [json.dumps(list(words), separators=(",", ":")) for words in kind.lists]
            made = _of_pool(codes(pa.array(lists), cells), null=False)
        case Boolean():
            made = _Column(Fixed(bytes(2), ((0, ">u2", lambda b: _two_bytes(_FALSE + _numbers(cells(b)))),)), [])
        case Number() if not kind.null:
            made = _Column(_type(_WHOLE_NUMBER), [Fixed(bytes(8), ((0, ">i8", cells),))], 8)
        case Number():
            made = _maybe_number(cells)
        case Timestamp() if not kind.null:
            text = Fixed(bytes(27), ((0, "S27", lambda b: texts.moment_bytes(cells(b)).view("S27")[:, 0]),))
            made = _Column(_type(_TEXT + 54), [text], 27)
        case Id() if not kind.null:
            digits = Fixed(bytes(16), ((0, "S16", lambda b: texts.hex_digits(cells(b)).view("S16")[:, 0]),))
            size = len(kind.prefix) + 16
            made = _Column(_type(_TEXT + 2 * size), [kind.prefix.encode(), digits], size)
        case _:
            made = _any_text(lambda b: texts.text(kind, cells(b)))
    return made


def _constant(text: str) -> _Column:
    value = text.encode()
    return _Column(_type(_TEXT + 2 * len(value)), [value], len(value))


def _of_pool(texts_: Codes, *, null: bool) -> _Column:
    lengths = pc.binary_length(texts_.pool).to_numpy().astype(np.int64)
    if null:
        lengths[-1] = -1
    sizes = kept_for_a_block(lambda block: lengths.take(texts_.numbers(block)))
    return _Column(_type_of(sizes), [texts_], sizes=sizes)


def _any_text(make: Callable[[Block], pa.Array]) -> _Column:
    made = kept_for_a_block(make)
    sizes = kept_for_a_block(lambda block: pc.binary_length(made(block)).fill_null(-1).to_numpy().astype(np.int64))
    return _Column(_type_of(sizes), [Varying(lambda block: made(block).fill_null(""))], sizes=sizes)


def _maybe_number(cells: Callable[[Any], Cell]) -> _Column:
    def sizes(block: Any) -> Numbers:
        return np.where(cells(block) == NULL, 0, 8)

    def values(block: Any) -> pa.Array:
        return pc.if_else(pa.array(cells(block) != NULL), binary_rows(cells(block).astype(">i8")), b"")

    kind = Fixed(bytes(2), ((0, ">u2", lambda block: _two_bytes(np.where(cells(block) == NULL, 0, _WHOLE_NUMBER))),))
    return _Column(kind, [Varying(values)], sizes=sizes)


def _type(number: int) -> bytes:
    return struct.pack(">H", int(_two_bytes(np.array([number]))[0]))


def _type_of(sizes: Callable[[Any], Numbers]) -> Fixed:
    """The type of a text of so many bytes, or of no value where that is -1."""

    def types(block: Any) -> Numbers:
        found = sizes(block)
        return _two_bytes(np.where(found < 0, 0, _TEXT + 2 * found))

    return Fixed(bytes(2), ((0, ">u2", types),))


def _two_bytes(numbers: Numbers) -> Numbers:
    """Numbers below 2**14 in two bytes: seven bits each, the first with its highest bit set."""
    return (numbers >> 7 | 0x80) << 8 | numbers & 0x7F


def number_of_five_bytes(numbers: Numbers) -> tuple[Numbers, Numbers]:
    """Numbers below 2**35 in the same way: the first four bytes and the last."""
    high = np.full(len(numbers), 0x80808080)
    for place in range(4):
        high |= (numbers >> (28 - 7 * place) & 0x7F) << (24 - 8 * place)
    return high, numbers & 0x7F


def _numbers(cells: Cell) -> Numbers:
    return np.asarray(cells, np.int64)
