"""How long a test usually takes, and whether a duration is out of the usual."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("ENOUGH", "MARGIN_US", "PASSES", "Pace", "is_faster", "is_slower", "pace_of", "percentile_95")

PASSES = 20
"""How many of the last passes are looked at."""

ENOUGH = 5
"""Fewer passes than this are no history."""

RATIO = 1.5
DEVIATIONS = 3
MARGIN_US = 100_000


class Pace(NamedTuple):
    """Median, 95th percentile and median absolute deviation of `passes` durations, in microseconds."""

    p50_us: int
    p95_us: int
    mad_us: int
    passes: int


def pace_of(durations: Sequence[int]) -> Pace | None:
    """The pace of the last 20 of these durations (microseconds), the oldest first; None when there are none."""
    last = sorted(durations[-PASSES:])
    if not last:
        return None
    middle = median(last)
    return Pace(round(middle), percentile_95(last), round(median(abs(one - middle) for one in last)), len(last))


def percentile_95(ordered: Sequence[int]) -> int:
    """The value that 95 of 100 do not exceed; `ordered` begins with the smallest and is not empty."""
    return ordered[-(-95 * len(ordered) // 100) - 1]


def is_slower(now_us: int, then_us: int, usual: Pace | None) -> bool:
    """Whether `now_us` is out of the usual: > 1.5 x median, > median + 3 MAD and > median + 100 ms.

    The same ratio and margin hold against the single duration `then_us`; where fewer than five passes are known, that
    is all there is.
    """
    if not _exceeds(now_us, then_us):
        return False
    if usual is None or usual.passes < ENOUGH:
        return True
    return _exceeds(now_us, usual.p50_us) and now_us > usual.p50_us + DEVIATIONS * usual.mad_us


def is_faster(now_us: int, then_us: int, usual: Pace | None) -> bool:
    """Whether `now_us` is as far below the usual as a slower test is above it."""
    if not _exceeds(then_us, now_us):
        return False
    if usual is None or usual.passes < ENOUGH:
        return True
    return _exceeds(usual.p50_us, now_us) and now_us < usual.p50_us - DEVIATIONS * usual.mad_us


def _exceeds(slow_us: int, fast_us: int) -> bool:
    return slow_us > RATIO * fast_us and slow_us > fast_us + MARGIN_US
