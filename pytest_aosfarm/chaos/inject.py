"""A fault put into one call of httpx: what happens is worked out once, and done by two drivers, one of them async.

A fault with a connection is a script that httpcore's own HTTP/1.1 reads, so that everything from the socket upwards is as
it is with a real one: parsing, partial bodies, timeouts of each read, exceptions and their causes.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import httpcore
import httpx

from pytest_aosfarm.chaos.accidents import accident
from pytest_aosfarm.chaos.connections import NeverConnected
from pytest_aosfarm.chaos.exchange import NothingToSpoilError, Reply, Script
from pytest_aosfarm.chaos.latency import Latency
from pytest_aosfarm.chaos.streams import (
    CORE_ERRORS,
    AsyncBody,
    AsyncWire,
    EndlessWaitError,
    SyncBody,
    SyncWire,
    Wire,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterator

    from pytest_aosfarm.chaos.clock import Clock
    from pytest_aosfarm.chaos.draws import FaultDraws
    from pytest_aosfarm.chaos.fault_base import Fault

__all__ = ("EndlessWaitError", "Injection", "asend", "send")


@dataclass(slots=True, eq=False)
class Injection:
    """One fault in one call, and afterwards what became of it.

    `over_socket`: the reply comes over a real socket, so reading it is told to the clock (`io_begins`); the inner call is
    up to whoever gives it. Afterwards `delivered` says whether the module got the request, None if the fault leaves it open
    (`reached` then says what chance decided) or the inner call failed. `delay_us` is what the fault made the caller wait
    so far: a body may still be read. `missed` says why the fault found nothing to change in the reply, which went through
    as it was. `error` is the exception that the fault raised.
    """

    fault: Fault
    draws: FaultDraws
    over_socket: bool = False
    delay_us: int = 0
    delivered: bool | None = None
    reached: bool | None = None
    missed: str | None = None
    error: Exception | None = None

    @contextmanager
    def reading(self, clock: Clock) -> Iterator[None]:
        """Tell the clock of a reply that is read."""
        if not self.over_socket:
            yield
            return
        clock.io_begins()
        try:
            yield
        finally:
            clock.io_ends()

    def waited(self, us: int) -> None:
        """Count a wait."""
        self.delay_us += us

    def was_delivered(self, reached: bool) -> None:  # noqa: FBT001
        """Note whether the module got the request."""
        self.reached = reached
        open_to_chance = self.fault.delivered is None and self.fault.by_nature() is None
        self.delivered = None if open_to_chance else reached

    def in_httpx(self, error: Exception, request: httpx.Request) -> Exception:
        """The exception of httpx that stands for this one of httpcore, with a note of where it comes from."""
        error.__cause__ = None  # as from a pool of connections, which raises `from None` whatever comes up to it
        self.error = getattr(httpx, type(error).__name__)(str(error), request=request)
        self.error.add_note(f"injected by aosfarm chaos: {self.fault.kind}")
        return self.error


@dataclass(frozen=True, slots=True)
class _Wait:
    """Let time pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class _Deliver:
    """Make the inner call; its answer is the response."""


@dataclass(frozen=True, slots=True)
class _Read:
    """Read the rest of the response as it is sent and close it; the answer is the bytes."""

    response: httpx.Response


@dataclass(frozen=True, slots=True)
class _Close:
    """Close the response."""

    response: httpx.Response


@dataclass(frozen=True, slots=True)
class _Talk:
    """Send the request over the wire; the answer is httpcore's response."""

    request: httpcore.Request
    wire: Wire


_Step: TypeAlias = _Wait | _Deliver | _Read | _Close | _Talk


def send(
    injection: Injection, request: httpx.Request, inner: Callable[[httpx.Request], httpx.Response], clock: Clock
) -> httpx.Response:
    """The response, or the exception of httpx, that the request gets with the fault; `inner` makes the call itself."""
    course = _Course(injection, request, clock, in_async=False)
    delivered: httpx.Response | None = None
    answer: Any = None
    try:
        while (step := course.after(answer)) is not None:
            answer = None
            match step:
                case _Wait(seconds):
                    clock.sleep(seconds)
                case _Deliver():
                    answer = delivered = inner(request)
                case _Read(response):
                    with injection.reading(clock):
                        answer = b"".join(response.stream)  # type: ignore[arg-type]  # of a client that is not async
                        response.close()
                case _Close(response):
                    response.close()
                case _Talk(core, wire):
                    answer = httpcore.HTTP11Connection(core.url.origin, SyncWire(wire, clock)).handle_request(core)
    except BaseException as error:
        if delivered is not None:
            delivered.close()
        if isinstance(error, CORE_ERRORS):
            raise injection.in_httpx(error, request) from error
        raise
    return course.response


