"""The rows of a table in a form that the test chooses, whatever the table would choose by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.table import Row, Table

__all__ = ("by_block", "one_by_one", "without_zones")


def one_by_one(table: Table, rows: range) -> list[Row]:
    """The rows, each computed alone with plain integers."""
    return [table.row(i) for i in rows]


def by_block(table: Table, rows: range) -> list[Row]:
    """The rows, computed together with NumPy and Arrow."""
    return [row for block in table._row_blocks(rows) for row in block]


def without_zones(table: Table) -> pa.Table:
    """All rows as Arrow, moments without a zone: DuckDB reads one only with an extension that it would have to fetch."""
    rows = table.to_arrow()
    plain = [field.with_type(pa.timestamp("us")) if pa.types.is_timestamp(field.type) else field for field in rows.schema]
    return rows.cast(pa.schema(plain))
