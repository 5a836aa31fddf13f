"""Faults in calls: what is left of the module's reply, and of the request's body."""

from __future__ import annotations

import asyncio
import gzip
import json
from contextlib import suppress

import httpx
import pytest
from chaos.observed import StillClock
from unit.faulty_calls import NO, REPLY, YES, Caller, Module, Parts

from pytest_aosfarm.chaos.faults import (
    BadChunk,
    Corrupt,
    FieldRemoved,
    Latency,
    MalformedJson,
    ReadTimeout,
    Refused,
    Reset,
    SlowBody,
    Status,
    Truncated,
    WriteTimeout,
    fault_of,
)
from pytest_aosfarm.chaos.inject import Injection, asend, send


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def caller(request):
    return Caller(request.param)


@pytest.mark.parametrize("fault", [Latency("1 h"), ReadTimeout(delivered=True), Truncated(2), Status(503, delivered=True)])
def test_the_modules_reply_is_closed_when_the_caller_does_not_get_it(caller, fault):
    body = Parts(b'{"a"', b":1}")
    with suppress(httpx.TransportError):
        caller.get(fault, Module(lambda _: httpx.Response(200, stream=body)))
    assert body.closed


def test_a_late_reply_is_read_by_the_caller_and_by_nobody_before():
    body = Parts(b"one", b"two")
    clock, request = StillClock(), httpx.Request("GET", "http://module.test")
    response = send(Injection(Latency("1s"), YES), request, lambda _: httpx.Response(200, stream=body), clock)
    assert body.parts == [b"one", b"two"]
    parts = response.iter_raw()
    assert next(parts) == b"one"
    clock.time += 2
    assert [*parts] == [b"two"]
    assert body.closed
    assert response.elapsed.total_seconds() == 3


def test_a_reply_that_breaks_by_itself_wins(caller):
    body = Parts(b'{"a"', error=httpx.ReadError("really broken"))
    with pytest.raises(httpx.ReadError, match="really broken"):
        caller.get(Truncated(2), Module(lambda _: httpx.Response(200, stream=body)))
    assert body.closed


def test_a_delay_that_is_cancelled_closes_the_reply():
    class Cancelled(StillClock):
        async def asleep(self, seconds):
            self.time += seconds
            raise asyncio.CancelledError

    body = Parts(b"x")
    module = Module(lambda _: httpx.Response(200, stream=body))
    request = httpx.Request("GET", "http://module.test")
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(asend(Injection(Latency("1s"), YES), request, module.asynchronous, Cancelled()))
    assert body.closed


@pytest.mark.parametrize("fault", [Truncated(5), MalformedJson("comma"), FieldRemoved("id"), Latency("1s")])
def test_a_reply_that_a_transport_has_read_already_is_spoiled_all_the_same(fault):
    caller = Caller(asynchronous=False)

    def read(_):
        headers = {"content-encoding": "gzip"}
        response = httpx.Response(200, headers=headers, stream=Parts(gzip.compress(json.dumps(REPLY).encode())))
        response.read()
        return response

    try:
        seen = caller.get(fault, Module(read)).text
    except httpx.RemoteProtocolError as error:
        seen = str(error)
    expected = {
        "truncated": "peer closed connection without sending complete message body (received 5 bytes, expected 42)",
        "malformed_json": json.dumps(REPLY)[:-1] + ",}",
        "field_removed": '{"items":[{"id":1},{"id":2}]}',
        "latency": json.dumps(REPLY),
    }
    assert seen == expected[fault.kind]


def test_a_dribble_below_the_timeout_never_times_out_however_long_it_takes(caller):
    response = caller.get(SlowBody("4.9s", chunk=1))
    assert response.json() == REPLY
    assert response.elapsed.total_seconds() == pytest.approx(4.9 * (len(response.content) - 1), abs=1e-3)
    assert caller.injection.delay_us == 4_900_000 * (len(response.content) - 1)


def test_a_dribble_above_the_timeout_ends_at_once(caller):
    with pytest.raises(httpx.ReadTimeout):
        caller.get(SlowBody("5.1s", chunk=1))
    assert caller.clock.time == 5


def test_a_reply_in_chunks_is_cut_as_chunks_are(caller):
    def chunked(_):
        return httpx.Response(200, headers={"transfer-encoding": "chunked"}, stream=Parts(b"hello ", b"world"))

    with pytest.raises(httpx.RemoteProtocolError, match=r"\(incomplete chunked read\)"):
        caller.get(Truncated(8), Module(chunked))
    assert caller.get(Corrupt(), Module(chunked)).headers["transfer-encoding"] == "chunked"
    assert caller.get(SlowBody(chunk=3), Module(chunked)).text == "hello world"
    with pytest.raises(httpx.RemoteProtocolError, match="illegal chunk header"):
        caller.get(BadChunk(8), Module(chunked))


