"""Renders blocks of cells as Arrow arrays: what `columns` defines for one cell, for thousands at once."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Any, TypeAlias

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
    WordLists,
    Words,
    date_text,
)  # fmt: skip
from pytest_aosfarm.synthetic.rows import NULL, Cell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pytest_aosfarm.synthetic.rows import Block
    from pytest_aosfarm.synthetic.table import Table

__all__ = ("arrow_type", "fixed_width", "kept", "record_batch", "render", "schema", "take", "text", "values")

Array: TypeAlias = pa.Array

_DAY, _SECOND = 86_400_000_000, 1_000_000
_MOMENT = pa.timestamp("us", tz="UTC")
_HEX = np.frombuffer(b"".join(b"%02x" % i for i in range(256)), np.uint16)
_TWO_DIGITS = np.frombuffer(b"".join(b"%02d" % i for i in range(100)), np.uint16)
_MOMENT_TEXT = np.frombuffer(b"0000-00-00T00:00:00.000000Z", np.uint8)
_BYTES = pa.array([str(i) for i in range(256)])


def record_batch(block: Block, columns: Sequence[str]) -> pa.RecordBatch:
    """The columns of a block. Raises KeyError for an unknown column."""
    kinds = block.table.kinds
    arrays = [render(kinds[name], block[name], len(block)) for name in columns]
    return pa.RecordBatch.from_arrays(arrays, schema=schema(block.table, columns))


def schema(table: Table, columns: Sequence[str]) -> pa.Schema:
    """The Arrow schema of some columns of a table."""
    kinds = {name: table.kinds[name] for name in columns}
    return pa.schema([pa.field(name, arrow_type(kind), nullable=kind.null) for name, kind in kinds.items()])


def arrow_type(kind: Kind) -> pa.DataType:
    """The Arrow type of a kind of column."""
    match kind:
        case Number():
            return pa.int64()
        case Boolean():
            return pa.bool_()
        case Timestamp():
            return _MOMENT
        case WordLists():
            return pa.list_(pa.string())
        case _:
            return pa.string()


def render(kind: Kind, cells: Cell, n: int) -> Array:
    """`n` cells as an Arrow array of `arrow_type(kind)`."""
    match kind:
        case Number() | Timestamp():
            return pa.array(cells, mask=cells == NULL if kind.null else None).cast(arrow_type(kind))
        case Boolean():
            return pa.array(np.asarray(cells, dtype=np.bool_))
        case WordLists():
            return take(kind, cells, lambda: pa.array(kind.lists, arrow_type(kind)))
        case Constant():
            return pa.repeat(text(kind, cells), n)
        case _:
            return text(kind, cells)


def values(kind: Kind, cells: Cell, n: int) -> list[Any]:
    """`n` cells as the Python values that `kind.value` gives one by one."""
    match kind:
        case Number() if not kind.null:
            result: list[Any] = cells.tolist()
        case Timestamp():
            result = text(kind, cells).to_pylist()
        case Words() if not kind.null:
            result = kept(kind, "words", lambda: np.array(kind.words, dtype=object)).take(cells).tolist()
        case _:
            result = render(kind, cells, n).to_pylist()
    return result


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
def _(kind: Words, cells: Cell) -> Array:
    return take(kind, cells, lambda: pa.array(kind.words))


@text.register
def _(kind: Boolean, cells: Cell) -> Array:
    return take(kind, np.asarray(cells, dtype=np.int64), lambda: pa.array(["false", "true"]))


@text.register
def _(kind: Pairs, cells: Cell) -> Array:
    def all_pairs() -> Array:
        count = len(kind.firsts)
        second, first = np.divmod(np.arange(count * len(kind.seconds)), count)
        firsts, seconds = pa.array(kind.firsts).take(pa.array(first)), pa.array(kind.seconds).take(pa.array(second))
        return pc.binary_join_element_wise(firsts, seconds, kind.between)

    return take(kind, cells, all_pairs)


@text.register
def _(kind: Of, cells: Cell) -> Array:
    def whole_column() -> Array:
        source = kind.source.kinds[kind.column]
        return pa.concat_arrays([text(source, block[kind.column]) for block in kind.source.blocks()])

    return take(kind, cells, whole_column)


@text.register
def _(kind: Number, cells: Cell) -> Array:
    return pa.array(cells, mask=cells == NULL if kind.null else None).cast(pa.string())


@text.register
def _(_kind: Constant, cells: Cell) -> Array:
    return pa.scalar(cells)


@text.register
def _(kind: IPv4, cells: Cell) -> Array:
    def halves() -> Array:
        high, low = np.divmod(np.arange(1 << 16), 256)
        return pc.binary_join_element_wise(_BYTES.take(pa.array(high)), _BYTES.take(pa.array(low)), ".")

    upper = np.where(cells == NULL, NULL, cells >> 16) if kind.null else cells >> 16
    return pc.binary_join_element_wise(take(kind, upper, halves), take(kind, cells & 0xFFFF, halves), ".")


@text.register
def _(kind: Id, cells: Cell) -> Array:
    ids = fixed_width(id_bytes(kind, cells))
    return pc.if_else(pa.array(cells != 0), ids, None) if kind.null else ids


def id_bytes(kind: Id, cells: Cell) -> NDArray[np.uint8]:
    """The ids as rows of ASCII."""
    prefix = np.frombuffer(kind.prefix.encode(), np.uint8)
    matrix = np.empty((len(cells), len(prefix) + 16), np.uint8)
    matrix[:, : len(prefix)] = prefix
    matrix[:, len(prefix) :] = _HEX.take(cells.astype(">u8").view(np.uint8)).view(np.uint8).reshape(-1, 16)
    return matrix


@text.register
def _(kind: Timestamp, cells: Cell) -> Array:
    moments = fixed_width(moment_bytes(np.where(cells == NULL, 0, cells) if kind.null else cells))
    return pc.if_else(pa.array(cells != NULL), moments, None) if kind.null else moments


def moment_bytes(cells: Cell) -> NDArray[np.uint8]:
    """The moments as rows of 27 ASCII characters."""
    day, rest = np.divmod(cells, _DAY)
    seconds, micros = np.divmod(rest, _SECOND)
    minutes, second = np.divmod(seconds, 60)
    hour, minute = np.divmod(minutes, 60)
    high, low = np.divmod(micros, 100)
    first, last = (int(day.min()), int(day.max())) if len(day) else (0, 0)
    dates = np.array([date_text(one) for one in range(first, last + 1)], dtype="S10")
    matrix = np.empty((len(cells), 27), np.uint8)
    matrix[:] = _MOMENT_TEXT
    matrix[:, :10] = dates.take(day - first).view(np.uint8).reshape(-1, 10)
    pairs = {11: hour, 14: minute, 17: second, 20: high // 100, 22: high % 100, 24: low}
    for at, numbers in pairs.items():
        matrix[:, at : at + 2] = _TWO_DIGITS.take(numbers).view(np.uint8).reshape(-1, 2)
    return matrix


def fixed_width(matrix: NDArray[np.uint8]) -> Array:
    """Rows of ASCII as Arrow text, without a copy."""
    n, width = matrix.shape
    offsets = np.arange(0, (n + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(matrix))


@text.register
def _(kind: Text, cells: Cell) -> Array:
    given = iter(cells)
    parts = [part if isinstance(part, str) else text(part, next(given)) for part in kind.parts]
    joined = pc.binary_join_element_wise(*parts, "")
    return pc.if_else(pa.array(cells[0] != NULL), joined, None) if kind.null else joined
