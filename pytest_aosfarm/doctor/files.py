"""Whether a SQLite file is ours and whole, and keeps tenants apart as far as a file can.

A run store holds many tenants: every statement of ours names its tenant, and keys and checks make that matter. A file of
synthetic data holds one, and its tables refuse any other.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from pytest_aosfarm.doctor.findings import NOTHING, Examined, Finding
from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.recording.isolation import NOT_EMPTY
from pytest_aosfarm.recording.schema import APPLICATION_ID as RUN_STORE
from pytest_aosfarm.recording.schema import REVISIONS, VERSION_TABLE
from pytest_aosfarm.recording.synthetic_ddl import quoted
from pytest_aosfarm.recording.synthetic_tables import synthetic
from pytest_aosfarm.recording.tables import metadata
from pytest_aosfarm.sinks.sqlite import APPLICATION_ID as SYNTHETIC
from pytest_aosfarm.sinks.sqlite import OWNER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ("examine",)

_TABLES = "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name LIKE ? || '\\_%' ESCAPE '\\' ORDER BY 1"
_KEYS = """
    SELECT list.name FROM pragma_index_list(:table) AS list JOIN pragma_index_info(list.name) AS part
    WHERE list."unique" AND part.seqno = 0 AND part.name IS NOT 'tenant_id'
"""
_REFERENCES = """
    SELECT "table" FROM pragma_foreign_key_list(:table)
    WHERE seq = 0 AND ("from" <> 'tenant_id' OR COALESCE("to", 'tenant_id') <> 'tenant_id')
"""
_TENANT = "SELECT 1 FROM pragma_table_info(:table) WHERE name = 'tenant_id' AND \"notnull\""
_DAMAGED = "restore it from a copy"


def examine(path: Path) -> Examined:
    """Look at the file, and change nothing. Raises RecordingError when it cannot be read."""
    if not path.is_file():
        raise RecordingError(f"{path}: no such file; name another with --db")
    runs: dict[str, str] = {}
    data: dict[str, str] = {}
    version: str | None = None
    findings: list[Finding] = []
    try:
        # Opened for reading alone, the file would be left with its -wal and -shm.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as connection:
            connection.execute("PRAGMA query_only = ON")
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            if application in {RUN_STORE, SYNTHETIC}:
                runs, data = _tables(connection, "farm"), _tables(connection, "synthetic")
                findings += _damage(connection)
            if application == RUN_STORE:
                version, outdated = _version(connection)
                findings += outdated or _of_runs(connection, runs)
            elif application == SYNTHETIC:
                findings += _of_one_tenant(connection, data)
            else:
                findings.append(NOTHING)
    except sqlite3.OperationalError as error:
        raise RecordingError(f"{path}: {error}") from error
    except sqlite3.DatabaseError as error:
        findings.append(Finding(path.name, f"cannot be read as SQLite: {error}", _DAMAGED))
    return Examined(str(path), None, len({*data} - {OWNER}), 0, len(runs), version, findings)


def _tables(connection: sqlite3.Connection, prefix: str) -> dict[str, str]:
    """The tables whose names begin so, with the SQL that made each."""
    return dict(connection.execute(_TABLES, (prefix,)).fetchall())


def _damage(connection: sqlite3.Connection) -> Iterator[Finding]:
    for (text,) in connection.execute("PRAGMA integrity_check(5)").fetchall():
        if text != "ok":
            yield Finding("the file", f"is damaged: {text}", _DAMAGED)
    for table, _, other, _ in connection.execute("PRAGMA foreign_key_check").fetchmany(5):
        yield Finding(table, f"refers to a row that {other} does not have", _DAMAGED)


def _version(connection: sqlite3.Connection) -> tuple[str | None, list[Finding]]:
    """The schema of a run store, and what is wrong if it is another than the present one."""
    found = None
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (VERSION_TABLE,)).fetchone():
        found = (connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone() or (None,))[0]
    if found == REVISIONS[-1]:
        return found, []
    if found is None or found in REVISIONS:
        older = Finding("the file", f"its schema is older than {REVISIONS[-1]}", "run `aosfarm db upgrade --db PATH`")
        return found, [older]
    return found, [Finding("the file", f"its schema {found} is not known to this version", "upgrade pytest-aosfarm")]


def _of_runs(connection: sqlite3.Connection, tables: dict[str, str]) -> Iterator[Finding]:
    for name in sorted({table.name for table in metadata.sorted_tables} - {*tables}):
        yield Finding(name, "is not there", _DAMAGED)
    for name, made in tables.items():
        if not connection.execute(_TENANT, {"table": name}).fetchone():
            yield Finding(name, "has no column tenant_id NOT NULL", "say there whose each row is, or give it another name")
            continue
        if f"CONSTRAINT {NOT_EMPTY} CHECK (tenant_id <> '')" not in made:
            yield Finding(name, "lets tenant_id be empty", "make it anew with `aosfarm db upgrade` on a new file")
        yield from _keys(connection, name)
        yield from _foreign(connection, name, "''", "rows of no tenant")
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    if mode != "wal":
        yield Finding("the file", f"its journal mode is {mode}: readers wait for writers", "PRAGMA journal_mode = WAL")


def _of_one_tenant(connection: sqlite3.Connection, tables: dict[str, str]) -> Iterator[Finding]:
    owners = connection.execute(f"SELECT tenant_id FROM {OWNER}").fetchall()
    if len(owners) != 1 or not owners[0][0]:
        yield Finding(OWNER, f"names {len(owners)} tenants: a file is one tenant's", "load the tenant again")
        return
    (tenant,) = owners[0]
    again = "load the tenant again, which makes the file anew"
    for name in sorted({table.name for table in synthetic.sorted_tables} - {*tables}):
        yield Finding(name, "is not there", again)
    for name, made in tables.items():
        if name == OWNER:
            continue
        if f"CHECK (tenant_id = {quoted(tenant)})" not in made:
            yield Finding(name, "does not refuse the rows of another tenant", again)
        yield from _keys(connection, name)
        yield from _foreign(connection, name, f"NOT {quoted(tenant)}", "rows of another tenant")


def _keys(connection: sqlite3.Connection, table: str) -> Iterator[Finding]:
    for (name,) in connection.execute(_KEYS, {"table": table}).fetchall():
        yield Finding(table, f"the key {name} does not begin with tenant_id", "make it begin with tenant_id")
    for (other,) in connection.execute(_REFERENCES, {"table": table}).fetchall():
        yield Finding(table, f"its reference to {other} does not begin with tenant_id", "make it begin with tenant_id")


def _foreign(connection: sqlite3.Connection, table: str, tenant: str, what: str) -> Iterator[Finding]:
    query = f'SELECT EXISTS (SELECT 1 FROM "{table}" WHERE tenant_id IS {tenant} OR tenant_id IS NULL)'
    if connection.execute(query).fetchone()[0]:
        yield Finding(table, f"holds {what}", f"find out who wrote them; then delete them from {table}")
