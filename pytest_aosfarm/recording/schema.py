"""The schema of a run store: which one is there, and how it is brought to the present one."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import OperationalError

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.recording.engine import BUSY_SECONDS, errors_of, open_engine
from pytest_aosfarm.recording.isolation import READER, RECORDER
from pytest_aosfarm.recording.location import DEFAULT_TENANT
from pytest_aosfarm.recording.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Engine

    from pytest_aosfarm.recording.location import Database

__all__ = ("APPLICATION_ID", "REVISIONS", "VERSION_TABLE", "State", "alembic_config", "prepare", "state", "upgrade")

REVISIONS = ("0001",)
"""The schemas that have been released, oldest first; the last is the present one. A test compares with the steps."""

VERSION_TABLE = "aosfarm_version"

_VERSION = "SELECT version_num FROM aosfarm_version"
_MAKE_VERSION = """
    CREATE TABLE aosfarm_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT aosfarm_version_pkc PRIMARY KEY (version_num))
"""
_STAMP = "INSERT INTO aosfarm_version VALUES (:version)"

APPLICATION_ID = 0x616F7366
"""Stamped into a SQLite file as `PRAGMA application_id` ("aosf"): another program's file is never touched."""

_UPGRADE_LOCK = 0x616F7366
"""The key of the advisory lock that one upgrade at a time holds on PostgreSQL."""


class State(Enum):
    """How a database's schema stands to the present one."""

    EMPTY = "empty"
    BEHIND = "behind"
    PRESENT = "present"
    AHEAD = "ahead"
    FOREIGN = "foreign"


def state(connection: Connection) -> State:
    """What the database holds; looks only."""
    tables = inspect(connection).get_table_names()
    if connection.dialect.name == "sqlite":
        application = connection.execute(text("PRAGMA application_id")).scalar_one()
        stamped = connection.execute(text("PRAGMA user_version")).scalar_one()
        if application != APPLICATION_ID:
            return State.FOREIGN if application or stamped or tables else State.EMPTY
        if stamped > _stamp():
            return State.AHEAD
    if VERSION_TABLE not in tables:
        # The first slice had no version table; in PostgreSQL other people's tables may stand beside ours.
        return State.BEHIND if "farm_runs" in tables else State.EMPTY
    version = connection.execute(text(_VERSION)).scalar_one_or_none()
    if version == REVISIONS[-1]:
        return State.PRESENT
    return State.BEHIND if version is None or version in REVISIONS else State.AHEAD


def prepare(engine: Engine, where: Database, *, create: bool, busy_seconds: float) -> None:
    """Make the store usable, or raise RecordingError saying why it is not.

    An embedded SQLite file is made (with `create`) and upgraded, after a copy; a PostgreSQL is never altered here.
    """
    with engine.connect().execution_options(farm_reads=True) as connection:
        found = state(connection)
    if found is State.PRESENT:
        return
    if found is State.AHEAD:
        raise RecordingError(f"{where}: its schema is newer than this pytest-aosfarm knows; upgrade pytest-aosfarm")
    if found is State.FOREIGN:
        raise RecordingError(f"{where}: a SQLite file of another program; name another file with --farm-db")
    if where.path is None:
        wrong = "holds no run store yet" if found is State.EMPTY else "its schema is older than this pytest-aosfarm's"
        raise RecordingError(f"{where}: {wrong}; run `aosfarm db upgrade --db URL` as the role that is to own the tables")
    if found is State.EMPTY and not create:
        raise RecordingError(f"{where}: holds no runs yet")
    _use_write_ahead_log(engine, busy_seconds)
    with engine.begin() as connection:
        # Another process may have been faster since the look above.
        now = state(connection)
        if now is State.EMPTY:
            metadata.create_all(connection)
            connection.execute(text(_MAKE_VERSION))
            connection.execute(text(_STAMP), {"version": REVISIONS[-1]})
            _stamp_file(connection)
        elif now is State.BEHIND:
            _copy_aside(where.path, connection)
            _run_steps(connection)
            _stamp_file(connection)


def upgrade(where: Database, *, busy_seconds: float = BUSY_SECONDS) -> bool:
    """Bring the schema to the present one, and put roles and policies where they are missing; whether it was not.

    On PostgreSQL the role that connects comes to own the tables. Two at once do not disturb each other. Raises
    RecordingError.
    """
    if where.path is not None:
        engine = open_engine(where, DEFAULT_TENANT, busy_seconds=busy_seconds)
        try:
            with errors_of(where):
                where.path.parent.mkdir(parents=True, exist_ok=True)
                with engine.connect().execution_options(farm_reads=True) as connection:
                    before = state(connection)
                prepare(engine, where, create=True, busy_seconds=busy_seconds)
        finally:
            engine.dispose()
        return before is not State.PRESENT
    with errors_of(where):
        engine = create_engine(where.url.replace("postgresql:", "postgresql+psycopg:", 1))
        try:
            with engine.begin() as connection:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})"))
                before = state(connection)
                if before is State.AHEAD:
                    raise RecordingError(f"{where}: its schema is newer than this pytest-aosfarm knows")
                if before is not State.PRESENT:
                    _run_steps(connection)
                _isolate(connection, where)
        finally:
            engine.dispose()
    return before is not State.PRESENT


def alembic_config(connection: Connection) -> Config:
    """What Alembic is told; the steps are found beside this file."""
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("version_table", VERSION_TABLE)
    return config


def _run_steps(connection: Connection) -> None:
    from alembic import command

    command.upgrade(alembic_config(connection), "head")


def _isolate(connection: Connection, where: Database) -> None:
    import psycopg

    from pytest_aosfarm.recording.postgres_isolation import isolate, make_role

    tables = [table.name for table in metadata.sorted_tables]
    driver: Any = connection.connection.driver_connection
    try:
        isolate(driver, tables)
        make_role(driver, READER, [*tables, VERSION_TABLE])
        make_role(driver, RECORDER, [VERSION_TABLE])
        make_role(driver, RECORDER, tables, ("SELECT", "INSERT", "UPDATE", "DELETE"))
    except psycopg.Error as problem:
        raise RecordingError(f"{where}: {problem}; connect as the role that owns the tables") from None


def _stamp() -> int:
    """The present schema as the number in the file's head; 1 was that of the first slice, which had no other."""
    return len(REVISIONS) + 1


def _stamp_file(connection: Connection) -> None:
    connection.execute(text(f"PRAGMA application_id = {APPLICATION_ID}"))
    connection.execute(text(f"PRAGMA user_version = {_stamp()}"))


def _copy_aside(path: Path, connection: Connection) -> None:
    """Keep the file as it was, beside it; the open transaction lets nobody write meanwhile."""
    stamped = connection.execute(text("PRAGMA user_version")).scalar_one()
    kept = path.with_name(f"{path.stem}.schema-{stamped}{path.suffix}")
    half = kept.with_name(f".{kept.name}.{os.getpid()}")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(half)) as target:
        source.backup(target)
    half.replace(kept)


def _use_write_ahead_log(engine: Engine, busy_seconds: float) -> None:
    deadline = time.monotonic() + busy_seconds
    while True:
        # The switch does not wait for a lock as other statements do: SQLite answers "locked" at once.
        try:
            with engine.connect().execution_options(farm_reads=None) as connection:
                connection.execute(text("PRAGMA journal_mode = WAL"))
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
