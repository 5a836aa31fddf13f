"""The answer key to business metrics: exact sums, in minor units, of what the generator put into the rows.

Money is never added across currencies. Quarters are those of the calendar in UTC, from that of the first invoice to that
of the anchor, which is not over: nothing in the data happens after the anchor.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from pytest_aosfarm.synthetic.columns import Words
from pytest_aosfarm.synthetic.customers import CURRENCIES
from pytest_aosfarm.synthetic.families import (
    CANCELLED,
    CUSTOMER_STATE,
    FIRST_SUBSCRIPTION,
    SUBSCRIPTION_COUNT,
    SUBSCRIPTIONS,
)  # fmt: skip
from pytest_aosfarm.synthetic.moments import DAY
from pytest_aosfarm.synthetic.quarters import QuarterlySums
from pytest_aosfarm.synthetic.read_only import ReadOnly
from pytest_aosfarm.synthetic.rows import NULL, Block

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_aosfarm.synthetic.business import Business
    from pytest_aosfarm.synthetic.quarters import ByQuarter, Numbers
    from pytest_aosfarm.synthetic.table import Table

__all__ = ("AGES", "Metrics", "measure")

AGES = ("current", "1-30", "31-60", "61-90", "over 90")
"""Days past due at the anchor: "current" is not past due, a part of a day counts as one."""
_AGE_BOUNDS = np.array([0, 30 * DAY, 60 * DAY, 90 * DAY])
_MOST_ENDED = max(n for n, state in zip(SUBSCRIPTION_COUNT.items, CUSTOMER_STATE.items, strict=True) if state == CANCELLED)
"""As many subscriptions as a customer that left has had at most."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a module must find: each sum by quarter and currency, such as `revenue["2025-Q4", "EUR"]`, 0 where nothing was.

    MRR is what running subscriptions cost a month. One runs from `start_date` until `end_date` or `paused_at`, at
    `initial_mrr` until `changed_at`, then at `mrr`. What happens at an instant counts for the quarter that has begun by it.
    MRR at the end of a quarter is that of the quarter before + new + expansion - contraction - churned - paused.
    """

    quarters: tuple[str, ...]
    """Such as "2025-Q4", in order. The last one is partial: it runs to the anchor, as do sums and balances in it."""
    currencies: tuple[str, ...]
    revenue: ByQuarter
    """Net `amount` of the invoices issued in the quarter, but for those that are draft or void now."""
    billings: ByQuarter
    """The same with tax: `total`."""
    cash: ByQuarter
    """Completed payments less completed refunds and debits, by the transaction's `timestamp`."""
    credits: ByQuarter
    """Completed credits, by the transaction's `timestamp`."""
    mrr: ByQuarter
    """Of the subscriptions that run at the end of the quarter."""
    arr: ByQuarter
    """Twelve times that."""
    new_mrr: ByQuarter
    """What subscriptions that start in the quarter cost at first."""
    expansion_mrr: ByQuarter
    """By how much `mrr` exceeds `initial_mrr` where `changed_at` is in the quarter."""
    contraction_mrr: ByQuarter
    """By how much it falls short, as a positive number."""
    churned_mrr: ByQuarter
    """The `mrr` of subscriptions that end in the quarter."""
    paused_mrr: ByQuarter
    """The `mrr` of subscriptions that are paused in the quarter."""
    subscriptions_churned: ByQuarter
    """How many subscriptions end in the quarter."""
    customers_churned: ByQuarter
    """How many customers left: all subscriptions they had have ended, the last one in the quarter."""
    receivables: Mapping[str, Mapping[str, int]]
    """Open balances at the anchor by currency and age, such as `receivables["EUR"]["31-60"]`. See AGES."""


