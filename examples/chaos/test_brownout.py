"""A brown-out: the prices come late or not at all, and the page is there all the same."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_aosfarm import Chaos


# The code under test.


class Page:
    """Shows the price it gets in a second, or else the last one that it knows."""

    def __init__(self, prices: httpx.Client) -> None:
        self.prices = prices
        self.known: dict[int, int] = {}
        self.longest = 0.0

    def price(self, item: int) -> int:
        began = time.monotonic()
        try:
            reply = self.prices.get("/prices", params={"item": item}, timeout=1).raise_for_status()
            self.known[item] = reply.json()["cents"]
        except httpx.HTTPError:
            pass
        self.longest = max(self.longest, time.monotonic() - began)
        return self.known[item]


# Its tests.


@pytest.fixture
def prices(chaos: Chaos) -> Iterator[httpx.Client]:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"cents": 100 * int(request.url.params["item"])})

    with httpx.Client(base_url="http://prices.test", transport=httpx.MockTransport(answer)) as client:
        yield chaos.wrap(client, "prices")


def test_the_page_stays_quick_and_right(prices: httpx.Client, chaos: Chaos) -> None:
    page = Page(prices)
    for item in range(1, 6):
        page.price(item)

    def is_well() -> bool:
        return page.price(1) == 100

    with chaos.steady_state(is_well, every="5s"), chaos.preset("brownout", "prices"):
        for item in [1, 2, 3, 4, 5] * 10:
            assert page.price(item) == 100 * item

    assert page.longest < 2  # a second for the timeout, whatever the machine does beside
