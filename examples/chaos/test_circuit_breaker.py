"""A circuit breaker: opens at its threshold, and lets one call through after its time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_aosfarm import Chaos


# The code under test.


class OpenError(Exception):
    """Nobody was called: the last calls have failed."""


class Breaker:
    """Opens after `threshold` failures in a row; after `pause` seconds one call may try again."""

    def __init__(self, threshold: int, pause: float) -> None:
        self.threshold, self.pause = threshold, pause
        self.failures, self.opened = 0, 0.0

    def get(self, client: httpx.Client, path: str) -> httpx.Response:
        if self.failures >= self.threshold and time.monotonic() < self.opened + self.pause:
            raise OpenError
        try:
            response = client.get(path).raise_for_status()
        except httpx.HTTPError:
            self.failures += 1
            self.opened = time.monotonic()
            raise
        self.failures = 0
        return response


# Its tests.


@pytest.fixture
def stock(chaos: Chaos) -> Iterator[httpx.Client]:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"left": 3}))
    with httpx.Client(base_url="http://stock.test", transport=transport) as client:
        yield chaos.wrap(client, "stock")


def test_it_opens_half_opens_and_closes(stock: httpx.Client, chaos: Chaos) -> None:
    breaker = Breaker(threshold=3, pause=60)

    with chaos.on("stock", fault="refused"):
        for _ in range(3):
            with pytest.raises(httpx.ConnectError):
                breaker.get(stock, "/items/1")
        with pytest.raises(OpenError):
            breaker.get(stock, "/items/1")
        assert len(chaos.calls) == 3  # open: nobody was called

        time.sleep(60)  # costs nothing
        with pytest.raises(httpx.ConnectError):
            breaker.get(stock, "/items/1")  # half open: one call, which fails
        with pytest.raises(OpenError):
            breaker.get(stock, "/items/1")

    time.sleep(60)
    assert breaker.get(stock, "/items/1").is_success  # half open: one call, which closes it
    assert breaker.get(stock, "/items/1").is_success
    assert len(chaos.calls) == 6
