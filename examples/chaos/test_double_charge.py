"""A double charge: the bank has done it, only its reply got lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from pytest_aosfarm import DoubleEffectError, faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_aosfarm import Chaos


# The code under test.


def pay(bank: httpx.Client, cents: int) -> None:
    """Wrong: a timeout does not say that nothing has been charged."""
    try:
        bank.post("/charge", json={"cents": cents}).raise_for_status()
    except httpx.TimeoutException:
        bank.post("/charge", json={"cents": cents}).raise_for_status()


def pay_once(bank: httpx.Client, cents: int, *, key: str) -> None:
    """Right: the bank knows by the key that it is the same charge."""
    headers = {"Idempotency-Key": key}
    try:
        bank.post("/charge", json={"cents": cents}, headers=headers).raise_for_status()
    except httpx.TimeoutException:
        bank.post("/charge", json={"cents": cents}, headers=headers).raise_for_status()


# Its tests.


class Ledger:
    """The bank: every charge is booked, the same key only once."""

    def __init__(self) -> None:
        self.booked: list[str | None] = []

    def charge(self, request: httpx.Request) -> httpx.Response:
        key = request.headers.get("Idempotency-Key")
        if key is None or key not in self.booked:
            self.booked.append(key)
        return httpx.Response(201)

    def count(self) -> int:
        return len(self.booked)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def bank(chaos: Chaos, ledger: Ledger) -> Iterator[httpx.Client]:
    with httpx.Client(base_url="http://bank.test", transport=httpx.MockTransport(ledger.charge)) as client:
        yield chaos.wrap(client, "bank")


def test_with_a_key_the_card_is_charged_once(bank: httpx.Client, ledger: Ledger, chaos: Chaos) -> None:
    lost = faults.ReadTimeout(delivered=True)
    with chaos.on("bank", "POST /charge", fault=lost, first=1) as rule, chaos.at_most_once(ledger.count, "the charge"):
        pay_once(bank, 1999, key="order-17")
    assert rule.fired == 1
    assert ledger.count() == 1


@pytest.mark.xfail(reason="wrong: the card is charged twice", raises=DoubleEffectError)
def test_without_a_key_the_card_is_charged_once(bank: httpx.Client, ledger: Ledger, chaos: Chaos) -> None:
    lost = faults.ReadTimeout(delivered=True)
    with chaos.on("bank", "POST /charge", fault=lost, first=1), chaos.at_most_once(ledger.count, "the charge"):
        pay(bank, 1999)
