"""Lets a run that is told to terminate write down its end, and changes nothing for anybody else."""

from __future__ import annotations

import os
import signal
import threading

__all__ = ("EXIT_CODE", "SigtermGuard", "Terminated")

EXIT_CODE = 128 + signal.SIGTERM
"""What a shell shows for a process that SIGTERM ended."""


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived; a KeyboardInterrupt because pytest ends a session cleanly on it and tests do not catch it."""


class SigtermGuard:
    """Turns the first SIGTERM into `Terminated`; the second one ends the process as always.

    Used only in the main thread, and only while nobody else has a handler.
    """

    def __init__(self) -> None:
        self.fired = False
        self._pid = os.getpid()
        self._installed = False

    def install(self) -> None:
        """Take SIGTERM over, if it is free."""
        free = signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        if free and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._handle)
            self._installed = True

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
        raise Terminated("SIGTERM")
