"""SQLite: all tables of one tenant in one file, which takes its place only when it is whole.

Values are those of the rows: moments as ISO 8601 text, which sorts as time does and which SQLite's date functions read;
lists as JSON text; true and false as 1 and 0.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from pytest_aosfarm.errors import LoadError
from pytest_aosfarm.recording.synthetic_ddl import sqlite_indexes, sqlite_table, views
from pytest_aosfarm.recording.synthetic_tables import PREFIX, synthetic
from pytest_aosfarm.sinks.atomic import beside
from pytest_aosfarm.sinks.loading import Loaded
from pytest_aosfarm.sinks.sqlite_pages import Pages
from pytest_aosfarm.sinks.sqlite_rows import PAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_aosfarm.sinks.loading import Load

__all__ = ("APPLICATION_ID", "load")

APPLICATION_ID = 0x616F7364
"""Stamped into the file ("aosd"): no other program's file, and no run store, is ever replaced."""

_OWNER = "synthetic_owner"
_FOR_LOADING = ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536", "temp_store = MEMORY")


def load(path: Path, wanted: Load, *, advance: Callable[[int], None] = lambda _rows: None) -> Loaded:
    """Load the tables into the file `path`, in place of what the tenant had there. `advance` hears of rows that are done.

    Raises LoadError; then the file is as it was before.
    """
    _check_owner(path, wanted.tenant_id)
    try:
        with beside(path) as temporary:
            roots = _make_tables(temporary, wanted.tenant_id)
            with temporary.open("r+b") as file:
                pages = Pages(file)
                for name, table in wanted.tables.items():
                    pages.fill(roots[PREFIX + name], table, wanted.tenant_id, advance)
                pages.close()
            _complete(temporary)
    except sqlite3.Error as error:
        raise LoadError(f"{path} cannot be made: {error}; it is as it was before") from error
    return Loaded({name: len(table) for name, table in wanted.tables.items()})


def _make_tables(path: Path, tenant_id: str) -> dict[str, int]:
    """Make the tables, empty, and return the first page of each."""
    with _connection(path) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE}")
        connection.execute("PRAGMA auto_vacuum = NONE")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"CREATE TABLE {_OWNER} (tenant_id TEXT NOT NULL)")
        connection.execute(f"INSERT INTO {_OWNER} VALUES (?)", (tenant_id,))  # noqa: S608 - our own name
        for table in synthetic.sorted_tables:
            connection.execute(sqlite_table(table, tenant_id))
        return dict(connection.execute("SELECT name, rootpage FROM sqlite_master WHERE type = 'table'").fetchall())


def _complete(path: Path) -> None:
    """Make keys, indexes and views of the filled tables, and see that every reference resolves."""
    with _connection(path) as connection:
        for table in synthetic.sorted_tables:
            for statement in sqlite_indexes(table):
                connection.execute(statement)
        for view in views():
            connection.execute(f"CREATE VIEW {view}")
        broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken:
        raise LoadError(f"row {broken[1]} of {broken[0]} refers to a row that {broken[2]} does not have; nothing was kept")


@contextmanager
def _connection(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that needs no journal: what fails is thrown away."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for setting in _FOR_LOADING:
            connection.execute(f"PRAGMA {setting}")
        yield connection


def _check_owner(path: Path, tenant_id: str) -> None:
    """Raise LoadError unless the file is not there, or holds data of this tenant and is closed."""
    if not path.is_file() or not path.stat().st_size:
        return
    owner = None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as connection:
            if connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,):
                owner = connection.execute(f"SELECT tenant_id FROM {_OWNER}").fetchone()  # noqa: S608 - our own name
    except sqlite3.Error:
        owner = None
    if owner is None:
        raise LoadError(f"{path} is there and holds no synthetic data: name another file, it stays as it is")
    if owner != (tenant_id,):
        raise LoadError(f"{path} holds the data of another tenant, {owner[0]}: a file holds one, name another")
    for suffix in ("-wal", "-journal"):
        if path.with_name(path.name + suffix).exists():
            raise LoadError(f"{path} is in use, there is {path.name}{suffix}: close its readers first")
