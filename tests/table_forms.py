"""The rows of a table in a form that the test chooses, whatever the table would choose by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.table import Row, Table

__all__ = ("by_block", "one_by_one")


def one_by_one(table: Table, rows: range) -> list[Row]:
    """The rows, each computed alone with plain integers."""
    return [table.row(i) for i in rows]


def by_block(table: Table, rows: range) -> list[Row]:
    """The rows, computed together with NumPy and Arrow."""
    return [row for block in table._row_blocks(rows) for row in block]
