"""What a tenant sells: customers, their subscriptions, the invoices for these and the transactions that settle them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from pytest_aosfarm.synthetic.customers import Customers, Organizations
from pytest_aosfarm.synthetic.families import CUSTOMERS, Families
from pytest_aosfarm.synthetic.invoices import Invoices
from pytest_aosfarm.synthetic.lookups import Lookup
from pytest_aosfarm.synthetic.moments import microseconds
from pytest_aosfarm.synthetic.subscriptions import Subscriptions
from pytest_aosfarm.synthetic.transactions import Transactions

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.conflicts import RecordMatches, SourceConflicts
    from pytest_aosfarm.synthetic.metrics import Metrics
    from pytest_aosfarm.synthetic.scale import Scale
    from pytest_aosfarm.synthetic.slots import Slots
    from pytest_aosfarm.synthetic.sources import BillingCustomers, CrmCustomers, ErpCustomers, SourceCustomers
    from pytest_aosfarm.synthetic.table import Table

__all__ = ("Business",)

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
    first = anchor.year * 12 + anchor.month - 1 - _MONTHS_BACK
    numbers = range(first, first + _MONTHS_BACK + _MONTHS_AHEAD)
    starts = [microseconds(datetime(n // 12, n % 12 + 1, 1, tzinfo=UTC)) for n in numbers]
    now = microseconds(anchor)
    return Calendar(Lookup(starts), _MONTHS_BACK, now - starts[_MONTHS_BACK], now)


class Business:
    """The business tables of one tenant, and the answer keys to them."""

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

    @cached_property
    def slots(self) -> Slots:
        """Which customer of a family is in which slot, that decides what the three systems hold of it."""
        from pytest_aosfarm.synthetic.slots import Slots

        return Slots(len(self.families), self.seed, self.tenant_key)

    @cached_property
    def crm_customers(self) -> CrmCustomers:
        """The customers as the CRM holds them."""
        from pytest_aosfarm.synthetic.sources import CrmCustomers

        return CrmCustomers(self)

    @cached_property
    def billing_customers(self) -> BillingCustomers:
        """The customers as the billing system holds them."""
        from pytest_aosfarm.synthetic.sources import BillingCustomers

        return BillingCustomers(self)

    @cached_property
    def erp_customers(self) -> ErpCustomers:
        """The customers as the ERP system holds them."""
        from pytest_aosfarm.synthetic.sources import ErpCustomers

        return ErpCustomers(self)

    @property
    def sources(self) -> tuple[SourceCustomers, ...]:
        """What each system holds: CRM, billing, ERP."""
        return self.crm_customers, self.billing_customers, self.erp_customers

    @cached_property
    def record_matches(self) -> RecordMatches:
        """The answer key: which records of the three systems are of which customer."""
        from pytest_aosfarm.synthetic.conflicts import RecordMatches

        return RecordMatches(self)

    @cached_property
    def conflicts(self) -> SourceConflicts:
        """The answer key: in which fields the three systems do not agree, and what is true."""
        from pytest_aosfarm.synthetic.conflicts import SourceConflicts

        return SourceConflicts(self)

    @property
    def answer_keys(self) -> tuple[Table, ...]:
        """What the three systems hold, whose record is whose, and where they do not agree."""
        return (*self.sources, self.record_matches, self.conflicts)

    @cached_property
    def metrics(self) -> Metrics:
        """The answer key: exact revenue, recurring revenue, cash and receivables. Computed when first asked for."""
        from pytest_aosfarm.synthetic.metrics import measure

        return measure(self)

    @property
    def tables(self) -> tuple[Table, ...]:
        """The four business tables."""
        return self.customers, self.subscriptions, self.invoices, self.transactions

    def __repr__(self) -> str:
        return f"<business: {', '.join(f'{len(table):,} {table.name}' for table in self.tables)}>"
