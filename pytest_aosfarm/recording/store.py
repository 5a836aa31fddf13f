"""The run store: one SQLite file that several test runs may write at once."""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from sqlalchemy import URL, Connection, create_engine, event, func, select, text, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.recording.status import RUNNING
from pytest_aosfarm.recording.tables import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    farm_run_tests,
    farm_runs,
    metadata,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from pytest_aosfarm.recording.events import AttemptFinished, RunStarted

__all__ = ("RunStore",)

BUSY_SECONDS = 5.0
"""How long a write waits for another process's write before it counts as failed."""

Row = dict[str, object]


class RunStore:
    """Reads and writes the runs of one SQLite file. Every method may raise RecordingError."""

    def __init__(self, path: Path, *, create: bool, busy_seconds: float = BUSY_SECONDS) -> None:
        """Open `path`; with `create` make it, and its folder, when it is not there yet.

        A file of another program, or of a newer pytest-aosfarm, is refused and left as it is.
        """
        self.path = path
        self._patience = busy_seconds
        if not create and not path.is_file():
            raise RecordingError(f"{path}: no such database; a run with a Farm option makes one")
        self._engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": busy_seconds})
        event.listen(self._engine, "connect", _take_over_transactions)
        event.listen(self._engine, "begin", _begin)
        try:
            with self._errors():
                if create:
                    path.parent.mkdir(parents=True, exist_ok=True)
                self._prepare(create=create)
        except RecordingError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def begin_run(self, started: RunStarted) -> int:
        """Make the row of a run (status `running`) unless it is there, and return its id."""
        values = {
            "uuid": started.uuid,
            "tenant": started.data_tenant,
            "lab": ",".join(started.labs) or None,
            "scale": started.scale,
            "seed": started.seed,
            "anchor": started.anchor,
            "profile": started.profile,
            "status": RUNNING,
            "started_at": started.started_at,
            "grades": {},
            "versions": dict(started.environment),
        }
        with self._writing() as connection:
            connection.execute(insert(farm_runs).values(values).on_conflict_do_nothing())
            found = connection.execute(select(farm_runs.c.id).where(farm_runs.c.uuid == started.uuid))
            return int(found.scalar_one())

    def save(self, run_id: int, attempts: Sequence[AttemptFinished], values: Mapping[str, object]) -> None:
        """Write attempts and set columns of the run, in one transaction. Doing it twice changes nothing."""
        with self._writing() as connection:
            if attempts:
                began = connection.execute(select(farm_runs.c.started_at).where(farm_runs.c.id == run_id)).scalar_one()
                rows = insert(farm_run_tests)
                keys = farm_run_tests.primary_key.columns
                others = {c.name: rows.excluded[c.name] for c in farm_run_tests.c if c.name not in keys}
                connection.execute(
                    rows.on_conflict_do_update(index_elements=keys, set_=others),
                    [_row(run_id, began, attempt) for attempt in attempts],
                )
            connection.execute(update(farm_runs).where(farm_runs.c.id == run_id).values(dict(values)))

    def status(self, run_id: int) -> str:
        """The status of a run that exists."""
        with self._reading() as connection:
            found = connection.execute(select(farm_runs.c.status).where(farm_runs.c.id == run_id))
            return str(found.scalar_one())

    def runs(self, limit: int | None = None) -> list[Row]:
        """The newest runs first, each with every column of `farm_runs`."""
        with self._reading() as connection:
            found = connection.execute(select(farm_runs).order_by(farm_runs.c.id.desc()).limit(limit))
            return [dict(row) for row in found.mappings()]

    def run(self, run_id: int) -> Row | None:
        """One run with its `tests`, in the order in which they started; None when there is no such run."""
        tests = farm_run_tests.c
        with self._reading() as connection:
            found = connection.execute(select(farm_runs).where(farm_runs.c.id == run_id)).mappings().one_or_none()
            if found is None:
                return None
            rows = connection.execute(
                select(*(column for column in tests if column is not tests.run_id))
                .where(tests.run_id == run_id)
                .order_by(tests.started_at, tests.nodeid, tests.attempt)
            )
            return {**found, "tests": [dict(row) for row in rows.mappings()]}

    def _prepare(self, *, create: bool) -> None:
        with self._engine.connect().execution_options(farm_reads=True) as connection:
            if self._is_ours(connection):
                return
        if not create:
            raise RecordingError(f"{self.path}: holds no runs yet")
        self._use_write_ahead_log()
        with self._engine.begin() as connection:
            # Another process may have been faster since the look above.
            if not self._is_ours(connection):
                metadata.create_all(connection)
                connection.execute(text(f"PRAGMA application_id = {APPLICATION_ID}"))
                connection.execute(text(f"PRAGMA user_version = {SCHEMA_VERSION}"))

    def _is_ours(self, connection: Connection) -> bool:
        """Whether the file holds our tables; False for an empty file. Raises RecordingError for anything else."""
        application = connection.execute(text("PRAGMA application_id")).scalar_one()
        version = connection.execute(text("PRAGMA user_version")).scalar_one()
        tables = connection.execute(select(func.count()).select_from(text("sqlite_master"))).scalar_one()
        if application == APPLICATION_ID and version == SCHEMA_VERSION:
            return True
        if application == APPLICATION_ID:
            raise RecordingError(
                f"{self.path}: its schema version is {version}, this pytest-aosfarm knows {SCHEMA_VERSION}; "
                "upgrade pytest-aosfarm or name another file with --farm-db"
            )
        if application or version or tables:
            raise RecordingError(f"{self.path}: a SQLite file of another program; name another file with --farm-db")
        return False

    def _use_write_ahead_log(self) -> None:
        deadline = time.monotonic() + self._patience
        while True:
            # The switch does not wait for a lock as other statements do: SQLite answers "locked" at once.
            try:
                with self._engine.connect().execution_options(farm_reads=None) as connection:
                    connection.execute(text("PRAGMA journal_mode = WAL"))
            except OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._errors(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._errors(), self._engine.connect().execution_options(farm_reads=True) as connection:
            yield connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, OSError, OverflowError) as problem:
            reason = problem.orig if isinstance(problem, DBAPIError) else problem
            raise RecordingError(f"{self.path}: {str(reason).splitlines()[0]}") from problem


def _row(run_id: int, began: datetime, attempt: AttemptFinished) -> Row:
    row: Row = {c.name: getattr(attempt, c.name, None) for c in farm_run_tests.c}
    row["run_id"] = run_id
    row["started_at"] = began + timedelta(microseconds=attempt.started_us)
    row["outcome"] = attempt.raw_outcome or attempt.outcome
    row["tenant"] = attempt.data_tenant
    row["properties"] = dict(attempt.properties)
    return row


def _take_over_transactions(connection: sqlite3.Connection, _record: object) -> None:
    # Python's sqlite3 would begin transactions by itself, and late: then two writers can deadlock.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if "farm_reads" not in options:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif options["farm_reads"]:
        connection.exec_driver_sql("BEGIN")
