"""Renders blocks of cells as Arrow arrays: what `columns` defines for one cell, for thousands at once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pytest_aosfarm.synthetic.columns import Boolean, Constant, Kind, Number, Of, Pairs, Timestamp, WordLists, Words
from pytest_aosfarm.synthetic.rows import NULL, Cell
from pytest_aosfarm.synthetic.texts import Array, kept, pool, take, text
from pytest_aosfarm.synthetic.vector import BLOCK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_aosfarm.synthetic.rows import Block
    from pytest_aosfarm.synthetic.table import Table

__all__ = ("arrow_type", "record_batch", "render", "schema", "values")

_MOMENT = pa.timestamp("us", tz="UTC")


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
            return pa.array(cells, mask=cells == NULL if kind.null else None).view(arrow_type(kind))
        case Boolean():
            return pa.array(np.asarray(cells, dtype=np.bool_))
        case WordLists():
            return take(kind, cells, lambda: pa.array(kind.lists, arrow_type(kind)))
        case Constant():
            return _block_of(cells).slice(0, n)
        case _:
            return text(kind, cells)


def values(kind: Kind, cells: Cell, n: int) -> list[Any]:
    """`n` cells as the Python values that `kind.value` gives one by one."""
    match kind:
        case Number() if not kind.null:
            result: list[Any] = cells.tolist()
        case Timestamp():
            result = text(kind, cells).to_pylist()
        case Words() | Pairs() | Of() if not kind.null:
            texts = kept(kind, "texts", lambda: pool(kind).to_numpy(zero_copy_only=False))
            result = texts.take(cells).tolist()
        case Constant():
            result = [cells] * n
        case _:
            result = render(kind, cells, n).to_pylist()
    return result


@lru_cache(maxsize=32)
def _block_of(constant: str) -> Array:
    """The same text in every row of a block."""
    return pa.repeat(constant, BLOCK)
