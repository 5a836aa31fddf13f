"""A fault put into one call of httpx: what happens is worked out once, and done by two drivers, one of them async.

A fault with a connection is a script that httpcore's own HTTP/1.1 reads, so that everything from the socket upwards is as
it is with a real one: parsing, partial bodies, timeouts of each read, exceptions and their causes.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from pytest_aosfarm.chaos.course import Close, Course, Deliver, Read, Talk, Wait
from pytest_aosfarm.chaos.streams import CORE_ERRORS, AsyncWire, EndlessWaitError, SyncWire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

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

    @contextmanager
    def passing(self, clock: Clock) -> Iterator[None]:
        """Tell the clock of a part of the module's own reply that its caller reads; the fault has come before."""
        with self.reading(clock):
            yield
        if self.over_socket:
            clock.fault_injected()

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


def send(
    injection: Injection, request: httpx.Request, inner: Callable[[httpx.Request], httpx.Response], clock: Clock
) -> httpx.Response:
    """The response, or the exception of httpx, that the request gets with the fault; `inner` makes the call itself."""
    course = Course(injection, request, clock, in_async=False)
    delivered: httpx.Response | None = None
    answer: Any = None
    try:
        while (step := course.after(answer)) is not None:
            answer = None
            match step:
                case Wait(seconds):
                    clock.sleep(seconds)
                case Deliver():
                    answer = delivered = inner(request)
                case Read(response):
                    with injection.reading(clock):
                        answer = b"".join(response.stream)  # type: ignore[arg-type]  # of a client that is not async
                        response.close()
                case Close(response):
                    response.close()
                case Talk(core, wire):
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
    course = Course(injection, request, clock, in_async=True)
    delivered: httpx.Response | None = None
    answer: Any = None
    try:
        while (step := course.after(answer)) is not None:
            answer = None
            match step:
                case Wait(seconds):
                    await clock.asleep(seconds)
                case Deliver():
                    answer = delivered = await inner(request)
                case Read(response):
                    with injection.reading(clock):
                        answer = b"".join([part async for part in response.stream])  # type: ignore[union-attr]
                        await response.aclose()
                case Close(response):
                    await response.aclose()
                case Talk(core, wire):
                    connection = httpcore.AsyncHTTP11Connection(core.url.origin, AsyncWire(wire, clock))
                    answer = await connection.handle_async_request(core)
    except BaseException as error:
        if delivered is not None:
            await delivered.aclose()
        if isinstance(error, CORE_ERRORS):
            raise injection.in_httpx(error, request) from error
        raise
    return course.response
