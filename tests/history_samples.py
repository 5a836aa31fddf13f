"""Runs written straight into a store, as tests of what is made of them need them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select

from pytest_aosfarm.recording.tables import (
    farm_faults,
    farm_run_test_output,
    farm_run_tests,
    farm_runs,
    farm_scenarios,
    farm_tenants,
    farm_tests,
    identity_id,
)

START = datetime(2026, 5, 4, tzinfo=UTC)
COUNTS = {"error": "errors"}


class Sampler:
    """Writes runs, each an hour after the one before. The counts of a run follow from its tests."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.tenant = store.tenant

    def run(self, tests: dict[str, Any] | None = None, **columns: Any) -> int:
        """A run in which each test had one outcome, or a list of attempts (dicts of columns, or outcomes).

        `scenario` is a number; `faults` names tests whose first attempt had faults injected.
        """
        scenario, faults = columns.pop("scenario", 1), columns.pop("faults", ())
        with self.store.writing() as connection:
            known = select(func.max(farm_runs.c.id)).where(farm_runs.c.tenant_id == self.tenant)
            run_id = columns.pop("id", None) or (connection.execute(known).scalar() or 0) + 1
            rows = [row for name, given in (tests or {}).items() for row in self._attempts(run_id, name, given)]
            self._upsert(connection, farm_tenants, {"last_run_id": run_id})
            about = {"lab": "aod", "scale": "small", "profile": "clean", "chaos": None, "data_tenant": None}
            about |= {name: columns[name] for name in about if name in columns}
            asked = {"id": scenario, "name": f"s{scenario}", "selection": columns.pop("selection", {}), **about}
            self._upsert(connection, farm_scenarios, asked | {"first_run_id": run_id})
            counted: dict[str, int] = {}
            for row in rows:
                if row["is_final"]:
                    name = COUNTS.get(row["outcome"], row["outcome"])
                    counted[name] = counted.get(name, 0) + (name in farm_runs.c)
            started = START + timedelta(hours=run_id)
            values: dict[str, Any] = {
                "tenant_id": self.tenant, "id": run_id, "uuid": f"u-{run_id}", "scenario_id": scenario,
                "status": "failed" if {"failed", "errors", "crashed"} & counted.keys() else "passed", "exit_code": 0,
                "seed": 1, "anchor": START, "started_at": started, "finished_at": started + timedelta(seconds=60),
                "duration_ms": 60_000, "grades": {}, "environment": {"python": "3.11"}, "environment_hash": "e",
                "arguments": [], "vcs_branch": "main", "vcs_sha": f"sha{run_id}", "vcs_dirty": False,
                "collected": len(tests or {}), "not_run": 0,
            }  # fmt: skip
            connection.execute(insert(farm_runs).values(values | about | counted | columns))
            for row in rows:
                named = {"id": row["test_id"], "identity": row.pop("identity"), "nodeid": row.pop("nodeid")}
                self._upsert(connection, farm_tests, named | {"first_run_id": run_id})
                output = row.pop("output", None)
                connection.execute(insert(farm_run_tests).values(row))
                if output is not None:
                    key = {name: row[name] for name in ("tenant_id", "run_id", "test_id", "attempt")}
                    connection.execute(insert(farm_run_test_output).values(**key, kind="longrepr", body=output))
            for number, name in enumerate(faults, 1):
                fault = {"run_id": run_id, "number": number, "test_id": identity_id(name), "attempt": 1, "at_us": 0}
                how = {"kind": "error", "delivered": number % 2 == 0}
                connection.execute(insert(farm_faults).values(tenant_id=self.tenant, **fault, **how))
            return int(run_id)

    def _attempts(self, run_id: int, name: str, given: Any) -> list[dict[str, Any]]:
        attempts = given if isinstance(given, list) else [given]
        rows = []
        for number, one in enumerate(attempts, 1):
            columns = {"outcome": one} if isinstance(one, str) else dict(one)
            bad = columns["outcome"] in {"failed", "error", "crashed"}
            rows.append(
                {
                    "tenant_id": self.tenant, "run_id": run_id, "test_id": identity_id(name), "attempt": number,
                    "identity": name, "nodeid": name.replace("::", ".py::"), "phase": "call",
                    "cause": "first" if number == 1 else "rerun", "is_final": number == len(attempts),
                    "started_us": number, "setup_us": 0, "call_us": 1000, "teardown_us": 0,
                    "error_signature": "sig" if bad else None, "message": "it broke" if bad else None,
                } | columns
            )  # fmt: skip
        return rows

    def _upsert(self, connection: Any, table: Any, row: dict[str, Any]) -> None:
        statement = self.store.upsert(table).values(tenant_id=self.tenant, **row)
        connection.execute(statement.on_conflict_do_nothing())
