"""How far a long command has come: one line on a terminal, rewritten a few times a second; elsewhere nothing."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ("Progress",)

SECONDS = 0.1
WIDTH = 24


class Progress:
    """Counts rows towards `total`; `advance` is what sinks call, and calls `check`."""

    def __init__(self, total: int, stream: TextIO, check: Callable[[], None] = lambda: None) -> None:
        self._check = check
        self._total = total
        self._stream = stream
        self._shown = stream.isatty()
        self._done = 0
        self._started = self._last = monotonic()

    def advance(self, rows: int) -> None:
        """So many rows more are done."""
        self._check()
        self._done += rows
        now = monotonic()
        if self._shown and now - self._last >= SECONDS:
            self._last = now
            self._show(now)

    def __enter__(self) -> Self:
        if self._shown:
            self._show(self._started)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _show(self, now: float) -> None:
        share = self._done / self._total if self._total else 1.0
        bar = "#" * int(share * WIDTH)
        speed = self._done / (now - self._started) if now > self._started else 0.0
        self._stream.write(f"\r\x1b[K[{bar:.<{WIDTH}}] {share:4.0%}  {self._done:,} rows, {speed:,.0f} rows/s")
        self._stream.flush()
