"""Which customer of a family stands in which slot: the slot decides what three systems hold of it (see `drift`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic.drift import PLANS
from pytest_aosfarm.synthetic.families import CUSTOMERS
from pytest_aosfarm.synthetic.hashing import Shuffle
from pytest_aosfarm.synthetic.lookups import Lookup
from pytest_aosfarm.synthetic.table import Table, hidden

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.rows import Cell, Rows

__all__ = ("Slots",)

_DECKS = 64


def _orders() -> list[list[int]]:
    shuffles = [Shuffle(CUSTOMERS, 0, "", "slots", f"deck {deck}") for deck in range(_DECKS)]
    return [[shuffle[slot] for slot in range(CUSTOMERS)] for shuffle in shuffles]


_PLACE = Lookup(lambda: [place for order in _orders() for place in order])
"""`deck * 20 + slot` to a place in the family; the other way in _SLOT."""
_SLOT = Lookup(lambda: [order.index(place) for order in _orders() for place in range(CUSTOMERS)])


class Slots(Table):
    """Which customer of each family is in which of the 20 slots, that decide what the systems hold of them."""

    name = "slots"
    unique = ()

    @hidden
    def _deck(self, r: Rows) -> Cell:
        return r.part("order", 0, 6) * CUSTOMERS

    @hidden
    def _shift(self, r: Rows) -> Cell:
        return r.part("order", 6) * CUSTOMERS >> 12

    @hidden
    def _plan(self, r: Rows) -> Cell:
        return r.i % PLANS * CUSTOMERS

    def customer_in(self, r: Rows, slot: Cell) -> Cell:
        """The row of the customer in a slot of the family `r`."""
        return r.i * CUSTOMERS + (r.take(_PLACE, r["deck"] + slot) + r["shift"]) % CUSTOMERS

    def slot_of(self, r: Rows, customer: Cell) -> Cell:
        """The other way."""
        return r.take(_SLOT, r["deck"] + (customer + CUSTOMERS - r["shift"]) % CUSTOMERS)
