"""A tenant's partitions in PostgreSQL: those that readers see, and those that are being built for the next time."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.errors import LoadError
from pytest_aosfarm.recording.isolation import READER, known_tenant
from pytest_aosfarm.recording.postgres_isolation import isolate, make_role
from pytest_aosfarm.recording.synthetic_ddl import column_types, postgres_parents, quoted, references, views
from pytest_aosfarm.recording.synthetic_tables import PREFIX, VIEWS, definition, synthetic
from pytest_aosfarm.sinks.postgres_connection import check_version, execute, exists, value
from pytest_aosfarm.sinks.postgres_tenant import as_tenant

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg

    from pytest_aosfarm.sinks.loading import Load

__all__ = ("Partitions", "make_parents")

_PARENTS_LOCK = 0x616F7366
_SIDES = ("a", "b")
_ATTACHED = "SELECT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass(%s))"
_COMMENT = "SELECT obj_description(to_regclass(%s), 'pg_class')"
_HAS_ROWS = 'SELECT EXISTS (SELECT FROM "{}")'
_COLUMNS = """
    SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


def make_parents(connection: psycopg.Connection[Any]) -> None:
    """Make the tables, without partitions, and the views where they are missing; see that tenants are apart in them.

    Raises LoadError where they are there with other columns.
    """
    check_version(connection)
    with connection.transaction():
        execute(connection, f"SELECT pg_advisory_xact_lock({_PARENTS_LOCK})")
        for statement in postgres_parents():
            execute(connection, statement)
        for table in synthetic.sorted_tables:
            found = dict(connection.execute(_COLUMNS, (table.name,)).fetchall())
            differing = sorted({name for name, _ in found.items() ^ column_types(table).items()})
            if differing:
                raise LoadError(
                    f"the table {table.name} that the database has differs from what is to be loaded "
                    f"(in {', '.join(differing)}): it is from another version; drop it, or use another database"
                )
        for view in views("WITH (security_invoker = true)"):
            if not exists(connection, view.split('"')[1]):
                execute(connection, f"CREATE VIEW {view}")
        tables = [table.name for table in synthetic.sorted_tables]
        isolate(connection, tables)
        make_role(connection, READER, [*tables, *VIEWS])


class Partitions:
    """One tenant's. Their names end in a or b: a load builds on the side that readers do not see.

    Holds a lock on the tenant until the connection ends.
    """

    def __init__(self, connection: psycopg.Connection[Any], tenant_id: str) -> None:
        self.connection = connection
        self.tenant_id = known_tenant(tenant_id)
        self._digest = blake2b(tenant_id.encode(), digest_size=8).digest()
        execute(connection, f"SELECT pg_advisory_lock({int.from_bytes(self._digest, 'big', signed=True)})")
        self._side = next(
            side for side in _SIDES if not any(value(connection, _ATTACHED, self._on(side, name)) for name in _names())
        )

    def name_of(self, name: str) -> str:
        """What the partition of a table is called while it is built, and when it is seen."""
        return self._on(self._side, name)

    def mark(self, wanted: Load, name: str, *, unlogged: bool) -> None:
        """Say that the partition is whole, and what is in it."""
        execute(self.connection, f"COMMENT ON TABLE \"{self.name_of(name)}\" IS '{_mark(wanted, name, unlogged=unlogged)}'")

    def keep(self, wanted: Load, *, unlogged: bool) -> list[str]:
        """The tables that a load that was broken off has left whole; whatever else it has left is dropped."""
        kept: list[str] = []
        for name in _names():
            partition = self.name_of(name)
            if not exists(self.connection, partition):
                continue
            needed = {other.removeprefix(PREFIX) for other in references(definition(name)).values()}
            # The rows of an unlogged table are gone, all of them, when the server has crashed.
            if (
                name in wanted.tables
                and needed <= {*kept}
                and value(self.connection, _COMMENT, partition) == _mark(wanted, name, unlogged=unlogged)
                and (not wanted.tables[name] or self._has_rows(partition))
            ):
                kept.append(name)
            else:
                execute(self.connection, f'DROP TABLE "{partition}" CASCADE')
        return kept

    def drop_unseen(self) -> None:
        """Drop what is being built."""
        self._drop(self.name_of(name) for name in _names())

    def publish(self, names: Iterable[str]) -> int:
        """Show the new partitions of these tables to readers, and drop all others of the tenant, at once.

        Return how many were dropped.
        """
        shown = {self.name_of(name): name for name in names}
        both = [self._on(side, name) for name in _names() for side in _SIDES]
        with self.connection.transaction():
            old = [name for name in both if name not in shown and exists(self.connection, name)]
            if old:
                parents = ", ".join(f'"{PREFIX}{name}"' for name in _names())
                execute(self.connection, f"LOCK TABLE {parents} IN ACCESS EXCLUSIVE MODE")
                self._drop(old)
            for partition, name in shown.items():
                bound = f"FOR VALUES IN ({quoted(self.tenant_id)})"
                execute(self.connection, f'ALTER TABLE "{PREFIX}{name}" ATTACH PARTITION "{partition}" {bound}')
        return len(old)

    def _has_rows(self, partition: str) -> bool:
        # Row level security binds the owner as well.
        with as_tenant(self.connection, self.tenant_id):
            return bool(value(self.connection, _HAS_ROWS.format(partition)))

    def _drop(self, partitions: Iterable[str]) -> None:
        # One statement: they refer to each other.
        tables = ", ".join(f'"{name}"' for name in partitions)
        execute(self.connection, f"DROP TABLE IF EXISTS {tables}")

    def _on(self, side: str, name: str) -> str:
        return f"{PREFIX}{name}_{self._digest[:6].hex()}_{side}"


def _names() -> list[str]:
    """All tables, each after those that it refers to."""
    return [table.name.removeprefix(PREFIX) for table in synthetic.sorted_tables]


def _mark(wanted: Load, name: str, *, unlogged: bool) -> str:
    return f"isolated, {'unlogged' if unlogged else 'logged'} {wanted.key_of(name)}"
