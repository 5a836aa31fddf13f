"""Takes the events of one run to its spool at once, from where another process brings them to the database."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from time import monotonic  # as it is now: a test may replace it in the module
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.recording.events import AttemptFinished, Event, RunCollected, RunFinished, RunStarted, encode
from pytest_aosfarm.recording.location import farm_folder, spool_folder
from pytest_aosfarm.recording.process import DatabaseProcess
from pytest_aosfarm.recording.spool import SpoolWriter, read_spool
from pytest_aosfarm.recording.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_aosfarm.recording.location import Database
    from pytest_aosfarm.recording.process import OtherRun

__all__ = ("RunWriter",)

END_SECONDS = 30.0
"""How long the end of a run waits for a slow database."""

INTERRUPTED_SECONDS = 3.0
"""The same, when somebody wants the process to end."""

ASK_SECONDS = 5.0
"""How long the end of a run waits for what the database knows of earlier ones."""

LOOK_SECONDS = 1.0
"""Between two looks whether the other process is still there."""


class RunWriter:
    """One run on its way to the store.

    No method waits for the database, but for the end of the run, and none raises for a dead disk or database: the
    reason is kept in `spool_problem` or `database_problem`, and the other half goes on.
    """

    def __init__(
        self,
        started: RunStarted,
        *,
        rootdir: Path,
        database: Database,
        question: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Open the spool under `rootdir`, and begin to make the run's row in `database`.

        `question` is what `ask` asks: "package.module:name" of a function of a RunStore and the number of the run that
        gives what JSON can hold. `environment` is that of the process that owns the database; None means this one's.
        """
        self.started = started
        self.database = database
        self.tally = Tally()
        self.finished: RunFinished | None = None
        self.spool_path: Path | None = None
        self.spool_problem: str | None = None
        self._confirmed = self._waited = self._interrupted = False
        self._spool: SpoolWriter | None = None
        self._full: SpoolWriter | None = None
        """A spool that took nothing more; as long as it is locked, nobody takes the run for dead."""
        self._size = 0
        self._readable: int | None = None
        self._open_spool(rootdir, started)
        self._process = DatabaseProcess(
            {
                "started": encode(started),
                "database": {"path": database.path and str(database.path), "url": database.url},
                "spool": None if self._readable is None else str(self.spool_path),
                "path": [*map(os.fsdecode, sys.path)],
                "question": question,
            },
            spool=self._readable,
            environment=environment,
        )
        if self._spool is None:
            self._process.tell(encode(started).encode("ascii"))
        self._look_at = monotonic() + LOOK_SECONDS

    @property
    def run_id(self) -> int | None:
        """The number that the database gave to the run; known when the run has ended."""
        return self._process.run_id

    @property
    def recovered(self) -> list[OtherRun]:
        """The runs of dead processes that were brought in on the way."""
        return self._process.recovered

    @property
    def confirmed(self) -> bool:
        """Whether the database holds the run with its end."""
        return self._confirmed

    @property
    def database_problem(self) -> str | None:
        """Why the database does not hold the whole run; None while all is well."""
        if self._process.loss is not None or self.finished is None or self._confirmed:
            return self._process.loss or self._process.problem
        waited = "nobody waited for it" if self._interrupted else "it took too long"
        return self._process.problem or f"{self.database}: {waited}"

    def write(self, event: Event) -> None:
        """Record one event. The end of the run waits for the database, but not for ever; Ctrl-C cuts that short.

        Raises MistakeError for what went wrong in the process that writes to the database, if that was a mistake of ours.
        """
        self._confirmed = False
        spool = self._spool
        if spool is not None and spool.size != self._size:
            self._catch_up(spool.size)
        try:
            if spool is None:
                self._process.tell(encode(event).encode("ascii"))
            else:
                spool.write(event)
        except OSError as problem:
            self._give_up_spool(spool, problem)
            self._process.tell(encode(event).encode("ascii"))
        self.tally.add(event)
        if spool is not None:
            self._size = spool.size
        if type(event) is not AttemptFinished:
            self._heed(event)
        elif monotonic() > self._look_at:
            self._process.look()
            self._look_at = monotonic() + LOOK_SECONDS

    def ask(self) -> Any:
        """What the question finds of the run; None when it is not in the database, or nobody can tell."""
        return self._process.ask(ASK_SECONDS) if self._confirmed else None

    def close(self) -> None:
        """Let go of both; the spool goes when the database holds the end of the run, and stays otherwise."""
        try:
            if self._confirmed and self.spool_path is not None:
                self.spool_path.unlink(missing_ok=True)
            if (spool := self._spool or self._full) is not None:
                spool.close(keep=not self._confirmed)
        except OSError as problem:
            self.spool_problem = str(problem)
        self._process.close()
        self._let_go()

    def fall_silent(self) -> None:
        """Let go of both and leave them as they are, in a child that a test has forked: the run is the parent's."""
        if (spool := self._spool or self._full) is not None:
            spool.close()
        self._process.forget()
        self._let_go()

    def _heed(self, event: Event) -> None:
        if isinstance(event, RunCollected):
            self._process.settle()
        elif isinstance(event, RunFinished):
            self.finished = event
            self._finish(event)

    def _catch_up(self, size: int) -> None:
        """Ctrl-C came when an event was in the spool and not yet counted."""
        if self.spool_path is not None:
            with suppress(OSError):
                for missed, _ in read_spool(self.spool_path, self._size, size):
                    if missed is not None:
                        self.tally.add(missed)

    def _finish(self, event: RunFinished) -> None:
        seconds = INTERRUPTED_SECONDS if event.status == "interrupted" or self._waited else END_SECONDS
        try:
            self._confirmed = self._process.finish(self._size, seconds) and self._process.complete
        except KeyboardInterrupt:
            self._interrupted = True
        self._waited = True
        mistake, self._process.mistake = self._process.mistake, None
        if mistake is not None:
            raise mistake

    def _open_spool(self, rootdir: Path, started: RunStarted) -> None:
        try:
            farm_folder(rootdir)
            path = spool_folder(rootdir) / f"{started.uuid}.jsonl"
            self._spool = spool = SpoolWriter(path)
            self.spool_path = path
            # Opened anew: the lock is the controller's alone.
            self._readable = os.open(path, os.O_RDONLY)
            spool.write(started)
        except OSError as problem:
            self._give_up_spool(self._spool, problem)
        else:
            self._size = spool.size

    def _give_up_spool(self, spool: SpoolWriter | None, problem: OSError) -> None:
        self.spool_problem = str(problem)
        self._spool, self._full = None, spool

    def _let_go(self) -> None:
        self._spool = self._full = None
        if self._readable is not None:
            os.close(self._readable)
            self._readable = None
