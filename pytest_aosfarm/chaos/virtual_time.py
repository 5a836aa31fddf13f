"""Virtual time within one test: what is waited for costs nothing, and every clock that the code under test reads agrees.

Not covered: `datetime.now()`, which cannot be replaced, and names that a module took with `from time import sleep` before,
unless the module is given as `also`. Sleeps are virtual for the thread that entered, for threads that make calls through
chaos, and for what an asyncio loop has other threads do; any other thread sleeps really, and reads the same clocks.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
import threading
import time
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.chaos.timeline import Job, Timeline
from pytest_aosfarm.chaos.virtual_loop import VirtualLoop, running_loop
from pytest_aosfarm.errors import ChaosTimeError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator
    from types import ModuleType

__all__ = ("VirtualClock", "virtual_time")

_UNMOVED = ("_pytest.", "asyncio.", "execnet.", "filelock.", "hypothesis.", "pytest_aosfarm.", "pytest_timeout", "xdist.")
"""Modules for which time stays real: what runs tests, what waits for other processes, and loops of other threads."""

_MOVED = ("pytest_aosfarm.labs.", "pytest_aosfarm.chaos.")
"""Suites, which are code under test like any other; and where functions of theirs are called from."""

_TIME = ("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep", "time", "time_ns")
_true: dict[str, Callable[..., Any]] = {name: getattr(time, name) for name in _TIME}
_true_asleep = asyncio.sleep


class VirtualClock:
    """A `Clock` whose waiting moves what `virtual_time` shows, and costs nothing.

    `now` is real time plus what was skipped, so what really takes time below still does; `recorded_us` is what was skipped
    alone, the same in every run. `forced`: sockets to what is not the Farm's do not matter.
    """

    def __init__(self, *, forced: bool = False) -> None:
        self.forced = forced
        self.line = Timeline()

    def now(self) -> float:
        """Seconds of the real monotonic clock and those that were skipped."""
        return _true["monotonic"]() + self.line.jumped / 1e9  # type: ignore[no-any-return]

    def wall(self) -> float:
        """Seconds since 1970, and those that were skipped."""
        return _true["time"]() + self.line.jumped / 1e9  # type: ignore[no-any-return]

    def recorded_us(self) -> int:
        """Microseconds that were skipped."""
        return (self.line.jumped + 500) // 1000

    def sleep(self, seconds: float) -> None:
        """Skip the seconds."""
        self.line.sleep(round(seconds * 1e9))

    async def asleep(self, seconds: float) -> None:
        """Let the running loop skip the seconds, in order with all else that it waits for."""
        self.adopt_running_loop()
        self.line.delays += 1
        try:
            await _true_asleep(seconds)
        finally:
            self.line.delays -= 1

    def adopt_running_loop(self) -> None:
        """Have the running loop wait in this time; raises ChaosTimeError when it cannot, or outside `virtual_time`."""
        _scope.adopt(self)

    def io_begins(self) -> None:
        """Begin a real call to the Farm's own: until it ends, time goes by as it really does."""
        self.line.take_part()
        self.line.io_begins()

    def io_ends(self) -> None:
        """End it. Its caller may now poll for something real: it sleeps really until a fault is injected."""
        self.line.work_ends()
        self.line.answered(disturbed=False)

    def fault_injected(self) -> None:
        """Have the caller's back-off cost nothing; after `io_ends`, if the call was delivered."""
        self.line.take_part()
        self.line.answered(disturbed=True)

    def real_socket(self, origin: str) -> None:
        """From now on every sleep is real, as what is not the Farm's is waited for; not if forced."""
        if not self.forced:
            self.line.refused = self.line.refused or origin

    def over_real_socket(self, origin: str) -> None:
        """Raise ChaosTimeError, unless forced."""
        self.real_socket(origin)
        if not self.forced:
            raise ChaosTimeError(
                f"a delay was to be injected in virtual time into a call to {origin}, which is a real socket and not the "
                "Farm's own; what answers there does not see virtual time, so timeouts and back-off would prove nothing. "
                "Use --farm-chaos-time=real to wait really, or --farm-chaos-time=forced if it does not matter here"
            )


