"""A change of schema: a field is called otherwise since yesterday."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from pytest_aosfarm import faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_aosfarm import Chaos


# The code under test.


class SchemaError(Exception):
    """The reply is not what was agreed on."""


def owed(billing: httpx.Client, customer: int) -> int:
    """Wrong: what is not there counts as nothing."""
    invoices = billing.get(f"/customers/{customer}/invoices").raise_for_status().json()["invoices"]
    return sum(invoice.get("balance", 0) for invoice in invoices)


def owed_for_sure(billing: httpx.Client, customer: int) -> int:
    """Right: what is not there is an error."""
    invoices = billing.get(f"/customers/{customer}/invoices").raise_for_status().json()["invoices"]
    try:
        return sum(invoice["balance"] for invoice in invoices)
    except KeyError as missing:
        raise SchemaError(f"an invoice has no {missing}") from None


# Its tests.


@pytest.fixture
def billing(chaos: Chaos) -> Iterator[httpx.Client]:
    invoices = {"invoices": [{"id": 1, "balance": 700}, {"id": 2, "balance": 50}]}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=invoices))
    with httpx.Client(base_url="http://billing.test", transport=transport) as client:
        yield chaos.wrap(client, "billing")


renamed = faults.FieldRenamed("invoices.*.balance", to="amount_due")


@pytest.mark.chaos("billing", fault=renamed)
def test_a_field_that_is_gone_is_noticed(billing: httpx.Client) -> None:
    with pytest.raises(SchemaError, match="no 'balance'"):
        owed_for_sure(billing, 17)


@pytest.mark.xfail(reason="wrong: a customer who owes 750 owes nothing")
@pytest.mark.chaos("billing", fault=renamed)
def test_a_field_that_is_gone_is_not_nothing(billing: httpx.Client) -> None:
    assert owed(billing, 17) == 750