def measure(books: Business) -> Metrics:
    """The metrics of a tenant's business, summed block by block: memory does not grow with the rows."""
    sums = QuarterlySums(books)
    ages = _add_invoices(sums, books)
    _add_transactions(sums, books)
    _add_subscriptions(sums, books)
    _add_customers(sums, books)
    moved = [sums.series(name) for name in ("new_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr", "paused_mrr")]
    mrr = [
        list(accumulate(new + more - less - churned - paused for new, more, less, churned, paused in zip(*of, strict=True)))
        for of in zip(*moved, strict=True)
    ]
    summed = {name: sums.by_quarter(sums.series(name)) for name in _SUMMED}
    return Metrics(
        quarters=sums.quarters,
        currencies=CURRENCIES,
        mrr=sums.by_quarter(mrr),
        arr=sums.by_quarter([[12 * one for one in numbers] for numbers in mrr]),
        receivables=ReadOnly(
            {
                currency: ReadOnly(dict(zip(AGES, of, strict=True)))
                for currency, of in zip(CURRENCIES, ages.tolist(), strict=True)
            }
        ),
        **summed,
    )


_SUMMED = (
    "revenue", "billings", "cash", "credits", "new_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr", "paused_mrr",
    "subscriptions_churned", "customers_churned",
)  # fmt: skip


def _add_invoices(sums: QuarterlySums, books: Business) -> Numbers:
    """Also gives the open balances by currency and age."""
    draft, void = (_code(books.invoices, "status", word) for word in ("draft", "void"))
    ages = np.zeros((len(CURRENCIES), len(AGES)), np.int64)
    for r in books.invoices.blocks():
        issued = (r["status"] != draft) & (r["status"] != void)
        sums.begin(r["issued_at"])
        sums.add("revenue", r["issued_at"], r["currency"], r["amount"] * issued)
        sums.add("billings", r["issued_at"], r["currency"], r["total"] * issued)
        age = _AGE_BOUNDS.searchsorted(books.calendar.anchor - r["due_at"], side="left")
        np.add.at(ages, (r["currency"], age), r["balance"])
    return ages


def _add_transactions(sums: QuarterlySums, books: Business) -> None:
    completed = _code(books.transactions, "status", "completed")
    payment, credit = (_code(books.transactions, "type", word) for word in ("payment", "credit"))
    for r in books.transactions.blocks():
        amount = r["amount"] * (r["status"] == completed)
        is_credit = r["type"] == credit
        sums.add("credits", r["timestamp"], r["currency"], amount * is_credit)
        flow = np.where(r["type"] == payment, amount, -amount)
        sums.add("cash", r["timestamp"], r["currency"], flow * ~is_credit)


def _add_subscriptions(sums: QuarterlySums, books: Business) -> None:
    for r in books.subscriptions.blocks():
        currency, mrr, step = r["currency"], r["mrr"], r["mrr"] - r["initial_mrr"]
        sums.add("new_mrr", r["start_date"], currency, r["initial_mrr"])
        sums.add("expansion_mrr", r["changed_at"], currency, np.maximum(step, 0))
        sums.add("contraction_mrr", r["changed_at"], currency, np.maximum(-step, 0))
        sums.add("churned_mrr", r["end_date"], currency, mrr)
        sums.add("paused_mrr", r["paused_at"], currency, mrr)
        sums.add("subscriptions_churned", r["end_date"], currency, np.ones_like(mrr))


def _add_customers(sums: QuarterlySums, books: Business) -> None:
    churned = _code(books.customers, "status", "churned")
    for every in books.customers.blocks():
        r = Block(books.customers, every.i[every["status"] == churned])
        first = r.take(FIRST_SUBSCRIPTION, r["rank"])
        left = np.full(len(r), NULL)
        for k in range(_MOST_ENDED):
            rank = first + np.minimum(k, r.take(SUBSCRIPTION_COUNT, r["rank"]) - 1)
            row = books.families.row_of(r["family"], SUBSCRIPTIONS, rank)
            ended = r.of(books.subscriptions, row, family=r["family"], rank=rank, customer=r)["end_date"]
            left = np.maximum(left, ended)
        sums.add("customers_churned", left, r["currency"], np.ones_like(left))


def _code(table: Table, column: str, word: str) -> int:
    """The cell that stands for a word."""
    kind = table.kinds[column]
    assert isinstance(kind, Words)
    return kind.words.index(word)
