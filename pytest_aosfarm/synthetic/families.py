"""Who belongs to whom in the business tables, as arithmetic.

20 customers own 30 subscriptions, these have 200 invoices, and about these there are 300 transactions. The tables are
cut into such families. Within one, the ranks of its members decide everything that must add up: which customer has
which subscriptions, how many periods each was billed, what became of each invoice. So any row finds its parent and its
children without looking at another family. Families differ by the order in which ranks stand in the tables and by one
of eight decks of payment stories.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from pytest_aosfarm.synthetic.hashing import Shuffle
from pytest_aosfarm.synthetic.lookups import Lookup
from pytest_aosfarm.synthetic.table import Table, hidden

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.business import Business
    from pytest_aosfarm.synthetic.rows import Cell, Rows

__all__ = (
    "ACTIVE", "AMOUNTS", "CANCELLED", "CUSTOMERS", "CUSTOMER_STATE", "FIRST_SUBSCRIPTION", "INVOICES", "MONTHS",
    "MOST_STEPS", "PAUSED", "PERIODS", "STORIES", "SUBSCRIBER", "SUBSCRIPTIONS", "SUBSCRIPTION_COUNT",
    "SUBSCRIPTION_STATE", "TRANSACTIONS", "Families", "FamilyTable", "decks",
)  # fmt: skip

CUSTOMERS, SUBSCRIPTIONS, INVOICES, TRANSACTIONS = 20, 30, 200, 300
DECKS = 8
ACTIVE, PAUSED, CANCELLED = range(3)


class Plan(NamedTuple):
    """What is known of a subscription from its rank: owner, state, months in a period, periods billed."""

    customer: int
    state: int
    months: int
    periods: int


PLANS = tuple(
    Plan(*row)
    for row in (
        (0, ACTIVE, 1, 12), (1, ACTIVE, 1, 8), (2, ACTIVE, 12, 2), (3, CANCELLED, 1, 9), (4, ACTIVE, 1, 5),
        (5, ACTIVE, 3, 6), (6, PAUSED, 1, 7), (7, ACTIVE, 1, 14), (8, ACTIVE, 12, 3), (9, CANCELLED, 3, 3),
        (10, ACTIVE, 1, 2), (11, ACTIVE, 1, 1), (12, ACTIVE, 12, 1), (13, ACTIVE, 1, 10),
        (14, ACTIVE, 1, 13), (14, ACTIVE, 1, 4), (15, CANCELLED, 1, 11), (15, CANCELLED, 3, 2),
        (16, PAUSED, 3, 5), (16, PAUSED, 1, 6), (17, ACTIVE, 1, 15), (17, CANCELLED, 1, 3),
        (18, ACTIVE, 1, 18), (18, CANCELLED, 1, 2), (18, ACTIVE, 1, 6), (18, ACTIVE, 12, 1),
        (19, ACTIVE, 1, 17), (19, ACTIVE, 1, 7), (19, CANCELLED, 1, 3), (19, ACTIVE, 3, 4),
    )
)  # fmt: skip
"""By rank, those of one customer together. A customer's first is the one that begins first, whatever is drawn."""

SUBSCRIBER = Lookup([plan.customer for plan in PLANS])
FIRST_SUBSCRIPTION = Lookup([SUBSCRIBER.items.index(rank) for rank in range(CUSTOMERS)])
SUBSCRIPTION_COUNT = Lookup([SUBSCRIBER.items.count(rank) for rank in range(CUSTOMERS)])
CUSTOMER_STATE = Lookup([PLANS[first].state for first in FIRST_SUBSCRIPTION.items])
SUBSCRIPTION_STATE = Lookup([plan.state for plan in PLANS])
MONTHS = Lookup([plan.months for plan in PLANS])
PERIODS = Lookup([plan.periods for plan in PLANS])


class Step(NamedTuple):
    """One transaction of a story: its type, its status, and which amount it moves (see `AMOUNTS`)."""

    type: str
    status: str
    amount: str


class Story(NamedTuple):
    """What became of an invoice: the transactions about it, and whether it ends settled."""

    name: str
    steps: tuple[Step, ...]
    ends: str
    """"paid", "open", "draft" or "void"."""


AMOUNTS = ("total", "part", "rest", "credit", "after credit")
_PAY, _FAIL = Step("payment", "completed", "total"), Step("payment", "failed", "total")
_PART = Step("payment", "completed", "part")
_CREDIT = Step("credit", "completed", "credit")
STORIES = (
    Story("paid", (_PAY,), "paid"),
    Story("paid after a retry", (_FAIL, _PAY), "paid"),
    Story("paid in two parts", (_PART, Step("payment", "completed", "rest")), "paid"),
    Story("credited, then paid", (_CREDIT, Step("payment", "completed", "after credit")), "paid"),
    Story("paid after two retries", (_FAIL, _FAIL, _PAY), "paid"),
    Story("paid, then partly refunded", (_PAY, _CREDIT, Step("refund", "completed", "credit")), "paid"),
    Story("partly paid", (_PART,), "open"),
    Story("failed", (_FAIL,), "open"),
    Story("failed twice", (_FAIL, _FAIL), "open"),
    Story("charged back", (_PAY, Step("debit", "completed", "total")), "open"),
    Story("payment under way", (Step("payment", "pending", "total"),), "open"),
    Story("unpaid", (), "open"),
    Story("draft", (), "draft"),
    Story("void", (), "void"),
)
MOST_STEPS = max(len(story.steps) for story in STORIES)
_CURRENT = {"draft": 2, "unpaid": 5, "payment under way": 3, "failed": 2, "partly paid": 2, "failed twice": 1, "paid": 5}
"""How many of the 20 newest invoices of active subscriptions have which story."""
_EARLIER = {
    "void": 3, "unpaid": 3, "partly paid": 2, "charged back": 2, "failed twice": 1, "paid": 80, "paid after a retry": 30,
    "paid in two parts": 25, "credited, then paid": 14, "paid after two retries": 14, "paid, then partly refunded": 6,
}  # fmt: skip
"""How many of the other 180."""


