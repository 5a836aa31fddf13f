"""Invoices, one for each period of a subscription: every balance is what the transactions about it leave."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic.columns import Constant, Id, Number, Text, Timestamp, Words
from pytest_aosfarm.synthetic.customers import CURRENCIES, TAX_OF
from pytest_aosfarm.synthetic.families import (
    INVOICES,
    MOST_STEPS,
    STORIES,
    SUBSCRIPTIONS,
    TRANSACTIONS,
    FamilyTable,
    decks,
)  # fmt: skip
from pytest_aosfarm.synthetic.lookups import Lookup
from pytest_aosfarm.synthetic.moments import DAY
from pytest_aosfarm.synthetic.rows import NULL, Cell, OneRow, Rows
from pytest_aosfarm.synthetic.table import Table, column, hidden

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("Invoices",)

_STATUSES = ("draft", "sent", "paid", "overdue", "void")
_DRAFT, _SENT, _PAID, _OVERDUE, _VOID = range(5)
_ENDS = Lookup([{"paid": _PAID, "open": _SENT, "draft": _DRAFT, "void": _VOID}[story.ends] for story in STORIES])
_SHARE = Lookup([4096 // max(1, len(story.steps)) for story in STORIES])
"""The part of its time that each step of a story has, in 4096ths."""
_PART_PAID = [story.name for story in STORIES].index("partly paid")


def _closing(name: str) -> int:
    """The step of a story at which the invoice is paid in full."""
    story = next(story for story in STORIES if story.name == name)
    payments = [k for k, step in enumerate(story.steps) if step.type == "payment" and step.status == "completed"]
    return payments[-1] if story.ends == "paid" else 0


_CLOSING = Lookup([_closing(story.name) for story in STORIES])
_TERMS = Lookup([14, 30, 45, 60])
"""Days to pay, by the customer's size."""


class Invoices(FamilyTable):
    """Invoices, one for each period of a subscription that has begun; money in minor units of `currency`.

    `balance` is what is owed: for a sent or overdue invoice `total` less completed payments and credits plus completed
    refunds and debits; 0 for the others.
    """

    name = "invoices"
    per_family = INVOICES
    unique = ("id", "number")
    references = MappingProxyType({"customer_id": "customers", "subscription_id": "subscriptions"})

    @hidden
    def _place(self, r: Rows) -> Cell:
        return self._books.families.rank_of(r["family"], INVOICES, r.i)

    @hidden
    def _subscription(self, r: Rows) -> Cell:
        rank = r.take(decks().subscription_of, r["place"])
        row = self._books.families.row_of(r["family"], SUBSCRIPTIONS, rank)
        return r.of(self._books.subscriptions, row, family=r["family"], rank=rank)

    @hidden
    def _period(self, r: Rows) -> Cell:
        return r.take(decks().period_of, r["place"])

    @hidden
    def _story(self, r: Rows) -> Cell:
        return r.take(decks().story_of, r["family"]["deck"] * INVOICES + r["place"])

    @hidden
    def _ends(self, r: Rows) -> Cell:
        return r.take(_ENDS, r["story"])

    @hidden
    def _amounts(self, r: Rows) -> Cell:
        """What transactions may move, in the order of AMOUNTS."""
        total = r["total"]
        part = 1 + (total * (205 + (r.part("split", 0) * 614 >> 12)) >> 10)
        credit = 1 + (total * (51 + (r.part("split", 12) * 102 >> 12)) >> 10)
        return total, part, total - part, credit, total - credit

    @hidden
    def _moments(self, r: Rows) -> Cell:
        """When the steps of the story happened: within 45 days, none after the anchor."""
        window = r.least(self._books.calendar.anchor - r["issued_at"], 45 * DAY) >> 20
        share = window * r.take(_SHARE, r["story"])
        return tuple(
            r["issued_at"] + (share * ((k << 10) + r.part("split", 24 + 10 * k, 10)) >> 2) for k in range(MOST_STEPS)
        )

    @column(Id("invoice-"))
    def _id(self, r: Rows) -> Cell:
        return r.bits("id")

    @column(Id("customer-"))
    def _customer_id(self, r: Rows) -> Cell:
        return r["subscription"]["customer_id"]

    @column(Id("subscription-"))
    def _subscription_id(self, r: Rows) -> Cell:
        return r["subscription"]["id"]

    @column(Constant())
    def _source_system(self, _r: Rows) -> Cell:
        return "billing"

    @column(Text("INV-", Number()))
    def _number(self, r: Rows) -> Cell:
        return (r.i + 1_000_001,)

    @column(Words(_STATUSES))
    def _status(self, r: Rows) -> Cell:
        late = (r["ends"] == _SENT) & (r["due_at"] < self._books.calendar.anchor)
        return r.where(late, _OVERDUE, r["ends"])

    @column(Words(CURRENCIES))
    def _currency(self, r: Rows) -> Cell:
        return r["subscription"]["currency"]

    @column(Number())
    def _amount(self, r: Rows) -> Cell:
        subscription = r["subscription"]
        monthly = r.where(r["period"] < subscription["change"], subscription["initial_mrr"], subscription["mrr"])
        return monthly * subscription["billing_months"]

    @column(Number())
    def _tax(self, r: Rows) -> Cell:
        return r["amount"] * r.take(TAX_OF, r["subscription"]["customer"]["country"]) // 10_000

    @column(Number())
    def _total(self, r: Rows) -> Cell:
        return r["amount"] + r["tax"]

    @column(Number())
    def _balance(self, r: Rows) -> Cell:
        total, part, *_ = r["amounts"]
        owed = r.where(r["story"] == _PART_PAID, total - part, total)
        return r.where(r["ends"] == _SENT, owed, 0)

    @column(Timestamp())
    def _issued_at(self, r: Rows) -> Cell:
        return self._books.subscriptions.begin(r["subscription"], r["period"])

    @column(Timestamp())
    def _due_at(self, r: Rows) -> Cell:
        return r["issued_at"] + r.take(_TERMS, r["subscription"]["customer"]["size"]) * DAY

    @column(Timestamp(null=True))
    def _paid_at(self, r: Rows) -> Cell:
        first, second, third = r["moments"]
        step = r.take(_CLOSING, r["story"])
        closed = r.where(step == 0, first, r.where(step == 1, second, third))
        return r.where(r["ends"] == _PAID, closed, NULL)

    @column(Timestamp())
    def _period_start(self, r: Rows) -> Cell:
        return r["issued_at"]

    @column(Timestamp())
    def _period_end(self, r: Rows) -> Cell:
        return self._books.subscriptions.begin(r["subscription"], r["period"] + 1)

    def child_rows(self, i: int) -> tuple[Table, Sequence[int]]:
        """The transactions about invoice `i`, in order of time."""
        one = OneRow(self, i)
        first = decks().first_transaction.items[one["family"]["deck"] * INVOICES + one["place"]]
        row_of, steps = self._books.families.row_of, len(STORIES[one["story"]].steps)
        return self._books.transactions, [row_of(one["family"], TRANSACTIONS, first + k) for k in range(steps)]
