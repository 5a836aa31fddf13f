"""Finished attempts as rows, written many at a time by statements that are put together once."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.recording.tables import farm_run_test_output, farm_run_tests, farm_tests, identity_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Table

    from pytest_aosfarm.recording.events import AttemptFinished

__all__ = ("ResultRows",)

_COMPRESSION = 1
"""Of zlib: outputs are written while tests run."""


class ResultRows:
    """Writes a tenant's attempts into farm_tests, farm_run_tests and farm_run_test_output.

    Tuples go to the driver as they are: SQLAlchemy's own way costs three times as much per row.
    """

    def __init__(self, dialect: str, tenant: str) -> None:
        self._tenant = tenant
        self._mark = "?" if dialect == "sqlite" else "%s"
        tests = f"INSERT INTO farm_tests ({_names(farm_tests)}) VALUES ({self._marks(farm_tests)})"  # noqa: S608 - our names
        self._tests = (
            f"{tests} ON CONFLICT (tenant_id, id) DO UPDATE SET nodeid = excluded.nodeid"
            " WHERE farm_tests.nodeid <> excluded.nodeid"
        )
        self._attempts = self._replacing(farm_run_tests, kept=("is_final",))
        self._outputs = self._replacing(farm_run_test_output)
        self._replaced = (
            "UPDATE farm_run_tests SET is_final = false WHERE tenant_id = ? AND run_id = ? AND test_id = ? AND attempt = ?"
        ).replace("?", self._mark)

    def write(
        self, connection: Connection, run_id: int, attempts: Sequence[AttemptFinished], aliases: Mapping[str, int]
    ) -> None:
        """Write attempts of a run; those that are there are written over. `aliases` holds former identities."""
        if not attempts:
            return
        tests, rows, outputs, replaced = [], [], [], []
        for one in attempts:
            alias = aliases.get(one.identity)
            test_id = identity_id(one.identity) if alias is None else alias
            if alias is None:
                tests.append((self._tenant, test_id, one.identity, one.nodeid, run_id))
            rows.append((self._tenant, run_id, test_id, one.attempt, *_values(one)))
            if one.outputs:
                key = (self._tenant, run_id, test_id, one.attempt)
                outputs += [(*key, kind, _packed(text)) for kind, text in one.outputs.items()]
            if one.replaces is not None:
                replaced.append((self._tenant, run_id, test_id, one.replaces))
        for statement, parameters in (
            (self._tests, tests),
            (self._attempts, rows),
            (self._outputs, outputs),
            (self._replaced, replaced),
        ):
            if parameters:
                connection.exec_driver_sql(statement, parameters)

    def _marks(self, table: Table) -> str:
        return ", ".join([self._mark] * len(table.columns))

    def _replacing(self, table: Table, kept: Sequence[str] = ()) -> str:
        """An INSERT that writes over all but the key and what is kept."""
        key = table.primary_key.columns.keys()
        others = [name for name in table.columns.keys() if name not in {*key, *kept}]  # noqa: SIM118 - columns, not a dict
        new = ", ".join(f"{name} = excluded.{name}" for name in others)
        return (
            f"INSERT INTO {table.name} ({_names(table)}) VALUES ({self._marks(table)})"  # noqa: S608 - our names
            f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {new}"
        )


def _names(table: Table) -> str:
    return ", ".join(table.columns.keys())


def _values(one: AttemptFinished) -> tuple[Any, ...]:
    """The columns after the key, in the order of the table."""
    return (
        one.variant,
        one.outcome,
        one.raw_outcome,
        one.phase,
        one.cause,
        True,
        one.worker,
        one.started_us,
        one.setup_us,
        one.call_us,
        one.teardown_us,
        one.error_type,
        one.error_signature,
        one.error_location,
        one.message,
        one.data_tenant,
        json.dumps(one.properties) if one.properties else None,
    )


def _packed(text: str) -> bytes:
    return zlib.compress(text.encode("utf-8", "backslashreplace"), _COMPRESSION)
