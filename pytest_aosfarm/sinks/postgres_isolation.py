"""Row level security and the readers' role, where a database does not have them yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import errors

from pytest_aosfarm.recording.synthetic_isolation import NOT_EMPTY, POLICY, READER, add_not_empty, isolation
from pytest_aosfarm.recording.synthetic_tables import VIEWS, synthetic
from pytest_aosfarm.sinks.postgres_connection import execute, value

if TYPE_CHECKING:
    import psycopg

__all__ = ("isolate", "make_reader")

_WITHOUT_CHECK = """
    SELECT name FROM unnest(%s::text[]) AS name
    WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass(name) AND conname = %s) ORDER BY 1
"""
_OPEN = """
    SELECT relid::regclass::text
    FROM unnest(%s::text[]) AS name, pg_partition_tree(to_regclass(name)) JOIN pg_class ON oid = relid
    WHERE NOT relrowsecurity OR NOT relforcerowsecurity
       OR NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = oid AND polname = %s) ORDER BY 1
"""
_UNREADABLE = """
    SELECT name FROM unnest(%s::text[]) AS name WHERE NOT has_table_privilege(%s, to_regclass(name), 'SELECT') ORDER BY 1
"""


def isolate(connection: psycopg.Connection[Any]) -> None:
    """Keep tenants apart in the tables, and in the partitions that they already have. What is in order is not locked."""
    tables = [table.name for table in synthetic.sorted_tables]
    for (table,) in connection.execute(_WITHOUT_CHECK, (tables, NOT_EMPTY)).fetchall():
        execute(connection, add_not_empty(table))
    for (table,) in connection.execute(_OPEN, (tables, POLICY)).fetchall():
        for statement in isolation(table):
            execute(connection, statement)


def make_reader(connection: psycopg.Connection[Any]) -> None:
    """Let the readers' role read tables and views, but no partition. Without the right to make it, there is none."""
    if not _try(connection, f"CREATE ROLE {READER} NOLOGIN", "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)"):
        return
    in_schema = "SELECT has_schema_privilege(%s, current_schema(), 'USAGE')"
    schema = value(connection, "SELECT quote_ident(current_schema())")
    _try(connection, f"GRANT USAGE ON SCHEMA {schema} TO {READER}", in_schema)
    relations = [*(table.name for table in synthetic.sorted_tables), *VIEWS]
    for (relation,) in connection.execute(_UNREADABLE, (relations, READER)).fetchall():
        execute(connection, f"GRANT SELECT ON {relation} TO {READER}")


def _try(connection: psycopg.Connection[Any], statement: str, question: str) -> bool:
    """Run the statement unless the readers' role is already so; whether it now is. Raises nothing for a missing right."""
    if not value(connection, question, READER):
        try:
            with connection.transaction():
                execute(connection, statement)
        except (errors.InsufficientPrivilege, errors.DuplicateObject, errors.UniqueViolation):
            # A role is of all databases: a load of another one may just have made it.
            return bool(value(connection, question, READER))
    return True
