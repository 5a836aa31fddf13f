"""Faults in calls: who gets the request, what it takes, and when there is no reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpcore
import httpx
import pytest
from unit.faulty_calls import NO, REPLY, YES, Caller, Module

from pytest_aosfarm.chaos.faults import (
    Blackhole,
    ConnectTimeout,
    Latency,
    PoolTimeout,
    ReadTimeout,
    Reset,
    ResetUpload,
    Stall,
    Status,
    Truncated,
    WriteTimeout,
)
from pytest_aosfarm.chaos.inject import EndlessWaitError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def caller(request):
    return Caller(request.param)


UNANSWERED = [ReadTimeout, WriteTimeout, Blackhole, Reset, ResetUpload]


@pytest.mark.parametrize("kind", UNANSWERED)
@pytest.mark.parametrize("delivered", [True, False])
def test_the_module_gets_the_request_if_and_only_if_the_fault_says_so(caller, kind, delivered):
    module = Module()
    with pytest.raises(httpx.TransportError) as caught:
        caller.get(kind(delivered=delivered), module)
    assert len(module.requests) == delivered
    assert caller.injection.delivered is caller.injection.reached is delivered
    assert caught.value.__notes__ == [f"injected by aosfarm chaos: {kind().kind}"]
    assert caught.value is caller.injection.error
    assert isinstance(caught.value.__cause__, getattr(httpcore, type(caught.value).__name__))


@pytest.mark.parametrize(("draws", "reached"), [(YES, True), (NO, False)])
@pytest.mark.parametrize("kind", [ReadTimeout, WriteTimeout, Reset, ResetUpload])
def test_what_the_caller_cannot_know_is_drawn_and_left_open(caller, kind, draws, reached):
    module = Module()
    with pytest.raises(httpx.TransportError):
        caller.get(kind(), module, draws)
    assert (len(module.requests), caller.injection.reached, caller.injection.delivered) == (reached, reached, None)


@pytest.mark.parametrize(
    ("code", "delivered"), [(404, False), (429, False), (500, None), (501, False), (502, None), (503, False), (504, None)]
)
def test_a_status_that_says_no_was_no_and_others_leave_it_open(caller, code, delivered):
    module = Module()
    assert caller.get(Status(code), module).status_code == code
    assert caller.injection.delivered is delivered
    assert len(module.requests) == bool(caller.injection.reached)


@pytest.mark.parametrize(
    ("fault", "seconds"), [(ConnectTimeout(), 1.0), (PoolTimeout(), 2.0), (ReadTimeout(delivered=True), 5.0)]
)
def test_a_timeout_takes_as_long_as_the_client_waits(caller, fault, seconds):
    with pytest.raises(httpx.TimeoutException):
        caller.get(fault)
    assert caller.clock.time == pytest.approx(seconds, abs=1e-6)
    assert caller.injection.delay_us == seconds * 1_000_000


@pytest.mark.parametrize("fault", [ReadTimeout(delivered=True), Latency(60)], ids=["timeout", "latency"])
def test_what_the_module_itself_takes_is_part_of_the_timeout(caller, fault):
    module = Module(takes=1.5, clock=caller.clock)
    with pytest.raises(httpx.ReadTimeout):
        caller.get(fault, module)
    assert caller.clock.time == pytest.approx(5.0, abs=1e-6)
    assert len(module.requests) == 1


@pytest.mark.parametrize(
    ("at", "error", "seconds"),
    [("connect", httpx.ConnectTimeout, 1), ("pool", httpx.PoolTimeout, 2), ("write", httpx.WriteTimeout, 5)],
)
def test_latency_on_the_way_there_ends_in_the_timeout_of_that_part_and_nothing_arrives(caller, at, error, seconds):
    module = Module()
    with pytest.raises(error):
        caller.get(Latency("1 min", at=at), module)
    assert (caller.clock.time, module.requests, caller.injection.delivered) == (seconds, [], False)
    assert caller.get(Latency("0.9s", at=at), module).json() == REPLY
    assert (caller.clock.time, len(module.requests), caller.injection.delivered) == (pytest.approx(seconds + 0.9), 1, True)


def test_latency_below_the_timeout_only_takes_time(caller):
    response = caller.get(Latency("4.999s"))
    assert response.json() == REPLY
    assert response.elapsed.total_seconds() == pytest.approx(4.999, abs=1e-6)
    assert response.request.url == "http://module.test/x"
    assert response.extensions == {}


def test_latency_of_the_timeout_itself_is_too_long(caller):
    with pytest.raises(httpx.ReadTimeout):
        caller.get(Latency("5s"))


@pytest.mark.parametrize(
    "kind", [ReadTimeout, Blackhole, WriteTimeout, ConnectTimeout, PoolTimeout, Stall]
)
def test_a_client_without_a_timeout_is_told_that_it_would_wait_for_ever(caller, kind):
    with pytest.raises(EndlessWaitError, match=r"would wait for ever.* no (read|write|connect|pool) timeout; give it one"):
        caller.get(kind(), timeout=None)


def test_latency_without_a_timeout_is_waited_for(caller):
    assert caller.get(Latency("1 h"), timeout=None).json() == REPLY
    assert caller.clock.time == 3600


@pytest.mark.parametrize("fault", [ReadTimeout(delivered=True), Latency("1s"), Truncated(3), Status(503, delivered=True)])
def test_an_exception_of_the_call_itself_wins(caller, fault):
    def refuse(request):
        raise httpx.ConnectError("really refused", request=request)

    with pytest.raises(httpx.ConnectError, match="really refused") as caught:
        caller.get(fault, Module(refuse))
    assert not hasattr(caught.value, "__notes__")
    assert (caller.injection.delivered, caller.injection.error, caller.clock.time) == (None, None, 0)


def test_a_mock_that_is_at_its_end_does_not_end_the_fault():
    caller = Caller(asynchronous=False)
    nothing_left: Iterator[httpx.Response] = iter([])
    with pytest.raises(StopIteration):
        caller.get(Latency("1s"), Module(lambda _: next(nothing_left)))
