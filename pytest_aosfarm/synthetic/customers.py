"""Customers: people at organizations, whose country, industry, size and tier go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic.columns import Constant, Id, Number, Pairs, Text, Timestamp, Words
from pytest_aosfarm.synthetic.families import (
    CUSTOMER_STATE,
    CUSTOMERS,
    FIRST_SUBSCRIPTION,
    SUBSCRIPTION_COUNT,
    SUBSCRIPTIONS,
    FamilyTable,
)  # fmt: skip
from pytest_aosfarm.synthetic.lookups import Lookup, conditional, weighted
from pytest_aosfarm.synthetic.moments import DAY
from pytest_aosfarm.synthetic.rows import Cell, OneRow, Rows
from pytest_aosfarm.synthetic.table import Table, column, hidden
from pytest_aosfarm.synthetic.vocabulary import vocabulary

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("COUNTRIES", "CURRENCIES", "CURRENCY_OF", "REGION_OF", "TAX_OF", "TIERS", "Customers", "Organizations")

_WORDS = vocabulary()
_FIRST, _LAST = _WORDS.first_names[:256], _WORDS.last_names[:256]
_FOUNDERS, _GOODS = _WORDS.last_names[-64:], _WORDS.products[:64]
"""What organizations are called by: 4,096 pairs, few enough to stay in the cache."""
_ORGANIZATION = Text(Pairs(_FOUNDERS, " ", _GOODS), " ", Words(_WORDS.company_suffixes))

_COUNTRY_TABLE = (
    # code, weight, region, currency, tax in basis points, dialling code
    ("US", 300, 0, 0, 0, "1"), ("CA", 50, 0, 3, 500, "1"), ("MX", 20, 0, 0, 1600, "52"), ("BR", 30, 0, 0, 1700, "55"),
    ("GB", 110, 1, 2, 2000, "44"), ("DE", 100, 1, 1, 1900, "49"), ("FR", 70, 1, 1, 2000, "33"), ("ES", 40, 1, 1, 2100, "34"),
    ("IT", 40, 1, 1, 2200, "39"), ("NL", 40, 1, 1, 2100, "31"), ("IE", 20, 1, 1, 2300, "353"), ("SE", 30, 1, 1, 2500, "46"),
    ("PL", 25, 1, 1, 2300, "48"), ("AT", 15, 1, 1, 2000, "43"), ("CH", 20, 1, 1, 810, "41"), ("AU", 40, 2, 4, 1000, "61"),
    ("JP", 25, 2, 0, 1000, "81"), ("IN", 25, 2, 0, 1800, "91"), ("SG", 15, 2, 0, 900, "65"), ("ZA", 10, 1, 1, 1500, "27"),
)  # fmt: skip
COUNTRIES = tuple(row[0] for row in _COUNTRY_TABLE)
REGIONS = ("Americas", "EMEA", "APAC")
CURRENCIES = ("USD", "EUR", "GBP", "CAD", "AUD")
REGION_OF = Lookup([row[2] for row in _COUNTRY_TABLE])
CURRENCY_OF = Lookup([row[3] for row in _COUNTRY_TABLE])
TAX_OF = Lookup([row[4] for row in _COUNTRY_TABLE])
_BY_COUNTRY = weighted(*(row[1] for row in _COUNTRY_TABLE))
INDUSTRIES = (
    "software", "finance", "healthcare", "retail", "manufacturing", "logistics", "education", "energy", "media",
    "public sector",
)  # fmt: skip
_INDUSTRY_BY_REGION = conditional(
    (28, 16, 14, 12, 8, 6, 6, 4, 4, 2), (18, 14, 10, 12, 18, 8, 6, 5, 4, 5), (22, 12, 8, 14, 20, 10, 5, 4, 3, 2)
)
SIZES = ("small", "medium", "large", "enterprise")
_SIZE_BY_INDUSTRY = conditional(
    (50, 30, 15, 5), (20, 30, 30, 20), (25, 35, 25, 15), (45, 35, 15, 5), (20, 35, 30, 15),
    (35, 35, 20, 10), (40, 40, 15, 5), (10, 25, 35, 30), (45, 35, 15, 5), (5, 25, 40, 30),
)  # fmt: skip
TIERS = ("free", "basic", "premium", "enterprise")
_LEVEL_BY_SIZE = conditional((80, 19, 1), (40, 55, 5), (10, 60, 30), (2, 28, 70))
"""What is paid for: basic, premium or enterprise."""
_ACCOUNTS_PER_FAMILY = 16
_ORGANIZATION_OF = Lookup([*range(_ACCOUNTS_PER_FAMILY), 2, 5, 8, 12])
"""By a customer's rank; four organizations of a family have two customers."""


