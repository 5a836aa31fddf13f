"""How fast a database takes rows that it already has as files or tables: what a loader from outside is measured against."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from psycopg import sql

if TYPE_CHECKING:
    import sqlite3

    import psycopg

__all__ = ("insert_select", "ready_file", "server_copy")


def ready_file(connection: psycopg.Connection[Any], table: str) -> str:
    """The rows of a table as a file in COPY's binary format, which the server writes into its own folder."""
    (folder,) = connection.execute("SELECT current_setting('data_directory')").fetchone() or ("",)
    path = f"{folder}/{table}.copy"
    connection.execute(sql.SQL("COPY {} TO {} (FORMAT binary)").format(sql.Identifier(table), path))
    return path


def server_copy(connection: psycopg.Connection[Any], table: str, path: str) -> float:
    """Seconds in which the server copies such a file into the table, emptied before, and commits."""
    connection.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(table)))
    connection.commit()
    statement = sql.SQL("COPY {} FROM {} (FORMAT binary)").format(sql.Identifier(table), path)
    started = time.perf_counter()
    connection.execute(statement)
    connection.commit()
    return time.perf_counter() - started


def insert_select(connection: sqlite3.Connection, table: str) -> float:
    """Seconds in which SQLite copies the rows of a table into a new one declared like it, and commits."""
    connection.execute("DROP TABLE IF EXISTS copied")
    (made,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    connection.execute(made.replace(table, "copied", 1))  # its key stays, its indexes do not come along
    connection.commit()
    started = time.perf_counter()
    connection.execute(f"INSERT INTO copied SELECT * FROM {table}")  # noqa: S608  # a table of the benchmark's own
    connection.commit()
    return time.perf_counter() - started
