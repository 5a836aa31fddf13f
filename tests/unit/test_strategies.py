"""Strategies: rows of real datasets, shrinking towards row 0 of the simplest; families that add up."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import Phase, find, given, settings

from pytest_aosfarm import Dataset, records, strategies
from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.synthetic.dataset import ANCHOR
from pytest_aosfarm.synthetic.kin import customer_family

SIMPLEST = Dataset("a", seed=0, scale="small", anchor=ANCHOR)
QUIET = settings(max_examples=100, database=None, deadline=None, phases=[Phase.generate, Phase.shrink])
SOME = settings(QUIET, max_examples=15)


@pytest.mark.parametrize("name", SIMPLEST.tables)
def test_there_is_a_strategy_for_every_table(name):
    @settings(QUIET, max_examples=2)
    @given(getattr(strategies, name)())
    def look(record):
        assert type(record) is records.RECORDS[name]

    look()


@pytest.mark.parametrize("name", ["hosts", "invoices"])
def test_the_simplest_example_is_row_0_of_tenant_a(name):
    found = find(getattr(strategies, name)(), lambda _: True, settings=QUIET, random=Random(5))
    assert found == SIMPLEST.table(name).record(0)


def test_the_simplest_family_is_that_of_row_0():
    found = find(strategies.customer_families(SIMPLEST), lambda _: True, settings=QUIET, random=Random(5))
    assert found.model_dump(mode="json") == customer_family(SIMPLEST.business.customers, 0)


def test_the_simplest_dataset_is_tenant_a_seed_0():
    found = find(strategies.datasets(), lambda _: True, settings=QUIET, random=Random(5))
    assert (found.tenant_key, found.seed, found.scale.name, found.anchor) == ("a", 0, "small", ANCHOR)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), 2])
def test_a_predicate_is_met_and_shrunk_in_few_steps(seed):
    asked = 0

    def overdue(invoice: records.Invoice) -> bool:
        nonlocal asked
        asked += 1
        return invoice.status == "overdue"

    found = find(strategies.invoices(), overdue, settings=QUIET, random=Random(seed))
    assert asked < 150
    assert found.status == "overdue"
    assert found.balance > 0
    assert found.due_at < ANCHOR


def test_row_numbers_shrink():
    late = find(strategies.invoices(SIMPLEST), lambda invoice: invoice.number >= "INV-1000501", settings=QUIET)
    assert late == SIMPLEST.business.invoices.record(500)


@SOME
@given(strategies.customer_families())
def test_a_family_adds_up(family):
    signs = {"payment": -1, "credit": -1, "refund": 1, "debit": 1}
    moved = Counter[str]()
    for one in family.transactions:
        assert one.customer_id == family.customer.id
        if one.status == "completed":
            moved[one.invoice_id] += signs[one.type] * one.amount
    subscriptions = {subscription.id for subscription in family.subscriptions}
    assert {one.invoice_id for one in family.transactions} <= {invoice.id for invoice in family.invoices}
    for invoice in family.invoices:
        assert invoice.customer_id == family.customer.id
        assert invoice.subscription_id in subscriptions
        if invoice.status not in {"draft", "void"}:
            assert invoice.balance == invoice.total + moved[invoice.id]
    assert all(subscription.start_date > family.customer.created_at for subscription in family.subscriptions)


def test_a_large_family_that_fails_a_test_is_shown():
    @settings(QUIET, max_examples=200)
    @given(strategies.customer_families())
    def look(family):
        assert len(family.invoices) < 28, "large"

    with pytest.raises(AssertionError, match="large") as failure:
        look()
    shown = "".join(failure.value.__notes__)
    assert "<family of Customer(id='customer-" in shown
    assert len(shown) < 1_000


@SOME
@given(strategies.hosts(SIMPLEST), strategies.customers(strategies.datasets("planet")))
def test_rows_come_from_where_they_are_asked_from(host, customer):
    assert host.model_dump(mode="json") in SIMPLEST.assets.hosts
    assert customer.source_system == "master"


def test_examples_are_various():
    seen: set[records.Customer] = set()

    @settings(QUIET, max_examples=60)
    @given(strategies.customers())
    def look(customer):
        seen.add(customer)

    look()
    assert len(seen) > 40
    assert len({customer.country for customer in seen}) > 5


def test_an_unknown_scale_is_named_at_once():
    with pytest.raises(ConfigurationError, match="scale 'tiny' is not one of small, medium, large, planet"):
        strategies.datasets("tiny")
