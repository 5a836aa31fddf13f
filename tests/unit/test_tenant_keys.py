"""Every table says whose its rows are, and no key reaches over tenants: held for tables that are still to be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from pytest_aosfarm.recording.isolation import NOT_EMPTY
from pytest_aosfarm.recording.synthetic_tables import synthetic
from pytest_aosfarm.recording.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.schema import SchemaItem


def open_to_all(tables: MetaData, prefix: str) -> Iterator[str]:
    """What in these tables would let tenants meet."""
    for one in tables.sorted_tables:
        if not one.name.startswith(prefix):
            yield f"{one.name}: nobody who looks for tables of tenants would find it"
        tenant = one.columns.get("tenant_id")
        if tenant is None or tenant.nullable or not isinstance(tenant.type, Text):
            yield f"{one.name}: has no tenant_id text NOT NULL"
            continue
        if not any(isinstance(check, CheckConstraint) and check.name == NOT_EMPTY for check in one.constraints):
            yield f"{one.name}: lets tenant_id be empty"
        for key in one.constraints:
            # A table whose primary key nobody has said has an empty one.
            names = key.columns.keys() if isinstance(key, PrimaryKeyConstraint | UniqueConstraint) else []
            if names and names[0] != "tenant_id":
                yield f"{one.name}: a key does not begin with tenant_id"
            if isinstance(key, ForeignKeyConstraint):
                first = key.elements[0]
                if key.columns.keys()[0] != "tenant_id" or not first.target_fullname.endswith(".tenant_id"):
                    yield f"{one.name}: a reference does not begin with tenant_id"
        for index in one.indexes:
            if index.unique and index.columns.keys()[0] != "tenant_id":
                yield f"{one.name}: the unique index {index.name} does not begin with tenant_id"


def test_tenants_are_apart_in_every_table() -> None:
    assert list(open_to_all(metadata, "farm_")) == []
    assert list(open_to_all(synthetic, "synthetic_")) == []


def table(*items: SchemaItem, name: str = "farm_more", nullable: bool = False, checked: bool = True) -> MetaData:
    """One table of these items, which is otherwise as it must be."""
    columns: list[SchemaItem] = [Column("tenant_id", Text, nullable=nullable), Column("id", Integer)]
    check = [CheckConstraint("tenant_id <> ''", name=NOT_EMPTY)] if checked else []
    tables = MetaData()
    Table(name, tables, *columns, *items, *check)
    return tables


@pytest.mark.parametrize(
    "tables",
    [
        table(name="more"),
        table(nullable=True),
        table(checked=False),
        table(PrimaryKeyConstraint("id")),
        table(PrimaryKeyConstraint("id", "tenant_id")),
        table(UniqueConstraint("id")),
        table(Index("one", "id", unique=True)),
        table(ForeignKeyConstraint(["id"], ["farm_more.id"])),
        table(ForeignKeyConstraint(["tenant_id", "id"], ["farm_more.id", "farm_more.tenant_id"])),
    ],
    ids=["name", "null", "empty", "primary", "order", "unique", "index", "reference", "reference-order"],
)
def test_a_new_table_without_it_is_seen(tables: MetaData) -> None:
    assert len(list(open_to_all(tables, "farm_"))) == 1
    assert list(open_to_all(table(PrimaryKeyConstraint("tenant_id", "id")), "farm_")) == []
