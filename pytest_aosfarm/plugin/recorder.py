"""Watches the test session from the controller and records it; it never changes what a test says."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import pytest

from pytest_aosfarm.exports.highlights import Highlights
from pytest_aosfarm.plugin import github, html_report
from pytest_aosfarm.plugin.ended import QUESTION, EndedRun
from pytest_aosfarm.plugin.expected import Expected
from pytest_aosfarm.plugin.identity import identity_of_nodeid
from pytest_aosfarm.plugin.junit_properties import JUnitProperties
from pytest_aosfarm.plugin.keys import WORKER_INPUT, run_key, settings_key
from pytest_aosfarm.plugin.started import database_of, dist_of, run_started, secrets_of, worker_count_of
from pytest_aosfarm.plugin.terminal import TerminalBlock
from pytest_aosfarm.plugin.watch import interruption
from pytest_aosfarm.recording.attempts import Attempts
from pytest_aosfarm.recording.checkout import Changes, checkout_of
from pytest_aosfarm.recording.events import ErrorSeen, RunCollected, RunFinished
from pytest_aosfarm.recording.failures import clean, cut, headline
from pytest_aosfarm.recording.process import MistakeError
from pytest_aosfarm.recording.sigterm import EXIT_CODE, SigtermGuard
from pytest_aosfarm.recording.status import INCOMPLETE_EXIT_CODE, Ending, decide, has_lost_tests, reason_for
from pytest_aosfarm.recording.writer import RunWriter
from pytest_aosfarm.settings import ENV_PREFIX, all_variables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_aosfarm.recording.events import Event

__all__ = ("register",)

CTRL_C_EXIT_CODE = 128 + signal.SIGINT
"""What a shell shows for a process that a KeyboardInterrupt ended."""

PATIENCE = 0.01
"""Seconds for which the start of a run, and its end again, wait for git."""


def register(config: pytest.Config) -> None:
    """Add what records this session, on the controller, when the settings and the run's identity are stashed."""
    recorder = Recorder(config)
    config.pluginmanager.register(recorder, "aosfarm-recorder")
    ended = EndedRun(recorder)
    config.pluginmanager.register(TerminalBlock(recorder, ended), "aosfarm-terminal")
    config.pluginmanager.register(JUnitProperties(recorder), "aosfarm-junit")
    github.register(config, recorder, ended)
    html_report.register(config, recorder)


