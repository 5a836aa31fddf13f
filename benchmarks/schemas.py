"""The tables that generators are compared on: eight columns of customers and of network flows, and keyed invoices."""

from __future__ import annotations

from pytest_aosfarm.synthetic.columns import IPv4, Number, Pairs, Text, Timestamp, Words
from pytest_aosfarm.synthetic.lookups import Lookup, weighted
from pytest_aosfarm.synthetic.table import Table, column
from pytest_aosfarm.synthetic.vocabulary import vocabulary

TYPE_CHECKING = False  # as in typing, which is slow to import
if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.rows import Cell, Rows

__all__ = ("Customers", "Flows", "Invoices")

_WORDS = vocabulary()
_FIRST, _LAST = _WORDS.first_names[:256], _WORDS.last_names[:256]
_COUNTRIES = (
    "US", "GB", "DE", "FR", "ES", "IT", "NL",
    "SE", "PL", "IE", "CA", "AU", "JP", "IN", "BR", "MX", "SG", "ZA", "CH", "AT",
)  # fmt: skip
_BY_COUNTRY = weighted(30, 10, 9, 8, 5, 5, 4, 3, 3, 2, 4, 3, 4, 3, 2, 1, 1, 1, 1, 1)
_PLANS, _BY_PLAN = ("free", "basic", "pro", "enterprise"), weighted(40, 30, 20, 10)
_STATES, _BY_STATE = ("active", "paused", "churned"), weighted(80, 5, 15)
_PRICE = Lookup([0, 4_900, 19_900, 99_900])
_START, _FIVE_YEARS = 1_609_459_200_000_000, 157_680_000
_PORTS = Lookup([443] * 2600 + [80] * 600 + [5432] * 300 + [22] * 200 + [53] * 396)
_PROTOCOLS, _BY_PROTOCOL = ("tcp", "udp", "https", "http"), weighted(30, 15, 40, 15)
_OUTCOMES, _BY_OUTCOME = ("success", "timeout", "refused"), weighted(96, 3, 1)
_BYTES = Lookup([64 + k * k * k * k // 400_000 for k in range(4096)])
"""Quantiles of a heavy tail: median 44 kB, largest 700 MB."""


class Customers(Table):
    """Customers with all text made: a name from 65,536, an address that no other has."""

    name = "customers"

    @column(Number())
    def _id(self, r: Rows) -> Cell:
        return r.i

    @column(Pairs(_FIRST, " ", _LAST))
    def _name(self, r: Rows) -> Cell:
        return r.part("who", 0, 16)

    @column(Text(Pairs([w.lower() for w in _FIRST], ".", [w.lower() for w in _LAST]), Number(), "@mail.test"))
    def _email(self, r: Rows) -> Cell:
        return r["name"], r.i

    @column(Words(_COUNTRIES))
    def _country(self, r: Rows) -> Cell:
        return r.pick(_BY_COUNTRY, "who", 16)

    @column(Words(_PLANS))
    def _plan(self, r: Rows) -> Cell:
        return r.pick(_BY_PLAN, "who", 28)

    @column(Words(_STATES))
    def _status(self, r: Rows) -> Cell:
        return r.pick(_BY_STATE, "who", 40)

    @column(Number())
    def _mrr(self, r: Rows) -> Cell:
        return r.take(_PRICE, r["plan"]) * (1 + r.part("who", 52, 6))

    @column(Timestamp())
    def _created_at(self, r: Rows) -> Cell:
        return _START + r.below("created_at", _FIVE_YEARS) * 1_000_000


class Flows(Table):
    """Network flows in order of time, addresses as 32 bits."""

    name = "flows"

    @column(Timestamp())
    def _timestamp(self, r: Rows) -> Cell:
        return _START + (r.i << 11) + r.part("size", 53, 11)

    @column(IPv4())
    def _src_ip(self, r: Rows) -> Cell:
        return r.part("ends", 0, 16) + (10 << 24)

    @column(IPv4())
    def _dst_ip(self, r: Rows) -> Cell:
        return r.part("ends", 16, 16) + (10 << 24)

    @column(Number())
    def _src_port(self, r: Rows) -> Cell:
        return r.part("ends", 32, 14) + 32_768

    @column(Number())
    def _dst_port(self, r: Rows) -> Cell:
        return r.pick(_PORTS, "ends", 46)

    @column(Words(_PROTOCOLS))
    def _protocol(self, r: Rows) -> Cell:
        return r.pick(_BY_PROTOCOL, "size", 0)

    @column(Number())
    def _bytes(self, r: Rows) -> Cell:
        return r.pick(_BYTES, "size", 12) + r.part("size", 24, 6)

    @column(Words(_OUTCOMES))
    def _status(self, r: Rows) -> Cell:
        return r.pick(_BY_OUTCOME, "size", 40)


class Invoices(Table):
    """Invoices, ten to a customer, never dated before the customer."""

    name = "invoices"

    def __init__(self, length: int, seed: int, tenant_key: str) -> None:
        super().__init__(length, seed, tenant_key)
        self._customers = Customers(-(-length // 10), seed, tenant_key)

    @column(Number())
    def _id(self, r: Rows) -> Cell:
        return r.i

    @column(Number())
    def _customer_id(self, r: Rows) -> Cell:
        return r.i // 10

    @column(Number())
    def _amount(self, r: Rows) -> Cell:
        return 100 + r.part("invoice", 0, 16)

    @column(Words(("paid", "open", "void", "overdue")))
    def _status(self, r: Rows) -> Cell:
        return r.part("invoice", 16, 2)

    @column(Timestamp())
    def _issued_at(self, r: Rows) -> Cell:
        return r.of(self._customers, r["customer_id"])["created_at"] + (r.part("invoice", 18, 24) << 20)