def test_a_compressed_reply_is_opened_for_a_schema_fault_and_left_as_it_is_for_others(caller):
    def zipped(_):
        body = gzip.compress(json.dumps(REPLY).encode())
        return httpx.Response(200, headers={"content-encoding": "gzip", "content-type": "application/json"}, content=body)

    changed = caller.get(FieldRemoved("items"), Module(zipped))
    assert (changed.json(), changed.headers.get("content-encoding")) == ({"id": 7}, None)
    assert changed.headers["content-length"] == str(len(changed.content))
    slow = caller.get(SlowBody("1s"), Module(zipped))
    assert (slow.json(), slow.headers["content-encoding"]) == (REPLY, "gzip")


@pytest.mark.parametrize(
    ("answer", "method", "fault", "why"),
    [
        (httpx.Response(204), "GET", Truncated(), "the reply has no body"),
        (httpx.Response(304), "GET", Corrupt(), "the reply has no body"),
        (httpx.Response(200, headers={"content-length": "45"}), "HEAD", MalformedJson(), "the reply has no body"),
        (httpx.Response(200, text="<html>"), "GET", FieldRemoved(), "the reply is no JSON: b'<html>'"),
        (httpx.Response(200, json=[1, 2]), "GET", FieldRemoved(), "the reply is JSON without any field"),
        (httpx.Response(200, json=REPLY), "GET", FieldRemoved("items.*.name"), "no place for it at 'items.*.name'"),
        (httpx.Response(404, json=REPLY), "GET", FieldRemoved("id"), "the reply has the status 404"),
    ],
)
def test_a_fault_that_finds_nothing_to_change_says_so_and_lets_the_reply_through(caller, answer, method, fault, why):
    seen = caller.get(fault, Module(lambda _: answer), method=method)
    assert why in caller.injection.missed
    assert (seen.status_code, seen.content) == (answer.status_code, answer.content)
    assert seen.headers.get("content-length") == answer.headers.get("content-length")


def test_a_fault_that_did_what_it_does_missed_nothing(caller):
    caller.get(FieldRemoved("id"))
    assert caller.injection.missed is None


@pytest.mark.parametrize("form", ["503", "rate_limited", "empty", "corrupt", "slow_body:1ms"])
def test_a_head_request_gets_no_body(caller, form):
    fault = fault_of(form)
    head = httpx.Response(200, headers={"content-length": "45"})
    assert caller.get(fault, Module(lambda _: head), method="HEAD").content == b""


def upload(parts, in_async):
    async def asynchronous():
        while parts:
            yield parts.pop(0)

    def synchronous():
        while parts:
            yield parts.pop(0)

    return asynchronous() if in_async else synchronous()


@pytest.mark.parametrize(
    ("fault", "left"), [(Refused(), 2), (Reset(delivered=False), 0), (Status(503), 0), (WriteTimeout(delivered=False), 1)]
)
def test_an_upload_is_used_up_as_far_as_it_was_sent(caller, fault, left):
    parts = [b"one", b"two"]
    with suppress(httpx.TransportError):
        caller.get(fault, method="POST", content=upload(parts, caller.asynchronous))
    assert len(parts) == left


def test_the_module_gets_an_upload_that_can_be_read_once(caller):
    class Reading(Module):
        def __call__(self, request):
            self.read = request.read()
            return super().__call__(request)

        async def asynchronous(self, request):
            self.read = await request.aread()
            return super().__call__(request)

    module = Reading()
    with pytest.raises(httpx.ReadTimeout):
        caller.get(ReadTimeout(delivered=True), module, method="POST", content=upload([b"one", b"two"], caller.asynchronous))
    assert module.read == b"onetwo"


def test_a_reply_over_a_socket_is_read_within_what_the_clock_counts_as_real(caller):
    caller.get(Corrupt())
    assert caller.clock.reading == []
    caller.get(Corrupt(), over_socket=True)
    assert caller.clock.reading == ["begins", "ends"]
    caller.clock.reading.clear()
    body = Parts(b"one", b"two")
    caller.get(Latency("1s"), Module(lambda _: httpx.Response(200, stream=body)), over_socket=True)
    assert caller.clock.reading == ["begins", "ends"] * 3, "each part, and the end"


def test_a_reply_of_its_own_needs_no_module(caller):
    module = Module()
    fault = Truncated(3, reply='{"a":1}')
    with pytest.raises(httpx.RemoteProtocolError, match=r"received 3 bytes, expected 7"):
        caller.get(fault, module)
    assert (module.requests, caller.injection.delivered) == ([], False)
    assert caller.get(FieldRemoved("b", reply='{"a":1}'), module).json() == {"a": 1}
    assert caller.injection.missed


def test_the_same_call_gets_the_same_fault_again(caller):
    first = caller.get(Corrupt(3)).content
    assert caller.get(Corrupt(3)).content == first
    assert caller.get(Corrupt(3), draws=NO).content != first