class Recorder:
    """The pytest plugin on the controller: turns reports into events of one run.

    Every hook body is guarded: an error of ours becomes `problem`, which the terminal shows.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.writer: RunWriter | None = None
        self.problem: str | None = None
        self.lost_tests = False
        self._secrets = secrets_of(config)
        self.highlights = Highlights()
        dist = dist_of(config)
        self._session: pytest.Session | None = None
        self._began = config.stash[run_key].started_at
        self._attempts = Attempts(
            self._began.timestamp(),
            rootdir=str(config.rootpath),
            start=str(config.invocation_params.dir),
            dist=dist,
            identify=identity_of_nodeid(config),
            secrets=self._secrets,
        )
        self._expected = Expected(dist, worker_count_of(config))
        self._announced: RunCollected | None = None
        self._ending = Ending()
        self._sigterm = SigtermGuard()
        self._uncollectable: set[str] = set()
        self._quitting: set[str | None] = set()
        """The workers that were told to stop: what xdist calls a crash of theirs is none."""
        self._checkout = checkout_of(config.rootpath)
        self._changes = Changes(self._checkout.top) if self._checkout else None
        _recorders.add(self)

    def fall_silent(self) -> None:
        """Record nothing more and leave all as it is: the run is another process's."""
        if self.writer is not None:
            self.writer.fall_silent()
        self.writer = self._changes = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Make the run's row."""
        with self._guarded():
            self._session = session
            database = database_of(self.config, self.config.stash[settings_key])
            started = run_started(self.config, database, self._secrets, self._checkout, dirty=self._dirty())
            self._sigterm.install(partial(setattr, session, "shouldstop", "SIGTERM"))
            # The database with its password is nobody's business there.
            environment = {name: text for name, text in all_variables().items() if not name.startswith(ENV_PREFIX)}
            self.writer = RunWriter(
                started, rootdir=self.config.rootpath, database=database, question=QUESTION, environment=environment
            )

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Count what was left out, without xdist."""
        self._expected.deselected += len(items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note how many tests will run, without xdist."""
        with self._guarded():
            self._take_collected([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """Note how many tests will run, under xdist."""
        with self._guarded():
            self._take_collected(ids, node.gateway.id)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Hear from a worker why it stops, or that it has died, and how many tests it left out."""
        with self._guarded():
            worker = node.gateway.id
            # A worker that has died has no output at all.
            output = (getattr(node, "workeroutput", None) or {}).get(WORKER_INPUT, {})
            self._expected.deselected = max(self._expected.deselected, output.get("deselected", 0))
            if output.get("interrupted"):
                self._quitting.add(worker)
                self._ending.interrupt(self._text(f"{output['interrupted']} ({worker})"))
            if error is not None and worker not in self._quitting:
                self._write(ErrorSeen(source="worker", message=self._text(f"{worker} went down: {error}")))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Record a file that could not be collected, or was skipped as a whole."""
        with self._guarded():
            if not report.passed and report.nodeid not in self._uncollectable:
                self._uncollectable.add(report.nodeid)
                self._write(self._attempts.uncollected(report, _worker_of(report)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record a phase of a test; a subtest's report is of another type, and part of its test."""
        # Three times for every test: a context manager would cost as much as the rest.
        try:
            worker = None if (node := getattr(report, "node", None)) is None else node.gateway.id
            if type(report) is not pytest.TestReport:
                self._attempts.add_part(report, worker)
            elif worker is None or worker not in self._quitting:
                for attempt in self._attempts.add(report, worker):
                    self._write(attempt)
        except Exception as problem:  # noqa: BLE001 - as in _guarded
            self._note(problem)

    def pytest_internalerror(self, excrepr: object, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Record what went wrong in pytest itself, or in another plugin."""
        with self._guarded():
            message = self._text(headline(excinfo.exconly(tryshort=True)))
            self._write(ErrorSeen(source="internal", message=message, body=self._body(str(excrepr))))
            self._ending.reason = self._ending.reason or f"internal error: {message}"

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Tell Ctrl-C, SIGTERM and `pytest.exit` from pytest's and xdist's own ways of stopping early."""
        with self._guarded():
            reason = interruption(excinfo)
            # Both have an exception of their own for those, a child of KeyboardInterrupt.
            if reason is None:
                self._ending.stop(self._text(str(excinfo.value)))
            else:
                self._ending.interrupt(self._text(reason))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the end of the run; lost tests turn exit code 0 into 3."""
        with self._guarded():
            if self.writer is not None:
                self._finish(session, self.writer)

    def pytest_unconfigure(self) -> None:
        """Correct the exit code if somebody changed it since, and let go of everything."""
        with self._guarded():
            self._sigterm.restore()
            if self.writer is not None and self._session is not None:
                if isinstance(sys.exception(), KeyboardInterrupt):
                    # The second Ctrl-C is on its way out of pytest, and ends the process.
                    self._session.exitstatus = CTRL_C_EXIT_CODE
                seen = self.writer.finished
                try:
                    if seen is None or seen.exit_code != int(self._session.exitstatus):
                        self._finish(self._session, self.writer)
                finally:
                    self.writer.close()
        if self._changes is not None:
            self._changes.stop()

    def _take_collected(self, nodeids: Sequence[str], worker: str | None = None) -> None:
        self._expected.take(nodeids, worker)
        self._attempts.twice = self._expected.twice
        self._announce()

    def _announce(self) -> None:
        collected = RunCollected(collected=self._expected.collected, deselected=self._expected.deselected)
        if collected != self._announced:
            self._announced = collected
            self._write(collected)

    def _write(self, event: Event) -> None:
        if self.writer is not None:
            self.writer.write(event)
            self.highlights.add(event)

    def _finish(self, session: pytest.Session, writer: RunWriter) -> None:
        with self._guarded():
            for attempt in self._attempts.close():
                self._write(attempt)
        if self._announced is not None:
            self._announce()
        if self._sigterm.fired:
            session.exitstatus = EXIT_CODE
            self._ending.interrupt("SIGTERM")
        if why := session.shouldfail or session.shouldstop:
            self._ending.stop(self._text(str(why)))
        exit_code = int(session.exitstatus)
        self.lost_tests = has_lost_tests(self._ending, exit_code, writer.tally) and self.problem is None
        status = decide(self._ending, exit_code, writer.tally, lost_tests=self.lost_tests)
        if self.lost_tests and exit_code == 0:
            session.exitstatus = exit_code = INCOMPLETE_EXIT_CODE
        ended = RunFinished(
            finished_at=datetime.now(UTC),
            status=status,
            exit_code=exit_code,
            reason=reason_for(status, self._ending, exit_code, writer.tally),
            vcs_dirty=self._dirty(),
        )
        self._write(ended)

    def _dirty(self) -> bool | None:
        return None if self._changes is None else self._changes.seen(seconds=PATIENCE)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except Exception as problem:  # noqa: BLE001 - whatever goes wrong here must not touch the user's run
            self._note(problem)

    def _note(self, problem: Exception) -> None:
        if self.problem is not None:
            return
        if isinstance(problem, MistakeError):
            self.problem, trace = str(problem), problem.trace
        else:
            self.problem = f"{type(problem).__name__}: {problem}"
            trace = "".join(traceback.format_exception(problem))
        with self._guarded():
            self.problem = self._text(self.problem)
            body = self._body(trace)
            self._write(ErrorSeen(source="recording", message=self.problem, body=body))

    def _text(self, text: str) -> str:
        """A short text as it may be recorded and shown."""
        return clean(self._secrets.redacted(text))

    def _body(self, text: str) -> str:
        """A long text as it may be recorded."""
        return cut(clean(self._secrets.redacted(text), limit=None))


def _worker_of(report: pytest.TestReport | pytest.CollectReport) -> str | None:
    # The report of a crash has a node but no worker_id.
    node = getattr(report, "node", None)
    return None if node is None else node.gateway.id


_recorders: WeakSet[Recorder] = WeakSet()


def _silence_child() -> None:
    for recorder in _recorders:
        recorder.fall_silent()


# A child that a test forks may go on with the tests: by sys.exit, which pytest catches, or by returning. It would
# write into the run of its parent, end it, and take away its spool.
os.register_at_fork(after_in_child=_silence_child)
