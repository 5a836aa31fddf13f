"""How the phase reports of a test (setup, call, teardown) become one outcome per attempt."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pytest_aosfarm.recording.events import OTHER, OUTCOMES, AttemptFinished
from pytest_aosfarm.recording.tally import IDENTITY, TENANT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_aosfarm.recording.events import Scalar

__all__ = ("Attempts", "PhaseReport", "clean", "message_of")

TEXT_LIMIT = 2000
"""Characters kept of any one text (error head, property)."""

_STEPS = {"setup": 0, "call": 1, "teardown": 2}
_CRASH = 3
_PAIR = 2


class PhaseReport(Protocol):
    """What is read of a pytest report; `wasxfail` too, if it is there."""

    @property
    def nodeid(self) -> str:
        """The test."""

    @property
    def when(self) -> str | None:
        """One of setup, call and teardown, or anything else for a crash."""

    @property
    def outcome(self) -> str:
        """One of passed, failed and skipped, or another plugin's word."""

    @property
    def duration(self) -> float:
        """Seconds."""

    @property
    def start(self) -> float:
        """Seconds since 1970."""

    @property
    def longrepr(self) -> object:
        """The error, or where and why the test was skipped."""

    @property
    def longreprtext(self) -> str:
        """The error as text."""

    @property
    def user_properties(self) -> Iterable[object]:
        """Pairs of name and value."""


@dataclass(slots=True)
class _Attempt:
    started: float
    step: int = -1
    outcome: str | None = None
    phase: str = "call"
    message: str | None = None
    micros: list[int] = field(default_factory=lambda: [0, 0, 0])
    properties: dict[str, Scalar] = field(default_factory=dict)


class Attempts:
    """Folds phase reports of many tests, possibly interleaved from several workers, into finished attempts."""

    def __init__(self, began: float = 0.0) -> None:
        """`began` is the start of the run, in seconds since 1970."""
        self._began = began
        self._open: dict[tuple[str, str | None], _Attempt] = {}
        self._numbers: dict[str, int] = {}

    def add(self, report: PhaseReport, worker: str | None) -> list[AttemptFinished]:
        """Take one report; returns the attempts that it finished (none, one, or two)."""
        key = (report.nodeid, worker)
        step = _STEPS.get(report.when or "", _CRASH)
        finished = []
        attempt = self._open.get(key)
        if attempt is not None and step <= attempt.step:
            # The same phase again: a plugin started the test anew without a teardown report.
            finished += self._close(key)
            attempt = None
        if attempt is None:
            attempt = self._open[key] = _Attempt(started=report.start or time.time())
        _take(attempt, report, step)
        if step >= _STEPS["teardown"]:
            finished += self._close(key)
        return finished

    def close(self) -> list[AttemptFinished]:
        """The attempts cut off before their teardown was reported, as far as their outcome is known."""
        return [done for key in list(self._open) for done in self._close(key)]

    def _close(self, key: tuple[str, str | None]) -> list[AttemptFinished]:
        attempt = self._open.pop(key)
        if attempt.outcome is None and attempt.step < _STEPS["call"]:
            return []
        nodeid, worker = clean(key[0], limit=None), key[1]
        number = self._numbers[nodeid] = self._numbers.get(nodeid, 0) + 1
        properties = dict(attempt.properties)
        identity = properties.pop(IDENTITY, None)
        identity = nodeid if identity is None else str(identity)
        tenant = properties.pop(TENANT, None)
        outcome = attempt.outcome or "passed"
        known = outcome in OUTCOMES
        return [
            AttemptFinished(
                nodeid=nodeid,
                attempt=number,
                identity=identity,
                outcome=outcome if known else OTHER,
                raw_outcome=None if known else outcome,
                phase=attempt.phase,
                worker=worker,
                started_us=round((attempt.started - self._began) * 1e6),
                setup_us=attempt.micros[0],
                call_us=attempt.micros[1],
                teardown_us=attempt.micros[2],
                message=attempt.message,
                data_tenant=None if tenant is None or tenant == identity else str(tenant),
                properties=properties,
            )
        ]


def _take(attempt: _Attempt, report: PhaseReport, step: int) -> None:
    attempt.step = step
    if step < _CRASH:
        attempt.micros[step] = round(report.duration * 1e6)
    for pair in report.user_properties:
        if isinstance(pair, tuple | list) and len(pair) == _PAIR:
            attempt.properties[clean(str(pair[0]))] = _scalar(pair[1])
    outcome = _outcome_of(report, step)
    if step == _STEPS["setup"] and outcome == "passed":
        return
    if step == _STEPS["teardown"] and attempt.outcome is not None:
        quiet = outcome in {"passed", "skipped", "xfailed", "xpassed"}
        if quiet or (outcome == "error" and attempt.outcome in {"failed", "error"}):
            return
    attempt.outcome = outcome
    attempt.phase = report.when if step < _CRASH and report.when else "call"
    attempt.message = message_of(report)


def _outcome_of(report: PhaseReport, step: int) -> str:
    outcome = report.outcome
    xfail = hasattr(report, "wasxfail")
    if outcome == "passed":
        return "xpassed" if xfail and step == _STEPS["call"] else "passed"
    if outcome == "skipped":
        return "xfailed" if xfail else "skipped"
    if outcome != "failed":
        return clean(str(outcome))
    if step == _CRASH:
        return "crashed"
    return "failed" if step == _STEPS["call"] else "error"


def message_of(report: PhaseReport) -> str | None:
    """The head of the error of a report, or the reason of its skip or xfail; None when it has neither."""
    reason = getattr(report, "wasxfail", None)
    if reason is not None:
        return clean(str(reason)) or None
    longrepr = report.longrepr
    if longrepr is None:
        return None
    if isinstance(longrepr, tuple):
        return clean(str(longrepr[-1]))
    crash = getattr(longrepr, "reprcrash", None)
    return clean(str(crash.message) if crash is not None else report.longreprtext)


def clean(text: str, *, limit: int | None = TEXT_LIMIT) -> str:
    """Text that every store can hold: cut to the limit, lone surrogates and NULs written as escapes."""
    return text[:limit].encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def _scalar(value: object) -> Scalar:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return clean(str(value))
