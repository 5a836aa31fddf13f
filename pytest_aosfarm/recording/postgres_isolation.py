"""Row level security, and the roles that it binds, put where a PostgreSQL does not have them yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import errors, sql

from pytest_aosfarm.recording.isolation import NOT_EMPTY, POLICY, add_not_empty, isolation

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

__all__ = ("isolate", "make_role")

_WITHOUT_CHECK = """
    SELECT name FROM unnest(%s::text[]) AS name
    WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass(name) AND conname = %s) ORDER BY 1
"""
_OPEN = """
    SELECT relid::regclass::text
    FROM unnest(%s::text[]) AS name,
         LATERAL (SELECT to_regclass(name) AS relid UNION SELECT relid FROM pg_partition_tree(to_regclass(name))) AS tree
         JOIN pg_class ON pg_class.oid = relid
    WHERE NOT relrowsecurity OR NOT relforcerowsecurity
       OR NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = relid AND polname = %s) ORDER BY 1
"""
_MISSING = """
    SELECT name FROM unnest(%s::text[]) AS name WHERE NOT has_table_privilege(%s, to_regclass(name), %s) ORDER BY 1
"""
_IS_THERE = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)"
_IN_SCHEMA = "SELECT has_schema_privilege(%s, current_schema(), 'USAGE')"


def isolate(connection: psycopg.Connection[Any], tables: Sequence[str]) -> None:
    """Keep tenants apart in tables, and in the partitions that they already have. What is in order is not locked."""
    for (table,) in connection.execute(_WITHOUT_CHECK, (list(tables), NOT_EMPTY)).fetchall():
        connection.execute(add_not_empty(table).encode())
    for (table,) in connection.execute(_OPEN, (list(tables), POLICY)).fetchall():
        for statement in isolation(table):
            connection.execute(statement.encode())


def make_role(
    connection: psycopg.Connection[Any], role: str, relations: Sequence[str], privileges: Sequence[str] = ("SELECT",)
) -> None:
    """Let a role use these tables and views, but no partition. Without the right to make the role, there is none."""
    name = sql.Identifier(role)
    if not _try(connection, sql.SQL("CREATE ROLE {} NOLOGIN").format(name), _IS_THERE, role):
        return
    schema = connection.execute("SELECT current_schema()").fetchone()
    usage = sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(schema[0] if schema else ""), name)
    _try(connection, usage, _IN_SCHEMA, role)
    for privilege in privileges:
        for (relation,) in connection.execute(_MISSING, (list(relations), role, privilege)).fetchall():
            statement = sql.SQL("GRANT {} ON {} TO {}")
            connection.execute(statement.format(sql.SQL(privilege), sql.Identifier(relation), name))


def _try(connection: psycopg.Connection[Any], statement: sql.Composed, question: str, role: str) -> bool:
    """Run the statement unless the role is already so; whether it now is. Raises nothing for a missing right."""
    if not _holds(connection, question, role):
        try:
            with connection.transaction():
                connection.execute(statement)
        except (errors.InsufficientPrivilege, errors.DuplicateObject, errors.UniqueViolation):
            # A role is of all databases: somebody with another one may just have made it.
            return _holds(connection, question, role)
    return True


def _holds(connection: psycopg.Connection[Any], question: str, role: str) -> bool:
    found = connection.execute(question.encode(), (role,)).fetchone()
    return found is not None and bool(found[0])
