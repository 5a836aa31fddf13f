"""Which calls of a history are attempts at one thing: a logical call and its retries.

A call is a retry of the one before it with the same key if that one had failed and ended before, at most RETRY_WINDOW_US
(and whatever it asked to wait) earlier. A failure is an exception, a status of 500 and above, or one of 408, 421, 425 and
429; any other reply is an answer, and asking again is polling. Where equal calls are under way at the same time nobody can
tell whose retry comes next: they stand alone here. What an earlier test left running (`stray`) is left out.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_aosfarm.chaos.calls import CallKey, CallRecord

__all__ = ("REFUSED", "RETRY_WINDOW_US", "LogicalCall", "failed", "logical_calls")

RETRY_WINDOW_US = 120_000_000
"""The longest wait of retries in common use (urllib3, httpx-retries)."""

REFUSED = frozenset({408, 421, 425, 429, 503})
"""Statuses by which a module says that it has not begun: the request was incomplete, misdirected, too early, too much."""

_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class LogicalCall:
    """What a caller wanted once: the attempts at it, at least one, in the order in which they were made."""

    attempts: tuple[CallRecord, ...]

    @property
    def first(self) -> CallRecord:
        """The first attempt."""
        return self.attempts[0]

    @property
    def last(self) -> CallRecord:
        """The last attempt."""
        return self.attempts[-1]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of its attempts."""
        return tuple(one.number for one in self.attempts)

    @property
    def retries(self) -> Iterator[tuple[CallRecord, CallRecord]]:
        """Each retry behind the failed attempt that it repeats."""
        return pairwise(self.attempts)


def failed(record: CallRecord) -> bool:
    """Whether a caller would retry after it."""
    if record.error is not None:
        return True
    return record.status is not None and (record.status >= _SERVER_ERROR or record.status in REFUSED)


def logical_calls(history: Iterable[CallRecord]) -> list[LogicalCall]:
    """The logical calls of one test's history, the one that began first in front."""
    by_key: dict[CallKey, list[CallRecord]] = defaultdict(list)
    for record in sorted(history, key=lambda one: one.number):
        if not record.stray:
            by_key[record.key].append(record)
    found = [LogicalCall(tuple(attempts)) for records in by_key.values() for attempts in _of_one_key(records)]
    return sorted(found, key=lambda one: one.first.number)


def _of_one_key(records: Sequence[CallRecord]) -> Iterator[list[CallRecord]]:
    racy = _racy(records)
    attempts = [records[0]]
    for before, record in pairwise(records):
        if {before.number, record.number}.isdisjoint(racy) and _is_retry(before, record):
            attempts.append(record)
        else:
            yield attempts
            attempts = [record]
    yield attempts


def _racy(records: Sequence[CallRecord]) -> set[int]:
    """The numbers of the calls that are marked so, or were under way while another was sent."""
    racy = {one.number for one in records if one.racy}
    under_way: list[CallRecord] = []
    for record in records:
        under_way = [one for one in under_way if one.ended_us is None or one.ended_us > record.sent_us]
        if under_way:
            racy |= {record.number, *(one.number for one in under_way)}
        under_way.append(record)
    return racy


def _is_retry(before: CallRecord, record: CallRecord) -> bool:
    if before.ended_us is None or not failed(before):
        return False
    return record.sent_us - before.ended_us <= RETRY_WINDOW_US + (before.retry_after_us or 0)
