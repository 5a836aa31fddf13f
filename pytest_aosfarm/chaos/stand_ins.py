"""What stands in for the functions of `time`, `asyncio.sleep` and anyio's threads while virtual time is in force."""

from __future__ import annotations

import asyncio
import importlib
import sys
import time
from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol

from pytest_aosfarm.chaos.timeline import Job
from pytest_aosfarm.chaos.virtual_loop import VirtualLoop, running_loop
from pytest_aosfarm.errors import ChaosTimeError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from types import FrameType, ModuleType

    from pytest_aosfarm.chaos.timeline import Timeline

__all__ = ("SCOPE", "TRUE", "true_asleep")

_UNMOVED = ("_pytest.", "asyncio.", "execnet.", "filelock.", "hypothesis.", "pytest_aosfarm.", "pytest_timeout", "xdist.")
"""Modules for which time stays real: what runs tests, what waits for other processes, and loops of other threads."""

_MOVED = ("pytest_aosfarm.labs.", "pytest_aosfarm.chaos.")
"""Suites, which are code under test like any other; and where functions of theirs are called from."""

_NAMES = ("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep", "time", "time_ns")

TRUE: dict[str, Callable[..., Any]] = {name: getattr(time, name) for name in _NAMES}
"""The functions of `time` by their names."""

true_asleep = asyncio.sleep


class _Time(Protocol):
    """What the stand-ins have to know of a clock."""

    line: Timeline
    forced: bool

    def sleep(self, seconds: float) -> None: ...

    async def asleep(self, seconds: float) -> None: ...


class _Scope:
    """What is replaced in this process while virtual time is in force.

    There is one, made when it is imported: a stand-in that somebody keeps is real when no time is in force, and right again
    when one is.
    """

    def __init__(self) -> None:
        self.clock: _Time | None = None
        self._beneath = TRUE
        self._loops: dict[int, VirtualLoop] = {}
        self._anyio = False
        self._restore: list[Callable[[], None]] = []
        self._stand_ins = {name: getattr(self, name) for name in _NAMES}

    def enter(self, clock: _Time) -> None:
        """Put the stand-ins in place."""
        self._beneath = {name: getattr(time, name) for name in _NAMES}
        for name, stand_in in self._stand_ins.items():
            self._replace(time, name, stand_in)
        for place in (asyncio, asyncio.tasks):
            self._replace(place, "sleep", _asleep)
        self.clock = clock

    def cover(self, modules: Iterable[ModuleType]) -> None:
        """Put them in place of what modules took by name."""
        pairs = [(taken[name], stand_in) for name, stand_in in self._stand_ins.items() for taken in (TRUE, self._beneath)]
        pairs.append((true_asleep, _asleep))
        for module in modules:
            for name, value in list(vars(module).items()):
                for function, stand_in in pairs:
                    if value is function:
                        self._replace(module, name, stand_in)

    def leave(self) -> None:
        """Put everything back as it was."""
        self.clock = None
        for loop in self._loops.values():
            loop.release()
        self._loops.clear()
        self._anyio = False
        while self._restore:
            self._restore.pop()()

    def _replace(self, owner: ModuleType, name: str, value: object) -> None:
        """Set it until the end; whoever replaced it meanwhile keeps what they set."""
        before = getattr(owner, name)
        setattr(owner, name, value)

        def restore() -> None:
            if getattr(owner, name, None) is value:
                setattr(owner, name, before)

        self._restore.append(restore)

    def adopt_running_loop(self, clock: _Time) -> None:
        """Have the running loop wait in the clock's time."""
        loop = running_loop()
        if self.clock is None or clock.line is not self.clock.line:
            raise ChaosTimeError("this clock's time is not in force: wait within `with virtual_time(clock):`")
        clock.line.take_part()
        held = self._loops.get(id(loop))
        if held is None or held.loop is not loop:
            self._loops[id(loop)] = VirtualLoop(loop, clock.line, forced=clock.forced)
        if not self._anyio and "anyio" in sys.modules:
            self._anyio = True
            to_thread = importlib.import_module("anyio.to_thread")
            self._replace(to_thread, "run_sync", _in_thread(to_thread.run_sync))

    # Bound methods, as builtins do not bind: a class that keeps one as an attribute would call a function with its instance.

    def _skipped(self) -> int:
        """Nanoseconds, for who called the stand-in."""
        jumped = 0 if self.clock is None else self.clock.line.jumped
        return 0 if not jumped or _is_unmoved(sys._getframe(2)) else jumped  # noqa: SLF001

    def monotonic(self) -> float:
        return self._beneath["monotonic"]() + self._skipped() / 1e9  # type: ignore[no-any-return]

    def monotonic_ns(self) -> int:
        return self._beneath["monotonic_ns"]() + self._skipped()  # type: ignore[no-any-return]

    def perf_counter(self) -> float:
        return self._beneath["perf_counter"]() + self._skipped() / 1e9  # type: ignore[no-any-return]

    def perf_counter_ns(self) -> int:
        return self._beneath["perf_counter_ns"]() + self._skipped()  # type: ignore[no-any-return]

    def time(self) -> float:
        return self._beneath["time"]() + self._skipped() / 1e9  # type: ignore[no-any-return]

    def time_ns(self) -> int:
        return self._beneath["time_ns"]() + self._skipped()  # type: ignore[no-any-return]

    def sleep(self, seconds: float, /) -> None:
        clock = self.clock
        if clock is None or seconds < 0 or not clock.line.skips_sleeps() or _is_unmoved(sys._getframe(1)):  # noqa: SLF001
            self._beneath["sleep"](seconds)
        else:
            clock.sleep(seconds)


def _is_unmoved(caller: FrameType) -> bool:
    """Whether the code in this frame keeps real time."""
    name = caller.f_globals.get("__name__", "")
    return name.startswith(_UNMOVED) and not name.startswith(_MOVED)


SCOPE = _Scope()


async def _asleep(delay: float, result: Any = None) -> Any:
    """Stand in for `asyncio.sleep`."""
    clock = SCOPE.clock
    if clock is not None and delay > 0 and clock.line.takes_part():
        SCOPE.adopt_running_loop(clock)
        if clock.line.skips_sleeps():
            await clock.asleep(delay)
            return result
    return await true_asleep(delay, result)


def _in_thread(run_sync: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Stand in for `anyio.to_thread.run_sync`, which has threads of its own."""

    @wraps(run_sync)
    async def stand_in(func: Callable[..., Any], *args: Any, **options: Any) -> Any:
        clock = SCOPE.clock
        if clock is None:
            return await run_sync(func, *args, **options)
        job = Job(clock.line)
        try:
            return await run_sync(job.run, func, *args, **options)
        finally:
            job.end()

    return stand_in
