"""`python -m benchmarks.chaos [part ...]`: what chaos costs a call that it leaves alone, and what a decision costs."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from time import thread_time
from timeit import timeit
from typing import TYPE_CHECKING

import httpx

from benchmarks.goals import at_most, at_most_in_pairs, print_goals
from pytest_aosfarm.chaos.handle import Chaos
from pytest_aosfarm.chaos.policy import Policy, rule_of
from pytest_aosfarm.chaos.virtual_time import VirtualClock, virtual_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.goals import Goal

ROUNDS, CALLS = 150, 100
"""A round is so many calls of a bare client, twice as many of a wrapped one, and the bare one's again: what counts is the
median of the rounds. Each side pays for its own garbage: httpx's of 40 calls would be collected among the other's."""

URL = "http://shop.test/orders/1"

POLICY = Policy(rules=tuple(rule_of(("shop",), str(500 + n), rate=0) for n in range(5)))
"""Rules that never fire, made once: they are no part of a call."""


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

        def chaotic() -> float:
            with under_chaos(chaos):
                return calls(ours)

        rounds = [(calls(bare), chaotic() + chaotic(), calls(bare)) for _ in range(ROUNDS)]
        yield _goal("blocking", rounds)


def in_async_code() -> Iterator[Goal]:
    """The same for async clients."""
    yield _goal("async", asyncio.run(_async_rounds()))


def decision() -> Iterator[Goal]:
    """Naming a call, counting it, drawing with one hash, noting it; nothing is sent.

    The goal of 2.5 us was set on a machine on which a bare call takes 75.8 us: it is a thirtieth of a call anywhere.
    """
    chaos = Chaos(1, VirtualClock)
    scope = chaos.begin("benchmark", Policy(rules=(rule_of(("shop",), "503", rate=1e-12),)))
    request = httpx.Request("GET", URL)
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:

        def spent(what: Callable[[], object], times: int) -> float:
            return timeit(what, timer=thread_time, number=times) / times * 1e6

        pairs = [
            (spent(lambda: scope.begin(request, "shop"), 5_000), spent(lambda: client.get(URL), 200)) for _ in range(21)
        ]
    yield at_most("a decision with one hash (us), least of 21", min(ours for ours, _ in pairs), 2.5)
    yield at_most_in_pairs("a decision with one hash, against a bare call (us)", pairs, 2.5 / 75.8)


@contextmanager
def under_chaos(chaos: Chaos) -> Iterator[None]:
    """A test with five rules, in virtual time, as the plugin has it."""
    scope = chaos.begin("benchmark", POLICY)
    assert isinstance(scope.clock, VirtualClock)
    with virtual_time(scope.clock):
        yield
    chaos.end()


async def _async_rounds() -> list[tuple[float, float, float]]:
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

        async def chaotic() -> float:
            with under_chaos(chaos):
                return await calls(ours)

        return [(await calls(bare), await chaotic() + await chaotic(), await calls(bare)) for _ in range(ROUNDS)]


def _goal(which: str, rounds: list[tuple[float, float, float]]) -> Goal:
    each = 1e6 / (2 * CALLS)
    pairs = [(spent * each, (before + after) * each) for before, spent, after in rounds]
    return at_most_in_pairs(f"{which} call at rate 0, against a bare MockTransport (us)", pairs, 1.06)


PARTS: dict[str, Callable[[], Iterator[Goal]]] = {"blocking": blocking, "async": in_async_code, "decision": decision}

if __name__ == "__main__":
    print_goals(PARTS)
