"""Incidents planted in the events, and the answer key: what happened, in which rows, and the facts of it.

The incidents of one kind are rows of a small table, a `Plan`, whose columns are their facts. Each lies in a slice of the
events of its own, so that no two meet; where in the slice, and everything else about it, is drawn from the plan's key.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_aosfarm.synthetic.lookups import Lookup
from pytest_aosfarm.synthetic.rows import Cell, OneRow, Rows
from pytest_aosfarm.synthetic.table import Table, hidden

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("Incident", "Plan")

_FEWEST = 1_000
"""A table with fewer rows has no incident."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One planted incident. Its facts bear the names of columns of the table where they are such."""

    kind: str
    """brute_force, exfiltration, error_burst or clock_skew."""
    table: str
    """The name of the table of events."""
    rows: range
    """The rows it consists of; for clock_skew, the rows among which those of one host are shifted."""
    started_at: str
    """When the first of the rows arrived, as the rows write it."""
    ended_at: str
    """When the last of them arrived."""
    facts: dict[str, Any]


class Plan(Table):
    """The incidents of one kind in one table of events."""

    sizes: ClassVar[tuple[int, int, int]]
    """An incident has from `n` to `2 * n` rows, an even number, n = rows of the table // third, from first to second."""

    def __init__(self, events: int, seed: int, tenant_key: str, *, turn: int = 0, turns: int = 1) -> None:
        """Takes every `turns`-th of the slices of a table of so many events, from slice `turn` on."""
        count = max(1, isqrt(isqrt(events)) // 7) if events >= _FEWEST else 0
        super().__init__(count, seed, tenant_key)
        self._turn, self._turns = turn, turns
        self._margin = events // 16  # neither the first days nor the last
        self._width = (events - 2 * self._margin) // max(1, count * turns)
        least, most, share = self.sizes
        self._least = min(most, max(least, events // share), self._width // 3)
        self._lookups: dict[str, Lookup] = {}

    @hidden
    def _size(self, r: Rows) -> Cell:
        return self._least + r.below("size", self._least) + 1 >> 1 << 1

    @hidden
    def _first(self, r: Rows) -> Cell:
        start = self._margin + (r.i * self._turns + self._turn) * self._width
        return start + r.below("first", self._width - 2 * self._least)

    @hidden
    def _last(self, r: Rows) -> Cell:
        return r["first"] + r["size"] - 1

    @property
    def spans(self) -> list[range]:
        """The rows of each incident, in order."""
        planned = (OneRow(self, k) for k in range(len(self)))
        return [range(one["first"], one["last"] + 1) for one in planned]

    def segment(self, r: Rows) -> Cell:
        """Which stretch of the events row `r` is in: 2k + 1 is incident k, even numbers lie between."""
        return r.segment(self._kept("edges", self._edges), r.i)

    def along(self, r: Rows, segment: Cell, name: str) -> Cell:
        """What the incident has in column `name` (0 where there is none), given the segment of row `r`."""
        return r.take(self._kept(name, lambda: self._by_segment(name)), segment)

    def incidents(self, events: Table, moment: str) -> list[Incident]:
        """The answer key. `moment` is the column of the events that says when each arrived."""
        found = []
        for k, span in enumerate(self.spans):
            began, ended = (events.value(i, moment) for i in (span.start, span.stop - 1))
            found.append(Incident(self.name, events.name, span, began, ended, self.row(k)))
        return found

    def _kept(self, name: str, make: Callable[[], list[int]]) -> Lookup:
        if name not in self._lookups:
            self._lookups[name] = Lookup(make())
        return self._lookups[name]

    def _edges(self) -> list[int]:
        return [0, *(edge for span in self.spans for edge in (span.start, span.stop))]

    def _by_segment(self, name: str) -> list[int]:
        return [0] + [cell for k in range(len(self)) for cell in (OneRow(self, k)[name], 0)]
