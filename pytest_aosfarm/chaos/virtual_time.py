"""Virtual time within one test: what is waited for costs nothing, and every clock that the code under test reads agrees.

Not covered: `datetime.now()`, which cannot be replaced, and names that a module took with `from time import sleep` before,
unless the module is given as `also`. Sleeps are virtual for the thread that entered, for threads that make calls through
chaos, and for what an asyncio loop has other threads do; any other thread sleeps really, and reads the same clocks.
"""

from __future__ import annotations

import asyncio
import importlib
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pytest_aosfarm.chaos.stand_ins import SCOPE, TRUE, true_asleep
from pytest_aosfarm.chaos.timeline import Timeline
from pytest_aosfarm.errors import ChaosTimeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

__all__ = ("VirtualClock", "virtual_time")

_entering = threading.Lock()


class VirtualClock:
    """A `Clock` whose waiting moves what `virtual_time` shows, and costs nothing.

    `now` is real time plus what was skipped, so what really takes time below still does; `recorded_us` is what was skipped
    alone, the same in every run. `forced`: sockets to what is not the Farm's do not matter.
    """

    def __init__(self, *, forced: bool = False) -> None:
        self.forced = forced
        self.line = Timeline()
        self._joined = 0

    def join(self, line: Timeline) -> None:
        """Go on in another's time."""
        self._joined += line.jumped - self.line.jumped
        self.line = line

    def now(self) -> float:
        """Seconds of the real monotonic clock and those that were skipped."""
        return float(TRUE["monotonic"]() + self.line.jumped / 1e9)

    def wall(self) -> float:
        """Seconds since 1970, and those that were skipped."""
        return float(TRUE["time"]() + self.line.jumped / 1e9)

    def recorded_us(self) -> int:
        """Microseconds that were skipped since the clock was made."""
        return (self.line.jumped - self._joined + 500) // 1000

    def sleep(self, seconds: float) -> None:
        """Skip the seconds."""
        self.line.sleep(round(seconds * 1e9))

    async def asleep(self, seconds: float) -> None:
        """Let the running loop skip the seconds, in order with all else that it waits for."""
        self.adopt_running_loop()
        with self.line.delay():
            await true_asleep(seconds)

    def adopt_thread(self) -> None:
        """Have what this thread sleeps from now on be virtual."""
        self.line.take_part()

    def adopt_running_loop(self) -> None:
        """Have the running loop wait in this time; raises ChaosTimeError when it cannot, or outside `virtual_time`."""
        SCOPE.adopt_running_loop(self)

    def io_begins(self) -> None:
        """Begin a real call over a socket: until it ends, time goes by as it really does."""
        self.line.take_part()
        self.line.io_begins()

    def io_ends(self) -> None:
        """End it. Its caller may now poll for something real: it sleeps really until a fault is injected."""
        self.line.work_ends()
        self.line.answered(disturbed=False)

    def fault_injected(self) -> None:
        """Have the caller's back-off cost nothing, in a thread or in a loop; after `io_ends`, if the call was delivered."""
        self.line.take_part()
        self.line.answered(disturbed=True)
        with suppress(RuntimeError, ChaosTimeError):  # there is no loop, or one that says what is wrong when it waits
            asyncio.get_running_loop()
            self.adopt_running_loop()

    def real_socket(self, origin: str) -> None:
        """From now on every sleep of the code under test is real, as it may wait for what answers there; not if forced."""
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


@contextmanager
def virtual_time(clock: VirtualClock, *, also: Iterable[str | ModuleType] = ()) -> Iterator[VirtualClock]:
    """Have waiting cost nothing within the block, in every thread; `clock` tells the time.

    Entered again within itself it shares the outer block's time, whichever clock it is given. `also`: modules, or their
    names, that took time's functions by name (`from time import sleep`).
    """
    modules = [importlib.import_module(one) if isinstance(one, str) else one for one in also]
    with _entering:
        outer = SCOPE.clock
        if outer is None:
            SCOPE.enter(clock)
        else:
            clock.join(outer.line)
        clock.line.take_part()
        SCOPE.cover(modules)
    try:
        yield clock
    finally:
        if outer is None:
            with _entering:
                SCOPE.leave()
