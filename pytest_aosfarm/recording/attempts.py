"""How the phase reports of a test (setup, call, teardown) become one outcome per attempt."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from pytest_aosfarm.recording.events import OTHER, OUTCOMES, AttemptFinished
from pytest_aosfarm.recording.failures import FailureReport, clean, failure_of, message_of, outputs_of
from pytest_aosfarm.recording.faults import kept_faults, listed
from pytest_aosfarm.recording.numbering import Numbering
from pytest_aosfarm.recording.properties import FAULTS, scalar, told
from pytest_aosfarm.recording.secrets import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

__all__ = ("Attempts", "PhaseReport", "ungrouped")

_STEPS = {"setup": 0, "call": 1, "teardown": 2}
_SETUP, _CALL, _TEARDOWN, _CRASH = range(4)
_UNSAID = "unreported"
_QUIET = {"passed", "skipped", "xfailed", "xpassed"}
_PARTS_KEPT = 20

_Key = tuple[str, "str | None"]
"""Node id and worker."""


class PhaseReport(FailureReport, Protocol):
    """What is read of a pytest report of a test."""

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
    def user_properties(self) -> Iterable[object]:
        """Pairs of name and value."""


class _Attempt:
    """What is known of an attempt that goes on; one is made for every test, so it holds only what is not as usual."""

    outcome: str | None = None
    phase = "call"
    decided: PhaseReport | None = None
    also: Sequence[PhaseReport] = ()
    properties: Iterable[object] = ()
    sections: Iterable[tuple[str, str]] = ()
    broken = 0
    broken_parts: Sequence[PhaseReport] = ()

    def __init__(self, started: float) -> None:
        self.started = started
        self.step = -1
        self.micros = [0, 0, 0]


class Attempts:
    """Folds phase reports of many tests, possibly interleaved from several workers, into finished attempts."""

    def __init__(
        self,
        began: float = 0.0,
        *,
        rootdir: str = "/",
        start: str = "/",
        dist: str | None = None,
        identify: Callable[[str], str] = str,
        secrets: Redactor | None = None,
    ) -> None:
        """`began` is the start of the run, in seconds since 1970; `start` is the directory that pytest was started in.

        `dist` is how xdist spreads tests. `identify` gives the identity of a node id whose test has not told its own.
        `secrets` takes them out of every text.
        """
        self.twice: Collection[str] = ()
        """The node ids that were collected more than once."""
        self._began = began
        self._places = rootdir, start
        self._each = dist == "each"
        self._grouped = dist == "loadgroup"
        self._identify = identify
        self._secrets = secrets or Redactor({})
        self._open: dict[_Key, _Attempt] = {}
        self._good: dict[_Key, list[PhaseReport]] = {}
        """Tests whose phases have all passed so far, as most do: nothing need be worked out of them before they end."""
        self._numbering = Numbering()
        self._faults = 0

    def add(self, report: PhaseReport, worker: str | None) -> Sequence[AttemptFinished]:
        """Take one report; returns the attempts that it finished (none, one, or two)."""
        key = (ungrouped(report.nodeid) if self._grouped else report.nodeid, worker)
        good = self._good.get(key)
        if report.outcome == "passed":
            when = report.when
            if good is None:
                if when == "setup" and key not in self._open:
                    self._good[key] = [report]
                    return ()
            elif when == "teardown":
                if len(good) == _TEARDOWN:
                    del self._good[key]
                    return (self._passed(key, good[0], good[1], report),)
            elif when == "call" and len(good) == _CALL and not hasattr(report, "wasxfail"):
                good.append(report)
                return ()
        if good is not None:
            self._look_closely(key)
        return self._take(report, key)

    def _take(self, report: PhaseReport, key: _Key) -> Sequence[AttemptFinished]:
        step = _STEPS.get(report.when or "", _CRASH)
        before: Sequence[AttemptFinished] = ()
        attempt = self._open.get(key)
        if attempt is not None and step <= attempt.step:
            # The same phase again: a plugin started the test anew without a teardown report.
            before = self._close(key)
            attempt = None
        if attempt is None:
            attempt = self._open[key] = _Attempt(report.start or time.time())
        _note(attempt, report, step)
        if step < _TEARDOWN:
            return before
        return [*before, *self._close(key)] if before else self._close(key)

    def add_part(self, report: PhaseReport, worker: str | None) -> None:
        """Take the report of a subtest: it comes before the one of the call, and its failure is the test's."""
        key = (ungrouped(report.nodeid) if self._grouped else report.nodeid, worker)
        self._look_closely(key)
        attempt = self._open.setdefault(key, _Attempt(report.start))
        if report.outcome == "failed":
            attempt.broken += 1
            if len(attempt.broken_parts) < _PARTS_KEPT:
                attempt.broken_parts = [*attempt.broken_parts, report]

    def uncollected(self, report: PhaseReport, worker: str | None) -> AttemptFinished:
        """What becomes of the report of a file that could not be collected, or was skipped as a whole."""
        nodeid = self._secrets.name(clean(report.nodeid, limit=None))
        done = AttemptFinished(
            nodeid=nodeid,
            identity=nodeid,
            attempt=1,
            outcome="error" if report.outcome == "failed" else report.outcome,
            phase="collect",
            worker=worker,
            started_us=round((time.time() - self._began) * 1e6),
            message=message_of(report, self._secrets.redacted),
        )
        if done.outcome == "error":
            done.outputs = outputs_of([report], report.sections, self._secrets.redacted)
            done.error_type, done.error_location, done.error_signature = failure_of(report, done.message, *self._places)
        return done

    def close(self) -> list[AttemptFinished]:
        """The attempts cut off before their teardown was reported, as far as their outcome is known."""
        for key in list(self._good):
            self._look_closely(key)
        return [done for key in list(self._open) for done in self._close(key)]

    def _look_closely(self, key: _Key) -> None:
        """Work out what has passed so far of a test of which more is to be said than that it passed."""
        for report in self._good.pop(key, ()):
            self._take(report, key)

    def _passed(self, key: _Key, setup: PhaseReport, call: PhaseReport, teardown: PhaseReport) -> AttemptFinished:
        # Each report repeats the properties of the ones before it.
        properties = teardown.user_properties or call.user_properties or setup.user_properties
        done = self._named(key, setup.start or time.time(), "passed", properties)
        done.setup_us = round(setup.duration * 1e6)
        done.call_us = round(call.duration * 1e6)
        done.teardown_us = round(teardown.duration * 1e6)
        return done

    def _named(self, key: _Key, started: float, outcome: str, pairs: Iterable[object]) -> AttemptFinished:
        """An attempt as far as it depends on who made it, and on the ones before it."""
        nodeid, worker = clean(key[0], limit=None), key[1]
        identity, tenant, faults, properties = told(pairs, self._secrets)
        identity = identity or self._identify(nodeid)
        variant = worker if self._each else None
        number, cause, replaces, replaced = self._numbering.next(identity, nodeid, variant, outcome, twice=self.twice)
        shown, known = self._secrets.names(nodeid, identity)
        done = AttemptFinished(
            nodeid=shown,
            identity=known,
            attempt=number,
            variant=variant,
            outcome=outcome,
            phase="call",
            cause=cause,
            replaces=replaces,
            replaced_outcome=replaced,
            worker=worker,
            started_us=round((started - self._began) * 1e6),
            properties=properties,
        )
        if tenant is not None and tenant != identity:
            done.data_tenant = self._secrets.name(tenant)
        if faults is not None:
            self._take_faults(done, faults)
        return done

    def _close(self, key: _Key) -> list[AttemptFinished]:
        attempt = self._open.pop(key)
        if attempt.outcome is None and attempt.step < _CALL:
            return []
        word = attempt.outcome or "passed"
        outcome = word if word in OUTCOMES else OTHER
        done = self._named(key, attempt.started, outcome, attempt.properties)
        done.phase = attempt.phase
        done.setup_us, done.call_us, done.teardown_us = attempt.micros
        if word is not outcome:
            done.raw_outcome = word
        if outcome != "passed" and attempt.decided is not None:
            try:
                self._explain(done, attempt, attempt.decided)
            except Exception as problem:  # noqa: BLE001 - another plugin's report may hold anything; the outcome is known
                done.message = done.message or clean(f"its report cannot be read: {problem!r}")
        return [done]

    def _take_faults(self, done: AttemptFinished, said: str) -> None:
        """Give the attempt its faults; the property says how many there were, of which not all need be kept."""
        found = listed(said)
        if found is None:
            done.properties = {**done.properties, FAULTS: scalar(self._secrets, FAULTS, said)}
        elif found:
            done.properties = {**done.properties, FAULTS: len(found)}
            done.faults, done.faults_before = kept_faults(found, self._secrets), self._faults
            self._faults += len(done.faults)

    def _explain(self, done: AttemptFinished, attempt: _Attempt, report: PhaseReport) -> None:
        redacted = self._secrets.redacted
        message = done.message = message_of(report, redacted)
        if done.outcome in _QUIET:
            return
        if report.outcome not in {"passed", "skipped", "failed"}:
            done.raw_outcome = clean(report.outcome)
        sections, parts = [*attempt.sections], attempt.broken_parts
        if attempt.broken and getattr(report.longrepr, "reprcrash", None) is None:
            # The test itself went well, its subtests did not.
            report, *parts = attempt.broken_parts
            message = message_of(report, redacted)
            done.message = clean(f"{attempt.broken} failed subtest{'s' * (attempt.broken > 1)}: {message}")
        sections += [section for part in attempt.broken_parts for section in part.sections if section[0].endswith(" call")]
        done.outputs = outputs_of([report, *parts, *attempt.also], sections, redacted)
        done.error_type, done.error_location, done.error_signature = failure_of(report, message, *self._places)