async def asend(
    injection: Injection, request: httpx.Request, inner: Callable[[httpx.Request], Awaitable[httpx.Response]], clock: Clock
) -> httpx.Response:
    """As `send`, in async code."""
    course = _Course(injection, request, clock, in_async=True)
    delivered: httpx.Response | None = None
    answer: Any = None
    try:
        while (step := course.after(answer)) is not None:
            answer = None
            match step:
                case _Wait(seconds):
                    await clock.asleep(seconds)
                case _Deliver():
                    answer = delivered = await inner(request)
                case _Read(response):
                    with injection.reading(clock):
                        answer = b"".join([part async for part in response.stream])  # type: ignore[union-attr]
                        await response.aclose()
                case _Close(response):
                    await response.aclose()
                case _Talk(core, wire):
                    connection = httpcore.AsyncHTTP11Connection(core.url.origin, AsyncWire(wire, clock))
                    answer = await connection.handle_async_request(core)
    except BaseException as error:
        if delivered is not None:
            await delivered.aclose()
        if isinstance(error, CORE_ERRORS):
            raise injection.in_httpx(error, request) from error
        raise
    return course.response


class _Course:
    """What happens in the call, step by step; `response` is what it comes to."""

    response: httpx.Response

    def __init__(self, injection: Injection, request: httpx.Request, clock: Clock, *, in_async: bool) -> None:
        self._injection = injection
        self._request = request
        self._clock = clock
        self._in_async = in_async
        self._start = clock.now()
        self._steps = self._late() if isinstance(injection.fault, Latency) else self._broken()

    def after(self, answer: Any) -> _Step | None:
        """The next step, given the answer to the one before it (None at first); None when there are no more."""
        try:
            return self._steps.send(answer)
        except StopIteration:
            return None

    def _late(self) -> Generator[_Step, Any, None]:
        """The call takes longer, or as long as its timeout allows."""
        injection, fault = self._injection, self._injection.fault
        assert isinstance(fault, Latency)
        us, too_late = self._limited(fault.delay_us(injection.draws), fault.at)
        if fault.at != "read":
            yield _Wait(us / 1_000_000)
            if too_late:
                injection.was_delivered(False)
                raise accident(f"{fault.at}_timeout", in_async=self._in_async)
        response = yield from self._delivered()
        if fault.at == "read":
            yield _Wait(max(0, us - self._spent_us()) / 1_000_000 if too_late else us / 1_000_000)
            if too_late:
                yield _Close(response)
                raise accident("read_timeout", in_async=self._in_async)
        self.response = self._again(response)

    def _broken(self) -> Generator[_Step, Any, None]:
        """There is no connection, or one that goes by the fault's script."""
        injection, fault = self._injection, self._injection.fault
        if isinstance(fault, NeverConnected):
            injection.was_delivered(False)
            if fault.waits:
                us, _ = self._limited(None, fault.waits)
                yield _Wait(us / 1_000_000)
            raise accident(fault.accident, in_async=self._in_async)
        reply = None
        through = fault.goes_through(injection.draws)
        if through:
            response = yield from self._delivered()
            if fault.needs_reply():
                reply = self._reply(response, (yield _Read(response)))
            else:
                yield _Close(response)
        else:
            injection.was_delivered(False)
        wire = Wire(self._script(reply), fault.upload, self._spent_us(), injection.waited)
        core = yield _Talk(self._in_core(sent=through), wire)
        self.response = self._stream_backed(core.status, core.headers, core.stream, core.extensions)

    def _script(self, reply: Reply | None) -> Script:
        try:
            return self._injection.fault.script(reply, self._injection.draws, self._clock.wall())
        except NothingToSpoilError as nothing:
            self._injection.missed = str(nothing)
            return (reply.whole(),) if reply else ()

    def _delivered(self) -> Generator[_Step, Any, httpx.Response]:
        response: httpx.Response = yield _Deliver()
        self._injection.was_delivered(True)
        return response

    def _limited(self, us: int | None, part: str) -> tuple[int, bool]:
        """As `within`, against the request's timeout for this part of a call; the wait is counted."""
        us, too_late = within(us, self._request.extensions.get("timeout", {}).get(part), part)
        self._injection.waited(us)
        return us, too_late

    def _spent_us(self) -> int:
        return round((self._clock.now() - self._start) * 1_000_000)

    def _reply(self, response: httpx.Response, raw: bytes) -> Reply:
        """The module's reply, with its body decompressed if the fault needs it so."""
        reason = response.extensions.get("reason_phrase", response.reason_phrase.encode("ascii", "ignore"))
        reply = Reply(response.status_code, tuple(response.headers.raw), raw, reason)
        if not self._injection.fault.rereads or not reply.header(b"content-encoding"):
            return reply
        decoded = httpx.Response(reply.status, headers=reply.headers, content=raw).content
        return reply.without(b"content-encoding").with_body(decoded)

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
        return self._stream_backed(response.status_code, response.headers.raw, response.stream, response.extensions)

    def _stream_backed(self, status: int, headers: Any, parts: Any, extensions: Any) -> httpx.Response:
        kind = AsyncBody if self._in_async else SyncBody
        body = kind(parts, self._start, self._clock, lambda error: self._injection.in_httpx(error, self._request))
        body.response = httpx.Response(status, headers=headers, stream=body, extensions=extensions, request=self._request)
        return body.response
