"""SQLite: all tables of one tenant in one file, which takes its place only when it is whole.

Values are those of the rows: moments as ISO 8601 text, which sorts as time does and which SQLite's date functions read;
lists as JSON text; true and false as 1 and 0.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.errors import LoadError
from pytest_aosfarm.recording.synthetic_ddl import quoted, sqlite_indexes, sqlite_table, views
from pytest_aosfarm.recording.synthetic_tables import PREFIX, synthetic
from pytest_aosfarm.sinks.atomic import beside
from pytest_aosfarm.sinks.loading import Loaded
from pytest_aosfarm.sinks.ndjson import compact
from pytest_aosfarm.synthetic.columns import Constant, WordLists
from pytest_aosfarm.synthetic.rows import OneRow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_aosfarm.sinks.loading import Load
    from pytest_aosfarm.synthetic.table import Table

__all__ = ("APPLICATION_ID", "OWNER", "insert", "load")

APPLICATION_ID = 0x616F7364
"""Stamped into the file ("aosd"): no other program's file, and no run store, is ever replaced."""

OWNER = "synthetic_owner"
_VALUES = 250
"""About so many values go into one statement; more bring nothing."""
_FOR_LOADING = ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536", "temp_store = MEMORY")


def load(path: Path, wanted: Load, *, advance: Callable[[int], None] = lambda _rows: None) -> Loaded:
    """Load the tables into the file `path`, in place of what the tenant had there. `advance` hears of rows that are done.

    Raises LoadError; then the file is as it was before.
    """
    _check_owner(path, wanted.tenant_id)
    try:
        with beside(path) as temporary, closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
            for setting in _FOR_LOADING:
                connection.execute(f"PRAGMA {setting}")
            _fill(connection, wanted, advance)
    except sqlite3.Error as error:
        raise LoadError(f"{path} cannot be made: {error}; it is as it was before") from error
    return Loaded({name: len(table) for name, table in wanted.tables.items()})


def _fill(connection: sqlite3.Connection, wanted: Load, advance: Callable[[int], None]) -> None:
    connection.execute("BEGIN")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"CREATE TABLE {OWNER} (tenant_id TEXT NOT NULL)")
    connection.execute(f"INSERT INTO {OWNER} VALUES (?)", (wanted.tenant_id,))  # noqa: S608 - our own name
    for one in synthetic.sorted_tables:
        connection.execute(sqlite_table(one, wanted.tenant_id))
    for name, table in wanted.tables.items():
        insert(connection, PREFIX + name, table, wanted.tenant_id, advance)
    for one in synthetic.sorted_tables:
        for statement in sqlite_indexes(one):
            connection.execute(statement)
    for view in views():
        connection.execute(f"CREATE VIEW {view}")
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken:
        raise LoadError(f"row {broken[1]} of {broken[0]} refers to a row that {broken[2]} does not have; nothing was kept")
    connection.execute("COMMIT")


def insert(
    connection: sqlite3.Connection,
    into: str,
    table: Table,
    tenant_id: str,
    advance: Callable[[int], None] = lambda _rows: None,
) -> None:
    """Insert all rows of `table`, some with each statement; what is the same in all of them stands in the statement."""
    from pytest_aosfarm.synthetic.arrow import values

    bound = {name: kind for name, kind in table.kinds.items() if not isinstance(kind, Constant)}
    width = len(bound)
    together = _VALUES // width
    constants = OneRow(table, 0)
    marks = ", ".join("?" if name in bound else quoted(constants[name]) for name in table.columns)
    row = f"({quoted(tenant_id)}, {marks})"
    for block in table.blocks():
        cells: list[Any] = [None] * (len(block) * width)
        for number, (name, kind) in enumerate(bound.items()):
            column = values(kind, block[name], len(block))
            cells[number::width] = [compact(one) for one in column] if isinstance(kind, WordLists) else column
        whole = len(block) // together * together
        for first, stop in ((0, whole), (whole, len(block))):  # all statements of one length in one call, then the rest
            rows = min(together, stop - first)
            if rows:
                statement = f'INSERT INTO "{into}" VALUES {", ".join([row] * rows)}'  # noqa: S608 - names of our own
                starts = range(first * width, stop * width, rows * width)
                connection.executemany(statement, (cells[start : start + rows * width] for start in starts))
        advance(len(block))


def _check_owner(path: Path, tenant_id: str) -> None:
    """Raise LoadError unless the file is not there, or holds data of this tenant and is closed."""
    if not path.is_file() or not path.stat().st_size:
        return
    owner = None
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as connection,
    ):
        if connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,):
            owner = connection.execute(f"SELECT tenant_id FROM {OWNER}").fetchone()  # noqa: S608 - our own name
    if owner is None:
        raise LoadError(f"{path} is there and holds no synthetic data: name another file, it stays as it is")
    if owner != (tenant_id,):
        raise LoadError(f"{path} holds the data of another tenant: a file holds one, name another")
    for suffix in ("-wal", "-journal"):
        if path.with_name(path.name + suffix).exists():
            raise LoadError(f"{path} is in use, there is {path.name}{suffix}: close its readers first")
