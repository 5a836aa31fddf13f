"""Whether tenants are apart in a PostgreSQL: every guarantee looked up in its catalogue, whoever made the tables.

What a catalogue cannot tell: what functions do that run with the rights of who made them (SECURITY DEFINER).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_aosfarm.doctor.checks import CHECKS, RELATIONS
from pytest_aosfarm.doctor.findings import NOTHING, Examined, Finding
from pytest_aosfarm.doctor.roles import Wanted, of_group, of_role, role_exists
from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.recording.isolation import READER, RECORDER
from pytest_aosfarm.recording.schema import REVISIONS, VERSION_TABLE
from pytest_aosfarm.recording.synthetic_tables import VIEWS, synthetic
from pytest_aosfarm.recording.tables import metadata
from pytest_aosfarm.sinks.postgres_connection import check_version, exists, value
from pytest_aosfarm.sinks.postgres_connection import connection as connected

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from pytest_aosfarm.recording.location import Database

__all__ = ("examine",)

SYNTHETIC = (*(table.name for table in synthetic.sorted_tables), *VIEWS)
RUNS = tuple(table.name for table in metadata.sorted_tables)
WRITE = ("INSERT", "UPDATE", "DELETE")

_COUNTS = f"""{RELATIONS}
    SELECT count(*) FILTER (WHERE starts_with(relname, 'synthetic_') AND NOT relispartition),
           count(*) FILTER (WHERE relispartition), count(*) FILTER (WHERE starts_with(relname, 'farm_')) FROM tables
"""
_MISSING = "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NULL ORDER BY 1"
_MAY_READ = "SELECT has_table_privilege(%s, 'SELECT')"
_VERSION = f"SELECT version_num FROM {VERSION_TABLE}"


def examine(where: Database, role: str | None = None) -> Examined:
    """Look at all tables of ours in the schema of the connection, and at a role, by default that of the connection.

    Raises LoadError if there is no connection, ConfigurationError for a role that is not there.
    """
    with connected(where.url) as connection:
        check_version(connection)
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            user = str(value(connection, "SELECT current_user"))
            if not role_exists(connection, role or user):
                raise ConfigurationError(f"--role {role}: the server has no role of this name")
            synthetic_tables, partitions, run_tables = connection.execute(_COUNTS.encode()).fetchone() or (0, 0, 0)
            runs = run_tables > 0 or exists(connection, VERSION_TABLE)
            schema, findings = _version(connection, user) if runs else (None, [])
            if not runs and not synthetic_tables:
                findings.append(NOTHING)
            else:
                findings += _of_tables(connection, synthetic=synthetic_tables > 0, runs=runs)
                findings += _of_roles(connection, role or user, synthetic=synthetic_tables > 0, runs=runs)
    return Examined(where.public, role or user, synthetic_tables, partitions, run_tables, schema, findings)


def _version(connection: psycopg.Connection[Any], user: str) -> tuple[str | None, list[Finding]]:
    """The schema of the run store as far as it is known, and what is wrong with it."""
    upgrade = "run `aosfarm db upgrade --db URL` as the role that is to own the tables"
    if not exists(connection, VERSION_TABLE):
        return None, [Finding(VERSION_TABLE, "is not there: nobody knows which schema this is", upgrade)]
    if not value(connection, _MAY_READ, VERSION_TABLE):
        return None, [Finding(VERSION_TABLE, f"{user} may not read it", f'GRANT {READER} TO "{user}"')]
    found = value(connection, _VERSION)
    if found == REVISIONS[-1]:
        return found, []
    if found is None or found in REVISIONS:
        return found, [Finding(VERSION_TABLE, f"the schema is {found}, older than {REVISIONS[-1]}", upgrade)]
    newer = Finding(VERSION_TABLE, f"the schema is {found}, which this version does not know", "upgrade pytest-aosfarm")
    return found, [newer]


def _of_tables(connection: psycopg.Connection[Any], *, synthetic: bool, runs: bool) -> Iterator[Finding]:
    for there, names, do in (
        (synthetic, SYNTHETIC, "load a tenant, which makes it"),
        (runs, RUNS, "restore it from a copy: `aosfarm db upgrade` makes all tables or none"),
    ):
        for (name,) in connection.execute(_MISSING, (list(names),)).fetchall() if there else ():
            yield Finding(name, "is not there", do)
    for check in CHECKS:
        for row in connection.execute(check.query.encode()).fetchall():
            yield Finding(row[0], check.wrong.format(*row), check.do.format(*row))


def _of_roles(connection: psycopg.Connection[Any], role: str, *, synthetic: bool, runs: bool) -> Iterator[Finding]:
    if role not in {READER, RECORDER}:
        yield from of_role(connection, role)
    loading = "load a tenant again, as the owner"
    upgrading = "run `aosfarm db upgrade --db URL` again, as the owner"
    readable = [
        *(Wanted(name, ("SELECT",), loading) for name in SYNTHETIC if synthetic),
        *(Wanted(name, ("SELECT",), upgrading) for name in (*RUNS, VERSION_TABLE) if runs),
    ]
    yield from of_group(connection, READER, readable, upgrading if runs else loading)
    if runs:
        written = [Wanted(name, ("SELECT", *WRITE), upgrading) for name in RUNS]
        yield from of_group(connection, RECORDER, [*written, Wanted(VERSION_TABLE, ("SELECT",), upgrading)], upgrading)
