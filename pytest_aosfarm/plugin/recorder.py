"""Watches the test session from the controller and records it; it never changes what a test says."""

from __future__ import annotations

import platform
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pytest_aosfarm.plugin.keys import WORKER_INPUT, run_key, settings_key
from pytest_aosfarm.plugin.terminal import TerminalBlock
from pytest_aosfarm.recording.attempts import Attempts, clean, message_of
from pytest_aosfarm.recording.events import AttemptFinished, RunCollected, RunFinished, RunStarted
from pytest_aosfarm.recording.location import DEFAULT_TENANT, parse_db
from pytest_aosfarm.recording.sigterm import EXIT_CODE, SigtermGuard, Terminated
from pytest_aosfarm.recording.status import INCOMPLETE_EXIT_CODE, Ending, decide, has_lost_tests
from pytest_aosfarm.recording.writer import RunWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_aosfarm.recording.location import Database
    from pytest_aosfarm.settings import Settings

__all__ = ("register",)


def register(config: pytest.Config) -> None:
    """Add what records this session, on the controller, when the settings and the run's identity are stashed."""
    recorder = Recorder(config)
    config.pluginmanager.register(recorder, "aosfarm-recorder")
    config.pluginmanager.register(TerminalBlock(recorder), "aosfarm-terminal")


def database_of(config: pytest.Config, settings: Settings) -> Database:
    """The database of this session. Raises ConfigurationError.

    A relative path counts from where pytest was started, but from the root directory when an ini file holds it.
    """
    in_ini = settings.sources.get("db", "").startswith("ini")
    base = config.rootpath if in_ini or settings.db is None else config.invocation_params.dir
    return parse_db(settings.db, base)


class Recorder:
    """The pytest plugin on the controller: turns reports into events of one run.

    Every hook body is guarded: an error of ours becomes `problem`, which the terminal shows.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.writer: RunWriter | None = None
        self.problem: str | None = None
        self.lost_tests = False
        self._settings = config.stash[settings_key]
        self._session: pytest.Session | None = None
        self._attempts = Attempts(config.stash[run_key].started_at.timestamp())
        self._ending = Ending()
        self._sigterm = SigtermGuard()
        self._counted = [0, 0]
        self._uncollectable: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Make the run's row."""
        with self._guarded():
            self._session = session
            self._start()

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Count what was left out, without xdist."""
        self._counted[1] += len(items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note how many tests will run, without xdist."""
        with self._guarded():
            self._note_collected(len({item.nodeid for item in session.items}))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Note how many tests will run, under xdist; every worker says the same."""
        with self._guarded():
            self._note_collected(len(set(ids)))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object, error: object) -> None:
        """Hear from a worker that it was interrupted, or how many tests it left out."""
        with self._guarded():
            if error == "keyboard-interrupt":
                self._ending.interrupted = True
            # A crashed worker has no output at all.
            output = getattr(node, "workeroutput", None) or {}
            left_out = output.get(WORKER_INPUT, {}).get("deselected", 0)
            self._counted[1] = max(self._counted[1], left_out)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Record a file that could not be collected, or was skipped as a whole."""
        with self._guarded():
            if not report.passed and report.nodeid not in self._uncollectable:
                self._uncollectable.add(report.nodeid)
                self._write(_uncollected(report, self.config.stash[run_key].started_at))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record a phase of a test; a subtest's report is of another type, and part of its test."""
        with self._guarded():
            if type(report) is pytest.TestReport:
                for attempt in self._attempts.add(report, _worker_of(report)):
                    self._write(attempt)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Tell Ctrl-C, SIGTERM and `pytest.exit` from pytest's and xdist's own ways of stopping early."""
        with self._guarded():
            # Both have an exception of their own for those, a child of KeyboardInterrupt.
            if excinfo.type in {KeyboardInterrupt, Terminated, pytest.exit.Exception}:
                self._ending.interrupted = True
            else:
                self._ending.stopped = True

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
                seen = self.writer.finished
                if seen is None or seen.exit_code != int(self._session.exitstatus):
                    self._finish(self._session, self.writer)
                self.writer.close()

    def _start(self) -> None:
        identity = self.config.stash[run_key]
        settings = self._settings
        database = database_of(self.config, settings)
        started = RunStarted(
            uuid=identity.uuid,
            started_at=identity.started_at,
            labs=settings.labs,
            scale=settings.scale,
            seed=settings.seed,
            anchor=settings.anchor,
            profile=settings.profile,
            tenant=settings.tenant or DEFAULT_TENANT,
            data_tenant=settings.tenant,
            database=database.public,
            environment=_environment(self.config),
        )
        self._sigterm.install()
        self.writer = RunWriter(started, rootdir=self.config.rootpath, database=database)

    def _write(self, event: AttemptFinished | RunCollected | RunFinished) -> None:
        if self.writer is not None:
            self.writer.write(event)

    def _note_collected(self, count: int) -> None:
        self._counted[0] = max(self._counted[0], count)
        self._write(RunCollected(collected=self._counted[0], deselected=self._counted[1]))

    def _finish(self, session: pytest.Session, writer: RunWriter) -> None:
        for attempt in self._attempts.close():
            self._write(attempt)
        self._note_collected(self._counted[0])
        if self._sigterm.fired:
            session.exitstatus = EXIT_CODE
        self._ending.stopped |= bool(session.shouldfail or session.shouldstop)
        exit_code = int(session.exitstatus)
        self.lost_tests = has_lost_tests(self._ending, exit_code, writer.tally) and self.problem is None
        status = decide(self._ending, exit_code, writer.tally, lost_tests=self.lost_tests)
        if self.lost_tests and exit_code == 0:
            session.exitstatus = exit_code = INCOMPLETE_EXIT_CODE
        self._write(RunFinished(finished_at=datetime.now(UTC), status=status, exit_code=exit_code))

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except Exception as problem:  # noqa: BLE001 - whatever goes wrong here must not touch the user's run
            if self.problem is None:
                self.problem = f"{type(problem).__name__}: {problem}"


def _worker_of(report: pytest.TestReport | pytest.CollectReport) -> str | None:
    # The report of a crash has a node but no worker_id.
    gateway = getattr(getattr(report, "node", None), "gateway", None)
    worker: str | None = getattr(gateway, "id", None)
    return worker


def _uncollected(report: pytest.CollectReport, began: datetime) -> AttemptFinished:
    nodeid = clean(report.nodeid, limit=None)
    return AttemptFinished(
        nodeid=nodeid,
        attempt=1,
        identity=nodeid,
        outcome={"failed": "error"}.get(report.outcome, report.outcome),
        phase="collect",
        worker=_worker_of(report),
        started_us=(datetime.now(UTC) - began) // timedelta(microseconds=1),
        message=message_of(report),
    )


def _environment(config: pytest.Config) -> dict[str, object]:
    plugins = {dist.project_name: dist.version for _, dist in config.pluginmanager.list_plugin_distinfo()}
    return {
        "python": platform.python_version(),
        "os": platform.platform(),
        "pytest": pytest.__version__,
        "plugins": dict(sorted(plugins.items())),
    }
