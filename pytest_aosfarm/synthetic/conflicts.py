"""The answer key to the three systems' customers: whose record is whose, and where the systems do not agree."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic.columns import Id, Words
from pytest_aosfarm.synthetic.drift import (
    CONFLICTS,
    DRIFTS,
    FIELDS,
    HELD_BY,
    HOLDS,
    PLANS,
    SETTLED_BY,
    SYSTEMS,
    TRUE_VALUE,
    VALUE,
)  # fmt: skip
from pytest_aosfarm.synthetic.families import CUSTOMERS
from pytest_aosfarm.synthetic.lookups import Lookup
from pytest_aosfarm.synthetic.rows import NULL, Cell, Rows
from pytest_aosfarm.synthetic.table import Table, column, hidden

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_aosfarm.synthetic.business import Business
    from pytest_aosfarm.synthetic.drift import Conflict

__all__ = ("RecordMatches", "SourceConflicts")

_PER_FAMILY = len(CONFLICTS[0])
_ALL = [conflict for conflicts in CONFLICTS for conflict in conflicts]
_SLOT, _FIELD, _SYSTEM, _DRIFT = (
    Lookup([getattr(conflict, part) for conflict in _ALL]) for part in ("slot", "field", "system", "drift")
)
_SETTLED = Lookup([drift.settled_by for drift in DRIFTS])


class RecordMatches(Table):
    """Row `i` says which records are of customer `i`: the truth for entity resolution. Null where a system has none."""

    name = "record_matches"
    unique = ("customer_id", "crm_id", "billing_id", "erp_id")
    references = MappingProxyType(
        {
            "customer_id": "customers",
            "crm_id": "crm_customers",
            "billing_id": "billing_customers",
            "erp_id": "erp_customers",
        }
    )

    def __init__(self, books: Business) -> None:
        super().__init__(len(books.customers), books.seed, books.tenant_key)
        self._books = books

    @property
    def overlap(self) -> dict[tuple[str, ...], int]:
        """How many customers are in exactly these systems."""
        families = len(self._books.families)
        return {tuple(SYSTEMS[one] for one in held): HELD_BY.count(held) * families for held in dict.fromkeys(HELD_BY)}

    @hidden
    def _family(self, r: Rows) -> Cell:
        return r.of(self._books.slots, r.i // CUSTOMERS)

    @hidden
    def _plan(self, r: Rows) -> Cell:
        return r["family"]["plan"]

    @hidden
    def _slot(self, r: Rows) -> Cell:
        return self._books.slots.slot_of(r["family"], r.i % CUSTOMERS)

    @hidden
    def _customer(self, r: Rows) -> Cell:
        return r.of(self._books.customers, r.i)

    def _record_id(self, r: Rows, system: int) -> Cell:
        record = self._books.sources[system].record_of(r)
        return r.where(r.take(HOLDS[system], r["slot"]) == 1, record["id"], 0)

    @column(Id("customer-"))
    def _customer_id(self, r: Rows) -> Cell:
        return r["customer"]["id"]

    @column(Id("contact-", null=True))
    def _crm_id(self, r: Rows) -> Cell:
        return self._record_id(r, 0)

    @column(Id("account-", null=True))
    def _billing_id(self, r: Rows) -> Cell:
        return self._record_id(r, 1)

    @column(Id("partner-", null=True))
    def _erp_id(self, r: Rows) -> Cell:
        return self._record_id(r, 2)


class SourceConflicts(Table):
    """Every field of every customer in which a system holds something else than the truth, which the others hold.

    A system's value is null where it has no record of the customer. `system` is the one that is wrong. `settled_by` says
    how the truth can be told: by "notation", it is the value in full and plain; by "newest", that of the newest record;
    by "majority", that of two systems out of three.
    """

    name = "source_conflicts"
    references = MappingProxyType({"customer_id": "customers"})

    def __init__(self, books: Business) -> None:
        super().__init__(len(books.families) * _PER_FAMILY, books.seed, books.tenant_key)
        self._books = books

    @property
    def by_kind(self) -> dict[str, int]:
        """How many rows there are of each kind."""
        return {drift.kind: len(drift.fields) * len(self._books.families) for drift in DRIFTS}

    @property
    def by_system(self) -> dict[str, int]:
        """In how many rows each system is the wrong one."""
        count = dict.fromkeys(SYSTEMS, 0)
        for families, conflicts in self._by_plan():
            for conflict in conflicts:
                count[SYSTEMS[conflict.system]] += families
        return count

    def _by_plan(self) -> Iterator[tuple[int, tuple[Conflict, ...]]]:
        """The number of families that follow each plan, and the conflicts in one of them."""
        for plan, conflicts in enumerate(CONFLICTS):
            yield len(range(plan, len(self._books.families), PLANS)), conflicts

    @hidden
    def _family(self, r: Rows) -> Cell:
        return r.of(self._books.slots, r.i // _PER_FAMILY)

    @hidden
    def _plan(self, r: Rows) -> Cell:
        return r["family"]["plan"]

    @hidden
    def _place(self, r: Rows) -> Cell:
        """Which of all plans' conflicts it is."""
        return r.i // _PER_FAMILY % PLANS * _PER_FAMILY + r.i % _PER_FAMILY

    @hidden
    def _slot(self, r: Rows) -> Cell:
        return r.take(_SLOT, r["place"])

    @hidden
    def _customer(self, r: Rows) -> Cell:
        return r.of(self._books.customers, self._books.slots.customer_in(r["family"], r["slot"]))

    @column(Id("conflict-"))
    def _id(self, r: Rows) -> Cell:
        return r.bits("id")

    @column(Id("customer-"))
    def _customer_id(self, r: Rows) -> Cell:
        return r["customer"]["id"]

    @column(Words(FIELDS))
    def _field(self, r: Rows) -> Cell:
        return r.take(_FIELD, r["place"])

    @column(TRUE_VALUE)
    def _truth(self, r: Rows) -> Cell:
        return r["field"], *(r["customer"][field] for field in FIELDS)

    def _held_value(self, r: Rows, system: int) -> Cell:
        record = self._books.sources[system].record_of(r)
        held = r.take(HOLDS[system], r["slot"]) == 1
        return r.where(held, r["field"], NULL), *(record[field] for field in FIELDS)

    @column(VALUE)
    def _crm_value(self, r: Rows) -> Cell:
        return self._held_value(r, 0)

    @column(VALUE)
    def _billing_value(self, r: Rows) -> Cell:
        return self._held_value(r, 1)

    @column(VALUE)
    def _erp_value(self, r: Rows) -> Cell:
        return self._held_value(r, 2)

    @column(Words(SYSTEMS))
    def _system(self, r: Rows) -> Cell:
        return r.take(_SYSTEM, r["place"])

    @column(Words([drift.kind for drift in DRIFTS]))
    def _kind(self, r: Rows) -> Cell:
        return r.take(_DRIFT, r["place"])

    @column(Words(SETTLED_BY))
    def _settled_by(self, r: Rows) -> Cell:
        return r.take(_SETTLED, r["kind"])
