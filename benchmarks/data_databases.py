"""Loading the two eight-column tables into databases, beside what these do with rows that they have already."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from benchmarks.goals import Goal, at_least
from benchmarks.loading import insert_select, ready_file, server_copy
from benchmarks.schemas import Customers, Flows
from benchmarks.timing import in_turn
from pytest_aosfarm.sinks.postgres import copy
from pytest_aosfarm.sinks.sqlite import insert
from tools.postgres import running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_aosfarm.synthetic.table import Table

__all__ = ("postgres", "sqlite")

ROWS = 524_288
SQLITE_ROWS = 300_000
TENANT = "11111111-1111-4111-8111-111111111111"


def postgres() -> Iterator[Goal]:
    """COPY of generated rows, beside the server's COPY of the same rows from a file in its own folder; all of it logged."""
    with running_postgres(fsync="on") as server, psycopg.connect(server.url) as connection:
        for table, asked in ((Customers(ROWS, 1, "bench"), 0.75), (Flows(ROWS, 1, "bench"), 0.80)):
            columns = ", ".join(f"{name} {kind.sql}" for name, kind in table.kinds.items())
            connection.execute(f"CREATE TABLE {table.name} (tenant_id text, {columns})".encode())
            _generated(connection, table)
            path = ready_file(connection, table.name)
            taken = in_turn(
                {
                    "ours": partial(_generated, connection, table),
                    "server": partial(server_copy, connection, table.name, path),
                },
                rounds=7,
            )
            ours, ready = ROWS / taken["ours"], ROWS / taken["server"]
            yield at_least(f"PostgreSQL rows/s, {table.name} generated / ready file", ours, asked, ready)


def _generated(connection: psycopg.Connection[Any], table: Table) -> float:
    """Seconds to make the rows and have them in the table, emptied before, as `server_copy` has."""
    connection.execute(f"TRUNCATE {table.name}".encode())
    started = time.perf_counter()
    copy(connection, table.name, table, TENANT, lambda _rows: None)
    connection.commit()
    return time.perf_counter() - started


def sqlite() -> Iterator[Goal]:
    """Statements that insert generated rows, beside SQLite's INSERT ... SELECT of the same rows in the same file."""
    with tempfile.TemporaryDirectory() as folder:
        for table in (Customers(SQLITE_ROWS, 1, "bench"), Flows(SQLITE_ROWS, 1, "bench")):
            with closing(sqlite3.connect(Path(folder, table.name), isolation_level=None)) as connection:
                connection.execute(f"CREATE TABLE {table.name} (tenant_id, {', '.join(table.columns)})")
                taken = in_turn(
                    {
                        "ours": partial(_inserted, connection, table),
                        "SQLite": partial(insert_select, connection, table.name),
                    }
                )
            ours, own = SQLITE_ROWS / taken["ours"], SQLITE_ROWS / taken["SQLite"]
            yield at_least(f"SQLite rows/s, {table.name} generated / INSERT ... SELECT", ours, 0.20, own)


def _inserted(connection: sqlite3.Connection, table: Table) -> float:
    connection.execute(f"DELETE FROM {table.name}")  # noqa: S608 - a table of the benchmark's own
    started = time.perf_counter()
    connection.execute("BEGIN")
    insert(connection, table.name, table, TENANT)
    connection.execute("COMMIT")
    return time.perf_counter() - started
