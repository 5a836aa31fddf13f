"""`python -m benchmarks.chaos_time [part ...]`: ten nominal minutes of latency or back-off, on the wall."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import httpx
import tenacity

from benchmarks.goals import at_least, at_most, print_goals
from pytest_aosfarm.chaos.handle import Chaos
from pytest_aosfarm.chaos.virtual_time import VirtualClock, virtual_time
from pytest_aosfarm.twins.process import TwinProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from benchmarks.goals import Goal

CALLS, LATE = 100, {"fault": "latency:6s"}
WAIT, REFUSED = tenacity.wait_fixed(60), {"fault": "refused", "first": 10}
NOMINAL_SECONDS, WALL_SECONDS = 600, 5
LIMIT_SECONDS = 30
"""Timeout of the clients: latency must not reach it."""


def to_mocks() -> Iterator[Goal]:
    """Calls that a mock answers."""
    yield from _goals("a mock", "http://module.test/", (), lambda: httpx.MockTransport(lambda _: httpx.Response(200)))


def to_twins() -> Iterator[Goal]:
    """Calls over sockets to a module that the Farm has started."""
    with TwinProcess.start("aod") as twin:
        yield from _goals("an embedded module", f"{twin.url}/", [httpx.URL(twin.url).netloc.decode()], lambda: None)


PARTS = {"mocks": to_mocks, "twins": to_twins}


def _goals(name: str, url: str, own: Collection[str], transport: Callable[[], httpx.MockTransport | None]) -> Iterator[Goal]:
    def late(chaos: Chaos) -> None:
        with chaos.wrap(httpx.Client(transport=transport(), timeout=LIMIT_SECONDS), "module") as client:
            for _ in range(CALLS):
                client.get(url)

    async def alate(chaos: Chaos) -> None:
        async with chaos.wrap(httpx.AsyncClient(transport=transport(), timeout=LIMIT_SECONDS), "module") as client:
            for _ in range(CALLS):
                await client.get(url)

    def refused(chaos: Chaos) -> None:
        with chaos.wrap(httpx.Client(transport=transport()), "module") as client:
            tenacity.retry(wait=WAIT)(client.get)(url)

    async def arefused(chaos: Chaos) -> None:
        async with chaos.wrap(httpx.AsyncClient(transport=transport()), "module") as client:
            await tenacity.retry(wait=WAIT)(client.get)(url)

    for what, block, rule in (
        ("latency, sync", late, LATE),
        ("latency, async", lambda chaos: asyncio.run(alate(chaos)), LATE),
        ("back-off, sync", refused, REFUSED),
        ("back-off, async", lambda chaos: asyncio.run(arefused(chaos)), REFUSED),
    ):
        virtual, wall = _measured(block, own, rule)
        yield at_least(f"{name}: s of {what}", virtual, NOMINAL_SECONDS)
        yield at_most(f"{name}: s on the wall", wall, WALL_SECONDS)


def _measured(block: Callable[[Chaos], object], own: Collection[str], rule: Mapping[str, Any]) -> tuple[float, float]:
    """Seconds of virtual time and of real time that calls to "module" take under a rule."""
    clock = VirtualClock()
    chaos = Chaos(1, lambda: clock, hosts=["module.test", "127.0.0.1"])
    chaos.own = lambda: own
    chaos.begin("benchmark", None)
    started = time.perf_counter()
    with virtual_time(clock), chaos.on("module", **rule):
        block(chaos)
    wall = time.perf_counter() - started
    chaos.end()
    chaos.close()
    return clock.recorded_us() / 1e6, wall


if __name__ == "__main__":
    print_goals(PARTS)
