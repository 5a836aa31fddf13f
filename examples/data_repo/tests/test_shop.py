"""Each test compares what the code says with what was planted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from shop import attacked, owed, readable

from pytest_aosfarm import records, strategies

if TYPE_CHECKING:
    from pytest_aosfarm import Business, Events


def test_what_is_owed(synthetic_business: Business) -> None:
    truth = synthetic_business.metrics.receivables
    assert owed(synthetic_business.invoices) == {currency: sum(ages.values()) for currency, ages in truth.items()}


def test_attacks_are_noticed(synthetic_events: Events) -> None:
    planted = {i.facts["username"] for i in synthetic_events.incidents if i.kind == "brute_force"}
    assert attacked(synthetic_events.auth_events, failures=10) == planted


def test_messy_invoices_are_left_out(synthetic_business: Business) -> None:
    messy = synthetic_business.invoices.messy(duplicate=0.05, invalid=0.02)
    copies = sum(mess.kind == "duplicate" for mess in messy.answer_key())
    broken = sum(mess.field == "amount" for mess in messy.answer_key())
    assert len(readable(messy)) == len(messy) - copies - broken


@given(strategies.customer_families())
def test_a_customer_owes_what_its_invoices_say(family: records.CustomerFamily) -> None:
    invoices = [invoice.model_dump() for invoice in family.invoices]
    assert sum(owed(invoices).values()) == sum(invoice.balance for invoice in family.invoices)
