"""A module that fails to order, a clock that only waiting moves, and the callers that are tried on them."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import httpx

from pytest_aosfarm.chaos.calls import CallKey, CallRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from pytest_aosfarm.chaos.faults import Fault


class Reply(NamedTuple):
    """What becomes of one attempt: an exception if there is one, else a status."""

    status: int = 200
    error: type[httpx.TransportError] | None = None
    delivered: bool | None = True
    retry_after: int | None = None
    fault: Fault | None = None
    seconds: float = 0.05


OK = Reply()
BUSY = Reply(503)
REFUSED = Reply(error=httpx.ConnectError, delivered=False)
LOST = Reply(error=httpx.ReadTimeout, delivered=None, seconds=5)
PLANTED = {"503": BUSY, "429": Reply(429), "504": Reply(504), "refused": REFUSED, "lost": LOST}


@dataclass
class World:
    """Seconds that pass only while somebody waits, and the history of all calls in them.

    `decide` says what becomes of a call to this module, given how many there were before it to the same method and path.
    """

    decide: Callable[[str, int], Reply]
    now: float = 1000.0
    history: list[CallRecord] = field(default_factory=list)
    seen: Counter[CallKey] = field(default_factory=Counter)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def microseconds(self) -> int:
        return round(self.now * 1_000_000)

    def answer(self, request: httpx.Request) -> httpx.Response:
        key = CallKey(request.url.host, request.method, request.url.path)
        self.seen[key] += 1
        reply = self.decide(key.module, self.seen[key] - 1)
        record = CallRecord(
            number=len(self.history) + 1,
            key=key,
            ordinal=self.seen[key],
            fault=reply.fault,
            sent_us=self.microseconds(),
            delivered=reply.delivered,
            retry_after_us=None if reply.retry_after is None else reply.retry_after * 1_000_000,
            idempotency_key="idempotency-key" in request.headers,
        )
        self.history.append(record)
        self.sleep(reply.seconds)
        record.ended_us = self.microseconds()
        if reply.error is not None:
            record.error = reply.error.__name__
            raise reply.error("planted", request=request)
        record.status = reply.status
        headers = {} if reply.retry_after is None else {"retry-after": str(reply.retry_after)}
        return httpx.Response(reply.status, headers=headers, json={})

    def client(self, around: Callable[[httpx.BaseTransport], httpx.BaseTransport] = lambda below: below) -> httpx.Client:
        """A client that reaches the modules of this world through `around`, a transport that takes the one below it."""
        return httpx.Client(transport=around(httpx.MockTransport(self.answer)))


def world(monkeypatch: pytest.MonkeyPatch, decide: Callable[[str, int], Reply]) -> World:
    """A world whose clock `time.sleep` and `time.monotonic` move and read until the test ends."""
    made = World(decide)
    monkeypatch.setattr(time, "sleep", made.sleep)
    monkeypatch.setattr(time, "monotonic", lambda: made.now)
    return made


def failing(first: int, reply: Reply) -> Callable[[str, int], Reply]:
    """The first so many calls of each kind get `reply`."""
    return lambda _, before: reply if before < first else OK


class RetryingTransport(httpx.BaseTransport):
    """Retries as a transport, with the defaults of httpx-retries: ten of them, idempotent methods only, no wait unless
    the reply asks for one or `factor` says so, then with full jitter."""

    def __init__(self, below: httpx.BaseTransport, *, factor: float = 0.0) -> None:
        self.below, self.factor = below, factor

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method not in {"HEAD", "GET", "PUT", "DELETE", "OPTIONS", "TRACE"}:
            return self.below.handle_request(request)
        made = 0
        while True:
            headers = httpx.Headers()
            try:
                response = self.below.handle_request(request)
            except (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError):
                if made == 10:
                    raise
            else:
                if made == 10 or response.status_code not in {429, 502, 503, 504}:
                    return response
                headers = response.headers
            made += 1
            wait = self.factor * 2**made * random.uniform(0, 1)
            time.sleep(float(headers.get("retry-after", min(wait, 120))))
