"""Retries: what may be sent again after an error, and after which wait."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_aosfarm import Chaos


# The code under test.


def send(shop: httpx.Client, method: str, path: str, *, key: str | None = None, attempts: int = 4) -> httpx.Response:
    """Send a request until it is answered: after longer and longer waits, or as long as a reply asks for."""
    for attempt in range(1, attempts + 1):
        wait = 2**attempt * random.uniform(0.5, 1)  # noqa: S311 - jitter is no secret
        try:
            response = shop.request(method, path, headers={"Idempotency-Key": key} if key else None)
        except httpx.TransportError:
            if attempt == attempts:
                raise
        else:
            if response.status_code not in {429, 503} or attempt == attempts:
                return response
            wait = float(response.headers.get("Retry-After", wait))
        time.sleep(wait)
    raise AssertionError("the last attempt has returned or raised")


# Its tests.


@pytest.fixture
def shop(chaos: Chaos) -> Iterator[httpx.Client]:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"orders": []}))
    with httpx.Client(base_url="http://shop.test", transport=transport) as client:
        yield chaos.wrap(client, "shop")


@pytest.mark.chaos("shop", fault="503", first=2)
def test_a_third_attempt_is_answered(shop: httpx.Client, chaos: Chaos) -> None:
    assert send(shop, "GET", "/orders").is_success
    assert [call.status for call in chaos.calls] == [503, 503, 200]
    assert chaos.findings() == []


@pytest.mark.chaos("shop", fault="rate_limited:30s", first=1)
def test_it_waits_as_long_as_it_is_asked_to(shop: httpx.Client, chaos: Chaos) -> None:
    before = time.monotonic()
    assert send(shop, "GET", "/orders").is_success
    assert time.monotonic() - before >= 30
    assert chaos.findings() == []


@pytest.mark.chaos("shop", fault="read_timeout delivered", first=1)
def test_an_order_is_sent_again_under_the_same_key(shop: httpx.Client, chaos: Chaos) -> None:
    assert send(shop, "POST", "/orders", key="order-17").is_success
    assert chaos.findings() == []


@pytest.mark.xfail(reason="wrong: the shop may have the order already")
@pytest.mark.chaos("shop", fault="read_timeout delivered", first=1)
def test_an_order_is_sent_again_without_a_key(shop: httpx.Client, chaos: Chaos) -> None:
    assert send(shop, "POST", "/orders").is_success
    assert chaos.findings() == []  # says `unsafe-retry`
