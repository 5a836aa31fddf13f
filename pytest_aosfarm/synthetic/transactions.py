"""Transactions: payments, refunds, credits and debits, one for each step of what became of an invoice."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic.columns import Constant, Id, Number, Timestamp, Words
from pytest_aosfarm.synthetic.customers import CURRENCIES
from pytest_aosfarm.synthetic.families import AMOUNTS, INVOICES, MOST_STEPS, STORIES, TRANSACTIONS, FamilyTable, decks
from pytest_aosfarm.synthetic.lookups import Lookup, conditional
from pytest_aosfarm.synthetic.rows import NULL, Cell, Rows
from pytest_aosfarm.synthetic.table import column, hidden

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("Transactions",)

_TYPES = ("payment", "refund", "credit", "debit")
_OUTCOMES = ("pending", "completed", "failed")
_FAILED = _OUTCOMES.index("failed")
_METHODS = ("card", "bank transfer", "direct debit", "wallet")
_METHOD_BY_REGION = conditional((70, 15, 5, 10), (40, 20, 35, 5), (55, 15, 5, 25))
_REASONS = ("insufficient funds", "card expired", "card declined", "bank unavailable", "limit exceeded")
_REASON_BY_METHOD = conditional((30, 25, 40, 2, 3), (40, 0, 0, 40, 20), (70, 0, 0, 20, 10), (60, 10, 10, 10, 10))


def _by_step(read: str, names: Sequence[str]) -> Lookup:
    """`story * 3 + step` to the number of what that step says of `read`."""
    return Lookup(
        [
            names.index(getattr(story.steps[k], read)) if k < len(story.steps) else 0
            for story in STORIES
            for k in range(MOST_STEPS)
        ]
    )


_TYPE, _OUTCOME, _AMOUNT = _by_step("type", _TYPES), _by_step("status", _OUTCOMES), _by_step("amount", AMOUNTS)


class Transactions(FamilyTable):
    """Payments, refunds, credits and debits about an invoice; `amount` is positive, in minor units of `currency`."""

    name = "transactions"
    per_family = TRANSACTIONS
    references = MappingProxyType({"customer_id": "customers", "invoice_id": "invoices"})

    @hidden
    def _place(self, r: Rows) -> Cell:
        """`deck * 300` and the place in the family."""
        return r["family"]["deck"] * TRANSACTIONS + self._books.families.rank_of(r["family"], TRANSACTIONS, r.i)

    @hidden
    def _invoice(self, r: Rows) -> Cell:
        place = r.take(decks().invoice_of, r["place"])
        row = self._books.families.row_of(r["family"], INVOICES, place)
        return r.of(self._books.invoices, row, family=r["family"], place=place)

    @hidden
    def _step(self, r: Rows) -> Cell:
        return r.take(decks().step_of, r["place"])

    @hidden
    def _move(self, r: Rows) -> Cell:
        return r["invoice"]["story"] * MOST_STEPS + r["step"]

    @column(Id("transaction-"))
    def _id(self, r: Rows) -> Cell:
        return r.bits("id")

    @column(Id("customer-"))
    def _customer_id(self, r: Rows) -> Cell:
        return r["invoice"]["customer_id"]

    @column(Id("invoice-"))
    def _invoice_id(self, r: Rows) -> Cell:
        return r["invoice"]["id"]

    @column(Constant())
    def _source_system(self, _r: Rows) -> Cell:
        return "payments"

    @column(Words(_TYPES))
    def _type(self, r: Rows) -> Cell:
        return r.take(_TYPE, r["move"])

    @column(Words(_OUTCOMES))
    def _status(self, r: Rows) -> Cell:
        return r.take(_OUTCOME, r["move"])

    @column(Number())
    def _amount(self, r: Rows) -> Cell:
        which = r.take(_AMOUNT, r["move"])
        total, part, rest, credit, after = r["invoice"]["amounts"]
        parts = r.where(which == 1, part, r.where(which == 2, rest, total))
        return r.where(which == 3, credit, r.where(which == 4, after, parts))

    @column(Words(CURRENCIES))
    def _currency(self, r: Rows) -> Cell:
        return r["invoice"]["currency"]

    @column(Words(_METHODS))
    def _method(self, r: Rows) -> Cell:
        region = r["invoice"]["subscription"]["customer"]["region"]
        return r.take(_METHOD_BY_REGION, region * 4096 + r["invoice"].part("id", 0))

    @column(Number())
    def _attempt(self, r: Rows) -> Cell:
        return r["step"] + 1

    @column(Words(_REASONS, null=True))
    def _failure_reason(self, r: Rows) -> Cell:
        reason = r.take(_REASON_BY_METHOD, r["method"] * 4096 + r.part("reason", 0))
        return r.where(r["status"] == _FAILED, reason, NULL)

    @column(Timestamp())
    def _timestamp(self, r: Rows) -> Cell:
        first, second, third = r["invoice"]["moments"]
        return r.where(r["step"] == 0, first, r.where(r["step"] == 1, second, third))
