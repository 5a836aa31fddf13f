"""The Faker provider: the same entities, replayed by Faker's seed, and unique through Faker's proxy."""

from __future__ import annotations

import pytest
from faker import Faker
from faker.exceptions import UniquenessException

from pytest_aosfarm import Dataset, FarmProvider, farm_provider, records
from pytest_aosfarm.settings import FIXED_ANCHOR
from pytest_aosfarm.synthetic.dataset import ANCHOR
from pytest_aosfarm.synthetic.kin import customer_family

SMALL = Dataset("acme", seed=1, scale="small", anchor=ANCHOR)


def fake(provider: type[FarmProvider] = FarmProvider, seed: int | None = 7) -> Faker:
    one = Faker()
    one.add_provider(provider)
    if seed is not None:
        one.seed_instance(seed)
    return one


def method(table: str) -> str:
    return f"farm_{table.removesuffix('s')}"


def test_every_table_has_a_method():
    offered = {name for name in dir(FarmProvider) if name.startswith("farm_")}
    assert {method(table) for table in SMALL.tables} <= offered
    assert offered <= {method(table) for table in records.RECORDS} | {"farm_customer_family"}


@pytest.mark.parametrize("table", SMALL.tables)
def test_what_comes_is_a_row(table):
    row = getattr(fake(farm_provider(SMALL)), method(table))()
    assert row in SMALL.table(table)
    records.RECORDS[table].model_validate(getattr(fake(), method(table))())


def test_a_family_hangs_together():
    family = fake(farm_provider(SMALL)).farm_customer_family()
    number = [row["id"] for row in SMALL.business.customers].index(family["customer"]["id"])
    assert family == customer_family(SMALL.business.customers, number)


def test_an_instance_seed_replays():
    first, second, other = fake(seed=3), fake(seed=3), fake(seed=4)
    rows = [[one.farm_customer(), one.farm_invoice(), one.farm_host()] for one in (first, second, other)]
    assert rows[0] == rows[1] != rows[2]


def test_the_shared_seed_replays():
    one = fake(seed=None)
    runs = []
    for _ in range(2):
        Faker.seed(11)
        runs.append([one.farm_customer() for _ in range(5)])
    assert runs[0] == runs[1]


def test_rows_mix_with_what_faker_makes():
    one = fake(seed=3)
    before = one.name()
    one.farm_customer()
    again = fake(seed=3)
    assert again.name() == before


def test_unique_rows_are_unique_until_there_are_no_more():
    one = fake(farm_provider(SMALL))
    databases = [one.unique.farm_database() for _ in range(len(SMALL.assets.databases))]
    assert sorted(row["id"] for row in databases) == sorted(row["id"] for row in SMALL.assets.databases)
    with pytest.raises(UniquenessException):
        one.unique.farm_database()
    one.unique.clear()
    applications = [one.unique.farm_application() for _ in range(10)]  # rows with lists in them
    assert len({row["id"] for row in applications}) == 10


def test_several_locales_share_the_entities():
    several = Faker(["en_US", "de_DE"])
    for one in several.factories:
        one.add_provider(farm_provider(SMALL))
    several.seed_instance(1)
    assert several.farm_customer() in SMALL.business.customers
    assert several["de_DE"].farm_host() in SMALL.assets.hosts


def test_the_default_now_is_the_plugins():
    assert ANCHOR == FIXED_ANCHOR
