"""Connections to PostgreSQL whose troubles are LoadErrors: what was seen and what to do, never a password."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import conninfo, errors

from pytest_aosfarm.errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("check_version", "connection", "execute", "exists", "opened", "value")

C = TypeVar("C", bound=psycopg.Connection[Any])

OLDEST = 15
CONNECT_SECONDS = 10
LOCK_SECONDS = 60

_USUAL: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, "application_name": "aosfarm"}

_AGAIN = "run the same command again: tables that are whole are kept and not loaded twice"
_WHAT_TO_DO: tuple[tuple[type[psycopg.Error], str], ...] = (
    (errors.InsufficientPrivilege, "the role needs CREATE on the schema, and to own the synthetic tables that are there"),
    (errors.DiskFull, f"the server's disk is full: make room and {_AGAIN}"),
    (errors.LockNotAvailable, f"another load or a long query held the tables for {LOCK_SECONDS} s: {_AGAIN}"),
    (errors.DeadlockDetected, _AGAIN),
    (errors.IntegrityError, "the rows break a rule of the tables; nothing of this load was kept"),
    (errors.OperationalError, f"the server or the connection went away: {_AGAIN}"),
    (psycopg.Error, "see the server's log"),
)


@contextmanager
def connection(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection that commits each statement outside a transaction by itself. Raises LoadError for all that fails."""
    given = _given(url)
    with opened(url, psycopg.Connection[Any], autocommit=True) as ours:
        try:
            ours.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'".encode())
            yield ours
        except psycopg.Error as error:
            what_to_do = next(text for kind, text in _WHAT_TO_DO if isinstance(error, kind))
            raise LoadError(f"PostgreSQL at {_where(given)} failed: {_seen(error, given)}; {what_to_do}") from error


@contextmanager
def opened(url: str, kind: type[C], *, autocommit: bool = False) -> Iterator[C]:
    """A connection of this class, closed when the context ends. Raises LoadError if there is none to be had."""
    given = _given(url)
    try:
        ours = kind.connect(conninfo.make_conninfo("", **(_USUAL | given)), autocommit=autocommit)
    except (psycopg.Error, OSError) as error:
        raise LoadError(
            f"no connection to PostgreSQL at {_where(given)}: {_seen(error, given)}; check that it runs, and the URL"
        ) from None
    with ours:
        yield ours


def check_version(connection: psycopg.Connection[Any]) -> None:
    """Raise LoadError for a server whose views cannot ask as their reader."""
    if connection.info.server_version < OLDEST * 10_000:
        raise LoadError(f"the server is PostgreSQL {connection.info.server_version // 10_000}: {OLDEST} or later is needed")


def execute(connection: psycopg.Connection[Any], statement: str) -> None:
    """Run a statement that is put together from names of our own."""
    connection.execute(statement.encode())


def value(connection: psycopg.Connection[Any], query: str, *parameters: str) -> Any:
    """The first value that a query finds."""
    row = connection.execute(query.encode(), parameters or None).fetchone()
    return row[0] if row else None


def exists(connection: psycopg.Connection[Any], relation: str) -> bool:
    """Whether there is a table or view of this name."""
    return value(connection, "SELECT to_regclass(%s)", relation) is not None


def _given(url: str) -> dict[str, Any]:
    """What the URL says. Raises LoadError for one that cannot be read."""
    try:
        return dict(conninfo.conninfo_to_dict(re.sub(r"^(postgres(?:ql)?)\+\w+:", r"\1:", url)))
    except psycopg.Error:
        # Its message quotes parts of the URL.
        raise LoadError(
            "the database URL cannot be read: give postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
            "with special characters of the password as %XX"
        ) from None


def _where(given: dict[str, Any]) -> str:
    return f"{given.get('host') or 'the local server'}, database {given.get('dbname') or 'of the same name as the user'}"


def _seen(error: BaseException, given: dict[str, Any]) -> str:
    """What went wrong, in one line."""
    message = " ".join(str(error).split()) or type(error).__name__
    password = given.get("password")
    return message.replace(password, "***") if password else message
