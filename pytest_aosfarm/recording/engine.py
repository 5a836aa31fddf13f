"""Connections to a run store, SQLite or PostgreSQL: every transaction is of one tenant, and every trouble one error."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, DateTime, create_engine, event, func, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from pytest_aosfarm.errors import ConfigurationError, ReadOnlyError, RecordingError
from pytest_aosfarm.recording.isolation import NAME_TENANT, READER, RECORDER, UNBOUND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Engine

    from pytest_aosfarm.recording.location import Database

__all__ = ("BUSY_SECONDS", "database_clock", "errors_of", "open_engine", "reading", "writing")

BUSY_SECONDS = 5.0
"""How long a write waits for another process's write before it counts as failed."""

CONNECT_SECONDS = 3
STATEMENT_SECONDS = 60

_INSUFFICIENT_PRIVILEGE = "42501"

# From version 16 on, whoever made a role is a member of it that need not be able to become it.
_MAY_BECOME = """
    SELECT pg_has_role(oid, CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END)
    FROM pg_roles WHERE rolname = %s
"""


def open_engine(where: Database, tenant: str, *, busy_seconds: float) -> Engine:
    """An engine whose transactions see `tenant` alone; connects when first used.

    `busy_seconds` is how long a write waits for another process's. Raises ConfigurationError without a tenant, and
    RecordingError for a URL that cannot be read.
    """
    if not tenant.strip():
        raise ConfigurationError("no tenant, no runs: name the tenant whose runs are meant")
    if where.path is not None:
        engine = create_engine(URL.create("sqlite", database=str(where.path)), connect_args={"timeout": busy_seconds})
        event.listen(engine, "connect", _take_over_transactions)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    with errors_of(where):
        url = make_url(where.url).set(drivername="postgresql+psycopg")
    usual = {"connect_timeout": CONNECT_SECONDS, "application_name": "aosfarm"}
    engine = create_engine(url, connect_args={k: v for k, v in usual.items() if k not in url.query}, pool_pre_ping=True)

    def prepare(connection: Any, _record: object) -> None:
        _become_bound(connection, busy_seconds)

    def name_tenant(connection: Connection) -> None:
        if not connection.get_execution_options().get("farm_schema"):
            connection.exec_driver_sql(NAME_TENANT, (tenant,))

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", name_tenant)
    return engine


@contextmanager
def writing(engine: Engine, where: Database) -> Iterator[Connection]:
    """A transaction that commits at the end. Raises RecordingError."""
    with errors_of(where), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine, where: Database) -> Iterator[Connection]:
    """A transaction that reads and waits for nobody's writes. Raises RecordingError."""
    with errors_of(where), engine.connect().execution_options(farm_reads=True) as connection:
        yield connection


@contextmanager
def errors_of(where: Database) -> Iterator[None]:
    """Turn whatever a database may raise into a RecordingError of one line that shows no password.

    Where the right to write is missing it is a ReadOnlyError.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError, OverflowError, ValueError) as problem:
        reason = problem.orig if isinstance(problem, DBAPIError) else problem
        line = next(iter(str(reason).splitlines()), type(reason).__name__)
        if where.url and not isinstance(problem, DBAPIError):
            line = "the URL cannot be read"  # its error quotes the URL
        kind = ReadOnlyError if _is_refused(reason) else RecordingError
        raise kind(f"{where}: {line}") from (None if where.url else problem)


def database_clock(dialect: str, *, ago: float = 0.0) -> ColumnElement[Any]:
    """The database's own time, so many seconds ago, as a UtcDateTime column holds it."""
    if dialect == "sqlite":
        return func.strftime("%Y-%m-%d %H:%M:%f000", "now", f"-{ago} seconds")
    return func.clock_timestamp(type_=DateTime(timezone=True)) - timedelta(seconds=ago)


def _is_refused(reason: object) -> bool:
    """Whether the right to do it is missing."""
    code = getattr(reason, "sqlite_errorcode", None)
    return getattr(reason, "sqlstate", None) == _INSUFFICIENT_PRIVILEGE or (
        code is not None and code & 0xFF == sqlite3.SQLITE_READONLY
    )


def _take_over_transactions(connection: sqlite3.Connection, _record: object) -> None:
    # Python's sqlite3 would begin transactions by itself, and late: then two writers can deadlock.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if "farm_reads" not in options:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif options["farm_reads"]:
        connection.exec_driver_sql("BEGIN")


def _become_bound(connection: Any, busy_seconds: float) -> None:
    """Be a role that the policies bind, the recorders' where that can be had, else the readers'; refuse one that none binds.

    A member of the readers alone reads all that a recorder does; its writes are refused by the server.
    """
    autocommit, connection.autocommit = connection.autocommit, True
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {round(busy_seconds * 1000)}")
        cursor.execute(f"SET statement_timeout = {STATEMENT_SECONDS * 1000}")
        for role in (RECORDER, READER):
            cursor.execute(_MAY_BECOME, (role,))
            if (found := cursor.fetchone()) is not None and found[0]:
                cursor.execute(f"SET ROLE {role}")
                break
        cursor.execute(UNBOUND)
        unbound = cursor.fetchone()[0]
    connection.autocommit = autocommit
    if unbound:
        raise RecordingError(
            f"the role {connection.info.user} is bound by no policy and cannot become {RECORDER}: connect as another "
            "role, or run `aosfarm db upgrade --db URL` as one that may make roles"
        )
