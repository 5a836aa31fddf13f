"""Catches real waiting: `time.sleep` and asyncio's selector, as they are below virtual time."""

from __future__ import annotations

import selectors
import time
from contextlib import contextmanager
from unittest.mock import patch

LONGEST_SECONDS = 0.010


@contextmanager
def real_waits():
    """Have a list of the real waits that were asked for and are longer than 10 ms, in seconds; enter virtual time within."""
    waits = []
    sleep, selector = time.sleep, selectors.DefaultSelector
    select = selector.select

    def note(seconds):
        if seconds is not None and seconds > LONGEST_SECONDS:
            waits.append(seconds)

    def noted_sleep(seconds):
        note(seconds)
        sleep(seconds)

    def noted_select(self, timeout=None):
        note(timeout)
        return select(self, timeout)

    with patch.object(time, "sleep", noted_sleep), patch.object(selector, "select", noted_select):
        yield waits
