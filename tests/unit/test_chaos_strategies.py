"""Hypothesis finds the faults that bring a bug to light, and shrinks them to those that matter."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import httpx
import pytest
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from pytest_aosfarm import ChaosError, fault_schedules
from pytest_aosfarm.chaos.clock import RealClock
from pytest_aosfarm.chaos.handle import Chaos
from pytest_aosfarm.chaos.plan import Plan, Schedule

FAULTS = ("503", "refused", "closed delivered", "429")


def chaos_and_client(answer=lambda _: httpx.Response(200)):
    chaos = Chaos(0, RealClock)
    client = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://shop.test", trust_env=False)
    return chaos, chaos.wrap(client, "shop")


class Till:
    """Up to eight calls; a charge whose reply is lost is repeated, which is wrong only when the ledger is down, too."""

    def __init__(self):
        self.chaos, self.client = chaos_and_client(self.answer)
        self.charged: list[str] = []

    def answer(self, request):
        if request.method == "POST":
            self.charged.append(request.url.path)
        return httpx.Response(200)

    def run(self):
        self.charged.clear()
        for n in range(3):
            self.ok("GET", f"/orders/{n}")
        ledger = self.ok("GET", "/ledger")
        for n in range(2):
            if not self.ok("POST", f"/charge/{n}") and not ledger:
                self.ok("POST", f"/charge/{n}")
        self.ok("GET", "/end")
        assert len(self.charged) == len(set(self.charged))

    def ok(self, method, path):
        with suppress(httpx.TransportError):
            return self.client.request(method, path).is_success
        return False


def found(number, **options):
    """How many runs it took to find and shrink the bug, and the faults of the smallest example."""
    till, runs = Till(), 0

    @seed(number)
    @settings(max_examples=1000, database=None, deadline=None, phases=(Phase.generate, Phase.shrink))
    @given(schedule=fault_schedules(FAULTS, **options))
    def test(schedule):
        nonlocal runs
        runs += 1
        till.chaos.begin("test", None)
        with till.chaos.following(schedule):
            till.run()

    with pytest.raises(AssertionError) as caught:
        test()
    assert till.chaos.scope is not None
    return runs, till.chaos.scope.schedule, caught.value


@pytest.mark.parametrize("number", [3, *(pytest.param(number, marks=pytest.mark.slow) for number in (1, 2, 4))])
def test_a_bug_that_needs_two_faults_is_shrunk_to_two(number):
    runs, schedule, error = found(number)

    assert sorted((one.key.path[:7], one.ordinal) for one in schedule.faults) == [("/charge", 1), ("/ledger", 1)]
    assert schedule.faults[1].fault.label == "closed delivered"
    (line,) = (line for line in error.__notes__ if line.startswith("Faults: "))
    assert "into call 1 of GET /ledger, closed delivered into call 1 of POST /charge/" in line
    assert runs < 600

    token = Schedule.from_token(line.partition("--farm-replay=")[2])
    assert token == schedule
    till = Till()
    till.chaos.begin("test", None, plan=Plan(token))
    with pytest.raises(AssertionError):
        till.run()
    assert till.chaos.complaints() == []


@settings(deadline=None, max_examples=15)
@given(schedule=fault_schedules("503", max_faults=2, modules="shop", routes=["GET /a/*", "/b"]))
def test_the_budget_and_the_routes_hold(schedule):
    chaos, client = chaos_and_client()
    chaos.begin("test", None)
    with chaos.following(schedule):
        for call in ("GET /a/1", "POST /a/1", "GET /b", "GET /c", "PUT /b", "GET /a/2"):
            client.request(*call.split())
        with chaos.paused():
            client.get("/b")
    client.get("/b")
    hit = [(call.key.method, call.key.path, call.ordinal) for call in chaos.faults]
    assert len(hit) <= 2
    assert set(hit) <= {("GET", "/a/1", 1), ("GET", "/b", 1), ("PUT", "/b", 1), ("GET", "/a/2", 1)}
    assert [f"{one.key.method} {one.key.path}" for one in schedule.faults] == [f"{method} {path}" for method, path, _ in hit]
    assert all(f"503 into call 1 of {method} {path}" in repr(schedule) for method, path, _ in hit)
    assert chaos.complaints() == []


def test_an_example_that_ends_in_the_middle_of_a_draw_leaves_nothing_behind():
    class Overrun(BaseException):
        pass

    class Exhausted:
        plan = staticmethod(lambda test, seed: Ends(Schedule(test, seed, ())))
        tell = staticmethod(lambda _: None)

    class Ends(Plan):
        def take(self, *_):
            raise Overrun

    chaos, client = chaos_and_client()
    chaos.begin("test", None)
    with pytest.raises(Overrun), chaos.following(Exhausted()):
        client.get("/")
    assert client.get("/").is_success
    assert chaos.complaints() == []


@settings(deadline=None, max_examples=10)
@given(schedule=fault_schedules(FAULTS), among=st.integers(0, 3))
def test_async_calls_are_drawn_too(schedule, among):
    chaos = Chaos(0, RealClock)

    async def run():
        transport = httpx.MockTransport(lambda _: httpx.Response(200))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test", trust_env=False) as client:
            chaos.wrap(client, "shop")
            await asyncio.gather(*(client.get(f"/{n}") for n in range(among)), return_exceptions=True)

    chaos.begin("test", None)
    with chaos.following(schedule):
        asyncio.run(run())
    assert len(chaos.calls) == among
    assert [call.fault for call in chaos.faults] == [one.fault for one in schedule.faults]


@settings(deadline=None, max_examples=1)
@given(schedule=fault_schedules())
def test_another_thread_is_told_that_it_cannot_draw(schedule):
    chaos, client = chaos_and_client()
    chaos.begin("test", None)
    with chaos.following(schedule), pytest.raises(ChaosError, match="GET /x was called in a thread of its own"):
        asyncio.run(asyncio.to_thread(client.get, "/x"))


def test_what_is_no_fault_is_said_at_once():
    with pytest.raises(ValueError, match="'stormy' is no fault"):
        fault_schedules("stormy")
