"""Whether roles of a PostgreSQL are bound by the policies, and may do what they should and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_aosfarm.doctor.checks import RELATIONS, TABLE
from pytest_aosfarm.doctor.findings import Finding
from pytest_aosfarm.recording.isolation import READER, RECORDER
from pytest_aosfarm.recording.schema import VERSION_TABLE
from pytest_aosfarm.sinks.postgres_connection import value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import psycopg

__all__ = ("Wanted", "of_group", "of_role", "role_exists")

WRITE = ("INSERT", "UPDATE", "DELETE")

_ROLE = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)"
_UNBOUND = """
    SELECT rolname FROM pg_roles WHERE (rolsuper OR rolbypassrls) AND pg_has_role(%s::name, oid, 'MEMBER')
    ORDER BY rolname <> %s, rolname
"""
_OURS = f"""{RELATIONS}, ours AS (
        SELECT oid, relowner, relispartition FROM tables UNION ALL SELECT oid, relowner, false FROM views
        UNION ALL SELECT oid, relowner, false FROM pg_class WHERE oid = to_regclass('{VERSION_TABLE}')
    )
"""
_OWNED = f"{_OURS} SELECT {TABLE} FROM ours WHERE pg_has_role(%s::name, relowner, 'MEMBER') ORDER BY 1"
_OWNS = """
    SELECT count(*) FROM pg_shdepend
    WHERE refclassid = 'pg_authid'::regclass AND refobjid = %s::regrole AND deptype = 'o'
      AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
"""
_MAY = f"{_OURS} SELECT {TABLE}, relispartition FROM ours WHERE has_table_privilege(%s::name, oid, %s) ORDER BY 1"
_MAY_NOT = "SELECT NOT has_table_privilege(%s::name, to_regclass(%s), %s)"
_NO_USAGE = "SELECT current_schema() WHERE NOT has_schema_privilege(%s::name, current_schema(), 'USAGE')"


class Wanted(NamedTuple):
    """What a role must be able to do with a table or view, and how it comes to be."""

    relation: str
    privileges: Sequence[str]
    do: str


def role_exists(connection: psycopg.Connection[Any], role: str) -> bool:
    """Whether the server has a role of this name."""
    return bool(value(connection, _ROLE, role))


def of_role(connection: psycopg.Connection[Any], role: str) -> Iterator[Finding]:
    """What sets a role above the policies."""
    unbound = [name for (name,) in connection.execute(_UNBOUND, (role, role)).fetchall()]
    if unbound:
        how = "is" if unbound[0] == role else f"may become {unbound[0]}, which is"
        yield Finding(f"role {role}", f"{how} superuser or BYPASSRLS: no policy binds it", _USE_GROUP)
        return
    owned = [name for (name,) in connection.execute(_OWNED.encode(), (role,)).fetchall()]
    if owned:
        more = f" and {len(owned) - 1} more" if owned[1:] else ""
        yield Finding(f"role {role}", f"owns, or may become the owner of, {owned[0]}{more}", _USE_GROUP)
        return
    for table, _ in _may(connection, role, "TRUNCATE"):
        yield _given_too_much(table, role, "TRUNCATE", "TRUNCATE it, which no policy sees")


def of_group(
    connection: psycopg.Connection[Any], role: str, wanted: Sequence[Wanted], made_by: str
) -> Iterator[Finding]:
    """What the readers' or the recorders' role may not do and must, or may do and must not."""
    where = f"role {role}"
    if not role_exists(connection, role):
        yield Finding(where, "is not there", f"CREATE ROLE {role} NOLOGIN, as a role that may; then {made_by}")
        return
    findings = [*of_role(connection, role)]
    yield from findings
    if any(finding.at == where for finding in findings):
        return
    owns = value(connection, _OWNS, role)
    if owns:
        yield Finding(where, f"owns {owns} objects and may do as it likes with them", f"REASSIGN OWNED BY {role} TO another")
    for (schema,) in connection.execute(_NO_USAGE, (role,)).fetchall():
        yield Finding(schema, f"{role} may not use this schema", made_by)
    yield from _too_little(connection, role, wanted)
    allowed = {(one.relation, privilege) for one in wanted for privilege in one.privileges}
    for privilege in WRITE:
        for table, _ in _may(connection, role, privilege):
            if (table, privilege) not in allowed:
                yield _given_too_much(table, role, privilege, f"{privilege} there")
    for table, partition in _may(connection, role, "SELECT"):
        if partition:
            yield _given_too_much(table, role, "SELECT", "read this partition by itself")


def _too_little(connection: psycopg.Connection[Any], role: str, wanted: Sequence[Wanted]) -> Iterator[Finding]:
    for one in wanted:
        for privilege in one.privileges:
            # NULL where the relation is not there, which is a finding of its own.
            if value(connection, _MAY_NOT, role, one.relation, privilege):
                can = "read it" if privilege == "SELECT" else f"{privilege} there"
                yield Finding(one.relation, f"{role} may not {can}", f"{one.do}; or GRANT it")


def _given_too_much(table: str, role: str, privilege: str, can: str) -> Finding:
    """A role that has a privilege, by itself or as everybody."""
    return Finding(table, f"{role} may {can}", f'REVOKE {privilege} ON {table} FROM "{role}", PUBLIC')


def _may(connection: psycopg.Connection[Any], role: str, privilege: str) -> list[tuple[str, bool]]:
    """Our relations on which a role has a privilege, and whether each is a partition."""
    return [(name, partition) for name, partition in connection.execute(_MAY.encode(), (role, privilege)).fetchall()]


_USE_GROUP = (
    f"connect as a role that is neither, a member of {RECORDER} or {READER}; "
    f"or examine those with --role {READER}"
)
