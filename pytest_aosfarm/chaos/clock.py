"""The time that chaos waits in: real, or virtual, where waiting costs nothing."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

__all__ = ("Clock", "RealClock")


class Clock(Protocol):
    """What injected faults wait with."""

    def now(self) -> float:
        """Seconds; only differences mean something."""

    def sleep(self, seconds: float) -> None:
        """Wait, in code that is not async."""

    async def asleep(self, seconds: float) -> None:
        """Wait, in async code."""


class RealClock:
    """The clock on the wall."""

    now = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)
    asleep = staticmethod(asyncio.sleep)
