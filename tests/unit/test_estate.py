"""The asset tables and the names in them: total relations, unique names, any row without its neighbours."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.synthetic.dataset import Dataset
from pytest_aosfarm.synthetic.names import STEMS, Names
from pytest_aosfarm.synthetic.scale import SCALES

ANCHOR = datetime(2026, 1, 15, 12, tzinfo=UTC)


def dataset(scale: str = "small", seed: int = 1, tenant: str = "acme") -> Dataset:
    return Dataset(tenant, seed=seed, scale=scale, anchor=ANCHOR)


@pytest.mark.parametrize(
    ("scale", "seed"),
    [
        *(("small", seed) for seed in (1, 2, 3)), ("medium", 1),
        *(pytest.param("medium", seed, marks=pytest.mark.slow) for seed in (2, 3)),
    ],
)  # fmt: skip
def test_every_reference_resolves(scale, seed):
    assets = dataset(scale, seed).assets
    databases = {row["id"] for row in assets.databases}
    hosts = {row["id"] for row in assets.hosts}
    applications = {row["id"] for row in assets.applications}
    assert {row["database_id"] for row in assets.applications} <= databases
    assert {row["application_id"] for row in assets.services} <= applications
    assert {row["host_id"] for row in assets.services} <= hosts


@pytest.mark.parametrize("scale", ["small", "medium", "large"])
def test_unique_things_are_unique(scale):
    assets = dataset(scale).assets
    for table, unique in (
        (assets.applications, ("id", "domain", "url", "vendor")),
        (assets.services, ("id", "name", "endpoint")),
        (assets.databases, ("id", "name", "connection_string")),
        (assets.hosts, ("id", "name", "ip_address")),
    ):
        rows = list(table)
        for column in unique:
            assert len({row[column] for row in rows}) == len(table), f"{table.name}.{column}"


def test_names_are_unique_up_to_the_planet():
    names = Names(1, "acme")
    count = 2 * SCALES["planet"].applications
    labels = [names.label(i) for i in range(0, count, 7)] + [names.lookalike(i) for i in range(0, count, 7)]
    assert len(set(labels)) == len(labels)


@given(st.integers(0, 10**9), st.integers(0, STEMS - 1))
def test_a_lookalike_differs_in_the_last_letter_only(seed, number):
    names = Names(seed, "acme")
    label, other = names.label(number), names.lookalike(number)
    assert label[:-1] == other[:-1]
    assert label != other
    assert label.isalpha()
    assert label.islower()
    assert len(label) == len(other) == 8
    assert names.suffix(number) != names.other_suffix(number)


@given(st.integers(0, 59))
def test_a_row_needs_no_other(i):
    whole = list(dataset().assets.applications)
    assert dataset().assets.applications[i] == whole[i]


def test_a_table_is_a_sequence():
    hosts = dataset().assets.hosts
    assert len(hosts) == 40
    assert hosts[-1] == hosts[39]
    assert hosts[:3] == [hosts[0], hosts[1], hosts[2]]
    assert hosts[0] in hosts
    assert "40 rows" in repr(hosts)
    with pytest.raises(IndexError, match="rows 0 to 39, not 40"):
        hosts[40]


def test_each_row_has_the_columns_of_its_table():
    assets = dataset().assets
    for table in (assets.applications, assets.services, assets.databases, assets.hosts):
        assert tuple(table[0]) == table.columns


def test_the_last_row_of_a_planet_costs_no_more_than_the_first():
    hosts = dataset("planet").assets.hosts
    assert hosts[39_999]["id"] != hosts[0]["id"]


def test_tenants_and_seeds_share_no_id():
    ids = [
        {row["id"] for row in dataset(tenant=tenant, seed=seed).assets.applications}
        for tenant, seed in (("acme", 1), ("zeta", 1), ("acme", 2))
    ]
    assert len(ids[0] | ids[1] | ids[2]) == sum(map(len, ids))


def test_the_anchor_is_a_moment_not_a_spelling():
    paris = timezone(timedelta(hours=1))
    other = Dataset("acme", seed=1, scale="small", anchor=ANCHOR.astimezone(paris))
    assert other.snapshot().verdicts == dataset().snapshot().verdicts
    assert other.anchor == ANCHOR


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"scale": "tiny"}, "scale 'tiny' is not one of small, medium, large, planet"),
        ({"profile": "dirty"}, "profile 'dirty' is not one of clean, typical, messy"),
        ({"anchor": datetime(2026, 1, 1)}, "no UTC offset"),  # noqa: DTZ001 - the error is about exactly this
        ({"anchor": datetime(9, 1, 1, tzinfo=UTC)}, "not in the years 10 to 9996"),
        ({"anchor": datetime.max.replace(tzinfo=timezone(timedelta(hours=-5)))}, "not in the years 10 to 9996"),
        ({"tenant_key": "caf\udce9"}, "tenant key 'caf.*' is no text"),
    ],
)
def test_a_wrong_argument_is_named(changed, message):
    with pytest.raises(ConfigurationError, match=message):
        Dataset(**{"tenant_key": "acme", "seed": 1, "scale": "small", "anchor": ANCHOR, **changed})


@pytest.mark.parametrize(
    ("parents", "children", "field"),
    [
        ("databases", "applications", "database_id"),
        ("applications", "services", "application_id"),
        ("hosts", "services", "host_id"),
    ],
)
@pytest.mark.parametrize("scale", ["small", "large"])
def test_children_are_those_that_name_the_parent(parents, children, field, scale):
    assets = dataset(scale).assets
    for i in (0, 7, len(getattr(assets, parents)) - 1):
        parent = getattr(assets, parents)[i]
        assert getattr(assets, parents).children(i) == [c for c in getattr(assets, children) if c[field] == parent["id"]]


def test_nothing_belongs_to_a_service():
    with pytest.raises(LookupError, match="nothing belongs to a row of services"):
        dataset().assets.services.children(0)


@pytest.mark.parametrize("i", [-1, 60])
def test_a_row_that_is_not_there(i):
    applications = dataset().assets.applications
    for ask in (applications.row, applications.children, lambda i: applications.value(i, "name")):
        with pytest.raises(IndexError, match=f"applications has rows 0 to 59, not {i}"):
            ask(i)
    with pytest.raises(IndexError, match="rows 0 to 59, not -61"):
        applications[-61]


@pytest.mark.parametrize("year", [10, 9996])
def test_the_first_and_the_last_year_have_all_tables(year):
    anchor = datetime(year, 1, 1, tzinfo=timezone(timedelta(hours=14))) if year == 10 else datetime(year, 12, 31, tzinfo=UTC)
    made = Dataset("acme", seed=1, scale="small", anchor=anchor)
    for table in (made.tables | made.answer_keys).values():
        assert table.to_arrow().num_rows == len(table)
        assert list(table.tuples(range(3))) == [tuple(table.row(i).values()) for i in range(3)]


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint64])
def test_a_number_of_numpy_is_a_row_number(kind):
    applications = dataset().assets.applications
    assert applications[kind(7)] == applications.row(kind(7)) == applications[7]
    assert applications.children(kind(7)) == applications.children(7)
    assert applications.value(kind(7), "id") == applications[7]["id"]
    assert applications.record(kind(7)) == applications.record(7)
    assert applications.messy(missing=0.5)[kind(7)] == applications.messy(missing=0.5)[7]


def test_a_number_with_a_point_is_neither_row_number_nor_seed():
    with pytest.raises(TypeError, match="integer"):
        dataset().assets.applications[1.0]  # type: ignore[call-overload]  # the error is about this
    with pytest.raises(TypeError, match="integer"):
        Dataset("acme", seed=1.0, scale="small", anchor=ANCHOR)  # type: ignore[arg-type]  # the error is about this


COPIES = {"pickle": lambda one: pickle.loads(pickle.dumps(one)), "copy": copy.copy, "deepcopy": copy.deepcopy}


@pytest.fixture(scope="module")
def used() -> Dataset:
    """One that has made all that it keeps."""
    made = dataset()
    for table in (made.tables | made.answer_keys).values():
        list(table.tuples())
        table.to_arrow()
    assert made.business.metrics.revenue
    assert made.events.incidents
    return made


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_what_was_used_can_be_copied_and_sent_to_another_process(used, copied):
    made, every = used, used.tables | used.answer_keys
    other = copied(made)
    assert not {"assets", "business", "events", "_snapshot"} & vars(other).keys()
    assert other.anchor == made.anchor
    for name, table in every.items():
        assert other.table(name)[5:70] == copied(table)[5:70] == table[5:70]
    assert copied(made.business).metrics == copied(made.business.metrics) == made.business.metrics
    messy = made.business.customers.messy(missing=0.1, duplicate=0.05, stale=0.1)
    assert list(copied(messy)) == list(messy)
    assert copied(messy).counts == messy.counts


def test_a_table_is_sent_without_what_it_keeps():
    hosts = dataset().assets.hosts
    fresh = len(pickle.dumps(hosts))
    hosts.to_arrow()
    assert hosts.children(3)
    assert len(pickle.dumps(hosts)) < 2 * fresh


def test_arrays_are_of_numbers_alone():
    customers = dataset().business.customers
    with pytest.raises(TypeError, match="several parts"):
        next(customers.arrays(["email"]))
    with pytest.raises(TypeError, match="the same text in all rows"):
        next(customers.arrays(["source_system"]))


def test_no_column_is_not_every_column():
    hosts = dataset().assets.hosts
    assert hosts.to_arrow(columns=[]).num_columns == 0
    assert hosts.to_arrow(columns=["name"]).column_names == ["name"]
