"""Finished attempts as rows, written many at a time by statements that are put together once."""

from __future__ import annotations

import json
import zlib
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import postgresql

from pytest_aosfarm.recording.faults import FIELDS
from pytest_aosfarm.recording.tables import (
    farm_faults,
    farm_run_test_output,
    farm_run_tests,
    farm_tests,
    identity_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sqlalchemy import Connection, Table

    from pytest_aosfarm.recording.events import AttemptFinished

__all__ = ("ResultRows",)

_COMPRESSION = 1
"""Of zlib: outputs are written while tests run."""

Row = tuple[Any, ...]

_KEY = ("tenant_id", "run_id", "test_id", "attempt")
_USUAL = ("outcome", "phase", "cause", "started_us", "setup_us", "call_us", "teardown_us")
_SELDOM = (
    "variant", "raw_outcome", "worker", "error_type", "error_signature", "error_location", "message", "data_tenant",
)  # fmt: skip
"""The columns of an attempt after its key: those that every one has, and those that are NULL in most."""

_usual_of, _seldom_of = attrgetter(*_USUAL), attrgetter(*_SELDOM)
_NOTHING = (None,) * len(_SELDOM)


class ResultRows:
    """Writes a tenant's attempts into farm_tests, farm_run_tests, farm_run_test_output and farm_faults.

    Tuples go to the driver as they are: SQLAlchemy's own way costs three times as much per row.
    """

    def __init__(self, dialect: str, tenant: str) -> None:
        self._tenant = tenant
        self._tests = _Insert(farm_tests, dialect, "nodeid = excluded.nodeid WHERE farm_tests.nodeid <> excluded.nodeid")
        update = _others(farm_run_tests, but={"is_final"})
        usual = (*_KEY, "is_final", *_USUAL)
        # To bind a NULL takes sqlite3 longer than all the rest of a value.
        self._plain = _Insert(farm_run_tests, dialect, update, usual)
        self._attempts = _Insert(farm_run_tests, dialect, update, (*usual, *_SELDOM, "properties"))
        self._outputs = _Insert(farm_run_test_output, dialect, _others(farm_run_test_output))
        self._faults = _Insert(farm_faults, dialect, _others(farm_faults))
        replaced = (
            "UPDATE farm_run_tests SET is_final = false WHERE tenant_id = ? AND run_id = ? AND test_id = ? AND attempt = ?"
        )
        self._replaced = replaced if dialect == "sqlite" else replaced.replace("?", "%s")

    def write(
        self, connection: Connection, run_id: int, attempts: Sequence[AttemptFinished], aliases: Mapping[str, int]
    ) -> None:
        """Write attempts of a run; those that are there are written over. `aliases` holds former identities."""
        tests: dict[int, Row] = {}
        rows: dict[tuple[int, int], Row] = {}
        outputs: dict[tuple[int, int, str], Row] = {}
        faults: dict[int, Row] = {}
        replaced: list[Row] = []
        for one in attempts:
            alias = aliases.get(one.identity)
            test_id = identity_id(one.identity) if alias is None else alias
            if alias is None:
                tests[test_id] = (self._tenant, test_id, one.identity, one.nodeid, run_id)
            key = (self._tenant, run_id, test_id, one.attempt)
            row = (*key, True, *_usual_of(one))
            seldom = _seldom_of(one)
            if one.properties or seldom != _NOTHING:
                row = (*row, *seldom, json.dumps(one.properties) if one.properties else None)
            rows[test_id, one.attempt] = row
            for kind, text in one.outputs.items():
                outputs[test_id, one.attempt, kind] = (*key, kind, _packed(text))
            for number, fault in enumerate(one.faults, one.faults_before + 1):
                met = (test_id, one.attempt, one.worker)
                faults[number] = (self._tenant, run_id, number, *met, *_fault_values(one, fault))
            if one.replaces is not None:
                replaced.append((self._tenant, run_id, test_id, one.replaces))
        self._tests.run(connection, tests.values())
        for insert in (self._plain, self._attempts):
            insert.run(connection, [row for row in rows.values() if len(row) == insert.width])
        self._outputs.run(connection, outputs.values())
        self._faults.run(connection, faults.values())
        if replaced:
            connection.exec_driver_sql(self._replaced, replaced)


class _Insert:
    """An INSERT of many rows, no two of one key, that does `update` to those that are there already.

    On PostgreSQL all rows go in one statement, which takes half the time of one row a statement.
    """

    def __init__(self, table: Table, dialect: str, update: str, names: Sequence[str] | None = None) -> None:
        """`names` are those of the columns that a row has, all by default; the others are NULL."""
        names = names or table.columns.keys()
        self.width = len(names)
        self._parameters: Callable[[Collection[Row]], Any]
        if dialect == "postgresql":
            self._parameters = _as_arrays
            compiler = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's
            kinds = [column.type.compile(compiler) for column in map(table.columns.__getitem__, names)]
            values = f"SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for kind in kinds)})"  # noqa: S608 - our names
        else:
            self._parameters = list
            values = f"VALUES ({', '.join('?' * self.width)})"
        key = ", ".join(table.primary_key.columns.keys())
        self._sql = f"INSERT INTO {table.name} ({', '.join(names)}) {values} ON CONFLICT ({key}) DO UPDATE SET {update}"

    def run(self, connection: Connection, rows: Collection[Row]) -> None:
        """Write the rows, if there are any."""
        if rows:
            connection.exec_driver_sql(self._sql, self._parameters(rows))


def _as_arrays(rows: Collection[Row]) -> Row:
    """One array a column."""
    return tuple(map(list, zip(*rows, strict=True)))


def _others(table: Table, *, but: Collection[str] = ()) -> str:
    """Take over all columns but the key and what is named."""
    kept = {*table.primary_key.columns.keys(), *but}
    return ", ".join(f"{one.name} = excluded.{one.name}" for one in table.columns if one.name not in kept)


def _fault_values(one: AttemptFinished, fault: Mapping[str, Any]) -> Row:
    """The columns of a fault, in the order of the table: its time is counted from the start of the run."""
    at_us, *others = (fault.get(name) for name in FIELDS)
    return (one.started_us + (at_us or 0), *others)


def _packed(text: str) -> bytes:
    return zlib.compress(text.encode("utf-8", "backslashreplace"), _COMPRESSION)
