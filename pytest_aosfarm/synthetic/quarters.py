"""Exact sums by calendar quarter and currency, filled a block of rows at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from pytest_aosfarm.synthetic.customers import CURRENCIES
from pytest_aosfarm.synthetic.read_only import ReadOnly
from pytest_aosfarm.synthetic.rows import NULL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pytest_aosfarm.synthetic.business import Business

__all__ = ("ByQuarter", "Numbers", "QuarterlySums")

ByQuarter: TypeAlias = "Mapping[tuple[str, str], int]"
Numbers: TypeAlias = "NDArray[np.int64]"


class QuarterlySums:
    """Sums by quarter and currency. The largest, a planet's billings, stays a hundred times below 2**63."""

    def __init__(self, books: Business) -> None:
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        months = [(start, epoch + timedelta(microseconds=start)) for start in books.calendar.months.items]
        quarters = [(start, f"{day.year}-Q{day.month // 3 + 1}") for start, day in months if day.month % 3 == 1]
        self._starts = np.array([start for start, _ in quarters])
        self._names = [name for _, name in quarters]
        self._last = self._quarter(books.calendar.anchor)
        self._first = self._last
        self._sums: dict[str, Numbers] = {}

    def _quarter(self, moment: int) -> int:
        return int(self._starts.searchsorted(moment, side="right")) - 1

    def begin(self, moments: Numbers) -> None:
        """Report from the quarter of the first of all these moments on."""
        self._first = min(self._first, self._quarter(int(moments.min(initial=self._starts[self._first]))))

    def add(self, name: str, moments: Numbers, currencies: Numbers, amounts: Numbers) -> None:
        """Add amounts where their moments are."""
        there = np.flatnonzero((moments != NULL) & (amounts != 0))
        at = (self._starts.searchsorted(moments[there], side="right") - 1) * len(CURRENCIES) + currencies[there]
        empty = np.zeros(len(self._names) * len(CURRENCIES), np.int64)
        np.add.at(self._sums.setdefault(name, empty), at, amounts[there])

    @property
    def quarters(self) -> tuple[str, ...]:
        """Those that are reported."""
        return tuple(self._names[self._first : self._last + 1])

    def series(self, name: str) -> list[list[int]]:
        """The sums of each currency, quarter by quarter."""
        sums = self._sums.get(name, np.zeros(len(self._names) * len(CURRENCIES), np.int64))
        reported = sums.reshape(-1, len(CURRENCIES))[self._first : self._last + 1]
        series: list[list[int]] = reported.T.tolist()
        return series

    def by_quarter(self, series: list[list[int]]) -> ByQuarter:
        """A series by quarter and currency."""
        return ReadOnly(
            {
                (quarter, currency): one
                for currency, numbers in zip(CURRENCIES, series, strict=True)
                for quarter, one in zip(self.quarters, numbers, strict=True)
            }
        )
