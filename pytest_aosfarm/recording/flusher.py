"""The one thread that talks to the database while tests run: connects, writes batches, beats, and bears its absence."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from importlib import import_module
from itertools import count
from time import monotonic, sleep  # as they are now: a test may replace them in the module
from typing import TYPE_CHECKING
from weakref import WeakSet

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.recording.status import QUEUED, RUNNING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_aosfarm.recording.backlog import Backlog
    from pytest_aosfarm.recording.events import RunStarted
    from pytest_aosfarm.recording.location import Database
    from pytest_aosfarm.recording.store import RunStore

__all__ = ("Flusher",)

BATCH_SECONDS = 1.0
"""What waits is written at least this often, as long as the database is there."""

BEAT_SECONDS = 5.0
"""A run without news says this often that it is alive."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Between two attempts to reach a database that is not there; each pause is twice the one before."""

LAST_TRIES, LAST_PAUSE = 3, 0.5
"""At the end of a run, when its database has been there before."""

GIVE_WAY_SECONDS = 0.01
"""The tests stand still while a batch is written, but no longer than this. Two threads that want Python's lock cost more
at the same time than one after the other: the tests let go of it at every system call, and take it back before the other
one is awake."""

CLOSING_SECONDS = 1.0
"""How long the end of the thread is waited for: it may be in the middle of a batch."""

STILL_RUNNING = {"status": RUNNING}
"""What is said of a run while older results are read back from the spool: a heartbeat."""


class Flusher:
    """Brings a backlog to the database from a daemon thread, and nothing it does can hold up or fail a test.

    `run_id` is the number of the run once the database has given one. `problem` says why the database is away.
    `mistake` is an error of ours, or of a test that has replaced what the thread needs, until a later attempt goes well.
    """

    def __init__(self, where: Database, started: RunStarted, backlog: Backlog, chores: Callable[[RunStore], object]) -> None:
        """`chores` is done once, in the thread, when the run has its row; it may raise RecordingError."""
        self.run_id: int | None = None
        self.problem: str | None = None
        self.mistake: Exception | None = None
        self._where = where
        self._started = started
        self._backlog = backlog
        self._chores: Callable[[RunStore], object] | None = chores
        self._store: RunStore | None = None
        self._file: tuple[int, int] | None = None
        self._saved_at = 0.0
        self._retry_at = 0.0
        self._pause = FIRST_PAUSE
        self._news = threading.Event()
        self._closing = False
        self._asked = 0.0
        self._answered = 0.0
        self._answer = threading.Condition()
        self._turned = threading.Event()
        self._thread: threading.Thread | None = None
        # In the thread this would take seconds, and hold up the tests as long: it would fight them for Python's lock.
        import_module("pytest_aosfarm.recording.store")
        if where.path is None:
            import_module("psycopg")
        self.wake()
        _flushers.add(self)

    def wake(self) -> None:
        """There is enough for a batch; gives way to it for a moment."""
        self._turned.clear()
        self.go_on()
        self._news.set()
        self._turned.wait(GIVE_WAY_SECONDS)

    def finish(self, seconds: float) -> None:
        """Wait until the backlog is written, or cannot be, but no longer than this."""
        self._asked += 1
        self.go_on()
        self._news.set()
        with self._answer:
            self._answer.wait_for(lambda: self._answered >= self._asked, seconds)

    def close(self) -> None:
        """End the thread, and let go of the database."""
        _flushers.discard(self)
        self.stand_aside()

    def stand_aside(self) -> None:
        """End the thread and disconnect, for a process that is about to fork; `go_on` begins anew."""
        self._closing = True
        self._news.set()
        if self._thread is not None:
            self._thread.join(CLOSING_SECONDS)

    def go_on(self) -> None:
        """Start the thread, unless it is there."""
        self._closing = False
        if self._thread is None or not self._thread.is_alive():
            self._news.clear()
            self._thread = threading.Thread(target=self._run, name="aosfarm-flusher", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            if self.run_id is not None:
                # One fork follows another, and each would otherwise cost a connection.
                self._news.wait(BATCH_SECONDS)
            while not self._closing:
                asked = self._asked
                self._turn(last=asked > self._answered)
                self._turned.set()
                self._say(asked)
                self._news.wait(self._idle_seconds())
                self._news.clear()
        finally:
            self._disconnect()

    def _say(self, answered: float) -> None:
        with self._answer:
            self._answered = answered
            self._answer.notify_all()

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
            if not last or self.run_id is None or attempt >= LAST_TRIES:
                return
            sleep(LAST_PAUSE)

    def _write(self) -> None:
        store, run_id = self._connected()
        while (batch := self._backlog.fetch(anyway=monotonic() >= self._saved_at + BEAT_SECONDS)) is not None:
            if self._file != _identity(self._where):
                raise RecordingError(f"{self._where}: the file was replaced or taken away")
            store.save(run_id, batch.events, batch.columns or STILL_RUNNING, errors_before=batch.errors_before)
            self._backlog.confirm()
            self._saved_at = monotonic()
        self.problem, self._pause = None, FIRST_PAUSE
        if self._chores is not None:
            chores, self._chores = self._chores, None
            chores(store)

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


_flushers: WeakSet[Flusher] = WeakSet()


def _before_fork() -> None:
    for flusher in [*_flushers]:
        flusher.stand_aside()


def _after_fork() -> None:
    for flusher in [*_flushers]:
        flusher.go_on()


# A test may fork: a child would inherit the connection and every lock that the thread holds, and from Python 3.12 on a
# fork beside a thread is a warning, which a suite may have made an error.
os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_flushers.clear)
