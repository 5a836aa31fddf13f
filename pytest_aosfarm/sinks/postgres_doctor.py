"""Whether tenants are apart in a PostgreSQL: every guarantee looked up in its catalogue, whoever made the tables.

What a catalogue cannot tell: what functions do that run with the rights of who made them (SECURITY DEFINER).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.recording.isolation import READER
from pytest_aosfarm.recording.synthetic_tables import VIEWS, synthetic
from pytest_aosfarm.sinks.postgres_checks import CHECKS, RELATIONS, TABLE
from pytest_aosfarm.sinks.postgres_connection import check_version, value
from pytest_aosfarm.sinks.postgres_connection import connection as connected

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

__all__ = ("Examined", "Finding", "examine")

_UNBOUND = """
    SELECT rolname FROM pg_roles WHERE (rolsuper OR rolbypassrls) AND pg_has_role(%s::name, oid, 'MEMBER')
    ORDER BY rolname <> %s, rolname
"""
_OWNED = f"{RELATIONS} SELECT {TABLE} FROM tables WHERE pg_has_role(%s::name, relowner, 'MEMBER') ORDER BY 1"
_MAY = f"{RELATIONS} SELECT {TABLE}, relispartition FROM tables WHERE has_table_privilege(%s::name, oid, %s) ORDER BY 1"
_COUNTS = f"""{RELATIONS}
    SELECT count(*) FILTER (WHERE NOT relispartition), count(*) FILTER (WHERE relispartition) FROM tables
"""
_MAY_NOT_READ = """
    SELECT name FROM unnest(%s::text[]) AS name WHERE NOT has_table_privilege(%s::name, to_regclass(name), 'SELECT')
    UNION SELECT current_schema() WHERE NOT has_schema_privilege(%s::name, current_schema(), 'USAGE') ORDER BY 1
"""
_MISSING = "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NULL ORDER BY 1"
_ROLE = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)"


class Finding(NamedTuple):
    """Something that is not as it must be."""

    at: str
    wrong: str
    do: str


class Examined(NamedTuple):
    """What was looked at, and what was found."""

    role: str
    tables: int
    partitions: int
    findings: list[Finding]


def examine(url: str, role: str | None = None) -> Examined:
    """Look at the synthetic tables in the schema of the connection, and at a role, by default that of the connection.

    Raises LoadError if there is no connection, ConfigurationError for a role that is not there.
    """
    with connected(url) as connection:
        check_version(connection)
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            role = role or str(value(connection, "SELECT current_user"))
            if not value(connection, _ROLE, role):
                raise ConfigurationError(f"--role {role}: the server has no role of this name")
            counts = connection.execute(_COUNTS.encode()).fetchone() or (0, 0)
            findings = [*_of_tables(connection), *_of_role(connection, role), *_of_reader(connection, role)]
    return Examined(role, counts[0], counts[1], findings)


def _of_tables(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    relations = [*(table.name for table in synthetic.sorted_tables), *VIEWS]
    for (name,) in connection.execute(_MISSING, (relations,)).fetchall():
        yield Finding(name, "is not there", "load a tenant, which makes it")
    for check in CHECKS:
        for row in connection.execute(check.query.encode()).fetchall():
            yield Finding(row[0], check.wrong.format(*row), check.do.format(*row))


def _of_role(connection: psycopg.Connection[Any], role: str) -> Iterator[Finding]:
    """What sets a role above the policies."""
    unbound = [name for (name,) in connection.execute(_UNBOUND, (role, role)).fetchall()]
    if unbound:
        how = "is" if unbound[0] == role else f"may become {unbound[0]}, which is"
        yield Finding(f"role {role}", f"{how} superuser or BYPASSRLS: no policy binds it", _USE_READER)
        return
    owned = [name for (name,) in connection.execute(_OWNED.encode(), (role,)).fetchall()]
    if owned:
        more = f" and {len(owned) - 1} more" if owned[1:] else ""
        yield Finding(f"role {role}", f"owns, or may become the owner of, {owned[0]}{more}", _USE_READER)
        return
    for table, _ in _may(connection, role, "TRUNCATE"):
        yield _given_too_much(table, role, "TRUNCATE", "TRUNCATE it, which no policy sees")


def _of_reader(connection: psycopg.Connection[Any], role: str) -> Iterator[Finding]:
    """What the readers' role may and may not do."""
    where = f"role {READER}"
    if not value(connection, _ROLE, READER):
        yield Finding(where, "is not there", f"CREATE ROLE {READER} NOLOGIN, as a role that may; then load a tenant again")
        return
    if role != READER:
        findings = [*_of_role(connection, READER)]
        yield from findings
        if any(finding.at == where for finding in findings):
            return
    relations = [*(table.name for table in synthetic.sorted_tables), *VIEWS]
    for (name,) in connection.execute(_MAY_NOT_READ, (relations, READER, READER)).fetchall():
        yield Finding(name, f"{READER} may not read it", "load a tenant again, as the owner; or GRANT it")
    for privilege in ("INSERT", "UPDATE", "DELETE"):
        for table, _ in _may(connection, READER, privilege):
            yield _given_too_much(table, READER, privilege, f"{privilege} there")
    for table, partition in _may(connection, READER, "SELECT"):
        if partition:
            yield _given_too_much(table, READER, "SELECT", "read this partition by itself")


def _given_too_much(table: str, role: str, privilege: str, can: str) -> Finding:
    """A role that has a privilege, by itself or as everybody."""
    return Finding(table, f"{role} may {can}", f'REVOKE {privilege} ON {table} FROM "{role}", PUBLIC')


def _may(connection: psycopg.Connection[Any], role: str, privilege: str) -> list[tuple[str, bool]]:
    """The tables on which a role has a privilege, and whether each is a partition."""
    return [(name, partition) for name, partition in connection.execute(_MAY.encode(), (role, privilege)).fetchall()]


_USE_READER = f"connect as a role that is neither, a member of {READER}; or examine the readers with --role {READER}"
