"""Renders blocks of cells as text: what a kind's `value` gives for one cell, for thousands at once.

Text of few different values is made once, into a pool, and then taken from it; text of fixed width is written as a matrix
of bytes; only what is unique is joined row by row.
"""

from __future__ import annotations

from functools import cache, singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pytest_aosfarm.synthetic.columns import (
    Boolean,
    Constant,
    Id,
    IPv4,
    Kind,
    Number,
    Of,
    Pairs,
    Text,
    Timestamp,
    Variants,
    Words,
)  # fmt: skip
from pytest_aosfarm.synthetic.moments import DAY, SECOND, date_text
from pytest_aosfarm.synthetic.pieces import Array, crossed, fixed_width, pieces_of
from pytest_aosfarm.synthetic.rows import NULL, Cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = (
    "Array",
    "address_halves",
    "hex_digits",
    "kept",
    "moment_bytes",
    "pool",
    "take",
    "text",
)  # fmt: skip

_HEX = np.frombuffer(b"".join(b"%02x" % i for i in range(256)), np.uint16)
_THOUSAND = np.array([f"{i:03}" for i in range(1000)], dtype="S3")
_MOMENT_TEXT = np.dtype([("date", "S10"), ("time", "S10"), ("thousands", "S3"), ("rest", "S3"), ("zone", "S1")])
_BYTES = pa.array([str(i) for i in range(256)])


def kept(kind: Kind, name: str, make: Callable[[], Any]) -> Any:
    """What was made of this kind under this name, made now if it is the first time."""
    if name not in kind.made:
        kind.made[name] = make()
    return kind.made[name]


def take(kind: Kind, codes: Cell, make: Callable[[], Array], name: str = "pool") -> Array:
    """The entries of the kind's pool at `codes`, null where those are NULL."""
    return kept(kind, name, make).take(pa.array(codes, mask=codes == NULL if kind.null else None))


@singledispatch
def text(kind: Kind, cells: Cell) -> Array:
    """Cells as text: that of the JSON value, without quotes. A constant gives a scalar, since it knows no length."""
    raise TypeError(f"no text is defined for {type(kind).__name__} columns with cells {cells!r}")


@text.register
def _(kind: Words | Pairs | Of, cells: Cell) -> Array:
    return take(kind, cells, lambda: pool(kind))


@text.register
def _(kind: Boolean, cells: Cell) -> Array:
    return take(kind, np.asarray(cells, dtype=np.int64), lambda: pa.array(["false", "true"]))


def pool(kind: Words | Pairs | Of) -> Array:
    """All texts that cells of this kind can stand for, by cell."""
    match kind:
        case Words():
            return pa.array(kind.words)
        case Pairs():
            return crossed(pa.array(kind.firsts), kind.between, pa.array(kind.seconds))
        case Of():
            source = kind.source.kinds[kind.column]
            return pa.concat_arrays([text(source, block[kind.column]) for block in kind.source.blocks()])


@text.register
def _(kind: Number, cells: Cell) -> Array:
    return pa.array(cells, mask=cells == NULL if kind.null else None).cast(pa.string())


@text.register
def _(_kind: Constant, cells: Cell) -> Array:
    return pa.scalar(cells)


@text.register
def _(kind: IPv4, cells: Cell) -> Array:
    upper = np.where(cells == NULL, NULL, cells >> 16) if kind.null else cells >> 16
    high, low = take(kind, upper, address_halves), take(kind, cells & 0xFFFF, address_halves)
    return pc.binary_join_element_wise(high, low, ".")


@cache
def address_halves() -> Array:
    """The text of every 16 bits that are half an address."""
    high, low = np.divmod(np.arange(1 << 16), 256)
    return pc.binary_join_element_wise(_BYTES.take(pa.array(high)), _BYTES.take(pa.array(low)), ".")


@text.register
def _(kind: Id, cells: Cell) -> Array:
    ids = fixed_width(_id_bytes(kind, cells))
    return pc.if_else(pa.array(cells != 0), ids, None) if kind.null else ids


