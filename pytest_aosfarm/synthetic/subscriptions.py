"""Subscriptions: what a customer pays for, how much a month, from when to when."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic.columns import Constant, Id, Number, Timestamp, Words
from pytest_aosfarm.synthetic.customers import CURRENCIES
from pytest_aosfarm.synthetic.families import (
    ACTIVE,
    CANCELLED,
    CUSTOMERS,
    INVOICES,
    MONTHS,
    PAUSED,
    PERIODS,
    SUBSCRIBER,
    SUBSCRIPTION_STATE,
    SUBSCRIPTIONS,
    FamilyTable,
    decks,
)  # fmt: skip
from pytest_aosfarm.synthetic.lookups import Lookup, conditional
from pytest_aosfarm.synthetic.moments import DAY, SECOND
from pytest_aosfarm.synthetic.rows import NULL, Cell, OneRow, Rows
from pytest_aosfarm.synthetic.table import Table, column, hidden

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("Subscriptions",)

_PLANS = ("starter", "team", "business", "scale")
_PLAN_BY_LEVEL = conditional((70, 28, 2, 0), (5, 40, 45, 10), (0, 5, 35, 60))
_DOLLARS = (900, 1_500, 2_700, 4_800)
"""Minor units a seat and month; multiples of 6, so that a year at ten months' price divides by twelve."""
_PRICES = Lookup([price * rate // 300 * 6 for rate in (50, 46, 40, 68, 76) for price in _DOLLARS])
"""By currency and plan; each market has its own price list."""
_SEATS = Lookup([1, 8, 40, 200])
_MORE_SEATS = Lookup([9, 52, 260, 2_300])


class Subscriptions(FamilyTable):
    """Subscriptions, billed in advance for periods of 1, 3 or 12 months.

    `mrr` is what a month costs now or did at the end, `initial_mrr` what it cost until `changed_at`; minor units.
    A paused subscription has no `end_date`: it is billed no more, for now.
    """

    name = "subscriptions"
    per_family = SUBSCRIPTIONS
    references = MappingProxyType({"customer_id": "customers"})

    @hidden
    def _rank(self, r: Rows) -> Cell:
        return self._books.families.rank_of(r["family"], SUBSCRIPTIONS, r.i)

    @hidden
    def _customer(self, r: Rows) -> Cell:
        rank = r.take(SUBSCRIBER, r["rank"])
        row = self._books.families.row_of(r["family"], CUSTOMERS, rank)
        return r.of(self._books.customers, row, family=r["family"], rank=rank)

    @hidden
    def _state(self, r: Rows) -> Cell:
        return r.take(SUBSCRIPTION_STATE, r["rank"])

    @hidden
    def _periods(self, r: Rows) -> Cell:
        return r.take(PERIODS, r["rank"])

    @hidden
    def _offset(self, r: Rows) -> Cell:
        """Microseconds from the start of a month to the moment at which a period begins, at most 28 days."""
        return (r.part("start", 0) * 28 >> 12) * DAY + (r.part("start", 12, 16) * 86_399 >> 16) * SECOND

    @hidden
    def _first_month(self, r: Rows) -> Cell:
        """The month in which the first period begins."""
        calendar, months = self._books.calendar, r["billing_months"]
        begun = r.where(r["offset"] <= calendar.into_month, calendar.now, calendar.now - 1)
        running = begun - (r.part("start", 28) * months >> 12) - (r["periods"] - 1) * months
        ended = begun - r["customer"]["gap"] - r["periods"] * months
        return r.where(r["state"] == ACTIVE, running, ended)

    def begin(self, r: Rows, period: Cell) -> Cell:
        """When `period` (0 for the first) of the subscriptions `r` begins, microseconds."""
        month = r["first_month"] + period * r["billing_months"]
        return r.take(self._books.calendar.months, month) + r["offset"]

    @column(Id("subscription-"))
    def _id(self, r: Rows) -> Cell:
        return r.bits("id")

    @column(Id("customer-"))
    def _customer_id(self, r: Rows) -> Cell:
        return r["customer"]["id"]

    @column(Constant())
    def _source_system(self, _r: Rows) -> Cell:
        return "billing"

    @column(Words(_PLANS))
    def _plan(self, r: Rows) -> Cell:
        return r.take(_PLAN_BY_LEVEL, r["customer"]["level"] * 4096 + r.part("plan", 0))

    @column(Words(("active", "paused", "cancelled")))
    def _status(self, r: Rows) -> Cell:
        return r["state"]

    @column(Number())
    def _billing_months(self, r: Rows) -> Cell:
        return r.take(MONTHS, r["rank"])

    @column(Number())
    def _seats(self, r: Rows) -> Cell:
        size, skewed = r["customer"]["size"], r.part("plan", 12) * r.part("plan", 24) >> 12
        return r.take(_SEATS, size) + (r.take(_MORE_SEATS, size) * skewed >> 12)

    @hidden
    def _change(self, r: Rows) -> Cell:
        """The period from which the seats are other than at first; 0 for never. One in four that could change did."""
        period = 1 + (r.part("change", 0) * (r["periods"] - 1) >> 12)
        return r.where((r["periods"] > 1) & (r.part("change", 12, 2) == 0), period, 0)

    @hidden
    def _initial_seats(self, r: Rows) -> Cell:
        seats = r["seats"]
        grew = (r.part("change", 14, 2) > 0) & (seats > 1)
        return r.where(r["change"] == 0, seats, r.where(grew, (seats + 1) // 2, seats + 1 + seats // 3))

    @column(Words(CURRENCIES))
    def _currency(self, r: Rows) -> Cell:
        return r["customer"]["currency"]

    def _monthly(self, r: Rows, seats: Cell) -> Cell:
        whole = r.take(_PRICES, r["currency"] * len(_PLANS) + r["plan"]) * seats
        return r.where(r["billing_months"] == 12, whole // 6 * 5, whole)

    @column(Number())
    def _mrr(self, r: Rows) -> Cell:
        return self._monthly(r, r["seats"])

    @column(Number())
    def _initial_mrr(self, r: Rows) -> Cell:
        return self._monthly(r, r["initial_seats"])

    @column(Timestamp(null=True))
    def _changed_at(self, r: Rows) -> Cell:
        return r.where(r["change"] == 0, NULL, self.begin(r, r["change"]))

    @column(Timestamp())
    def _start_date(self, r: Rows) -> Cell:
        return self.begin(r, r.i * 0)

    @column(Timestamp(null=True))
    def _end_date(self, r: Rows) -> Cell:
        return r.where(r["state"] == CANCELLED, self.begin(r, r["periods"]), NULL)

    @column(Timestamp(null=True))
    def _paused_at(self, r: Rows) -> Cell:
        return r.where(r["state"] == PAUSED, self.begin(r, r["periods"]), NULL)

    def child_rows(self, i: int) -> tuple[Table, Sequence[int]]:
        """The invoices of subscription `i`, oldest first."""
        one = OneRow(self, i)
        first = decks().first_invoice.items[one["rank"]]
        row_of = self._books.families.row_of
        return self._books.invoices, [row_of(one["family"], INVOICES, first + k) for k in range(one["periods"])]
