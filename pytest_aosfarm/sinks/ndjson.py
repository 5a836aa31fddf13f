"""NDJSON: one JSON object a line, UTF-8, keys in the order of the columns, no spaces; these bytes are what digests are of.

There are two ways to them that give the same bytes: row by row with the standard library, and in blocks with Arrow.
"""

from __future__ import annotations

import json
from hashlib import sha256
from operator import itemgetter
from typing import TYPE_CHECKING, Any

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
from pytest_aosfarm.synthetic.rows import OneRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from pytest_aosfarm.sinks.lines import Layout, Piece
    from pytest_aosfarm.synthetic.rows import Cell
    from pytest_aosfarm.synthetic.table import Table

__all__ = ("PATHS", "compact", "digest", "ndjson")

PATHS = ("scalar", "vector")


def digest(table: Table, rows: range | None = None, path: str = "vector") -> str:
    """The SHA-256 of the rows as NDJSON, in hex."""
    seen = sha256()
    for _, lines in ndjson(table, rows, path):
        seen.update(lines)
    return seen.hexdigest()


def ndjson(table: Table, rows: range | None = None, path: str = "vector") -> Iterator[tuple[int, bytes | memoryview]]:
    """The rows (default: all) as NDJSON: how many lines, and these lines, again and again.

    Raises IndexError for rows that are not there, ValueError for an unknown path.
    """
    rows = table.check(rows)
    if path not in PATHS:
        raise ValueError(f"path {path!r} is not one of {', '.join(PATHS)}")
    return _one_by_one(table, rows) if path == "scalar" else _in_blocks(table, rows)


def _one_by_one(table: Table, rows: range) -> Iterator[tuple[int, bytes]]:
    for i in rows:
        yield 1, (compact(table.row(i)) + "\n").encode()


def _in_blocks(table: Table, rows: range) -> Iterator[tuple[int, memoryview]]:
    layout: Layout | None = None
    for block in table.blocks(rows):
        layout = layout or _layout(table)
        yield len(block), layout.join(block)


def compact(value: Any) -> str:
    """A value as JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _layout(table: Table) -> Layout:
    from pytest_aosfarm.sinks.lines import Layout

    pieces: list[Piece] = []
    for number, (name, kind) in enumerate(table.kinds.items()):
        pieces.append(f"{',' if number else '{'}{compact(name)}:".encode())
        pieces += _pieces(kind, itemgetter(name), OneRow(table, 0))
    return Layout([*pieces, b"}\n"])


def _pieces(kind: Kind, cells: Callable[[Any], Cell], first: OneRow) -> list[Piece]:
    """The JSON value of a column. No text needs escaping, see `columns`."""
    import pyarrow as pa

    from pytest_aosfarm.sinks.lines import Fixed, Varying, codes
    from pytest_aosfarm.synthetic import texts

    match kind:
        case Constant():
            made: list[Piece] = [compact(cells(first)).encode()]
        case Words() | Pairs() | Of():
            made = [codes(_quoted(texts.pool(kind)), cells, null=b"null" if kind.null else None)]
        case WordLists():
            made = [codes(pa.array([compact(list(words)) for words in kind.lists]), cells)]
        case Number() | Boolean():
            made = [Varying(lambda b: texts.text(kind, cells(b)).fill_null("null"))]
        case Kind(null=True):
            made = [Varying(lambda b: _quoted(texts.text(kind, cells(b))).fill_null("null"))]
        case Timestamp():
            made = [b'"', Fixed(bytes(27), ((0, "S27", lambda b: _items(texts.moment_bytes(cells(b)))),)), b'"']
        case Id():
            digits = Fixed(bytes(16), ((0, "S16", lambda b: _items(texts.hex_digits(cells(b)))),))
            made = [b'"' + kind.prefix.encode(), digits, b'"']
        case IPv4():
            halves = texts.address_halves()
            high, low = codes(halves, lambda b: cells(b) >> 16), codes(halves, lambda b: cells(b) & 0xFFFF)
            made = [b'"', high, b".", low, b'"']
        case _:
            made = [b'"', Varying(lambda b: texts.text(kind, cells(b))), b'"']
    return made


def _quoted(texts: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return pc.binary_join_element_wise('"', texts, '"', "")


def _items(matrix: Any) -> Any:
    return matrix.view(f"S{matrix.shape[1]}")[:, 0]
