"""Lets a run that is told to terminate write down its end, and changes nothing for anybody else."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("EXIT_CODE", "SigtermGuard", "Terminated")

EXIT_CODE = 128 + signal.SIGTERM
"""What a shell shows for a process that SIGTERM ended."""


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived; a KeyboardInterrupt because pytest ends a session cleanly on it and few tests catch it."""


class SigtermGuard:
    """Turns the first SIGTERM into `Terminated`; the second one ends the process as always.

    Used only in the main thread, and only while nobody else has a handler.
    """

    def __init__(self) -> None:
        self.fired = False
        self._pid = os.getpid()
        self._installed = False
        self._stop: Callable[[], object] = bool

    def install(self, stop: Callable[[], object]) -> None:
        """Take SIGTERM over, if it is free; `stop` is called too, for a test that catches `Terminated` all the same."""
        free = signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        if free and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._handle)
            self._installed, self._stop = True, stop

    def restore(self) -> None:
        """Give SIGTERM back, unless somebody else took it since."""
        if self._installed and signal.getsignal(signal.SIGTERM) == self._handle:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._installed = False

    def _handle(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if os.getpid() != self._pid:
            # A child forked by a test inherits the handler; for it SIGTERM must be what it always was.
            signal.raise_signal(signal.SIGTERM)
        self.fired = True
        self._stop()
        raise Terminated("SIGTERM")
