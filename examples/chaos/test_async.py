"""Many calls at once: what never ends is given up, and the others are kept."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pytest_aosfarm import Chaos

pytestmark = pytest.mark.anyio


# The code under test.


async def offers(market: httpx.AsyncClient, sellers: list[str], *, patience: float) -> dict[str, int]:
    """The offers of all sellers who answer within `patience` seconds, all asked at the same time."""

    async def offer(seller: str) -> tuple[str, int] | None:
        try:
            async with asyncio.timeout(patience):
                reply = await market.get(f"/sellers/{seller}", timeout=None)
            return seller, reply.raise_for_status().json()["cents"]
        except (TimeoutError, httpx.HTTPError):
            return None

    return dict(filter(None, await asyncio.gather(*map(offer, sellers))))


# Its tests.


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def market(chaos: Chaos) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"cents": 500}))
    async with httpx.AsyncClient(base_url="http://market.test", transport=transport) as client:
        yield chaos.wrap(client, "market")


@pytest.mark.chaos("market", fault="latency:2s", route="/sellers/slow")
@pytest.mark.chaos("market", fault="latency:10m", route="/sellers/asleep")
@pytest.mark.chaos("market", fault="reset", route="/sellers/broken")
async def test_those_who_answer_are_kept(market: httpx.AsyncClient, chaos: Chaos) -> None:
    before = time.monotonic()
    found = await offers(market, ["quick", "slow", "asleep", "broken"], patience=30)
    assert found == {"quick": 500, "slow": 500}
    assert 30 <= time.monotonic() - before < 60
    assert len(chaos.faults) == 3
