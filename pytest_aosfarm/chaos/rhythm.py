"""What can be told from when calls were made: waits without a random part, and a module that is never called again."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from pytest_aosfarm.chaos.attempts import LogicalCall, failed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_aosfarm.chaos.calls import CallRecord

__all__ = ("FixedWaits", "GivenUp", "fixed_waits", "given_up")

_SHORTEST_WAIT_US = 10_000
"""Less is no wait: a client needs some time between two attempts."""

_ENOUGH_CALLS, _ENOUGH_WAITS = 2, 3
_TOLERANCE_US, _TOLERANCE_PER_MILLE = 1000, 1

_ENOUGH_FAILURES = 5
_ENOUGH_ROUNDS = 3
_QUIET_US = 120_000_000
"""Twice the longest pause of breakers in common use before they let a call through (pybreaker, resilience4j)."""


class FixedWaits(NamedTuple):
    """Logical calls to one module whose waits, in microseconds, are all the same: the longest series of them."""

    calls: tuple[LogicalCall, ...]
    waits: tuple[int, ...]


class GivenUp(NamedTuple):
    """The failed calls after which a module was not called any more, and for how many microseconds it could have been."""

    last: tuple[CallRecord, ...]
    silence_us: int


def fixed_waits(calls: Sequence[LogicalCall]) -> dict[str, FixedWaits]:
    """The modules to which all calls that waited before a retry waited equally long; the rules stand in `lint`."""
    found = {}
    for module, of_module in _by_module(calls).items():
        series = {call.numbers: waits for call in of_module if (waits := _waits(call))}
        waiting = tuple(call for call in of_module if call.numbers in series)
        longest = max(series.values(), key=len, default=())
        if len(waiting) < _ENOUGH_CALLS or sum(map(len, series.values())) < _ENOUGH_WAITS:
            continue
        alike = all(_equal(one, other) for waits in series.values() for one, other in zip(waits, longest, strict=False))
        if alike and (_grow(longest) or not any(_is_pace(call, of_module) for call in waiting)):
            found[module] = FixedWaits(waiting, longest)
    return found


def _by_module(calls: Sequence[LogicalCall]) -> dict[str, list[LogicalCall]]:
    found = defaultdict(list)
    for call in calls:
        found[call.first.key.module].append(call)
    return found


def _waits(call: LogicalCall) -> tuple[int, ...]:
    """The waits before its retries that are any, and were not asked for by Retry-After."""
    waits = (retry.sent_us - _end(before) for before, retry in call.retries if before.retry_after_us is None)
    return tuple(wait for wait in waits if wait >= _SHORTEST_WAIT_US)


def _end(record: CallRecord) -> int:
    return record.sent_us if record.ended_us is None else record.ended_us


def _equal(one: int, other: int) -> bool:
    return abs(one - other) <= _TOLERANCE_US + max(one, other) * _TOLERANCE_PER_MILLE // 1000


def _grow(waits: Sequence[int]) -> bool:
    return any(later > earlier and not _equal(earlier, later) for earlier, later in pairwise(waits))


def _is_pace(call: LogicalCall, of_module: Sequence[LogicalCall]) -> bool:
    """Whether its waits may be the rhythm of the test: others were asked in between, or it came so after a success."""
    numbers = sorted(number for other in of_module for number in other.numbers)
    if bisect_right(numbers, call.last.number) - bisect_left(numbers, call.first.number) > len(call.attempts):
        return True
    wait = _waits(call)[0]
    same = [other for other in of_module if other.first.key == call.first.key]
    return any(
        _equal(later.first.sent_us - at, wait)
        for earlier, later in pairwise(same)
        for at in (earlier.last.sent_us, _end(earlier.last))
    )


def given_up(calls: Sequence[LogicalCall]) -> dict[str, GivenUp]:
    """The modules that were called in turn with another, failed, and were not called again; the rules stand in `lint`."""
    modules = _by_module(calls)
    found = {}
    for module, of_module in modules.items():
        records = sorted((one for call in of_module for one in call.attempts), key=lambda one: one.number)
        answered = [place for place, one in enumerate(records, 1) if not failed(one)]
        last = tuple(records[answered[-1] if answered else 0 :])
        if len(last) < _ENOUGH_FAILURES:
            continue
        end = _end(last[-1])
        quiet_from = end + max(_QUIET_US, 3 * max(later.sent_us - earlier.sent_us for earlier, later in pairwise(records)))
        until = max(_called_on(of_module, other, quiet_from) for other in modules.values())
        if until:
            found[module] = GivenUp(last, until - end)
    return found


def _called_on(calls: Sequence[LogicalCall], others: Sequence[LogicalCall], quiet_from: int) -> int:
    """When the last of `others` was sent (microseconds), if they were made in turn with `calls` and went on; else 0."""
    numbers = [other.first.number for other in others]
    places = [bisect_left(numbers, call.last.number) for call in calls]
    rounds = sum(earlier < later for earlier, later in pairwise(places))
    later = [other.first.sent_us for other in others if other.first.sent_us >= quiet_from]
    return max(later) if rounds >= _ENOUGH_ROUNDS and len(later) >= _ENOUGH_ROUNDS else 0
