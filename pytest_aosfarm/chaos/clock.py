"""The time that chaos waits in: real, or virtual, where waiting costs nothing."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

__all__ = ("Clock", "RealClock")


class Clock(Protocol):
    """What injected faults wait with, and what it has to be told of the calls that it waits in."""

    def now(self) -> float:
        """Seconds; only differences mean something."""

    def wall(self) -> float:
        """Seconds since 1970, as `time.time()` gives them to the code under test."""

    def recorded_us(self) -> int:
        """Microseconds, for records; only differences mean something. Virtual time leaves out what really went by."""

    def sleep(self, seconds: float) -> None:
        """Wait, in code that is not async."""

    async def asleep(self, seconds: float) -> None:
        """Wait, in async code."""

    def adopt_thread(self) -> None:
        """Begin a call that is not async: what this thread sleeps is waited for in this time, too."""

    def adopt_running_loop(self) -> None:
        """Begin an async call: what the running loop waits for is waited for in this time."""

    def io_begins(self) -> None:
        """Begin a real call over a socket; `io_ends` follows, whatever becomes of it."""

    def io_ends(self) -> None:
        """End what `io_begins` began."""

    def fault_injected(self) -> None:
        """Tell that the caller of the call that ends now gets a fault, and may back off."""

    def real_socket(self, origin: str) -> None:
        """Tell that a call goes over a socket to something that is not the Farm's; `origin` says where."""

    def over_real_socket(self, origin: str) -> None:
        """Ask whether such a call may be delayed; raises `ChaosTimeError` when it may not."""


class RealClock:
    """The clock on the wall."""

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)
    sleep = staticmethod(time.sleep)
    asleep = staticmethod(asyncio.sleep)

    def recorded_us(self) -> int:
        """Microseconds of the monotonic clock."""
        return time.monotonic_ns() // 1000

    def adopt_thread(self) -> None:
        """Nothing: every thread sleeps really."""

    def adopt_running_loop(self) -> None:
        """Nothing: every loop waits really."""

    def io_begins(self) -> None:
        """Nothing."""

    def io_ends(self) -> None:
        """Nothing."""

    def fault_injected(self) -> None:
        """Nothing."""

    def real_socket(self, origin: str) -> None:
        """Nothing: real time may be waited for anything."""

    def over_real_socket(self, origin: str) -> None:
        """Nothing."""
