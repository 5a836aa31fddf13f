"""Injected faults in words: those of a run in one line, and each in the cells of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_aosfarm.exports.words import duration_in_words, printable
from pytest_aosfarm.recording.properties import FAULTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_aosfarm.recording.tally import Tally

__all__ = ("HEADING", "fault_cells", "faults_in_words", "faults_told", "not_listed")

HEADING = ("after", "fault", "call", "delivered", "seen")
"""Of `fault_cells`. Delivered says whether the module got the request, seen is what the caller made of it."""

KINDS = 5
"""Kinds of faults that a line names."""

_DELIVERED = {True: "yes", False: "no", None: "-"}


def faults_in_words(tally: Tally) -> str | None:
    """12 faults in 5 tests (9 status, 3 latency); None when there were none."""
    if not tally.faults_in_all:
        return None
    kinds = sorted(tally.faults.items(), key=lambda one: (-one[1], one[0]))
    named = [f"{count} {printable(kind)}" for kind, count in kinds[:KINDS]]
    if len(kinds) > KINDS:
        named.append(f"{len(kinds) - KINDS} kinds more")
    lost = tally.faults_in_all - tally.faults.total()
    if lost > 0:
        named.append(f"{lost:,} not recorded")
    return f"{_many(tally.faults_in_all, 'fault')} in {_many(len(tally.faulted), 'test')} ({', '.join(named)})"


def fault_cells(test: Mapping[str, Any], fault: Mapping[str, Any]) -> list[str]:
    """One fault of an attempt, as HEADING says; its time counts from the start of the attempt."""
    what = [fault["kind"], fault["status"], duration_in_words(fault["delay_us"] / 1e6) if fault["delay_us"] else None]
    return [
        f"{(fault['at_us'] - test['started_us']) / 1e6:.3f} s",
        " ".join(str(one) for one in what if one is not None),
        " ".join(fault[name] for name in ("method", "module", "path") if fault[name]),
        _DELIVERED[fault["delivered"]],
        fault["observed"] or "-",
    ]


def faults_told(test: Mapping[str, Any]) -> int:
    """How many faults an attempt had, whether or not they were kept."""
    told = (test["properties"] or {}).get(FAULTS)
    return told if isinstance(told, int) else 0


def not_listed(test: Mapping[str, Any], listed: Sequence[object]) -> str | None:
    """How many faults an attempt had beside those that are listed: too many to keep or to show, or pruned."""
    more = faults_told(test) - len(listed)
    return f"and {_many(more, 'fault')} more" if more > 0 else None


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"