class Organizations(Table):
    """The companies that customers work for; 16 to a family."""

    name = "organizations"

    @column(Id("organization-"))
    def _id(self, r: Rows) -> Cell:
        return r.bits("id")

    @column(_ORGANIZATION)
    def _name(self, r: Rows) -> Cell:
        return r.part("name", 0), r.part("name", 12) * len(_WORDS.company_suffixes) >> 12

    @column(Words(INDUSTRIES))
    def _industry(self, r: Rows) -> Cell:
        return r.take(_INDUSTRY_BY_REGION, r["region"] * 4096 + r.part("kind", 12))

    @column(Words(SIZES))
    def _size(self, r: Rows) -> Cell:
        return r.take(_SIZE_BY_INDUSTRY, r["industry"] * 4096 + r.part("kind", 24))

    @column(Words(COUNTRIES))
    def _country(self, r: Rows) -> Cell:
        return r.pick(_BY_COUNTRY, "kind", 0)

    @column(Words(REGIONS))
    def _region(self, r: Rows) -> Cell:
        return r.take(REGION_OF, r["country"])


class Customers(FamilyTable):
    """Customers as they are, whatever CRM, billing and ERP make of them; none is younger than what it subscribed to."""

    name = "customers"
    per_family = CUSTOMERS
    unique = ("id", "email")

    @hidden
    def _rank(self, r: Rows) -> Cell:
        return self._books.families.rank_of(r["family"], CUSTOMERS, r.i)

    @hidden
    def _organization(self, r: Rows) -> Cell:
        number = r.i // CUSTOMERS * _ACCOUNTS_PER_FAMILY + r.take(_ORGANIZATION_OF, r["rank"])
        return r.of(self._books.organizations, number)

    @column(Id("customer-"))
    def _id(self, r: Rows) -> Cell:
        return r.bits("id")

    @column(Constant())
    def _source_system(self, _r: Rows) -> Cell:
        return "master"

    @column(Pairs(_FIRST, " ", _LAST))
    def _name(self, r: Rows) -> Cell:
        return r.part("name", 0, 16)

    @column(
        Text(
            Words([word.lower() for word in _LAST]), Number(), "@",
            Pairs([word.lower() for word in _FOUNDERS], "-", [word.lower() for word in _GOODS]), ".example",
        )
    )  # fmt: skip
    def _email(self, r: Rows) -> Cell:
        return r["name"] >> 8, r.i, r["organization"]["name"][0]

    @column(Text("+", Words([row[5] for row in _COUNTRY_TABLE]), " ", Number()))
    def _phone(self, r: Rows) -> Cell:
        return r["country"], 2_000_000_000 + (r.part("phone", 0, 30) * 7_999_999_999 >> 30)

    @column(Id("organization-"))
    def _organization_id(self, r: Rows) -> Cell:
        return r["organization"]["id"]

    @column(_ORGANIZATION)
    def _organization_name(self, r: Rows) -> Cell:
        return r["organization"]["name"]

    @column(Words(INDUSTRIES))
    def _industry(self, r: Rows) -> Cell:
        return r["organization"]["industry"]

    @column(Words(SIZES))
    def _size(self, r: Rows) -> Cell:
        return r["organization"]["size"]

    @column(Words(COUNTRIES))
    def _country(self, r: Rows) -> Cell:
        return r["organization"]["country"]

    @column(Words(REGIONS))
    def _region(self, r: Rows) -> Cell:
        return r["organization"]["region"]

    @column(Words(_WORDS.cities))
    def _city(self, r: Rows) -> Cell:
        return r["country"] * 4 + r.part("name", 16, 2)

    @column(Words(CURRENCIES))
    def _currency(self, r: Rows) -> Cell:
        return r.take(CURRENCY_OF, r["country"])

    @hidden
    def _level(self, r: Rows) -> Cell:
        return r.take(_LEVEL_BY_SIZE, r["size"] * 4096 + r.part("name", 18))

    @column(Words(TIERS))
    def _tier(self, r: Rows) -> Cell:
        return r.where(r["status"] == 2, 0, r["level"] + 1)

    @column(Words(("active", "inactive", "churned")))
    def _status(self, r: Rows) -> Cell:
        return r.take(CUSTOMER_STATE, r["rank"])

    @hidden
    def _gap(self, r: Rows) -> Cell:
        """Months since a customer that left was last billed."""
        return r.part("name", 30) * 10 >> 12

    @column(Timestamp())
    def _created_at(self, r: Rows) -> Cell:
        rank = r.take(FIRST_SUBSCRIPTION, r["rank"])
        row = self._books.families.row_of(r["family"], SUBSCRIPTIONS, rank)
        first = r.of(self._books.subscriptions, row, family=r["family"], rank=rank, customer=r)
        return first["start_date"] - DAY - r.part("phone", 32, 22) * 1_000_000

    def child_rows(self, i: int) -> tuple[Table, Sequence[int]]:
        """The subscriptions of customer `i`, in the order they were taken out."""
        one = OneRow(self, i)
        row_of, family, first = self._books.families.row_of, one["family"], FIRST_SUBSCRIPTION.items[one["rank"]]
        ranks = range(first, first + SUBSCRIPTION_COUNT.items[one["rank"]])
        return self._books.subscriptions, [row_of(family, SUBSCRIPTIONS, rank) for rank in ranks]
