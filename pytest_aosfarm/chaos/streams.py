"""The caller's end of a connection that was never made, for httpcore's own HTTP/1.1, and the bodies that come out of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from pytest_aosfarm.chaos.accidents import accident
from pytest_aosfarm.chaos.exchange import Break, Pause
from pytest_aosfarm.errors import ChaosError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from pytest_aosfarm.chaos.clock import Clock
    from pytest_aosfarm.chaos.exchange import Script

__all__ = ("CORE_ERRORS", "AsyncBody", "AsyncWire", "EndlessWaitError", "SyncBody", "SyncWire", "Wire", "within")

CORE_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


class EndlessWaitError(ChaosError):
    """A call would wait for ever: nothing comes, and the client has no timeout for that."""


def within(us: int | None, timeout: float | None, what: str) -> tuple[int, bool]:
    """(microseconds to wait, whether the timeout ends it) of a wait that lasts `us` (None: for ever) at most.

    `timeout` is in seconds, None without end; `what` names it. EndlessWaitError if nothing would end the wait.
    """
    if timeout is None:
        if us is None:
            raise EndlessWaitError(
                f"the call would wait for ever: nothing comes, and the client has no {what} timeout; "
                f"give it one (httpx.Timeout), or choose a fault that ends"
            )
        return us, False
    limit = round(timeout * 1_000_000)
    return (limit, True) if us is None or us >= limit else (us, False)


class Wire:
    """A connection that goes by a script: what both ends below share."""

    def __init__(self, script: Script, upload: str, spent_us: int, waited: Callable[[int], None]) -> None:
        """`upload` is the accident that ends the request's body ("": none); `spent_us` of the first wait have passed.

        `waited` is told every wait, in microseconds.
        """
        self._events = list(script)
        self._upload = upload
        self._spent_us = spent_us
        self._waited = waited
        self._writes = 0
        self.torn = False

    def on_write(self, timeout: float | None) -> tuple[float, str]:
        """(seconds to wait, the accident then or "") of the next write. The request's head always goes through."""
        self._writes += 1
        if not self._upload or self._writes == 1:
            return 0.0, ""
        self.torn = True
        us = within(None, timeout, "write")[0] if self._upload == "write_timeout" else 0
        return self._counted(us), self._upload

    def on_read(self, most: int, timeout: float | None) -> tuple[float, bytes | str]:
        """(seconds to wait, then the bytes that come or the accident that happens) of the next read."""
        us, late = 0, False
        if self._events and isinstance(event := self._events[0], Pause):
            us, late = within(event.us, timeout, "read")
            del self._events[0]
        seconds = self._counted(us)
        if late:
            return seconds, "read_timeout"
        if not self._events:
            return seconds, b""
        event = self._events.pop(0)
        if isinstance(event, Break):
            return seconds, event.accident
        assert isinstance(event, bytes)  # no script has two pauses in a row
        if len(event) > most:
            self._events.insert(0, event[most:])
        return seconds, event[:most]

    def _counted(self, us: int) -> float:
        left = max(0, us - self._spent_us)
        self._spent_us = 0
        self._waited(us)
        return left / 1_000_000


class SyncWire(httpcore.NetworkStream):
    """A wire for httpcore without async."""

    def __init__(self, wire: Wire, clock: Clock) -> None:
        self._wire = wire
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What comes next; b"" when the connection is closed."""
        seconds, what = self._wire.on_read(max_bytes, timeout)
        if seconds:
            self._clock.sleep(seconds)
        if isinstance(what, bytes):
            return what
        if self._wire.torn:
            return b""  # a socket says once that it broke, and has said so to whoever wrote; anyio below says it again
        raise accident(what, in_async=False)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """Take a part of the request, or fail to."""
        seconds, what = self._wire.on_write(timeout)
        if seconds:
            self._clock.sleep(seconds)
        if what:
            raise accident(what, in_async=False)

    def close(self) -> None:
        """Nothing is open."""

    def get_extra_info(self, info: str) -> Any:  # noqa: ARG002
        """Nothing is known of a socket that is none."""
        return None


class AsyncWire(httpcore.AsyncNetworkStream):
    """A wire for httpcore in async code."""

    def __init__(self, wire: Wire, clock: Clock) -> None:
        self._wire = wire
        self._clock = clock

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  # httpcore's signature
        """What comes next; b"" when the connection is closed."""
        seconds, what = self._wire.on_read(max_bytes, timeout)
        if seconds:
            await self._clock.asleep(seconds)
        if isinstance(what, bytes):
            return what
        raise accident(what, in_async=True)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        """Take a part of the request, or fail to."""
        seconds, what = self._wire.on_write(timeout)
        if seconds:
            await self._clock.asleep(seconds)
        if what:
            raise accident(what, in_async=True)

    async def aclose(self) -> None:
        """Nothing is open."""

    def get_extra_info(self, info: str) -> Any:  # noqa: ARG002
        """Nothing is known of a socket that is none."""
        return None


class _Body:
    """What the two bodies below share: `elapsed` by the clock, and httpx's exceptions instead of httpcore's."""

    response: httpx.Response

    def __init__(
        self,
        start: float,
        clock: Clock,
        translated: Callable[[Exception], Exception],
        reading: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """`start` is when the call began, by the clock; `reading` is entered for each part."""
        self._start = start
        self._clock = clock
        self._translated = translated
        self._reading = reading

    def _ended(self) -> None:
        # httpx has just set it by the clock on the wall, before it closed this stream
        self.response.elapsed = timedelta(seconds=self._clock.now() - self._start)


class SyncBody(_Body, httpx.SyncByteStream):
    """The body of a response without async."""

    def __init__(self, parts: Iterable[bytes], *shared: Any) -> None:
        super().__init__(*shared)
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        parts = iter(self._parts)
        try:
            while True:
                with self._reading():
                    part = next(parts, None)
                if part is None:
                    return
                yield part
        except CORE_ERRORS as error:
            raise self._translated(error) from error

    def close(self) -> None:
        """Close what it comes from."""
        self._ended()
        close = getattr(self._parts, "close", None)
        if close is not None:
            close()


class AsyncBody(_Body, httpx.AsyncByteStream):
    """The body of a response in async code."""

    def __init__(self, parts: AsyncIterable[bytes], *shared: Any) -> None:
        super().__init__(*shared)
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts = aiter(self._parts)
        try:
            while True:
                with self._reading():
                    part = await anext(parts, None)
                if part is None:
                    return
                yield part
        except CORE_ERRORS as error:
            raise self._translated(error) from error

    async def aclose(self) -> None:
        """Close what it comes from."""
        self._ended()
        aclose = getattr(self._parts, "aclose", None)
        if aclose is not None:
            await aclose()
