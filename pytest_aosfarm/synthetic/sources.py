"""The same customers as three systems hold them: other ids, another order, some not at all, some other than they are.

A record says who it is about only by what it holds: name, address, phone. The answers are in `conflicts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pytest_aosfarm.synthetic.columns import Constant, Id, Timestamp
from pytest_aosfarm.synthetic.customers import COUNTRIES
from pytest_aosfarm.synthetic.drift import FIELDS, SYSTEMS, WAYS, codes, slots_of, true_kind
from pytest_aosfarm.synthetic.hashing import Shuffle
from pytest_aosfarm.synthetic.lookups import Lookup
from pytest_aosfarm.synthetic.moments import SECOND
from pytest_aosfarm.synthetic.table import Table, column, hidden

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.business import Business
    from pytest_aosfarm.synthetic.rows import Cell, Rows

__all__ = ("BillingCustomers", "CrmCustomers", "ErpCustomers", "SourceCustomers")


class SourceCustomers(Table):
    """The records of one system. A record about which `customer`, `slot` and `plan` are known needs no row of its own."""

    unique = ("id", "email")
    system: ClassVar[int]
    """Its number in SYSTEMS."""

    def __init__(self, books: Business) -> None:
        slots = slots_of(self.system)
        super().__init__(len(books.families) * len(slots), books.seed, books.tenant_key)
        self._books = books
        self._held = Lookup(slots)
        self._order = Shuffle(max(len(self), 1), books.seed, books.tenant_key, self.name, "order")
        self._draw = f"{SYSTEMS[self.system]} record"

    def record_of(self, r: Rows) -> Rows:
        """The record that this system has of the customer, slot and plan that are known of `r`."""
        return r.of(self, r.i, customer=r["customer"], slot=r["slot"], plan=r["plan"])

    @hidden
    def _number(self, r: Rows) -> Cell:
        """The record's place if they stood by family."""
        return r.shuffled(self._order, r.i)

    @hidden
    def _family(self, r: Rows) -> Cell:
        return r.of(self._books.slots, r["number"] // len(self._held))

    @hidden
    def _plan(self, r: Rows) -> Cell:
        return r["family"]["plan"]

    @hidden
    def _slot(self, r: Rows) -> Cell:
        return r.take(self._held, r["number"] % len(self._held))

    @hidden
    def _customer(self, r: Rows) -> Cell:
        """The customer as it is."""
        return r.of(self._books.customers, self._books.slots.customer_in(r["family"], r["slot"]))

    def _way(self, r: Rows, field: str | None) -> Cell:
        return r.take(codes(self.system, None if field is None else FIELDS.index(field)), r["plan"] + r["slot"])

    @column(Id("record-"))
    def _id(self, r: Rows) -> Cell:
        return r["customer"].bits(f"{self._draw} id")

    @column(Constant())
    def _source_system(self, _r: Rows) -> Cell:
        return SYSTEMS[self.system]

    @column(WAYS["name"])
    def _name(self, r: Rows) -> Cell:
        name = r["customer"]["name"]
        return self._way(r, "name"), name, name, name, (name >> 8, name & 255)

    @column(WAYS["email"])
    def _email(self, r: Rows) -> Cell:
        email = r["customer"]["email"]
        return self._way(r, "email"), email, (r["customer"]["name"], *email[1:]), email

    @column(WAYS["phone"])
    def _phone(self, r: Rows) -> Cell:
        phone = r["customer"]["phone"]
        return self._way(r, "phone"), phone, phone, phone

    @column(WAYS["organization_name"])
    def _organization_name(self, r: Rows) -> Cell:
        name = r["customer"]["organization_name"]
        return self._way(r, "organization_name"), name, name[0], name

    @hidden
    def _former_country(self, r: Rows) -> Cell:
        """Another than the customer is in."""
        others = len(COUNTRIES) - 1
        return (r["customer"]["country"] + 1 + (r["customer"].part(self._draw, 0) * others >> 12)) % len(COUNTRIES)

    @column(true_kind("country"))
    def _country(self, r: Rows) -> Cell:
        return r.where(self._way(r, "country") == 1, r["former_country"], r["customer"]["country"])

    @column(true_kind("city"))
    def _city(self, r: Rows) -> Cell:
        here = r["customer"]["city"]
        abroad = r["former_country"] * 4 + r["customer"].part(self._draw, 12, 2)
        other = here // 4 * 4 + (here + 1 + (r["customer"].part(self._draw, 14) * 3 >> 12)) % 4
        way = self._way(r, "city")
        return r.where(way == 0, here, r.where(way == 1, abroad, other))

    @column(true_kind("tier"))
    def _tier(self, r: Rows) -> Cell:
        """An outdated one is that before the last upgrade, or before the customer left."""
        tier = r["customer"]["tier"]
        before = r.where(tier == 0, r["customer"]["level"] + 1, tier - 1)
        return r.where(self._way(r, "tier") == 0, tier, before)

    @column(true_kind("status"))
    def _status(self, r: Rows) -> Cell:
        """An outdated one is from before the customer left or paused, or while it paused."""
        status = r["customer"]["status"]
        return r.where(self._way(r, "status") == 0, status, r.where(status == 0, 1, 0))

    @column(Timestamp())
    def _updated_at(self, r: Rows) -> Cell:
        """Outdated records are from the first half of the customer's time, all others from the second."""
        created = r["customer"]["created_at"]
        half = (self._books.calendar.anchor - created) // (2 * SECOND)
        since = (half * r["customer"].part(self._draw, 32, 30) >> 30) + r.where(self._way(r, None) == 1, 0, half)
        return created + since * SECOND


class CrmCustomers(SourceCustomers):
    """What the CRM holds."""

    name = "crm_customers"
    system = 0

    @column(Id("contact-"))
    def _id(self, r: Rows) -> Cell:
        return super()._id(r)


class BillingCustomers(SourceCustomers):
    """What the billing system holds."""

    name = "billing_customers"
    system = 1

    @column(Id("account-"))
    def _id(self, r: Rows) -> Cell:
        return super()._id(r)


class ErpCustomers(SourceCustomers):
    """What the ERP system holds."""

    name = "erp_customers"
    system = 2

    @column(Id("partner-"))
    def _id(self, r: Rows) -> Cell:
        return super()._id(r)
