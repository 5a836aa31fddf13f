"""Says that a long request is still under way, through the log: `--log-cli-level=INFO` shows it while it runs."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("reported",)

logger = logging.getLogger("aosfarm")


@contextmanager
def reported(what: str, *, every: float = 10.0) -> Iterator[None]:
    """Log `what` and the seconds gone by, every `every` seconds until the block ends."""
    started, done = time.monotonic(), threading.Event()

    def tell() -> None:
        while not done.wait(every):
            logger.info("%s: %.0f s so far", what, time.monotonic() - started)

    teller = threading.Thread(target=tell, name="aosfarm-progress", daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
