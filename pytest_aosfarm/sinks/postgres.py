"""PostgreSQL: a tenant's tables are built beside those that readers see, and put in their place all at once.

Each table is copied into a partition of its own, with its keys, in one transaction; such a partition is whole or not
there. When all are there, one transaction attaches them and drops what the tenant had before. A load that was killed
leaves whole partitions that nobody sees, and the next load of the same data takes them as they are.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg

from pytest_aosfarm.recording.isolation import isolation
from pytest_aosfarm.recording.synthetic_ddl import partition_keys, quoted
from pytest_aosfarm.recording.synthetic_tables import PREFIX, definition
from pytest_aosfarm.sinks.copy_binary import HEADER, TRAILER, row_layout
from pytest_aosfarm.sinks.loading import Loaded
from pytest_aosfarm.sinks.postgres_connection import connection as connected
from pytest_aosfarm.sinks.postgres_connection import execute
from pytest_aosfarm.sinks.postgres_partitions import Partitions, make_parents
from pytest_aosfarm.sinks.postgres_tenant import as_tenant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_aosfarm.sinks.loading import Load
    from pytest_aosfarm.synthetic.table import Table

__all__ = ("copy", "load", "unload")

AHEAD = 3
"""Blocks that are made while the server takes one."""


def load(
    url: str, wanted: Load, *, unlogged: bool = False, advance: Callable[[int], None] = lambda _rows: None
) -> Loaded:
    """Load the tables, in place of all that the tenant had. `advance` hears of rows that are done.

    An unlogged load is faster and empty after a crash of the server. Raises LoadError; then readers see what they saw
    before.
    """
    with connected(url) as connection:
        make_parents(connection)
        partitions = Partitions(connection, wanted.tenant_id)
        resumed = partitions.keep(wanted, unlogged=unlogged)
        try:
            for name, table in wanted.tables.items():
                if name in resumed:
                    advance(len(table))
                else:
                    _build(partitions, wanted, name, unlogged=unlogged, advance=advance)
        except psycopg.IntegrityError:
            partitions.drop_unseen()
            raise
        partitions.publish(wanted.tables)
    return Loaded({name: len(table) for name, table in wanted.tables.items()}, tuple(resumed))


def unload(url: str, tenant_id: str) -> int:
    """Drop all synthetic data of a tenant, half-built as well; return how many partitions that were. Raises LoadError."""
    with connected(url) as connection:
        return Partitions(connection, tenant_id).publish([])


def _build(
    partitions: Partitions, wanted: Load, name: str, *, unlogged: bool, advance: Callable[[int], None]
) -> None:
    """Make and fill one partition, with all its keys and its policy, in one transaction.

    COPY is refused under row level security, so the policy comes last. The tables that this one refers to have theirs:
    an owner's foreign keys are validated against the rows of the tenant that the transaction names.
    """
    connection, partition = partitions.connection, partitions.name_of(name)
    kind, owned = "UNLOGGED TABLE" if unlogged else "TABLE", f"CHECK (tenant_id = {quoted(wanted.tenant_id)})"
    with as_tenant(connection, wanted.tenant_id):
        execute(connection, "SET LOCAL maintenance_work_mem = '256MB'")
        execute(connection, f'CREATE {kind} "{partition}" (LIKE "{PREFIX}{name}" INCLUDING CONSTRAINTS, {owned})')
        copy(connection, partition, wanted.tables[name], wanted.tenant_id, advance)
        for statement in partition_keys(
            definition(name), partition, lambda other: partitions.name_of(other.removeprefix(PREFIX))
        ):
            execute(connection, statement)
        for statement in isolation(f'"{partition}"'):
            execute(connection, statement)
        execute(connection, f'ANALYZE "{partition}"')
        partitions.mark(wanted, name, unlogged=unlogged)


def copy(
    connection: psycopg.Connection[Any], into: str, table: Table, tenant_id: str, advance: Callable[[int], None]
) -> None:
    """Copy all rows into a table that was made in the same transaction, the tenant's id before each row's own columns."""
    if not table:
        return
    layout = row_layout(table, [tenant_id])
    # Rows that come with their table may be written frozen: no reader and no vacuum has to touch them again.
    statement = f'COPY "{into}" FROM STDIN (FORMAT binary, FREEZE)'.encode()
    with connection.cursor() as cursor, cursor.copy(statement) as stream:
        stream.write(HEADER)
        for rows, lines in _made_ahead(table, layout.join):
            stream.write(lines)
            advance(rows)
        stream.write(TRAILER)


def _made_ahead(table: Table, make: Callable[[Any], memoryview]) -> Iterator[tuple[int, memoryview]]:
    """What `make` makes of each block, in order, some blocks ahead in a thread of its own."""
    with ThreadPoolExecutor(1) as thread:
        waiting: deque[tuple[int, Any]] = deque()
        for block in table.blocks():
            waiting.append((len(block), thread.submit(make, block)))
            if len(waiting) > AHEAD:
                rows, made = waiting.popleft()
                yield rows, made.result()
        for rows, made in waiting:
            yield rows, made.result()
