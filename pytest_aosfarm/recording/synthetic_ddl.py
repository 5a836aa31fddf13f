"""SQL that makes the synthetic tables, for PostgreSQL and for SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from pytest_aosfarm.recording.synthetic_tables import VIEWS, definition, synthetic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = (
    "column_types",
    "partition_keys",
    "postgres_parents",
    "quoted",
    "references",
    "sqlite_indexes",
    "sqlite_table",
    "views",
)  # fmt: skip

_POSTGRES, _SQLITE = postgresql.dialect(), sqlite.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's


def quoted(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def references(table: Table) -> dict[str, str]:
    """Column -> the synthetic table that holds what it refers to."""
    return {
        key.columns.keys()[1]: key.referred_table.name for key in table.constraints if isinstance(key, ForeignKeyConstraint)
    }


def column_types(table: Table) -> dict[str, str]:
    """Column -> its type as PostgreSQL's catalogue writes it."""
    return {column.name: column.type.compile(_POSTGRES).lower() for column in table.columns}


def postgres_parents() -> Iterator[str]:
    """Make the partitioned tables and their indexes where they are missing."""
    for table in synthetic.sorted_tables:
        # On a partitioned table a foreign key would be validated once more for each partition, under its lock.
        yield str(CreateTable(table, include_foreign_key_constraints=[], if_not_exists=True).compile(dialect=_POSTGRES))
        for index in _indexes(table):
            yield str(CreateIndex(index, if_not_exists=True).compile(dialect=_POSTGRES))


def partition_keys(table: Table, partition: str, partition_of: Callable[[str], str]) -> Iterator[str]:
    """Add primary key, unique keys, indexes, and then the validated foreign keys to a filled partition."""
    keys = [f"ADD {_key(key)}" for key in _in_order(table) if not isinstance(key, ForeignKeyConstraint)]
    yield f'ALTER TABLE "{partition}" {", ".join(keys)}'
    for index in _indexes(table):
        yield f'CREATE INDEX ON "{partition}" ({_names(index.columns.keys())})'
    for column, other in references(table).items():
        target = f'"{partition_of(other)}" ("tenant_id", "id")'
        yield f'ALTER TABLE "{partition}" ADD FOREIGN KEY ("tenant_id", "{column}") REFERENCES {target}'


def views(options: str = "") -> Iterator[str]:
    """Make the views; `options` go between their name and AS."""
    for view, tables in VIEWS.items():
        common = [name for name in _all_columns(tables) if _everywhere(name, tables)]
        columns = f"{_names(common[:1])}, {{}} AS kind, {_names(common[1:])}".format
        parts = [f'SELECT {columns(quoted(kind))} FROM "{definition(name).name}"' for kind, name in tables.items()]  # noqa: S608 - our names
        yield f'"{view}" {options} AS {" UNION ALL ".join(parts)}'


def sqlite_table(table: Table, tenant_id: str) -> str:
    """Make the table for one tenant, without what is sooner made after the rows."""
    lines = [
        f'"{column.name}" {column.type.compile(_SQLITE)}{"" if column.nullable else " NOT NULL"}' for column in table.columns
    ]
    lines[0] += f" CHECK (tenant_id = {quoted(tenant_id)})"
    for column, other in references(table).items():
        lines.append(f'FOREIGN KEY ("tenant_id", "{column}") REFERENCES "{other}" ("tenant_id", "id")')
    return f'CREATE TABLE "{table.name}" (\n  ' + ",\n  ".join(lines) + "\n)"


def sqlite_indexes(table: Table) -> Iterator[str]:
    """Make the keys, as unique indexes, and the other indexes."""
    for key in _in_order(table):
        if not isinstance(key, ForeignKeyConstraint):
            names = key.columns.keys()
            yield f'CREATE UNIQUE INDEX "{table.name}_{names[-1]}_key" ON "{table.name}" ({_names(names)})'
    for index in _indexes(table):
        yield f'CREATE INDEX "{index.name}" ON "{table.name}" ({_names(index.columns.keys())})'


def _all_columns(tables: dict[str, str]) -> list[str]:
    first = next(iter(tables.values()))
    return [column.name for column in definition(first).columns]


def _everywhere(name: str, tables: dict[str, str]) -> bool:
    return all(name in definition(table).columns for table in tables.values())


def _in_order(table: Table) -> list[PrimaryKeyConstraint | UniqueConstraint | ForeignKeyConstraint]:
    known = (PrimaryKeyConstraint, UniqueConstraint, ForeignKeyConstraint)
    keys = [key for key in table.constraints if isinstance(key, known)]
    return sorted(keys, key=lambda key: (not isinstance(key, PrimaryKeyConstraint), key.columns.keys()))


def _indexes(table: Table) -> list[Index]:
    return sorted(table.indexes, key=lambda index: str(index.name))


def _key(key: PrimaryKeyConstraint | UniqueConstraint) -> str:
    kind = "PRIMARY KEY" if isinstance(key, PrimaryKeyConstraint) else "UNIQUE"
    return f"{kind} ({_names(key.columns.keys())})"


def _names(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
