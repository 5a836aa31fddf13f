"""`python -m benchmarks.chaos [part ...]`: what chaos costs a call that it leaves alone, and what a decision costs."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from statistics import median
from time import thread_time
from timeit import repeat
from typing import TYPE_CHECKING

import httpx

from benchmarks.goals import at_most, print_goals
from pytest_aosfarm.chaos.handle import Chaos
from pytest_aosfarm.chaos.policy import Policy, rule_of
from pytest_aosfarm.chaos.virtual_time import VirtualClock, virtual_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.goals import Goal

PAIRS, CALLS = 400, 40
"""A pair is so many calls of a bare client and so many of a wrapped one; what counts is the median of the pairs."""

URL = "http://shop.test/orders/1"


def answer(_: httpx.Request) -> httpx.Response:
    """What is below both clients."""
    return httpx.Response(200, json={"ok": True})


def blocking() -> Iterator[Goal]:
    """A call under five rules of rate 0, as in a test, against one of a bare client over httpx's MockTransport."""
    chaos = Chaos(1, VirtualClock)
    transport = httpx.MockTransport(answer)
    with httpx.Client(transport=transport) as bare, httpx.Client(transport=transport) as ours:
        chaos.wrap(ours, "shop")

        def calls(client: httpx.Client) -> float:
            client.get(URL)
            began = thread_time()
            for _ in range(CALLS):
                client.get(URL)
            return thread_time() - began

        def pair() -> tuple[float, float]:
            spent = calls(bare)
            with under_chaos(chaos):
                return calls(ours), spent

        yield _goal("blocking", [pair() for _ in range(PAIRS)])


def in_async_code() -> Iterator[Goal]:
    """The same for async clients."""
    yield _goal("async", asyncio.run(_async_pairs()))


def decision() -> Iterator[Goal]:
    """Naming a call, counting it, drawing with one hash, noting it; nothing is sent."""
    chaos = Chaos(1, VirtualClock)
    scope = chaos.begin("benchmark", Policy(rules=(rule_of(("shop",), "503", rate=1e-12),)))
    request = httpx.Request("GET", URL)
    spent = repeat(lambda: scope.begin(request, "shop"), timer=thread_time, number=10_000, repeat=9)
    yield at_most("a decision with one hash (us), least of 9", min(spent) * 100, 2.5)


@contextmanager
def under_chaos(chaos: Chaos) -> Iterator[None]:
    """A test with five rules that never fire, in virtual time, as the plugin has it."""
    scope = chaos.begin("benchmark", Policy(rules=tuple(rule_of(("shop",), str(500 + n), rate=0) for n in range(5))))
    assert isinstance(scope.clock, VirtualClock)
    with virtual_time(scope.clock):
        yield
    chaos.end()


async def _async_pairs() -> list[tuple[float, float]]:
    chaos = Chaos(1, VirtualClock)
    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(transport=transport) as bare, httpx.AsyncClient(transport=transport) as ours:
        chaos.wrap(ours, "shop")

        async def calls(client: httpx.AsyncClient) -> float:
            await client.get(URL)
            began = thread_time()
            for _ in range(CALLS):
                await client.get(URL)
            return thread_time() - began

        pairs = []
        for _ in range(PAIRS):
            spent = await calls(bare)
            with under_chaos(chaos):
                pairs.append((await calls(ours), spent))
        return pairs


def _goal(which: str, pairs: list[tuple[float, float]]) -> Goal:
    bare = median(spent for _, spent in pairs) / CALLS * 1e6
    ours = median(ours / spent for ours, spent in pairs) * bare
    return at_most(f"{which} call at rate 0, against a bare MockTransport (us)", ours, 1.06, bare)


PARTS: dict[str, Callable[[], Iterator[Goal]]] = {"blocking": blocking, "async": in_async_code, "decision": decision}

if __name__ == "__main__":
    print_goals(PARTS)