class _Scope:
    """What is replaced in this process while virtual time is entered; stand-ins that outlive it give real time."""

    def __init__(self) -> None:
        self.clock: VirtualClock | None = None
        self._beneath = _true
        self._loops: dict[int, VirtualLoop] = {}
        self._anyio = False
        self._restore: list[Callable[[], None]] = []
        self.stand_ins = {name: getattr(self, name) for name in _TIME}

    def enter(self, clock: VirtualClock, modules: Iterable[ModuleType]) -> None:
        self._beneath = {name: getattr(time, name) for name in _TIME}
        for name, stand_in in self.stand_ins.items():
            self.replace(time, name, stand_in)
        for place in (asyncio, asyncio.tasks):
            self.replace(place, "sleep", _asleep)
        self.clock = clock
        self.also(modules)

    def also(self, modules: Iterable[ModuleType]) -> None:
        names = [(self._beneath[name], stand_in) for name, stand_in in self.stand_ins.items()]
        names += [(_true[name], stand_in) for name, stand_in in self.stand_ins.items()] + [(_true_asleep, _asleep)]
        for module in modules:
            for name, value in list(vars(module).items()):
                for one, stand_in in names:
                    if value is one:
                        self.replace(module, name, stand_in)

    def leave(self) -> None:
        self.clock = None
        for loop in self._loops.values():
            loop.release()
        self._loops.clear()
        self._anyio = False
        while self._restore:
            self._restore.pop()()

    def replace(self, owner: ModuleType, name: str, value: object) -> None:
        """Set it until the end; whoever replaced it meanwhile keeps what they set."""
        before = getattr(owner, name)
        setattr(owner, name, value)

        def restore() -> None:
            if getattr(owner, name, None) is value:
                setattr(owner, name, before)

        self._restore.append(restore)

    def adopt(self, clock: VirtualClock) -> None:
        loop = running_loop()
        held = self._loops.get(id(loop))
        if self.clock is None or clock.line is not self.clock.line:
            raise ChaosTimeError("this clock's time is not in force: wait within `with virtual_time(clock):`")
        clock.line.take_part()
        if held is None or held.loop is not loop:
            self._loops[id(loop)] = VirtualLoop(loop, clock.line, forced=clock.forced)
        if not self._anyio and "anyio" in sys.modules:
            self._anyio = True
            to_thread = importlib.import_module("anyio.to_thread")
            self.replace(to_thread, "run_sync", _in_thread(to_thread.run_sync))

    # The stand-ins. Bound methods: a class that keeps one as an attribute does not bind it anew.

    def _shift(self) -> int:
        """Nanoseconds for the caller of the stand-in."""
        if self.clock is None or _is_unmoved():
            return 0
        return self.clock.line.jumped

    def monotonic(self) -> float:
        return self._beneath["monotonic"]() + self._shift() / 1e9  # type: ignore[no-any-return]

    def monotonic_ns(self) -> int:
        return self._beneath["monotonic_ns"]() + self._shift()  # type: ignore[no-any-return]

    def perf_counter(self) -> float:
        return self._beneath["perf_counter"]() + self._shift() / 1e9  # type: ignore[no-any-return]

    def perf_counter_ns(self) -> int:
        return self._beneath["perf_counter_ns"]() + self._shift()  # type: ignore[no-any-return]

    def time(self) -> float:
        return self._beneath["time"]() + self._shift() / 1e9  # type: ignore[no-any-return]

    def time_ns(self) -> int:
        return self._beneath["time_ns"]() + self._shift()  # type: ignore[no-any-return]

    def sleep(self, seconds: float, /) -> None:
        clock = self.clock
        if clock is None or seconds < 0 or not clock.line.takes_part() or not clock.line.backs_off() or _is_unmoved():
            self._beneath["sleep"](seconds)
        else:
            clock.sleep(seconds)


def _is_unmoved() -> bool:
    """Whether who called the stand-in keeps real time; the third frame from here, or the second for `sleep`."""
    frame = sys._getframe(2)  # noqa: SLF001 - what it is documented for
    if frame.f_globals is globals():
        frame = frame.f_back or frame
    name = frame.f_globals.get("__name__", "")
    return name.startswith(_UNMOVED) and not name.startswith(_MOVED)


_scope = _Scope()
_entering = threading.Lock()


async def _asleep(delay: float, result: Any = None) -> Any:
    """Stand in for `asyncio.sleep`."""
    clock = _scope.clock
    if clock is None or delay <= 0 or not clock.line.takes_part():
        return await _true_asleep(delay, result)
    clock.adopt_running_loop()
    if clock.line.backs_off():
        await clock.asleep(delay)
        return result
    return await _true_asleep(delay, result)


def _in_thread(run_sync: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Stand in for `anyio.to_thread.run_sync`, which starts threads of its own."""

    @wraps(run_sync)
    async def stand_in(func: Callable[..., Any], *args: Any, **options: Any) -> Any:
        clock = _scope.clock
        if clock is None:
            return await run_sync(func, *args, **options)
        job = Job(clock.line)
        try:
            return await run_sync(job.run, func, *args, **options)
        finally:
            job.end()

    return stand_in


@contextmanager
def virtual_time(clock: VirtualClock, *, also: Iterable[str | ModuleType] = ()) -> Iterator[VirtualClock]:
    """Have waiting cost nothing within the block, in every thread; `clock` tells the time.

    Entered again within itself it shares the outer block's time, whichever clock it is given. `also`: modules, or their
    names, that took time's functions by name (`from time import sleep`).
    """
    modules = [importlib.import_module(one) if isinstance(one, str) else one for one in also]
    with _entering:
        outer = _scope.clock
        if outer is None:
            _scope.enter(clock, modules)
        else:
            clock.line = outer.line
            _scope.also(modules)
    try:
        yield clock
    finally:
        if outer is None:
            with _entering:
                _scope.leave()
