"""Messy data: exact shares, one declared difference a row, copies of earlier rows, any row alone, nothing left to chance."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_examples import examples
from pydantic import ValidationError

from pytest_aosfarm import Dataset, Mess, Messy, records
from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.synthetic.dataset import ANCHOR
from pytest_aosfarm.synthetic.hashing import draw, draw_key
from pytest_aosfarm.synthetic.mess_plan import Plan
from pytest_aosfarm.synthetic.messy import KINDS
from pytest_aosfarm.synthetic.spoil import _ID_KEYS, CHANGES, targets

MIX = {"missing": 0.1, "duplicate": 0.05, "conflicting": 0.1, "stale": 0.1, "invalid": 0.1, "orphaned": 0.1}
SHARES = st.lists(st.integers(0, 100), min_size=7, max_size=7).filter(any).map(lambda parts: [p / sum(parts) for p in parts])


@cache
def dataset(scale: str = "small", seed: int = 1, tenant: str = "acme") -> Dataset:
    return Dataset(tenant, seed=seed, scale=scale, anchor=ANCHOR)


TABLES = list(dataset().tables)


def possible(name: str, share: float = 0.1) -> dict[str, float]:
    table = dataset().table(name)
    return {kind: share for kind in KINDS if kind == "duplicate" or targets(table, kind)}


@cache
def mixed(name: str) -> tuple[Messy, list[dict], list[Mess]]:
    messy = dataset().table(name).messy(**possible(name))
    few = messy[:700]
    return messy, list(few), [one for one in messy.answer_key() if one.index < len(few)]


@pytest.mark.parametrize("name", TABLES)
def test_a_messy_row_differs_in_the_declared_field_alone(name):
    messy, rows, key = mixed(name)
    by_index = {one.index: one for one in key}
    for index, row in enumerate(rows):
        clean, mess = messy.pristine(index), by_index.get(index)
        differing = [field for field in clean if field not in row or row[field] != clean[field]]
        if mess is None or mess.kind == "duplicate":
            assert row == clean
            assert list(row) == list(clean)
        else:
            assert mess.field
            assert [mess.field] == differing
            assert (mess.clean, mess.absent) == (clean[mess.field], mess.field not in row)
            assert row.get(mess.field) == mess.messy
            assert messy.index_of(mess.row) == index
            assert messy.table[mess.row] == clean
            assert messy.table.unique[0] not in differing
        assert set(row) <= set(clean)


@pytest.mark.parametrize("name", TABLES)
def test_each_kind_is_what_it_says(name):
    messy, rows, key = mixed(name)
    model = records.RECORDS[name]
    for mess in key:
        row = rows[mess.index]
        if mess.kind == "missing":
            assert mess.messy is None
            assert mess.clean is not None
        elif mess.kind == "duplicate":
            original = messy.index_of(mess.row)
            assert original < mess.index
            assert rows[original] == row
            assert messy.mess(original) is None
        elif mess.kind == "invalid":
            with pytest.raises(ValidationError, match=mess.field):
                model.model_validate(row)
        else:
            model.model_validate(row)  # wrong, but well-formed
        if mess.kind == "stale" and mess.field != "status":
            assert mess.messy < mess.clean
        if mess.kind == "orphaned":
            assert mess.field in messy.table.references


@pytest.mark.parametrize("name", [name for name in TABLES if dataset().table(name).references])
def test_an_orphan_has_no_parent(name):
    messy, rows, key = mixed(name)
    orphans = [mess for mess in key if mess.kind == "orphaned"]
    assert len({mess.messy for mess in orphans}) == len(orphans) > 0
    for column, parent in messy.table.references.items():
        if parent in dataset().tables:
            ids = {row["id"] for row in dataset().table(parent)}
            orphaned = {mess.index for mess in orphans if mess.field == column}
            assert not ids & {rows[index][column] for index in orphaned}
            whole = [row[column] for index, row in enumerate(rows) if index not in orphaned and row.get(column)]
            assert set(whole) <= ids


@pytest.mark.parametrize("name", [name for name in TABLES if dataset().table(name).references])
def test_ids_of_nobody_come_from_the_stream_that_the_parents_ids_come_from(name):
    """Draws of one stream never meet: so an id of a row that no table reaches is nobody's, at any scale."""
    table = dataset().table(name)
    seen = {row[column][-16:]: column for row in table[:2_000] for column in table.references if row[column]}
    for target in targets(table, "orphaned"):
        parent = table.references[target.field]
        of_rows = {f"{draw_of(table, parent, i):016x}" for i in range(20_000)}
        assert {identity for identity, column in seen.items() if column == target.field} <= of_rows
        assert target.change(None, 5 << 16)[-16:] == f"{draw_of(table, parent, (1 << 48) + 5):016x}"


