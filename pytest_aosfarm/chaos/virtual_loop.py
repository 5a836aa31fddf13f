"""An asyncio loop in virtual time: when nothing is left to do but wait for a timer, time jumps to it.

Two things of asyncio are used that its documentation does not name: the loop waits in `loop._selector.select(timeout)`, and
its timers are in `loop._scheduled`. `tests/chaos/test_private_names.py` looks at both.
"""

from __future__ import annotations

import asyncio
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.chaos.timeline import GRACE_SECONDS, Job, Timeline, Waiter
from pytest_aosfarm.errors import ChaosTimeError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from concurrent.futures import Executor
    from selectors import SelectorKey

    Ready = list[tuple[SelectorKey, int]]

__all__ = ("VirtualLoop", "running_loop")

FOREVER_SECONDS = 86_400
"""Nobody waits for a timer this far off: asyncio's own longest wait."""

SPINS = 10_000
"""Rounds of a loop without any waiting after which the time they take counts: somebody waits for it without sleeping."""

_REAL = "run with --farm-chaos-time=real, where what is injected is really waited for"


def running_loop() -> asyncio.AbstractEventLoop:
    """The running loop, which virtual time can move; raises ChaosTimeError when it cannot."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        raise ChaosTimeError(f"an async call without an asyncio loop (in trio?) has no virtual time; {_REAL}") from None
    kind = type(loop)
    name = f"{kind.__module__}.{kind.__qualname__}"
    selector = getattr(loop, "_selector", None)
    known = isinstance(loop, asyncio.SelectorEventLoop) and hasattr(loop, "_scheduled")
    if not known or not hasattr(selector, "select"):
        raise ChaosTimeError(
            f"virtual time cannot move the loop {name}: it looks for asyncio's own, with `_selector` and `_scheduled`; "
            f"run this test on asyncio.SelectorEventLoop, or {_REAL}"
        )
    if kind.time is not asyncio.BaseEventLoop.time:
        raise ChaosTimeError(f"the event loop {name} has a clock of its own, so virtual time cannot move it; {_REAL}")
    return loop


class VirtualLoop:
    """A loop whose time is a line's until `release`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, line: Timeline, *, forced: bool) -> None:
        self.loop = loop
        self._line = line
        self._forced = forced
        self._began = loop.time() - line.now() / 1e9
        self._selector: Any = loop._selector  # type: ignore[attr-defined]  # noqa: SLF001 - see above
        self._spins, self._spinning_since = 0, monotonic_ns()
        self._thread = threading.get_ident()
        self._select = self._selector.select
        self._run_in_executor = loop.run_in_executor
        self._shutdown = loop.shutdown_default_executor
        self._children: list[asyncio.SubprocessTransport] = []
        self._restore = [
            _replaced(self._selector, "select", self.select),
            _replaced(loop, "run_in_executor", self.run_in_executor),
            _replaced(loop, "shutdown_default_executor", self.shutdown_default_executor),
            _replaced(loop, "subprocess_exec", self._remembering(loop.subprocess_exec)),
            _replaced(loop, "subprocess_shell", self._remembering(loop.subprocess_shell)),
        ]
        loop.time = self.time  # type: ignore[method-assign]

    def release(self) -> None:
        """Give the loop its own time back: as it was if it has no timers, else as far ahead as it is, so that none moves."""
        for restore in self._restore:
            restore()
        loop = self.loop
        timers = loop._scheduled  # type: ignore[attr-defined]  # noqa: SLF001 - see above
        if loop.is_closed() or not (loop.is_running() or any(not timer.cancelled() for timer in timers)):
            vars(loop).pop("time", None)
        else:
            own = type(loop).time
            ahead = self.time() - own(loop)
            loop.time = lambda: own(loop) + ahead  # type: ignore[method-assign]

    def time(self) -> float:
        """What `loop.time` gives: the line's time, and so only what was waited for."""
        return self._began + self._line.now() / 1e9

    def select(self, timeout: float | None = None) -> Ready:
        """What `selector.select` gives; where the loop waits."""
        ready: Ready = self._select(0)
        if ready or (timeout is not None and timeout <= 0):
            self._spin()
            return ready
        self._spins = 0
        self._thread = threading.get_ident()
        line = self._line
        if not self._may_jump():
            with _work(line):
                return self._wait(timeout)
        return self._wait(timeout)

    def _may_jump(self) -> bool:
        """Sockets, save the loop's own, may be heard of any moment, unless the user said that they do not matter."""
        self._children = [child for child in self._children if child.get_returncode() is None]
        if self._children:
            return False
        return self._line.jumps() and (self._forced or len(self._selector.get_map()) <= 1)

    def _wait(self, timeout: float | None) -> Ready:
        """Wait for something to do or for `timeout`, one way or the other."""
        line = self._line
        due = math.inf if timeout is None or timeout >= FOREVER_SECONDS else line.now() + max(1, round(timeout * 1e9))
        waiter = Waiter(due, self._wake, self._wake)
        me = threading.current_thread()
        with line.registered(waiter):
            while True:
                busy = set()
                with line.changed:
                    if line.waiting.get(me) is not waiter or due <= line.now():
                        return []
                    if line.works():
                        pause = None if due == math.inf else (due - line.now()) / 1e9
                    elif busy := line.busy():
                        pause = GRACE_SECONDS
                    elif line.jump():
                        continue
                    else:
                        pause = None
                ready: Ready = self._select(pause)
                if ready:
                    return ready
                if busy:
                    with line.changed:
                        line.give_up(busy)

    def _wake(self) -> None:
        """Have the loop look at its timers, when another thread made time jump."""
        if threading.get_ident() != self._thread and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(lambda: None)

    def _spin(self) -> None:
        self._spins += 1
        if self._spins == 1:
            self._spinning_since = monotonic_ns()
        elif self._spins >= SPINS:
            now = monotonic_ns()
            self._line.flow(now - self._spinning_since)
            self._spinning_since = now

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """What `loop.run_in_executor` does; the loop does not jump over what it waits for there."""
        job = Job(self._line)
        try:
            if executor is None or isinstance(executor, ThreadPoolExecutor):
                future = self._run_in_executor(executor, job.run, func, *args)
            else:
                future = self._run_in_executor(executor, func, *args)
        except BaseException:
            job.end()
            raise
        future.add_done_callback(lambda _: job.end())
        return future

    def _remembering(self, start: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
        """A method of the loop that starts a child process, whose end nothing in the loop's selector may tell of."""

        async def remembering(*args: Any, **options: Any) -> tuple[asyncio.SubprocessTransport, asyncio.BaseProtocol]:
            transport, protocol = await start(*args, **options)
            self._children.append(transport)
            return transport, protocol

        return remembering

    async def shutdown_default_executor(self, _timeout: float | None = None) -> None:
        """What the loop's method does, without the limit of five minutes that Python 3.12 sets: a jump would reach it."""
        await self._shutdown()


@contextmanager
def _work(line: Timeline) -> Iterator[None]:
    line.work_begins()
    try:
        yield
    finally:
        line.work_ends()


def _replaced(owner: Any, name: str, value: Any) -> Callable[[], None]:
    """Set an attribute of this one object; what is given puts back what was there."""
    held = vars(owner)
    missing = object()
    before = held.get(name, missing)
    setattr(owner, name, value)

    def restore() -> None:
        if before is missing:
            held.pop(name, None)
        else:
            held[name] = before

    return restore
