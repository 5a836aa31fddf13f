"""What three systems hold of a family's customers, and which of their records drifted from the truth, and how.

Of the 20 customers of a family, 11 are in all three systems, 6 in two, 3 in one alone. Every family has each kind of
drift once, in a system that depends on the family's number: so all counts follow from the number of families. No value
drifted in two systems, so the others hold the truth; and no customer has two outdated records.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_aosfarm.synthetic.columns import Pairs, Text, Variants, Words
from pytest_aosfarm.synthetic.customers import Customers
from pytest_aosfarm.synthetic.families import CUSTOMERS
from pytest_aosfarm.synthetic.lookups import Lookup

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = (
    "CONFLICTS", "DRIFTS", "FIELDS", "HELD_BY", "HOLDS", "PLANS", "SETTLED_BY", "SYSTEMS", "TRUE_VALUE", "VALUE", "WAYS",
    "Conflict", "codes", "slots_of", "true_kind",
)  # fmt: skip

SYSTEMS = ("crm", "billing", "erp")
FIELDS = ("name", "email", "phone", "organization_name", "country", "city", "tier", "status")
"""What a record says of its customer."""
SETTLED_BY = ("notation", "newest", "majority")
"""How to find the truth: it is the value in full and plain; that of the newest record; that of two systems out of three."""
_NOTATION, _NEWEST, _MAJORITY = range(3)
PLANS = 3
"""A family follows the plan `number % PLANS`, which says which system each drift is in."""


class Drift(NamedTuple):
    """A way in which a record differs from the truth: in which fields, whose customer (a slot of the family)."""

    kind: str
    slot: int
    settled_by: int
    fields: tuple[tuple[str, int], ...]
    """With the number of the way in which the value is written or changed; 0 would be the truth."""


HELD_BY: tuple[tuple[int, ...], ...] = (*[(0, 1, 2)] * 11, *[(0, 1)] * 3, *[(0, 2)] * 2, (1, 2), (0,), (1,), (2,))
"""The systems that hold the customer in each slot."""
HOLDS = [Lookup([int(system in holders) for holders in HELD_BY]) for system in range(len(SYSTEMS))]
"""Whether a system holds the customer in a slot."""
DRIFTS = (
    Drift("initial only", 0, _NOTATION, (("name", 1),)),
    Drift("name in capitals", 1, _NOTATION, (("name", 2),)),
    Drift("last name first", 2, _NOTATION, (("name", 3),)),
    Drift("longer address", 3, _MAJORITY, (("email", 1),)),
    Drift("tagged address", 14, _NOTATION, (("email", 2),)),
    Drift("phone in digits", 5, _NOTATION, (("phone", 1),)),
    Drift("phone with brackets", 16, _NOTATION, (("phone", 2),)),
    Drift("no legal form", 12, _NOTATION, (("organization_name", 1),)),
    Drift("organization in capitals", 2, _NOTATION, (("organization_name", 2),)),
    Drift("moved from abroad", 5, _NEWEST, (("country", 1), ("city", 1))),
    Drift("moved within the country", 11, _NEWEST, (("city", 2),)),
    Drift("outdated tier", 3, _NEWEST, (("tier", 1),)),
    Drift("outdated status", 1, _NEWEST, (("status", 1),)),
)


class Conflict(NamedTuple):
    """One field of one customer in which the systems do not agree, in a family that follows a plan."""

    slot: int
    field: int
    way: int
    system: int
    drift: int


def _system(drift: int, plan: int) -> int:
    holders = HELD_BY[DRIFTS[drift].slot]
    return holders[(drift + plan) % len(holders)]


CONFLICTS = tuple(
    tuple(
        Conflict(drift.slot, FIELDS.index(field), way, _system(k, plan), k)
        for k, drift in enumerate(DRIFTS)
        for field, way in drift.fields
    )
    for plan in range(PLANS)
)
"""By plan; as many in each."""


def slots_of(system: int) -> list[int]:
    """The slots of the customers that the system holds."""
    return [slot for slot, holders in enumerate(HELD_BY) if system in holders]


@cache
def codes(system: int, field: int | None) -> Lookup:
    """`plan * 20 + slot` to the way in which the system's record drifted in the field; for None, whether it is outdated."""
    ways = [0] * (PLANS * CUSTOMERS)
    for plan, conflicts in enumerate(CONFLICTS):
        for one in conflicts:
            if one.system == system and field in {None, one.field}:
                outdated = int(DRIFTS[one.drift].settled_by == _NEWEST)
                ways[plan * CUSTOMERS + one.slot] |= outdated if field is None else one.way
    return Lookup(ways)


def true_kind(column: str) -> Any:
    """How the truth is written: the kind of a column of the customers."""
    return Customers.formulas[column].kind  # type: ignore[attr-defined]  # set by `column`


def _upper(words: Sequence[str]) -> list[str]:
    return [word.upper() for word in words]


def _ways() -> dict[str, Variants]:
    """The ways to write each field that is written in several; the first is that of the truth."""
    name, email, phone, organization = map(true_kind, FIELDS[:4])
    first, last = name.firsts, name.seconds
    surname, number, at, *domain = email.parts
    initial = Pairs([word[0].lower() for word in first], ".", surname.words)
    plus, code, space, subscriber = phone.parts
    company, blank, form = organization.parts
    loud = Pairs(_upper(company.firsts), " ", _upper(company.seconds))
    return {
        "name": Variants(
            name,
            Pairs([f"{word[0]}." for word in first], " ", last),
            Pairs(_upper(first), " ", _upper(last)),
            Text(Words(last), ", ", Words(first)),
        ),
        "email": Variants(email, Text(initial, number, at, *domain), Text(surname, number, "+accounts", at, *domain)),
        "phone": Variants(phone, Text("00", code, subscriber), Text(f"({plus}", code, f"){space}", subscriber)),
        "organization_name": Variants(organization, company, Text(loud, blank, Words(_upper(form.words)))),
    }


WAYS = _ways()
TRUE_VALUE = Variants(*map(true_kind, FIELDS))
"""The true value of any field: its number in FIELDS, then the cells of all of them."""
VALUE = Variants(*(WAYS[field] if field in WAYS else true_kind(field) for field in FIELDS), null=True)
"""What a system holds of any field."""