def _id_bytes(kind: Id, cells: Cell) -> NDArray[np.uint8]:
    """The ids as rows of ASCII."""
    prefix = np.frombuffer(kind.prefix.encode(), np.uint8)
    matrix = np.empty((len(cells), len(prefix) + 16), np.uint8)
    matrix[:, : len(prefix)] = prefix
    matrix[:, len(prefix) :] = hex_digits(cells)
    return matrix


def hex_digits(cells: Cell) -> NDArray[np.uint8]:
    """64-bit numbers as rows of 16 hex digits."""
    digits: NDArray[np.uint8] = _HEX.take(cells.astype(">u8").view(np.uint8)).view(np.uint8).reshape(-1, 16)
    return digits


@text.register
def _(kind: Timestamp, cells: Cell) -> Array:
    if not kind.null:
        return fixed_width(moment_bytes(cells))
    there = cells != NULL
    near = cells.max(initial=NULL) if there.any() else 0  # one of the moments: all dates from the first on are written
    return pc.if_else(pa.array(there), fixed_width(moment_bytes(np.where(there, cells, near))), None)


def moment_bytes(cells: Cell) -> NDArray[np.uint8]:
    """The moments as rows of 27 ASCII characters."""
    day = cells // DAY  # far faster than divmod
    rest = cells - day * DAY
    second = rest // SECOND
    micros = rest - second * SECOND
    thousands = micros // 1000
    first, last = (int(day.min()), int(day.max())) if len(day) else (0, 0)
    dates = np.array([date_text(one) for one in range(first, last + 1)], dtype="S10")
    moments = np.empty(len(cells), _MOMENT_TEXT)
    moments["date"] = dates.take(day - first)
    moments["time"] = _times().take(second)
    moments["thousands"] = _THOUSAND.take(thousands)
    moments["rest"] = _THOUSAND.take(micros - thousands * 1000)
    moments["zone"] = b"Z"
    return moments.view(np.uint8).reshape(-1, 27)


@cache
def _times() -> NDArray[np.bytes_]:
    """The text of every second of a day, with what stands before and after it."""
    two = np.array([f"{i:02}:" for i in range(60)], dtype="S3")
    times = np.empty((24, 60, 60), np.dtype([("T", "S1"), ("hour", "S3"), ("minute", "S3"), ("second", "S2"), (".", "S1")]))
    times["T"], times["."] = b"T", b"."
    times["hour"], times["minute"], times["second"] = two[:24, None, None], two[:, None], two
    return times.reshape(-1).view("S10")


@text.register
def _(kind: Text, cells: Cell) -> Array:
    pieces = kept(kind, "pieces", lambda: pieces_of(kind, pool, text))
    if kind.null:
        there = cells[0] != NULL
        cells = (np.where(there, cells[0], 0), *cells[1:])
    parts = [piece if isinstance(piece, str) else piece(cells) for piece in pieces]
    joined = pc.binary_join_element_wise(*parts, "") if len(parts) > 1 else parts[0]
    return pc.if_else(pa.array(there), joined, None) if kind.null else joined


@text.register
def _(kind: Variants, cells: Cell) -> Array:
    which, *ways = cells
    if not kind.null and not which.any():
        return text(kind.kinds[0], ways[0])
    at = np.full(len(which), -1)
    parts = []
    made = 0
    for k, (one, way) in enumerate(zip(kind.kinds, ways, strict=True)):
        mine = np.flatnonzero(which == k)
        if len(mine):
            at[mine] = np.arange(made, made + len(mine))
            made += len(mine)
            parts.append(text(one, _some(way, mine)))
    if not parts:
        return pa.nulls(len(which), pa.string())
    return pa.concat_arrays(parts).take(pa.array(at, mask=at < 0))


def _some(cells: Cell, rows: NDArray[np.int64]) -> Cell:
    """The cells of some rows."""
    return tuple(_some(part, rows) for part in cells) if isinstance(cells, tuple) else cells.take(rows)
