"""PostgreSQL: a tenant's tables are built beside those that readers see, and put in their place all at once.

Each table is copied into a partition of its own, with its keys, in one transaction; such a partition is whole or not
there. When all are there, one transaction attaches them and drops what the tenant had before. A load that was killed
leaves whole partitions that nobody sees, and the next load of the same data takes them as they are.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import psycopg

from pytest_aosfarm.errors import LoadError
from pytest_aosfarm.recording.synthetic_ddl import (
    column_types,
    partition_keys,
    postgres_parents,
    quoted,
    references,
    views,
)  # fmt: skip
from pytest_aosfarm.recording.synthetic_tables import PREFIX, definition, synthetic
from pytest_aosfarm.sinks.copy_binary import HEADER, TRAILER, row_layout
from pytest_aosfarm.sinks.loading import Loaded
from pytest_aosfarm.sinks.postgres_connection import connection as connected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_aosfarm.sinks.loading import Load
    from pytest_aosfarm.synthetic.table import Table

__all__ = ("load", "unload")

AHEAD = 3
"""Blocks that are made while the server takes one."""

_PARENTS_LOCK = 0x616F7366
_SIDES = ("a", "b")
"""A tenant's partitions end in one of these; a new load builds on the side that readers do not see."""

_HAS_ROWS = 'SELECT EXISTS (SELECT FROM "{}")'
_COLUMNS = """
    SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


def load(
    url: str, wanted: Load, *, unlogged: bool = False, advance: Callable[[int], None] = lambda _rows: None
) -> Loaded:
    """Load the tables, in place of all that the tenant had. `advance` hears of rows that are done.

    An unlogged load is faster and empty after a crash of the server. Raises LoadError; then readers see what they saw
    before.
    """
    with connected(url) as connection:
        _execute(connection, f"SELECT pg_advisory_lock({_tenant_lock(wanted.tenant_id)})")
        _make_parents(connection)
        side = _free_side(connection, wanted.tenant_id)
        resumed = _kept(connection, wanted, side, unlogged=unlogged)
        try:
            for name, table in wanted.tables.items():
                if name in resumed:
                    advance(len(table))
                else:
                    _build(connection, wanted, name, side, unlogged=unlogged, advance=advance)
        except psycopg.IntegrityError:
            _drop(connection, [_partition(name, wanted.tenant_id, side) for name in _names()])
            raise
        _publish(connection, wanted.tenant_id, {name: _partition(name, wanted.tenant_id, side) for name in wanted.tables})
    return Loaded({name: len(table) for name, table in wanted.tables.items()}, tuple(resumed))


def unload(url: str, tenant_id: str) -> None:
    """Drop all synthetic data of a tenant, half-built as well. Raises LoadError."""
    with connected(url) as connection:
        _execute(connection, f"SELECT pg_advisory_lock({_tenant_lock(tenant_id)})")
        _publish(connection, tenant_id, {})


def _make_parents(connection: psycopg.Connection[Any]) -> None:
    with connection.transaction():
        _execute(connection, f"SELECT pg_advisory_xact_lock({_PARENTS_LOCK})")
        for statement in postgres_parents():
            _execute(connection, statement)
        for table in synthetic.sorted_tables:
            found = dict(connection.execute(_COLUMNS, (table.name,)).fetchall())
            if found != column_types(table):
                differing = sorted({name for name, _ in found.items() ^ column_types(table).items()})
                raise LoadError(
                    f"the table {table.name} that the database has differs from what is to be loaded "
                    f"(in {', '.join(differing)}): it is from another version; drop it, or use another database"
                )
        for view in views("WITH (security_invoker = true)"):
            if not _exists(connection, view.split('"')[1]):
                _execute(connection, f"CREATE VIEW {view}")


def _free_side(connection: psycopg.Connection[Any], tenant_id: str) -> str:
    """The side on which the tenant has no partition that readers see."""
    query = "SELECT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass(%s))"
    return next(
        side
        for side in _SIDES
        if not any(_value(connection, query, _partition(name, tenant_id, side)) for name in _names())
    )


def _kept(connection: psycopg.Connection[Any], wanted: Load, side: str, *, unlogged: bool) -> list[str]:
    """The tables that an earlier load has left whole on this side; all else that is there is dropped."""
    kept: list[str] = []
    for name in _names():
        partition = _partition(name, wanted.tenant_id, side)
        if not _exists(connection, partition):
            continue
        needed = {other.removeprefix(PREFIX) for other in references(definition(name)).values()}
        comment = _value(connection, "SELECT obj_description(to_regclass(%s), 'pg_class')", partition)
        # The rows of an unlogged table are gone, all of them, when the server has crashed.
        if (
            name in wanted.tables
            and needed <= {*kept}
            and comment == _mark(wanted, name, unlogged=unlogged)
            and (not wanted.tables[name] or _value(connection, _HAS_ROWS.format(partition)))
        ):
            kept.append(name)
        else:
            _execute(connection, f'DROP TABLE "{partition}" CASCADE')
    return kept


def _build(
    connection: psycopg.Connection[Any],
    wanted: Load,
    name: str,
    side: str,
    *,
    unlogged: bool,
    advance: Callable[[int], None],
) -> None:
    """Make and fill one partition, with all its keys, in one transaction."""
    partition = _partition(name, wanted.tenant_id, side)
    owned = f"CHECK (tenant_id = {quoted(wanted.tenant_id)})"
    with connection.transaction():
        _execute(connection, "SET LOCAL maintenance_work_mem = '256MB'")
        kind = "UNLOGGED TABLE" if unlogged else "TABLE"
        _execute(connection, f'CREATE {kind} "{partition}" (LIKE "{PREFIX}{name}", {owned})')
        _copy(connection, partition, wanted.tables[name], wanted.tenant_id, advance)
        for statement in partition_keys(
            definition(name), partition, lambda other: _partition(other.removeprefix(PREFIX), wanted.tenant_id, side)
        ):
            _execute(connection, statement)
        _execute(connection, f'ANALYZE "{partition}"')
        _execute(connection, f"COMMENT ON TABLE \"{partition}\" IS '{_mark(wanted, name, unlogged=unlogged)}'")


def _copy(
    connection: psycopg.Connection[Any], partition: str, table: Table, tenant_id: str, advance: Callable[[int], None]
) -> None:
    if not table:
        return
    layout = row_layout(table, [tenant_id])
    # A table made in the same transaction may be written frozen: no reader and no vacuum has to touch the rows again.
    statement = f'COPY "{partition}" FROM STDIN (FORMAT binary, FREEZE)'.encode()
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(HEADER)
        for rows, lines in _made_ahead(table, layout.join):
            copy.write(lines)
            advance(rows)
        copy.write(TRAILER)


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


def _publish(connection: psycopg.Connection[Any], tenant_id: str, partitions: dict[str, str]) -> None:
    """Show these partitions of the tenant to readers, and drop all others, at once."""
    both = [_partition(name, tenant_id, side) for name in _names() for side in _SIDES]
    with connection.transaction():
        old = [name for name in both if name not in partitions.values() and _exists(connection, name)]
        if old:
            parents = ", ".join(_quoted(PREFIX + name) for name in _names())
            _execute(connection, f"LOCK TABLE {parents} IN ACCESS EXCLUSIVE MODE")
            _drop(connection, old)
        for name, partition in partitions.items():
            bound = f"FOR VALUES IN ({quoted(tenant_id)})"
            _execute(connection, f'ALTER TABLE "{PREFIX}{name}" ATTACH PARTITION "{partition}" {bound}')


def _drop(connection: psycopg.Connection[Any], partitions: list[str]) -> None:
    """Drop those that are there; one statement, since they refer to each other."""
    _execute(connection, f"DROP TABLE IF EXISTS {', '.join(map(_quoted, partitions))}")


def _names() -> list[str]:
    """All tables, each after those that it refers to."""
    return [table.name.removeprefix(PREFIX) for table in synthetic.sorted_tables]


def _partition(name: str, tenant_id: str, side: str) -> str:
    return f"{PREFIX}{name}_{blake2b(tenant_id.encode(), digest_size=6).hexdigest()}_{side}"


def _mark(wanted: Load, name: str, *, unlogged: bool) -> str:
    """The comment of a whole partition."""
    return f"{'unlogged' if unlogged else 'logged'} {wanted.key_of(name)}"


def _tenant_lock(tenant_id: str) -> int:
    return int.from_bytes(blake2b(tenant_id.encode(), digest_size=8, person=b"aosfarm load").digest(), "big", signed=True)


def _exists(connection: psycopg.Connection[Any], name: str) -> bool:
    return _value(connection, "SELECT to_regclass(%s)", name) is not None


def _execute(connection: psycopg.Connection[Any], statement: str) -> None:
    connection.execute(statement.encode())


def _value(connection: psycopg.Connection[Any], query: str, *parameters: str) -> Any:
    row = connection.execute(query.encode(), parameters or None).fetchone()
    return row[0] if row else None


def _quoted(name: str) -> str:
    return f'"{name}"'
