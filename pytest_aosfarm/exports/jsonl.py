"""JSON Lines: all that is known of a run, an object per line: the run, then its attempts, then errors outside tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_aosfarm.exports.report import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_aosfarm.exports.report import Report

__all__ = ("lines",)

VERSION = 1
"""Stands in the line of the run; raised when a reader of the old lines would misread the new."""

KEPT_BACK = "owner_token"
"""Whoever has it may write into the run."""


def lines(report: Report) -> Iterator[str]:
    """One `run`, a `test` per attempt with its `outputs` and `faults`, an `error` each; times are ISO 8601, in UTC."""
    yield _line("run", {"version": VERSION} | {key: value for key, value in report.run.items() if key != KEPT_BACK})
    for test in report.tests:
        left = {"outputs": dict(report.outputs_of(test)), "faults": [*report.faults_of(test)]}
        yield _line("test", test | left)
    for error in report.errors:
        yield _line("error", error)


def _line(kind: str, record: Mapping[str, Any]) -> str:
    return to_json({"type": kind, **record}) + "\n"
