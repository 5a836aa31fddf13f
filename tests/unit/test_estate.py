"""The asset tables and the names in them: total relations, unique names, any row without its neighbours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

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


@pytest.mark.parametrize("scale", ["small", "medium"])
@pytest.mark.parametrize("seed", [1, 2, 3])
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
    ],
)
def test_a_wrong_argument_is_named(changed, message):
    with pytest.raises(ConfigurationError, match=message):
        Dataset("acme", **{"seed": 1, "scale": "small", "anchor": ANCHOR, **changed})


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
    for ask in (applications.row, applications.children):
        with pytest.raises(IndexError, match=f"applications has rows 0 to 59, not {i}"):
            ask(i)
    with pytest.raises(IndexError, match="rows 0 to 59, not -61"):
        applications[-61]
