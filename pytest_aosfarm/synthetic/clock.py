"""When events arrive: four weeks before the anchor, busy by day and on weekdays, quiet at night and at week-ends."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic.lookups import Lookup
from pytest_aosfarm.synthetic.moments import microseconds

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_aosfarm.synthetic.rows import Cell, Rows

__all__ = ("SPAN", "Clock")

_DAYS = 28
_HOUR = 3_600_000_000
_HOURS = 24 * _DAYS
SPAN = _HOURS * _HOUR
"""The length of the window in microseconds."""

_WEEKDAY = (14, 11, 10, 10, 11, 15, 26, 48, 82, 104, 110, 106, 92, 100, 108, 106, 100, 84, 62, 46, 38, 32, 25, 18)
_WEEKEND = (14, 12, 10, 9, 9, 10, 12, 16, 21, 26, 30, 31, 31, 30, 29, 28, 28, 28, 28, 28, 26, 23, 20, 16)
_WEEK = _WEEKDAY * 5 + _WEEKEND * 2
"""Events in each hour of the week, Monday first, in proportion."""
_THURSDAY = 3 * 24
"""1970-01-01 was one: the hour of the week at which the count of hours begins."""


class Clock:
    """The arrival times of `rows` events, in order. Each hour has its share of the rows, spread evenly with a jitter."""

    def __init__(self, rows: int, anchor: datetime) -> None:
        begin = microseconds(anchor) - SPAN
        first = begin // _HOUR + _THURSDAY
        weights = [_WEEK[(first + hour) % len(_WEEK)] for hour in range(_HOURS)]
        before = list(accumulate(weights, initial=0))
        edges = [rows * part // before[-1] for part in before]
        steps = [_HOUR // max(1, stop - start) for start, stop in pairwise(edges)]
        self._starts = Lookup(edges[:-1])
        self._steps = Lookup(steps)
        self._origins = Lookup([begin + h * _HOUR - edges[h] * step for h, step in enumerate(steps)])
        self._load = Lookup([64 + weight * 64 // max(_WEEK) for weight in weights])

    def hour(self, r: Rows) -> Cell:
        """The hour of the window, 0 to 671, that row `r` falls in."""
        return r.segment(self._starts, r.i)

    def moment(self, r: Rows, hour: Cell, fraction: Cell) -> Cell:
        """When row `r` arrives, given its hour and 20 random bits: never before the row above it."""
        step = r.take(self._steps, hour)
        return r.take(self._origins, hour) + r.i * step + (fraction * step >> 20)

    def load(self, r: Rows, hour: Cell) -> Cell:
        """How much longer answers take in that hour, in 64ths: 64 to 128."""
        return r.take(self._load, hour)
