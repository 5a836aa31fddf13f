"""Rows that hang together: a customer and all that belongs to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.table import Row, Table

__all__ = ("customer_family",)


def customer_family(customers: Table, i: int) -> dict[str, Any]:
    """Row `i` of the customers under "customer", and lists of the "subscriptions", "invoices", "transactions" of theirs."""
    family: dict[str, Any] = {"customer": customers[i]}
    table, rows = customers, [i if i >= 0 else i + len(customers)]
    while table.name != "transactions":
        below = [table.child_rows(row) for row in rows]
        table, rows = below[0][0], [row for _, mine in below for row in mine]
        found: list[Row] = [table.row(row) for row in rows]
        family[table.name] = found
    return family
