"""CSV and Parquet, by pyarrow, from the Arrow batches of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
from pyarrow import csv, parquet

from pytest_aosfarm.sinks.ndjson import compact
from pytest_aosfarm.synthetic.arrow import render, schema
from pytest_aosfarm.synthetic.columns import Timestamp, WordLists
from pytest_aosfarm.synthetic.texts import take, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_aosfarm.synthetic.table import Table

__all__ = ("write_csv", "write_parquet")

GROUP = 131_072
"""Rows of a Parquet row group: what readers take as one piece."""


def write_csv(table: Table, rows: range, file: BinaryIO, advance: Callable[[int], None]) -> None:
    """Write the names of the columns, then the rows.

    Moments are ISO 8601, lists JSON; text stands in double quotes, and what there is no value for is empty.
    """
    read = schema(table, table.columns)
    as_text = [name for name, kind in table.kinds.items() if isinstance(kind, Timestamp | WordLists)]
    written = pa.schema([pa.field(field.name, pa.string()) if field.name in as_text else field for field in read])
    with csv.CSVWriter(file, written) as writer:
        for block in table.blocks(rows):
            arrays = [
                _text(kind, block[name]) if name in as_text else render(kind, block[name], len(block))
                for name, kind in table.kinds.items()
            ]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=written))
            advance(len(block))


def write_parquet(table: Table, rows: range, file: BinaryIO, advance: Callable[[int], None]) -> None:
    """Write the rows, compressed with zstd; the same rows give the same bytes with the same pyarrow."""
    kept = schema(table, table.columns)
    with parquet.ParquetWriter(file, kept, compression="zstd") as writer:
        for group in _groups(table, rows):
            writer.write_table(pa.Table.from_batches(group, kept), row_group_size=GROUP)
            advance(sum(map(len, group)))


def _groups(table: Table, rows: range) -> Iterator[list[pa.RecordBatch]]:
    for start in range(rows.start, rows.stop, GROUP):
        yield list(table.batches(range(start, min(start + GROUP, rows.stop))))


def _text(kind: Any, cells: Any) -> pa.Array:
    if isinstance(kind, WordLists):
        lists = [compact(list(words)) for words in kind.lists]
        return take(kind, cells, lambda: pa.array(lists), "json")
    return text(kind, cells)
