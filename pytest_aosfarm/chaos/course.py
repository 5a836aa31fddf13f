"""What happens in a call that gets a fault, step by step, whoever takes the steps: with async or without."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import httpcore
import httpx

from pytest_aosfarm.chaos.accidents import accident
from pytest_aosfarm.chaos.connections import NeverConnected
from pytest_aosfarm.chaos.exchange import NothingToSpoilError, Reply, Script
from pytest_aosfarm.chaos.latency import Latency
from pytest_aosfarm.chaos.streams import AsyncBody, SyncBody, Wire, within

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pytest_aosfarm.chaos.clock import Clock
    from pytest_aosfarm.chaos.inject import Injection

__all__ = ("Close", "Course", "Deliver", "Read", "Talk", "Wait")


@dataclass(frozen=True, slots=True)
class Wait:
    """Let time pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Deliver:
    """Make the inner call; its answer is the response."""


@dataclass(frozen=True, slots=True)
class Read:
    """Read the rest of the response as it is sent and close it; the answer is the bytes."""

    response: httpx.Response


@dataclass(frozen=True, slots=True)
class Close:
    """Close the response."""

    response: httpx.Response


@dataclass(frozen=True, slots=True)
class Talk:
    """Send the request over the wire; the answer is httpcore's response."""

    request: httpcore.Request
    wire: Wire


Step: TypeAlias = Wait | Deliver | Read | Close | Talk


class Course:
    """What happens in the call, step by step; `response` is what it comes to."""

    response: httpx.Response

    def __init__(self, injection: Injection, request: httpx.Request, clock: Clock, *, in_async: bool) -> None:
        self._injection = injection
        self._request = request
        self._clock = clock
        self._in_async = in_async
        self._start = clock.now()
        self._steps = self._late() if isinstance(injection.fault, Latency) else self._broken()

    def after(self, answer: Any) -> Step | None:
        """The next step, given the answer to the one before it (None at first); None when there are no more."""
        try:
            return self._steps.send(answer)
        except StopIteration:
            return None

    def _late(self) -> Generator[Step, Any, None]:
        """The call takes longer, or as long as its timeout allows."""
        injection, fault = self._injection, self._injection.fault
        assert isinstance(fault, Latency)
        us, too_late = self._limited(fault.delay_us(injection.draws), fault.at)
        if fault.at != "read":
            yield Wait(us / 1_000_000)
            if too_late:
                injection.was_delivered(False)
                raise accident(f"{fault.at}_timeout", in_async=self._in_async)
        response = yield from self._delivered()
        if fault.at == "read":
            yield Wait(max(0, us - self._spent_us()) / 1_000_000 if too_late else us / 1_000_000)
            if too_late:
                yield Close(response)
                raise accident("read_timeout", in_async=self._in_async)
        self.response = self._again(response)

    def _broken(self) -> Generator[Step, Any, None]:
        """There is no connection, or one that goes by the fault's script."""
        injection, fault = self._injection, self._injection.fault
        if isinstance(fault, NeverConnected):
            injection.was_delivered(False)
            if fault.waits:
                us, _ = self._limited(None, fault.waits)
                yield Wait(us / 1_000_000)
            raise accident(fault.accident, in_async=self._in_async)
        reply = fault.own_reply()
        through = fault.goes_through(injection.draws)
        if through:
            response = yield from self._delivered()
            if fault.needs_reply():
                reply = self._reply(response, None if _kept(response) else (yield Read(response)))
            else:
                yield Close(response)
        else:
            injection.was_delivered(False)
        wire = Wire(self._script(reply), fault.upload, self._spent_us(), injection.waited)
        core = yield Talk(self._in_core(sent=through), wire)
        self.response = self._stream_backed(core.status, core.headers, core.stream, core.extensions)

    def _script(self, reply: Reply | None) -> Script:
        try:
            return self._injection.fault.script(reply, self._injection.draws, self._clock.wall())
        except NothingToSpoilError as nothing:
            self._injection.missed = str(nothing)
            return (reply.whole(),) if reply else ()

    def _delivered(self) -> Generator[Step, Any, httpx.Response]:
        response: httpx.Response = yield Deliver()
        self._injection.was_delivered(True)
        return response

    def _limited(self, us: int | None, part: str) -> tuple[int, bool]:
        """As `within`, against the request's timeout for this part of a call; the wait is counted."""
        us, too_late = within(us, self._request.extensions.get("timeout", {}).get(part), part)
        self._injection.waited(us)
        return us, too_late

    def _spent_us(self) -> int:
        return round((self._clock.now() - self._start) * 1_000_000)

    def _reply(self, response: httpx.Response, raw: bytes | None) -> Reply:
        """The module's reply, its body decompressed if the fault needs that; or as kept, when `raw` is gone (None)."""
        reason = response.extensions.get("reason_phrase", response.reason_phrase.encode("ascii", "ignore"))
        reply = Reply(response.status_code, tuple(response.headers.raw), raw or b"", reason)
        if raw is not None and not (self._injection.fault.rereads and reply.header(b"content-encoding")):
            return reply
        decoded = response if raw is None else httpx.Response(reply.status, headers=reply.headers, content=raw)
        return reply.without(b"content-encoding").with_body(decoded.content)

    def _in_core(self, *, sent: bool) -> httpcore.Request:
        """The request for the wire; without what was `sent` to the module already, and may be there to send only once."""
        request = self._request
        return httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
            ),
            headers=[(b"host", b"sent")] if sent else request.headers.raw,
            content=b"" if sent else request.stream,
            extensions={"timeout": request.extensions.get("timeout", {})} if sent else request.extensions,
        )

    def _again(self, response: httpx.Response) -> httpx.Response:
        """The module's response with the clock's `elapsed`."""
        if _kept(response):
            return response
        reading = partial(self._injection.passing, self._clock)
        return self._stream_backed(response.status_code, response.headers.raw, response.stream, response.extensions, reading)

    def _stream_backed(
        self, status: int, headers: Any, parts: Any, extensions: Any, reading: Callable[[], Any] = nullcontext
    ) -> httpx.Response:
        kind = AsyncBody if self._in_async else SyncBody
        body = kind(parts, self._start, self._clock, partial(self._injection.in_httpx, request=self._request), reading)
        body.response = httpx.Response(status, headers=headers, stream=body, extensions=extensions, request=self._request)
        return body.response


def _kept(response: httpx.Response) -> bool:
    """Whether a transport has read the body already, so that its stream is over and only the response still has it."""
    return response.is_stream_consumed and not isinstance(response.stream, httpx.ByteStream)