class Decks(NamedTuple):
    """Lookups from places in a family, where invoices stand by subscription and period.

    Where decks differ, the place of an invoice is `deck * 200 + place`, that of a transaction `deck * 300 + place`.
    """

    subscription_of: Lookup
    period_of: Lookup
    first_invoice: Lookup
    story_of: Lookup
    first_transaction: Lookup
    invoice_of: Lookup
    """From a transaction to its invoice's place."""
    step_of: Lookup
    """From a transaction to its number in the invoice's story."""


@cache
def decks() -> Decks:
    """The lookups, made once."""
    subscription_of, period_of, first_invoice, current = list[int](), list[int](), list[int](), list[int]()
    for rank, plan in enumerate(PLANS):
        first_invoice.append(len(subscription_of))
        subscription_of += [rank] * plan.periods
        period_of += range(plan.periods)
        if plan.state == ACTIVE:
            current.append(len(subscription_of) - 1)
    earlier = [position for position in range(INVOICES) if position not in current]
    number = {story.name: k for k, story in enumerate(STORIES)}

    story_of, first_transaction, invoice_of, step_of = list[int](), list[int](), list[int](), list[int]()
    for deck in range(DECKS):
        dealt = [0] * INVOICES
        for positions, counts in ((current, _CURRENT), (earlier, _EARLIER)):
            order = Shuffle(len(positions), 0, "", "families", f"deck {deck} of {len(positions)}")
            stories = [number[name] for name, count in counts.items() for _ in range(count)]
            for slot, story in enumerate(stories):
                dealt[positions[order[slot]]] = story
        story_of += dealt
        at = 0
        for position, story in enumerate(dealt):
            steps = len(STORIES[story].steps)
            first_transaction.append(at)
            invoice_of += [position] * steps
            step_of += range(steps)
            at += steps
    lists = subscription_of, period_of, first_invoice, story_of, first_transaction, invoice_of, step_of
    return Decks(*map(Lookup, lists))


_TURNS = {CUSTOMERS: (1, 3, 7, 9, 11, 13, 17, 19), SUBSCRIPTIONS: (1, 7, 11, 13, 17, 19, 23, 29)}
_PLACE = {
    size: Lookup([rank * turn % size for turn in turns for rank in range(size)]) for size, turns in _TURNS.items()
}
_RANK = {
    size: Lookup([place * pow(turn, -1, size) % size for turn in turns for place in range(size)])
    for size, turns in _TURNS.items()
}


class Families(Table):
    """What is drawn for each family: in which order its members stand, and its deck.

    Customers and subscriptions stand at `(rank * turn + shift) % size`. Invoices and transactions keep their order, begun
    at another place: the invoices of a subscription, and the transactions of an invoice, stay together.
    """

    name = "families"
    unique = ()

    @hidden
    def _deck(self, r: Rows) -> Cell:
        return r.part("order", 0, 3)  # one of DECKS

    def row_of(self, r: Rows, size: int, rank: Cell) -> Cell:
        """The row in its table of the member with `rank`, of the family `r`; `size` says which table."""
        if size in _PLACE:
            rank = r.take(_PLACE[size], self._turn(r, size) + rank)
        place = rank + self._shift(r, size)
        return r.i * size + r.where(place < size, place, place - size)

    def rank_of(self, r: Rows, size: int, row: Cell) -> Cell:
        """The other way."""
        place = row - r.i * size - self._shift(r, size)
        place = r.where(place < 0, place + size, place)
        return r.take(_RANK[size], self._turn(r, size) + place) if size in _RANK else place

    @staticmethod
    def _turn(r: Rows, size: int) -> Cell:
        return r.part("order", 3 if size == CUSTOMERS else 6, 3) * size

    @staticmethod
    def _shift(r: Rows, size: int) -> Cell:
        slot = (CUSTOMERS, SUBSCRIPTIONS, INVOICES, TRANSACTIONS).index(size)
        return r.part("order", 12 + 12 * slot) * size >> 12


class FamilyTable(Table):
    """A table of which every family has `per_family` rows."""

    per_family: ClassVar[int]

    def __init__(self, length: int, books: Business) -> None:
        super().__init__(length, books.seed, books.tenant_key)
        self._books = books

    @hidden
    def _family(self, r: Rows) -> Cell:
        return r.of(self._books.families, r.i // self.per_family)