def draw_of(table, parent, i):
    return draw(*draw_key(table.seed, table.tenant_key, _ID_KEYS.get(parent, parent), "id"), i)


@pytest.mark.parametrize("share", [0.0001, pytest.param(0.033, marks=pytest.mark.slow), 1 / 6])
def test_shares_of_ten_thousand_rows_are_exact(share):
    invoices = Invoices10k()
    messy = Messy(invoices, **dict.fromkeys(KINDS, share))
    counts = Counter(mess.kind for mess in messy.answer_key())
    assert messy.counts == {kind: round(share * 10_000) - (share == 1 / 6 and kind in LESS) for kind in KINDS}
    assert counts == Counter({kind: count for kind, count in messy.counts.items() if count})
    assert len(messy) == 10_000 + counts["duplicate"]


LESS = ("missing", "duplicate")
"""Kinds that get one row less, for six times 1,667 are 10,002."""


def Invoices10k():  # noqa: N802 - stands for a table
    table = dataset("medium").business.invoices
    short = type(table).__new__(type(table))
    short.__dict__.update(table.__dict__, _length=10_000)
    return short


@settings(deadline=None)
@given(st.integers(0, 400), SHARES)
def test_a_plan_hits_so_many_rows_of_each_kind_once(clean, shares):
    counts = {kind: int(share * clean) for kind, share in zip(CHANGES, shares, strict=False)}
    plan = Plan(clean, int(shares[-1] * clean), counts, (1, "acme", "messy.any"))
    behind = [plan.behind(index) for index in range(len(plan))]
    rows = [row for row, copied in behind if not copied]
    assert rows == list(range(clean))
    assert [index for index, (_, copied) in enumerate(behind) if not copied] == [plan.index_of(row) for row in rows]
    kinds = Counter(plan.kind(row) for row in rows)
    assert {kind: kinds[kind] for kind in counts} == counts
    copies = [(index, row) for index, (row, copied) in enumerate(behind) if copied]
    assert len(copies) == plan.copies
    for index, row in copies:
        assert plan.index_of(row) < index
        assert plan.kind(row) is None
    hit = {index for index, (row, copied) in enumerate(behind) if copied or plan.kind(row)}
    assert list(plan.hit()) == sorted(hit)


@settings(deadline=None, max_examples=5)
@given(st.integers(20_000, 60_000), SHARES)
def test_the_vector_form_finds_the_same_rows(clean, shares):
    counts = {kind: int(share * clean) for kind, share in zip(CHANGES, shares, strict=False)}
    plan = Plan(clean, int(shares[-1] * clean), counts, (1, "acme", "messy.any"))
    found = list(plan.hit())
    assert len(found) == sum(counts.values()) + plan.copies
    assert found == sorted(set(found))
    assert all(copied or plan.kind(row) for row, copied in map(plan.behind, islice(found, 0, None, 97)))


@settings(deadline=None, max_examples=examples(50))
@given(st.sampled_from(TABLES), st.randoms(use_true_random=False))
def test_a_row_is_the_same_in_any_order(name, random):
    _, rows, _ = mixed(name)
    again = Dataset("acme", seed=1, scale="small", anchor=ANCHOR).table(name).messy(**possible(name))
    some = random.sample(range(len(rows)), 5)
    assert [again[index] for index in some] == [rows[index] for index in some]


@pytest.mark.parametrize("name", ["customers", "hosts"])
def test_iteration_gives_what_indexing_gives(name):
    messy, _, _ = mixed(name)
    assert list(messy) == messy[:] == [messy[index] for index in range(len(messy))]
    assert messy[-1] == messy[len(messy) - 1]


