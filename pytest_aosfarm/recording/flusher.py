"""The one thread that talks to the database while tests run: connects, writes batches, beats, and bears its absence."""

from __future__ import annotations

import threading
from contextlib import suppress
from importlib import import_module
from itertools import count
from time import monotonic, sleep
from typing import TYPE_CHECKING

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.recording.status import LIVE, QUEUED, RUNNING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_aosfarm.recording.backlog import Backlog
    from pytest_aosfarm.recording.events import RunStarted
    from pytest_aosfarm.recording.location import Database
    from pytest_aosfarm.recording.store import RunStore

__all__ = ("BEAT_SECONDS", "Flusher")

BATCH_SECONDS = 1.0
"""What waits is written at least this often, as long as the database is there."""

BEAT_SECONDS = 5.0
"""A run without news says this often that it is alive."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Between two attempts to reach a database that is not there; each pause is twice the one before."""

LAST_TRIES, LAST_PAUSE = 3, 0.5
"""At the end of a run, when its database has been there before."""

STILL_RUNNING = {"status": RUNNING}
"""What is said of a run while older results are read back from the spool: a heartbeat."""

_OF_THE_LIVING = {"status", "status_reason"}
"""What only a run that goes on may say of itself: somebody else may have seen its end."""


class Flusher:
    """Brings a backlog to the database from a daemon thread.

    `run_id` is the number of the run once the database has given one. `problem` says why the database is away.
    `mistake` is an error of ours, until a later attempt goes well.
    """

    def __init__(
        self,
        where: Database,
        started: RunStarted,
        backlog: Backlog,
        chores: Callable[[RunStore], object] | None,
        answer: Callable[..., None],
        *,
        question: str | None = None,
    ) -> None:
        """`chores` is done once, when the run has its row; it may raise RecordingError.

        `answer` is called in the thread with the number of an order that was carried out, and what `question` found:
        "package.module:name" of a function of the store and the run's number that gives what JSON can hold.
        """
        self.run_id: int | None = None
        self.problem: str | None = None
        self.mistake: Exception | None = None
        self._where = where
        self._started = started
        self._backlog = backlog
        self._chores = chores
        self._answer = answer
        self._question = question
        self._store: RunStore | None = None
        self._file: tuple[int, int] | None = None
        self._saved_at = 0.0
        self._retry_at = 0.0
        self._pause = FIRST_PAUSE
        self._news = threading.Event()
        self._orphaned = self._closing = False
        self._finish = self._finished = 0
        self._asked: int | None = None
        self._thread = threading.Thread(target=self._run, name="aosfarm-flusher", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There is enough for a batch."""
        self._news.set()

    def finish(self, number: int) -> None:
        """Answer when the backlog is written, or cannot be."""
        self._finish = number
        self._news.set()

    def ask(self, number: int) -> None:
        """Answer with what the question finds; None when the database is away, or the question fails."""
        self._asked = number
        self._news.set()

    def outlive(self, seconds: float) -> None:
        """Nobody runs the run any more: write what the backlog holds, but no longer than this, and no sign of life."""
        self._orphaned = self._closing = True
        self._news.set()
        self._thread.join(seconds)

    def close(self, seconds: float) -> None:
        """Let go of the database as soon as a batch that is on its way is there, but wait no longer than this."""
        self._closing = True
        self._news.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            while not self._closing:
                finish, asked = self._finish, self._asked
                self._turn(last=finish > self._finished)
                if finish > self._finished:
                    self._finished = finish
                    self._answer(finish)
                if asked is not None:
                    self._asked = None
                    self._answer(asked, self._found())
                self._news.wait(self._idle_seconds())
                self._news.clear()
            if self._orphaned:
                self._turn(last=True)
        finally:
            self._disconnect()

    def _found(self) -> object:
        if self._store is None or self.run_id is None or self._question is None:
            return None
        with suppress(Exception):  # a look back must not spoil what is said of the run itself
            module, _, name = self._question.partition(":")
            ask: Callable[[RunStore, int], object] = getattr(import_module(module), name)
            return ask(self._store, self.run_id)
        return None

    def _idle_seconds(self) -> float:
        if self._store is not None:
            return BATCH_SECONDS
        return max(BATCH_SECONDS, self._retry_at - monotonic())

    def _turn(self, *, last: bool) -> None:
        if not last and self._store is None and monotonic() < self._retry_at:
            return
        for attempt in count(1):
            try:
                self._write()
            except RecordingError as problem:
                self.mistake = None
                self._give_up(str(problem))
            except Exception as mistake:  # noqa: BLE001 - whatever goes wrong here must not touch the user's run
                self.mistake = mistake
                self._give_up(f"{type(mistake).__name__}: {mistake}")
            else:
                self.mistake = None
                return
            if not last or self.run_id is None or attempt >= LAST_TRIES or (self._closing and not self._orphaned):
                return
            sleep(LAST_PAUSE)

    def _write(self) -> None:
        store, run_id = self._connected()
        while (batch := self._backlog.fetch(anyway=self._must_beat())) is not None:
            if self._file != _identity(self._where):
                raise RecordingError(f"{self._where}: the file was replaced or taken away")
            columns = self._true_now(batch.columns or STILL_RUNNING)
            store.save(run_id, batch.events, columns, errors_before=batch.errors_before)
            self._backlog.confirm()
            self._saved_at = monotonic()
        self.problem, self._pause = None, FIRST_PAUSE
        if self._chores is not None and not self._orphaned:
            chores, self._chores = self._chores, None
            chores(store)
            if self._finish == 0:
                # The first time takes longer: modules are loaded and statements put together.
                self._found()

    def _must_beat(self) -> bool:
        return not self._orphaned and monotonic() >= self._saved_at + BEAT_SECONDS

    def _true_now(self, columns: Mapping[str, object]) -> Mapping[str, object]:
        if self._orphaned and columns["status"] in LIVE:
            return {name: value for name, value in columns.items() if name not in _OF_THE_LIVING}
        return columns

    def _connected(self) -> tuple[RunStore, int]:
        if self._store is None or self.run_id is None:
            from pytest_aosfarm.recording.store import RunStore

            self._store = RunStore(self._where, self._started.tenant, create=True)
            again, self.run_id = self.run_id is not None, self._store.begin_run(self._started)
            self._file = _identity(self._where)
            if again and self._store.status(self.run_id) == QUEUED:
                self._backlog.start_again()
        return self._store, self.run_id

    def _give_up(self, problem: str) -> None:
        self.problem = problem
        self._backlog.put_back()
        self._disconnect()
        self._retry_at = monotonic() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _disconnect(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            with suppress(Exception):
                store.close()


def _identity(where: Database) -> tuple[int, int] | None:
    """What tells a SQLite file from another one at the same place; SQLite itself would go on writing to a deleted file."""
    if where.path is None:
        return None
    try:
        found = where.path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
