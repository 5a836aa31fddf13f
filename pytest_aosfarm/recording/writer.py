"""Takes the events of one run to its spool at once, and to the database by and by, whichever of them works."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.recording.backlog import Backlog
from pytest_aosfarm.recording.events import Event, RunCollected, RunFinished, RunStarted
from pytest_aosfarm.recording.flusher import Flusher
from pytest_aosfarm.recording.location import farm_folder, spool_folder
from pytest_aosfarm.recording.recover import Recovered, recover
from pytest_aosfarm.recording.spool import SpoolWriter

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_aosfarm.recording.location import Database
    from pytest_aosfarm.recording.store import RunStore
    from pytest_aosfarm.recording.tally import Tally

__all__ = ("RunWriter",)

BATCH_EVENTS = 1_000
"""The database is given so many at a time, or what there is after a second."""

END_SECONDS = 30.0
"""How long the end of a run waits for a slow database."""

INTERRUPTED_SECONDS = 3.0
"""The same, when somebody wants the process to end."""

TIDY_SECONDS = 2.0
TIDY_BYTES = 16 << 20
"""What dead runs left behind is brought in on the way for so long, and only spools of this size; the rest can wait."""


class RunWriter:
    """One run on its way to the store.

    No method waits for the database, but for the end of the run, and none raises for a dead disk or database: the
    reason is kept in `spool_problem` or `database_problem`, and the other half goes on.
    """

    def __init__(self, started: RunStarted, *, rootdir: Path, database: Database) -> None:
        """Open the spool under `rootdir`, and begin to make the run's row in `database`."""
        self.started = started
        self.database = database
        self.recovered: list[Recovered] = []
        self.spool_path: Path | None = None
        self.spool_problem: str | None = None
        self._waited = self._interrupted = False
        self._spool: SpoolWriter | None = None
        self._size = 0
        self._open_spool(rootdir, started.uuid)
        self._backlog = Backlog(started, self.spool_path)
        self._write(started)
        self._flusher = Flusher(database, started, self._backlog, self._tidy)

    @property
    def tally(self) -> Tally:
        """What the run adds up to so far."""
        return self._backlog.tally

    @property
    def finished(self) -> RunFinished | None:
        """The end of the run, once it was written."""
        return self._backlog.finished

    @property
    def run_id(self) -> int | None:
        """The number that the database gave to the run."""
        return self._flusher.run_id

    @property
    def confirmed(self) -> bool:
        """Whether the database holds the run with its end."""
        return self.finished is not None and self._backlog.empty and self._backlog.loss is None

    @property
    def database_problem(self) -> str | None:
        """Why the database does not hold the whole run; None while all is well."""
        if self._backlog.loss is not None:
            return self._backlog.loss
        if self.finished is None or self.confirmed:
            return self._flusher.problem
        waited = "nobody waited for it" if self._interrupted else "it took too long"
        return self._flusher.problem or f"{self.database}: {waited}"

    def write(self, event: Event) -> None:
        """Record one event. The end of the run waits for the database, but not for ever; Ctrl-C cuts that short.

        Raises what went wrong in the thread that writes to the database, if that was a mistake of ours.
        """
        # That tests are under way is told at once.
        if self._write(event) % BATCH_EVENTS == 0 or isinstance(event, RunCollected):
            self._flusher.wake()
        if isinstance(event, RunFinished):
            try:
                self._flusher.finish(INTERRUPTED_SECONDS if event.status == "interrupted" or self._waited else END_SECONDS)
            except KeyboardInterrupt:
                self._interrupted = True
            self._waited = True
            mistake, self._flusher.mistake = self._flusher.mistake, None
            if mistake is not None:
                raise mistake

    def close(self) -> None:
        """Let go of both; the spool goes when the database holds the end of the run, and stays otherwise."""
        confirmed = self.confirmed
        try:
            if confirmed and self.spool_path is not None:
                self.spool_path.unlink(missing_ok=True)
            if self._spool is not None:
                self._spool.close(keep=not confirmed)
        except OSError as problem:
            self.spool_problem = str(problem)
        self._spool = None
        self._flusher.close()

    def _open_spool(self, rootdir: Path, uuid: str) -> None:
        try:
            farm_folder(rootdir)
            path = spool_folder(rootdir) / f"{uuid}.jsonl"
            self._spool = SpoolWriter(path)
        except OSError as problem:
            self.spool_problem = str(problem)
        else:
            self.spool_path = path

    def _write(self, event: Event) -> int:
        """Into the spool, then into the backlog; how many events wait there."""
        start = self._size
        if self._spool is not None:
            try:
                self._spool.write(event)
            except OSError as problem:
                self.spool_problem = str(problem)
                self._spool.close()
                self._spool = None
            else:
                self._size = self._spool.size
        return self._backlog.add(event, start, self._size)

    def _tidy(self, store: RunStore) -> None:
        """Bring in what dead runs of this directory left behind; comes from the thread that writes to the database."""
        if self.spool_path is None:
            return
        deadline = time.monotonic() + TIDY_SECONDS
        for one in recover(self.spool_path.parent, self._meant_here, most_bytes=TIDY_BYTES):
            if one.id is not None:
                self.recovered.append(one)
            if self.finished is not None or time.monotonic() > deadline:
                break
        from pytest_aosfarm.recording.reap import reap

        reap(store)

    def _meant_here(self, started: RunStarted) -> Database:
        if started.database != self.database.public:
            raise RecordingError(f"it is meant for {started.database}")
        return self.database