def test_copies_are_spread_evenly_and_come_soon_or_late():
    messy = dataset("medium").business.invoices.messy(duplicate=0.05)
    copies = list(messy.answer_key())
    places = [mess.index for mess in copies]
    assert {after - before for before, after in pairwise(places)} == {21}
    distances = sorted(mess.index - messy.index_of(mess.row) for mess in copies)
    assert distances[0] < 21
    assert 20 < distances[len(distances) // 2] < 1_000
    assert distances[-1] > 20_000
    assert max(Counter(mess.row for mess in copies).values()) < 10


def test_two_seeds_and_two_tenants_differ():
    hit = [
        {(mess.row, mess.kind) for mess in dataset(seed=seed, tenant=tenant).business.invoices.messy(**MIX).answer_key()}
        for seed, tenant in ((1, "acme"), (2, "acme"), (1, "zeta"))
    ]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert len(hit[one] & hit[other]) < len(hit[one]) // 3


def test_every_field_that_can_be_hit_is_hit():
    messy = dataset("medium").business.invoices.messy(**MIX)
    seen = {(mess.kind, mess.field) for mess in islice(messy.answer_key(), 2_000) if mess.field}
    table = messy.table
    assert seen == {(kind, target.field) for kind in CHANGES for target in targets(table, kind)}


def test_a_messy_planet_costs_nothing_until_it_is_read():
    invoices = dataset("planet").business.invoices
    messy = invoices.messy(**MIX)
    assert len(messy) == 105_000_000
    assert "10,000,000 stale" in repr(messy)
    mess = next(one for one in map(messy.mess, range(99_000_000, 99_100_000)) if one and one.kind == "conflicting")
    assert mess.field
    assert messy[mess.index][mess.field] == mess.messy
    assert messy.pristine(mess.index) == invoices[mess.row]
    assert [one.index for one in islice(messy.answer_key(), 50)] == [
        index for index in range(200) if messy.mess(index)
    ][:50]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "shares", "message"),
    [
        ("customers", {"missing": 1.5}, r"missing=1.5 is not a share of the rows: a number from 0 to 1"),
        ("customers", {"missing": -0.1}, "missing=-0.1 is not a share"),
        ("customers", {"missing": float("nan")}, "missing=nan is not a share"),
        ("customers", {"missing": 0.6, "duplicate": 0.5}, r"missing=0.6 \+ duplicate=0.5 is 1.1: a row is hit once at most"),
        ("customers", {"mising": 0.1}, "mess 'mising' is not one of missing, duplicate, conflicting"),
        ("customers", {"orphaned": 0.1}, "orphaned: not every row of customers has what can be orphaned"),
        ("hosts", {"stale": 0.1}, "stale: not every row of hosts has what can be stale"),
    ],
)
def test_shares_that_cannot_be_are_refused(table, shares, message):
    with pytest.raises(ConfigurationError, match=message):
        dataset().table(table).messy(**shares)


def test_all_rows_may_be_messy_or_none():
    customers = dataset().business.customers
    assert list(customers.messy()) == list(customers)
    assert [mess.kind for mess in customers.messy(missing=1).answer_key()] == ["missing"] * 200
    doubled = list(customers.messy(duplicate=1))
    assert len(doubled) == 400
    assert {row["id"] for row in doubled} == {row["id"] for row in customers}
    tenths = customers.messy(missing=0.1 + 0.2, invalid=0.7)
    assert sum(tenths.counts.values()) == 200
    with pytest.raises(IndexError, match="messy customers has rows 0 to 199, not 200"):
        customers.messy()[200]


@pytest.mark.parametrize("name", ["network_flows", "logs", "subscriptions", "invoices"])
def test_a_conflicting_value_is_one_that_the_column_has(name):
    table = Dataset("acme", seed=3, scale="small", anchor=ANCHOR).table(name)
    rows = list(table)
    legal = {column: {row[column] for row in rows} for column in table.columns if column != "tech_stack"}
    for mess in table.messy(conflicting=1.0).answer_key():
        if isinstance(mess.messy, int):
            assert mess.messy in legal[str(mess.field)], mess
