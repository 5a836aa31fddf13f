"""What a tenant sells: customers, their subscriptions, the invoices for these and the transactions that settle them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_aosfarm.synthetic.customers import Customers, Organizations
from pytest_aosfarm.synthetic.families import CUSTOMERS, Families
from pytest_aosfarm.synthetic.invoices import Invoices, Transactions
from pytest_aosfarm.synthetic.rows import Lookup
from pytest_aosfarm.synthetic.subscriptions import Subscriptions

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_aosfarm.synthetic.scale import Scale

__all__ = ("Business", "Calendar", "calendar_of")

_MONTHS_BACK, _MONTHS_AHEAD = 96, 24


class Calendar(NamedTuple):
    """The months around the anchor. Moments are microseconds since 1970-01-01T00:00:00Z."""

    months: Lookup
    """When each month starts."""
    now: int
    """The number of the anchor's month among them."""
    into_month: int
    """Microseconds from the start of that month to the anchor."""
    anchor: int


def calendar_of(anchor: datetime) -> Calendar:
    """The calendar of an aware datetime."""
    from datetime import UTC, datetime, timedelta

    epoch, microsecond = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
    first = anchor.year * 12 + anchor.month - 1 - _MONTHS_BACK
    numbers = range(first, first + _MONTHS_BACK + _MONTHS_AHEAD)
    starts = [(datetime(n // 12, n % 12 + 1, 1, tzinfo=UTC) - epoch) // microsecond for n in numbers]
    now = (anchor - epoch) // microsecond
    return Calendar(Lookup(starts), _MONTHS_BACK, now - starts[_MONTHS_BACK], now)


class Business:
    """The four business tables of one tenant."""

    def __init__(self, scale: Scale, seed: int, tenant_key: str, anchor: datetime) -> None:
        self.seed = seed
        self.tenant_key = tenant_key
        self.calendar = calendar_of(anchor)
        families = scale.customers // CUSTOMERS
        self.families = Families(families, seed, tenant_key)
        self.organizations = Organizations(16 * families, seed, tenant_key)
        self.customers = Customers(scale.customers, self)
        self.subscriptions = Subscriptions(scale.subscriptions, self)
        self.invoices = Invoices(scale.invoices, self)
        self.transactions = Transactions(scale.transactions, self)

    def __repr__(self) -> str:
        tables = (self.customers, self.subscriptions, self.invoices, self.transactions)
        return f"<business: {', '.join(f'{len(table):,} {table.name}' for table in tables)}>"
