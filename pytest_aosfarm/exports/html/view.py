"""What the HTML report says about a run, worked out before any of it is written: groups of failures, flaky tests, lanes."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.exports.report import duration_us
from pytest_aosfarm.recording.events import OUTCOMES
from pytest_aosfarm.recording.tally import BAD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_aosfarm.exports.report import Case, Report, Row

__all__ = ("Group", "Lane", "View", "file_of", "seconds", "word_of", "worker_of")

MINUTE, SECOND, TENTH = 60_000_000, 1_000_000, 100_000


@dataclass(frozen=True, slots=True)
class Group:
    """Failures that look alike: the same type, message and place."""

    name: str
    cases: list[Case]


@dataclass(frozen=True, slots=True)
class Lane:
    """What one worker did. Times are microseconds since the run's start; `gap` is its longest wait between two attempts."""

    worker: str
    attempts: int
    busy: int
    first: int
    last: int
    gap: int


class View:
    """A run, sorted for reading."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.run = report.run
        self.cases = sorted(report.cases(), key=lambda case: file_of(case.final))

    @cached_property
    def groups(self) -> list[Group]:
        """The failures by what they have in common, the largest group first."""
        found: dict[Any, list[Case]] = defaultdict(list)
        for case in self.cases:
            row = case.final
            if row["outcome"] in BAD:
                found[row["error_signature"] or (row["outcome"], row["error_type"], row["message"])].append(case)
        groups = [Group(_name(cases[0].final), cases) for cases in found.values()]
        return sorted(groups, key=lambda group: -len(group.cases))

    @property
    def failures(self) -> Iterable[Case]:
        """Every failure, group by group."""
        return (case for group in self.groups for case in group.cases)

    @cached_property
    def flaky(self) -> list[Case]:
        """The tests that passed in the end, and not at first."""
        return [case for case in self.cases if case.is_flaky]

    @cached_property
    def counts(self) -> dict[str, int]:
        """Outcome -> number of tests, in the usual order; the words of other plugins last."""
        counted = Counter(word_of(case.final) for case in self.cases)
        return {outcome: counted.pop(outcome, 0) for outcome in OUTCOMES} | counted

    @cached_property
    def lanes(self) -> list[Lane]:
        """One for each worker, in the order of their numbers."""
        by_worker: dict[str, list[Row]] = defaultdict(list)
        for row in self.report.tests:
            if row["phase"] != "collect":
                by_worker[worker_of(row)].append(row)
        return [_lane(worker, by_worker[worker]) for worker in sorted(by_worker, key=_number)]


def file_of(row: Row) -> str:
    """The file of a test."""
    file: str = row["nodeid"].partition("::")[0]
    return file


def word_of(row: Row) -> str:
    """The outcome, in the word of the plugin that it comes from."""
    word: str = row["raw_outcome"] or row["outcome"]
    return word


def worker_of(row: Row) -> str:
    """The lane that an attempt belongs to; without xdist there is only one."""
    return row["worker"] or "main"


def seconds(microseconds: int) -> str:
    """A duration as people read it."""
    if microseconds >= MINUTE:
        minutes, rest = divmod(microseconds // SECOND, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
    if microseconds >= SECOND:
        return f"{microseconds / SECOND:.2f} s"
    return f"{microseconds / 1000:.{0 if microseconds >= TENTH else 1}f} ms"


def _number(worker: str) -> tuple[int, str]:
    digits = "".join(letter for letter in worker if letter in "0123456789")
    return int(digits[:9] or 0), worker


def _name(row: Row) -> str:
    """The first line of the message, led by the type of the error unless it begins with it."""
    message: str = next(iter((row["message"] or "").strip().splitlines()), "")
    kind: str = row["error_type"] or ""
    if kind and not message.startswith((kind, kind.rpartition(".")[2])):
        return f"{kind}: {message}" if message else kind
    return message or row["outcome"]


def _lane(worker: str, rows: list[Row]) -> Lane:
    spans = sorted((row["started_us"], row["started_us"] + duration_us(row)) for row in rows)
    gap, last = 0, spans[0][0]
    for start, end in spans:
        gap, last = max(gap, start - last), max(last, end)
    return Lane(worker, len(rows), sum(map(duration_us, rows)), spans[0][0], last, gap)
