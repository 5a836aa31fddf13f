"""What every format is written from: one run with its attempts, and what they printed."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol, Self

from pytest_aosfarm.recording.events import OTHER
from pytest_aosfarm.recording.tally import BAD

__all__ = ("Case", "Report", "Row", "duration_us", "to_json")

Row = dict[str, Any]
"""An attempt at a test, by column."""

Faults = Mapping[tuple[int, int], Sequence[Row]]
"""Test id and attempt -> the faults that were injected there; `at_us` counts from the start of the run."""

Outputs = Mapping[str, str]
"""Kind (longrepr, stdout, stderr, log) -> text."""


class Store(Protocol):
    """What is asked of the run store."""

    def run(self, run_id: int) -> Row | None:
        """The run with its `tests`."""

    def outputs_of(self, run_id: int, test_id: int, attempt: int) -> Outputs:
        """What one attempt left."""

    def errors(self, run_id: int) -> Sequence[Row]:
        """What went wrong outside tests."""

    def faults(self, run_id: int) -> Faults:
        """What was injected into the attempts."""


@dataclass(frozen=True, slots=True)
class Case:
    """A test of a run: the attempt that decides, and those before it that did not."""

    final: Row
    earlier: Sequence[Row]

    @property
    def is_flaky(self) -> bool:
        """Whether the test passed in the end and had not before."""
        return self.final["outcome"] == "passed" and any(one["outcome"] in (*BAD, OTHER) for one in self.earlier)


def _nothing(_test: Row) -> Outputs:
    return {}


@dataclass(frozen=True, slots=True)
class Report:
    """A run as the store gives it.

    `run` holds the columns of `farm_runs`; `tests` every attempt in the order of their start, with the columns of
    `farm_run_tests` and the identity and nodeid of its test; `errors` what went wrong outside tests; `faults` what was
    injected. `outputs_of` asks for the texts of one attempt, empty when nothing was kept: they may be 256 KiB each, so
    nobody holds them all.
    """

    run: Mapping[str, Any]
    tests: Sequence[Row]
    errors: Sequence[Mapping[str, Any]] = ()
    outputs_of: Callable[[Row], Outputs] = field(default=_nothing, compare=False)
    faults: Faults = field(default_factory=dict)

    @classmethod
    def load(cls, store: Store, run_id: int) -> Self | None:
        """The run from a store, which must stay open while the report is in use; None when there is no such run."""
        found = store.run(run_id)
        if found is None:
            return None
        tests = found.pop("tests")

        @lru_cache(maxsize=8)  # a test and the attempts before it, of which formats ask more than once
        def kept(test_id: int, attempt: int) -> Outputs:
            return store.outputs_of(run_id, test_id, attempt)

        def outputs_of(test: Row) -> Outputs:
            return kept(test["test_id"], test["attempt"]) if test["outcome"] in (*BAD, OTHER) else {}

        return cls(found, tests, store.errors(run_id), outputs_of, store.faults(run_id))

    @property
    def duration_us(self) -> int:
        """How long the run took, or, when nobody saw its end, until its last attempt ended."""
        if self.run["duration_ms"] is not None:
            return int(self.run["duration_ms"]) * 1000
        return max((test["started_us"] + duration_us(test) for test in self.tests), default=0)

    def faults_of(self, test: Row) -> Sequence[Row]:
        """The faults that were injected into an attempt, in their order."""
        return self.faults.get((test["test_id"], test["attempt"]), ())

    def started_at(self, test: Row) -> datetime:
        """When an attempt began, in aware UTC."""
        began: datetime = self.run["started_at"]
        return began + timedelta(microseconds=test["started_us"])

    def cases(self) -> list[Case]:
        """Every test with its attempts, in the order in which the last of them began.

        Under --dist=each a test is a case per worker. A case whose attempts were all cut off is decided by the last.
        """
        return list(_cases(self.tests))


def duration_us(test: Row) -> int:
    """How long an attempt took, with its setup and teardown."""
    return int(test["setup_us"] + test["call_us"] + test["teardown_us"])


def to_json(value: Any, *, indent: int | None = None) -> str:
    """JSON in ASCII, on one line unless it is indented; times are ISO 8601."""
    return json.dumps(value, indent=indent, default=lambda one: one.isoformat() if isinstance(one, datetime) else str(one))


def _cases(tests: Iterable[Row]) -> Iterable[Case]:
    waiting: dict[tuple[int, str | None], list[Row]] = defaultdict(list)
    for test in tests:
        key = test["test_id"], test["variant"]
        if test["is_final"]:
            yield Case(test, waiting.pop(key, ()))
        else:
            waiting[key].append(test)
    for attempts in waiting.values():
        yield Case(attempts[-1], attempts[:-1])
