"""Which rows go wrong and how, by row numbers alone.

The clean rows are cut into as many stretches as there are copies. In each stretch one row is an original: it stays as it
is, and a copy of it, or of an original of an earlier stretch, is put after the stretch. All other rows are ranked, and the
first of them in the order of a keyed permutation are hit: so many by the first kind of mess, so many by the next …
"""

from __future__ import annotations

from bisect import bisect_right
from heapq import merge
from itertools import accumulate
from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic.hashing import Draws, Shuffle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ("Plan",)

_MANY = 20_000
"""From so many rows on it pays to load NumPy."""
_LONGEST = 12
"""Copies come up to 2 ** 11 stretches after their original, as often 1 as 2 to 3 or 4 to 7."""


class Plan:
    """The plan for `clean` rows, of which `copies` are copied and so many as `counts` says are hit by each kind."""

    def __init__(self, clean: int, copies: int, counts: Mapping[str, int], key: tuple[int, str, str]) -> None:
        self.clean = clean
        self.copies = copies
        self._kinds = tuple(counts)
        self._bounds = list(accumulate(counts.values()))
        self._ranks = clean - copies
        self._order = Shuffle(max(1, self._ranks), *key, "order")
        self._original = Draws(*key, "original")
        self._lag = Draws(*key, "lag")

    def __len__(self) -> int:
        return self.clean + self.copies

    def behind(self, index: int) -> tuple[int, bool]:
        """The clean row behind messy row `index`, and whether that is a copy."""
        if not self.copies:
            return index, False
        before = ((index + 1) * self.copies - 1) // len(self)
        if self.copy_index(before) == index:
            return self.copied(before), True
        return index - before, False

    def index_of(self, row: int) -> int:
        """Where clean row `row` stands among the messy ones."""
        return row + self._stretch(row)

    def copy_index(self, stretch: int) -> int:
        """Where the copy after a stretch stands among the messy ones."""
        return (stretch + 1) * len(self) // self.copies - 1

    def copied(self, stretch: int) -> int:
        """The clean row of which there is a copy after that stretch."""
        lag = self._lag.bits(stretch) & (1 << self._lag.below(stretch, _LONGEST)) - 1
        return self._original_of(stretch - lag if lag <= stretch else stretch)

    def kind(self, row: int) -> str | None:
        """The kind of mess that hits clean row `row`, if any."""
        stretch = self._stretch(row)
        original = self._original_of(stretch) if self.copies else -1
        if row == original:
            return None
        place = self._order[row - stretch - (row > original)] if self.copies else self._order[row]
        at = bisect_right(self._bounds, place)
        return self._kinds[at] if at < len(self._kinds) else None

    def hit(self) -> Iterator[int]:
        """Where rows that are hit, and copies, stand among the messy ones, in order."""
        changed = (self.index_of(self._row(rank)) for rank in self._hit_ranks())
        return merge(changed, map(self.copy_index, range(self.copies)))

    def _start(self, stretch: int) -> int:
        return stretch * self.clean // self.copies

    def _stretch(self, row: int) -> int:
        return ((row + 1) * self.copies - 1) // self.clean if self.copies else 0

    def _original_of(self, stretch: int) -> int:
        start = self._start(stretch)
        return start + self._original.below(stretch, self._start(stretch + 1) - start)

    def _row(self, rank: int) -> int:
        if not self.copies:
            return rank
        stretch = ((rank + 1) * self.copies - 1) // self._ranks
        row = rank + stretch
        return row + (row >= self._original_of(stretch))

    def _hit_ranks(self) -> Iterator[int]:
        total = self._bounds[-1]
        if not total:
            return
        if self._ranks < _MANY:
            yield from (rank for rank in range(self._ranks) if self._order[rank] < total)
            return
        import numpy as np

        from pytest_aosfarm.synthetic.vector import BLOCK, shuffled

        for start in range(0, self._ranks, BLOCK):
            ranks = np.arange(start, min(start + BLOCK, self._ranks))
            yield from ranks[shuffled(self._order, ranks) < total].tolist()
