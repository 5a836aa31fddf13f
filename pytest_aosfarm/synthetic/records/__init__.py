"""Rows as typed, frozen pydantic models: one for each table, with the table's columns in their order.

`table.record(i)` and `table.records()` give them, `Customer.model_validate(row)` makes one from any row. A record's
`model_dump(mode="json")` is the row again, exactly.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic.records.assets import Application, Database, Host, Service
from pytest_aosfarm.synthetic.records.base import Record
from pytest_aosfarm.synthetic.records.business import Customer, CustomerFamily, Invoice, Subscription, Transaction
from pytest_aosfarm.synthetic.records.events import AuthEvent, LogEntry, NetworkFlow

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = (
    "RECORDS", "Application", "AuthEvent", "Customer", "CustomerFamily", "Database", "Host", "Invoice", "LogEntry",
    "NetworkFlow", "Record", "Service", "Subscription", "Transaction", "model_of",
)  # fmt: skip

RECORDS: Mapping[str, type[Record]] = MappingProxyType(
    {
        "applications": Application,
        "services": Service,
        "databases": Database,
        "hosts": Host,
        "customers": Customer,
        "subscriptions": Subscription,
        "invoices": Invoice,
        "transactions": Transaction,
        "logs": LogEntry,
        "network_flows": NetworkFlow,
        "auth_events": AuthEvent,
    }
)
"""The model of each table's rows."""


def model_of(table: str) -> type[Record]:
    """The model of the rows of the table so named. Raises LookupError where there is none."""
    try:
        return RECORDS[table]
    except KeyError:
        raise LookupError(f"the rows of {table} have no model; those of {', '.join(RECORDS)} have") from None