def ungrouped(nodeid: str) -> str:
    """The node id without the group that xdist writes behind it under --dist=loadgroup."""
    name, at, group = nodeid.rpartition("@")
    # An @ in a parameter, or in the path of the file, is none of xdist's.
    return name if at and "]" not in group and "::" in name else nodeid


def _note(attempt: _Attempt, report: PhaseReport, step: int) -> None:
    attempt.step = step
    if step < _CRASH:
        attempt.micros[step] = round(report.duration * 1e6)
    # Each report repeats the ones before it; that of a crash has none.
    if report.user_properties:
        attempt.properties = report.user_properties
    if report.sections:
        attempt.sections = report.sections
    outcome = _outcome_of(report, step)
    if outcome == "passed" and (step == _SETUP or (step == _TEARDOWN and attempt.outcome is not None)):
        return
    if step == _CALL and attempt.broken and outcome in _QUIET:
        outcome = "failed"
    if step == _TEARDOWN and attempt.outcome is not None:
        adds_nothing = outcome in _QUIET or (outcome == "error" and attempt.outcome in {"failed", "error"})
        if adds_nothing:
            if outcome == "error":
                attempt.also = [*attempt.also, report]
            return
    if step == _TEARDOWN and outcome == "passed":
        # Of a call that it makes anew, the plugin flaky reports neither setup nor call where they failed.
        outcome = _UNSAID
    attempt.outcome = outcome
    attempt.phase = report.when if step < _CRASH and report.when else "call"
    attempt.decided = report


def _outcome_of(report: PhaseReport, step: int) -> str:
    outcome = report.outcome
    if step == _CRASH:
        return "crashed"
    if outcome == "passed":
        return "xpassed" if step == _CALL and hasattr(report, "wasxfail") else "passed"
    if outcome == "skipped":
        return "xfailed" if hasattr(report, "wasxfail") else "skipped"
    if outcome != "failed":
        return clean(str(outcome))
    return "failed" if step == _CALL else "error"
