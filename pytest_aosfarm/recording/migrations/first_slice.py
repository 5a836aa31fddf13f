"""What the first slice recorded (SQLite, schema version 1) becomes rows of the first released schema."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, inspect, text

from pytest_aosfarm.recording import events_v1
from pytest_aosfarm.recording.location import DEFAULT_TENANT
from pytest_aosfarm.recording.tables import identity_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ("put_aside", "take_over")

_COUNTED = {"passed", "failed", "error", "skipped", "xfailed", "xpassed", "crashed"}

_RUNS = f"""
    INSERT INTO farm_runs (
        tenant_id, id, uuid, status, exit_code, lab, scale, seed, anchor, profile, chaos, data_tenant, started_at,
        finished_at, collected, deselected, passed, failed, errors, skipped, xfailed, xpassed, crashed, not_run, grades,
        environment, arguments)
    SELECT coalesce(nullif(tenant, ''), '{DEFAULT_TENANT}'), id, uuid, status, exit_code, lab, scale,
        CAST(seed AS INTEGER), anchor, profile, chaos, tenant, started_at, finished_at, collected, deselected, passed,
        failed, errors, skipped, xfailed, xpassed, crashed, not_run, grades, versions, '[]'
    FROM old_runs
"""  # noqa: S608 - our names
_LAST = "INSERT INTO farm_tenants SELECT tenant_id, max(id) FROM farm_runs GROUP BY tenant_id"
_TESTS = """
    INSERT INTO farm_tests (tenant_id, id, identity, nodeid, first_run_id)
    VALUES (:tenant_id, :test_id, :identity, :nodeid, :run_id) ON CONFLICT DO NOTHING
"""
_ATTEMPTS = """
    INSERT INTO farm_run_tests (
        tenant_id, run_id, test_id, attempt, outcome, raw_outcome, phase, cause, is_final, worker, started_us, setup_us,
        call_us, teardown_us, message, data_tenant, properties)
    VALUES (
        :tenant_id, :run_id, :test_id, :attempt, :outcome, :raw_outcome, :phase, :cause, :is_final, :worker, :started_us,
        :setup_us, :call_us, :teardown_us, :message, :data_tenant, :properties)
"""
_OLD_ATTEMPTS = """
    SELECT t.*, r.started_at AS run_started_at, coalesce(nullif(r.tenant, ''), :tenant) AS tenant_id
    FROM old_run_tests t JOIN old_runs r ON r.id = t.run_id ORDER BY t.run_id, t.nodeid, t.attempt
"""


def put_aside(connection: Connection) -> bool:
    """Rename the tables of the first slice, if they are there; whether they were."""
    if connection.dialect.name != "sqlite" or "farm_runs" not in inspect(connection).get_table_names():
        return False
    connection.execute(text("ALTER TABLE farm_runs RENAME TO old_runs"))
    connection.execute(text("ALTER TABLE farm_run_tests RENAME TO old_run_tests"))
    return True


def take_over(connection: Connection) -> None:
    """Fill the tables from the renamed ones, and drop those."""
    connection.execute(text(_RUNS))
    connection.execute(text(_LAST))
    for run_id, versions in connection.execute(text("SELECT id, versions FROM old_runs")).all():
        environment = json.dumps(events_v1.environment(json.loads(versions)))
        update = "UPDATE farm_runs SET environment = :environment WHERE id = :id"
        connection.execute(text(update), {"environment": environment, "id": run_id})
    for row in _attempts(connection):
        connection.execute(text(_TESTS), row)
        connection.execute(text(_ATTEMPTS), row)
    connection.execute(text("DROP TABLE old_run_tests"))
    connection.execute(text("DROP TABLE old_runs"))


def _attempts(connection: Connection) -> Iterator[dict[str, Any]]:
    rows = connection.execute(text(_OLD_ATTEMPTS), {"tenant": DEFAULT_TENANT}).mappings().all()
    last = {(row["run_id"], row["nodeid"]): row["attempt"] for row in rows}
    numbers: Counter[tuple[int, int]] = Counter()
    for row in rows:
        test_id = identity_id(row["identity"])
        numbers[row["run_id"], test_id] += 1
        yield _attempt(row, test_id, numbers[row["run_id"], test_id]) | {
            "is_final": row["attempt"] == last[row["run_id"], row["nodeid"]]
        }


def _attempt(row: Mapping[Any, Any], test_id: int, number: int) -> dict[str, Any]:
    passed = datetime.fromisoformat(row["started_at"]) - datetime.fromisoformat(row["run_started_at"])
    counted = row["outcome"] in _COUNTED
    properties = row["properties"] if json.loads(row["properties"] or "{}") else None
    changed = {
        "test_id": test_id,
        "attempt": number,
        "outcome": row["outcome"] if counted else "other",
        "raw_outcome": None if counted else row["outcome"],
        "cause": "first" if row["attempt"] == 1 else "rerun",
        "started_us": round(passed.total_seconds() * 1e6),
        "data_tenant": None if row["tenant"] == row["identity"] else row["tenant"],
        "properties": properties,
    }
    return dict(row) | changed
