"""Three systems' records against the customers and the answer key: compared field by field, by code that plants nothing."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_examples import examples
from table_forms import by_block, one_by_one

from pytest_aosfarm.synthetic.business import Business
from pytest_aosfarm.synthetic.scale import SCALES

ANCHOR = datetime(2026, 1, 15, 12, tzinfo=UTC)
SYSTEMS = ("crm", "billing", "erp")
VIEWS = tuple(f"{system}_customers" for system in SYSTEMS)
FIELDS = ("name", "email", "phone", "organization_name", "country", "city", "tier", "status")
EVERY = pytest.mark.parametrize(
    ("scale", "seed"),
    [
        *(("small", seed) for seed in (1, 2, 3)), ("medium", 1),
        *(pytest.param("medium", seed, marks=pytest.mark.slow) for seed in (2, 3)),
    ],
)  # fmt: skip


@cache
def business(scale: str = "medium", seed: int = 1, tenant: str = "acme") -> Business:
    return Business(SCALES[scale], seed, tenant, ANCHOR)


@cache
def customers(scale: str, seed: int) -> dict[str, dict]:
    return {row["id"]: row for row in business(scale, seed).customers}


@cache
def records(scale: str, seed: int) -> dict[str, dict[str, dict]]:
    """System -> id of the customer -> the record, by way of the matches."""
    found = {}
    for system, view in zip(SYSTEMS, VIEWS, strict=True):
        by_id = {row["id"]: row for row in getattr(business(scale, seed), view)}
        matches = business(scale, seed).record_matches
        found[system] = {
            row["customer_id"]: by_id.pop(row[f"{system}_id"]) for row in matches if row[f"{system}_id"] is not None
        }
        assert not by_id, "a record that is nobody's"
    return found


@cache
def conflicts(scale: str, seed: int) -> list[dict]:
    return list(business(scale, seed).conflicts)


@EVERY
def test_every_difference_is_declared_and_every_conflict_is_there(scale, seed):
    differences = {
        (customer, field, system): record[field]
        for system, held in records(scale, seed).items()
        for customer, record in held.items()
        for field in FIELDS
        if record[field] != customers(scale, seed)[customer][field]
    }
    declared = {
        (row["customer_id"], row["field"], row["system"]): row[f"{row['system']}_value"] for row in conflicts(scale, seed)
    }
    assert len(declared) == len(conflicts(scale, seed)) > 0
    assert declared == differences


@EVERY
def test_the_answer_key_says_what_each_system_holds(scale, seed):
    for row in conflicts(scale, seed):
        assert row["truth"] == customers(scale, seed)[row["customer_id"]][row["field"]]
        for system, held in records(scale, seed).items():
            record = held.get(row["customer_id"])
            assert row[f"{system}_value"] == (record and record[row["field"]])


@EVERY
def test_the_truth_can_be_told(scale, seed):
    def plain(field, text):
        text = re.sub(r"\+accounts", "", text)
        if field == "name" and ", " in text:
            text = " ".join(reversed(text.split(", ")))
        return re.sub(r"^00|\D", "", text) if field == "phone" else text.lower()

    for row in conflicts(scale, seed):
        every = records(scale, seed)
        wrong = every[row["system"]][row["customer_id"]]
        others = [held[row["customer_id"]] for held in every.values() if row["customer_id"] in held]
        others.remove(wrong)
        assert others
        assert {record[row["field"]] for record in others} == {row["truth"]}
        if row["settled_by"] == "newest":
            assert wrong["updated_at"] < min(record["updated_at"] for record in others)
        elif row["settled_by"] == "majority":
            assert len(others) == 2
        else:
            full, short = plain(row["field"], row["truth"]), plain(row["field"], wrong[row["field"]])
            first, *rest = short.split(". ")
            assert full == short or full.startswith(short) or (full.startswith(first) and full.endswith(rest[0]))


@EVERY
def test_records_are_of_their_customers_time_and_can_be_matched(scale, seed):
    for held in records(scale, seed).values():
        for customer, record in held.items():
            truth = customers(scale, seed)[customer]
            assert truth["created_at"] <= record["updated_at"] <= "2026-01-15T12:00:00.000000Z"
            assert record["email"] == truth["email"] or record["phone"] == truth["phone"]


@EVERY
def test_counts_are_exact(scale, seed):
    books = business(scale, seed)
    matches = list(books.record_matches)
    held = Counter(tuple(system for system in SYSTEMS if row[f"{system}_id"] is not None) for row in matches)
    assert dict(held) == books.record_matches.overlap
    assert () not in held
    assert [row["customer_id"] for row in matches] == [row["id"] for row in books.customers]
    for system, view in zip(SYSTEMS, VIEWS, strict=True):
        assert len(getattr(books, view)) == len(list(getattr(books, view))) == len(records(scale, seed)[system])
    assert Counter(row["kind"] for row in conflicts(scale, seed)) == books.conflicts.by_kind
    assert Counter(row["system"] for row in conflicts(scale, seed)) == books.conflicts.by_system
    assert len(conflicts(scale, seed)) == len(books.conflicts)


@EVERY
def test_what_is_unique_is_unique(scale, seed):
    books = business(scale, seed)
    for table in (*books.sources, books.conflicts, books.record_matches):
        rows = list(table)
        for column in table.unique:
            values = [row[column] for row in rows if row[column] is not None]
            assert len(values) == len(set(values)), (table.name, column)


@EVERY
def test_records_say_nothing_of_what_is_planted(scale, seed):
    books = business(scale, seed)
    shown = ("id", "source_system", *FIELDS, "updated_at")
    text = "\n".join(json.dumps(row) for table in books.sources for row in table)
    assert {table.columns for table in books.sources} == {shown}
    assert not re.search(r"(customer|conflict|organization)-[0-9a-f]{16}", text)
    assert not set(re.findall(r"[0-9a-f]{16}", text)) & {row["id"].partition("-")[2] for row in books.customers}
    labels = [*books.conflicts.by_kind, "drift", "stale", "outdated", "conflict", "truth", "slot", "family"]
    assert not [label for label in labels if label in text]
    values = "".join(
        value for table in (*books.sources, books.conflicts) for row in table for value in row.values() if value
    )
    assert re.fullmatch(r"[ !#-&(-\[\]-~]+", values), "a quote, a backslash, or what is not printable ASCII"


def test_systems_keep_customers_in_orders_of_their_own():
    position = {row["email"]: i for i, row in enumerate(business().customers)}
    orders = [[position[row["email"]] for row in getattr(business(), view) if row["email"] in position] for view in VIEWS]
    for order in orders:
        near = sum(abs(one - other) < 20 for one, other in pairwise(order))
        assert near / len(order) < 0.03, "neighbours in a system are neighbours among the customers"
    same = sum(one == other for one, other in zip(*orders[:2], strict=False))
    assert same / len(orders[0]) < 0.01, "two systems have the same order"


@settings(max_examples=examples(20), deadline=None)
@given(
    st.sampled_from([*VIEWS, "conflicts", "record_matches"]), st.sampled_from(["small", "planet"]),
    st.integers(0), st.integers(1, 80), st.integers(0, 9),
)  # fmt: skip
def test_a_row_and_a_block_are_equal(name, scale, start, count, seed):
    table = getattr(business(scale, seed), name)
    start %= len(table) - count
    rows = range(start, start + count)
    assert by_block(table, rows) == one_by_one(table, rows)


def test_a_planet_is_exact_too():
    books = business("planet")
    assert sum(books.record_matches.overlap.values()) == 10_000_000
    assert (
        sum(books.conflicts.by_system.values()) == sum(books.conflicts.by_kind.values()) == len(books.conflicts) == 7_000_000
    )
    for view in VIEWS:
        table = getattr(books, view)
        system = view.partition("_")[0]
        assert len(table) == sum(count for held, count in books.record_matches.overlap.items() if system in held)
        record = table[-1]
        customer = next(int(part) for part in re.findall(r"\d+", record["email"]))
        assert books.record_matches[customer][f"{system}_id"] == record["id"]


def test_tenants_and_seeds_share_nothing():
    every = [business("small", seed, tenant) for tenant, seed in (("acme", 1), ("zeta", 1), ("acme", 2))]
    for name in (*VIEWS, "conflicts"):
        ids = [{row["id"] for row in getattr(one, name)} for one in every]
        assert len(ids[0] | ids[1] | ids[2]) == sum(map(len, ids))
    across = [{row["id"].partition("-")[2] for row in table} for table in (every[0].customers, *every[0].sources)]
    assert len(set().union(*across)) == sum(map(len, across))
