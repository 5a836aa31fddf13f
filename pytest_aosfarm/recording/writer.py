"""Takes the events of one run to the spool first and to the database in batches, whichever of them works."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.recording.events import AttemptFinished, ErrorSeen, Event, RunCollected, RunFinished, RunStarted
from pytest_aosfarm.recording.location import farm_folder, spool_folder
from pytest_aosfarm.recording.spool import SpoolWriter
from pytest_aosfarm.recording.status import QUEUED, RUNNING
from pytest_aosfarm.recording.tally import Tally

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_aosfarm.recording.location import Database
    from pytest_aosfarm.recording.store import RunStore

__all__ = ("RunWriter", "run_columns")

BATCH_EVENTS = 200
BATCH_SECONDS = 1.0


class RunWriter:
    """One run on its way to the store.

    No method raises for a dead disk or database: the reason is kept in `spool_problem` or `database_problem`, that
    half goes silent, and the other half goes on.
    """

    def __init__(self, started: RunStarted, *, rootdir: Path, database: Database) -> None:
        """Open the spool under `rootdir` and make the run's row in `database`."""
        self.started = started
        self.database = database
        self.tally = Tally()
        self.run_id: int | None = None
        self.finished: RunFinished | None = None
        self.spool_path: Path | None = None
        self.spool_problem: str | None = None
        self.database_problem: str | None = None
        self._spool: SpoolWriter | None = None
        self._store: RunStore | None = None
        self._pending: list[Event] = []
        self._saved_at = time.monotonic()
        self._open_spool(rootdir)
        self._open_store()

    def write(self, event: Event) -> None:
        """Record one event: into the spool at once, into the database with the next batch."""
        self._append(event)
        self.tally.add(event)
        if isinstance(event, AttemptFinished | ErrorSeen):
            self._pending.append(event)
        if isinstance(event, RunFinished):
            self.finished = event
        # That tests are under way is told at once.
        late = time.monotonic() - self._saved_at >= BATCH_SECONDS
        due = late or isinstance(event, RunCollected) or len(self._pending) >= BATCH_EVENTS
        if due or self.finished is not None:
            self._save()

    def close(self) -> None:
        """Let go of both; the spool goes when the database holds the end of the run, and stays otherwise."""
        try:
            if self.confirmed and self.spool_path is not None:
                self.spool_path.unlink(missing_ok=True)
            if self._spool is not None:
                self._spool.close()
        except OSError as problem:
            self.spool_problem = str(problem)
        self._spool = None
        if self._store is not None:
            self._store.close()
            self._store = None

    @property
    def confirmed(self) -> bool:
        """Whether the database holds the end of the run."""
        return self._store is not None and self.finished is not None

    def _open_spool(self, rootdir: Path) -> None:
        try:
            farm_folder(rootdir)
            path = spool_folder(rootdir) / f"{self.started.uuid}.jsonl"
            self._spool = SpoolWriter(path)
        except OSError as problem:
            self.spool_problem = str(problem)
            return
        self.spool_path = path
        self._append(self.started)

    def _open_store(self) -> None:
        from pytest_aosfarm.recording.store import RunStore

        try:
            self._store = RunStore(self.database, self.started.tenant, create=True)
            self.run_id = self._store.begin_run(self.started)
        except RecordingError as problem:
            self._give_up(problem)

    def _append(self, event: Event) -> None:
        if self._spool is None:
            return
        try:
            self._spool.write(event)
        except OSError as problem:
            self.spool_problem = str(problem)
            self._spool.close()
            self._spool = None

    def _save(self) -> None:
        if self._store is None or self.run_id is None:
            self._pending.clear()
            return
        try:
            self._store.save(self.run_id, self._pending, run_columns(self.started, self.tally, self.finished))
        except RecordingError as problem:
            self._give_up(problem)
        self._pending.clear()
        self._saved_at = time.monotonic()

    def _give_up(self, problem: RecordingError) -> None:
        self.database_problem = str(problem)
        if self._store is not None:
            self._store.close()
            self._store = None


def run_columns(started: RunStarted, tally: Tally, finished: RunFinished | None) -> dict[str, object]:
    """The columns of `farm_runs` that change while a run goes on."""
    columns: dict[str, object] = {
        **tally.counts(),
        "lab": ",".join(started.labs or tally.labs) or None,
        "grades": tally.grades(),
        "status": QUEUED if tally.collected is None else RUNNING,
    }
    if finished is not None:
        columns |= {
            "status": finished.status,
            "exit_code": finished.exit_code,
            "finished_at": finished.finished_at,
            "status_reason": finished.reason,
        }
        if finished.finished_at is not None:
            columns["duration_ms"] = round((finished.finished_at - started.started_at).total_seconds() * 1000)
    return columns
