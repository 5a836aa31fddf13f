"""The first released schema; a file of the first slice (SQLite, schema version 1) is taken over."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from pytest_aosfarm.recording.migrations.first_slice import put_aside, take_over

revision = "0001"
down_revision = None


class Maybe(NamedTuple):
    """A type whose column may be null."""

    type: Any


class Default(NamedTuple):
    """A type, and the value of a column where none is given."""

    type: Any
    value: str


TEXT, BIG, INT, FLAG, FLOAT, BLOB = sa.Text(), sa.BigInteger(), sa.Integer(), sa.Boolean(), sa.Float(), sa.LargeBinary()
MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
COUNT, OFF = Default(INT, "0"), Default(FLAG, "false")

TABLES: dict[str, dict[str, Any]] = {
    "farm_scenarios": {
        "id": BIG, "name": TEXT, "lab": Maybe(TEXT), "scale": TEXT, "profile": TEXT, "chaos": Maybe(TEXT),
        "data_tenant": Maybe(TEXT), "selection": JSON, "first_run_id": BIG,
    },
    "farm_tenants": {
        "last_run_id": BIG,
    },
    "farm_test_aliases": {
        "identity": TEXT, "test_id": BIG,
    },
    "farm_test_stats": {
        "test_id": BIG, "branch": TEXT, "runs": COUNT, "passes": COUNT, "fails": COUNT, "flips": COUNT,
        "pass_streak": COUNT, "fail_streak": COUNT, "flip_rate": FLOAT, "p50_us": Maybe(BIG), "p95_us":
        Maybe(BIG), "mad_us": Maybe(BIG), "health": TEXT, "evidence": JSON, "last_fail_run_id": Maybe(BIG),
        "updated_run_id": BIG,
    },
    "farm_tests": {
        "id": BIG, "identity": TEXT, "nodeid": TEXT, "first_run_id": BIG,
    },
    "farm_runs": {
        "id": BIG, "uuid": TEXT, "scenario_id": Maybe(BIG), "status": TEXT, "status_reason": Maybe(TEXT),
        "exit_code": Maybe(INT), "lab": Maybe(TEXT), "scale": TEXT, "seed": BIG, "anchor": MOMENT,
        "profile": TEXT, "chaos": Maybe(TEXT), "data_tenant": Maybe(TEXT), "started_at": MOMENT,
        "finished_at": Maybe(MOMENT), "duration_ms": Maybe(BIG), "heartbeat_at": Maybe(MOMENT),
        "owner_host": Maybe(TEXT), "owner_boot": Maybe(TEXT), "owner_pid": Maybe(INT), "owner_started":
        Maybe(BIG), "owner_token": Maybe(TEXT), "worker_count": COUNT, "dist": Maybe(TEXT), "collected":
        Maybe(INT), "deselected": COUNT, "passed": COUNT, "failed": COUNT, "errors": COUNT, "skipped":
        COUNT, "xfailed": COUNT, "xpassed": COUNT, "crashed": COUNT, "flaky": COUNT, "not_run": Maybe(INT),
        "grades": JSON, "environment": JSON, "environment_hash": Maybe(TEXT), "arguments": JSON, "rootdir":
        Maybe(TEXT), "vcs_branch": Maybe(TEXT), "vcs_sha": Maybe(TEXT), "vcs_dirty": Maybe(FLAG),
        "vcs_change": Maybe(TEXT), "ci_provider": Maybe(TEXT), "ci_url": Maybe(TEXT), "pinned": OFF,
        "judged": Maybe(TEXT),
    },
    "farm_errors": {
        "run_id": BIG, "number": INT, "source": TEXT, "message": TEXT, "body": Maybe(TEXT),
    },
    "farm_faults": {
        "run_id": BIG, "number": BIG, "test_id": Maybe(BIG), "attempt": Maybe(INT), "worker": Maybe(TEXT),
        "at_us": BIG, "kind": TEXT, "module": Maybe(TEXT), "method": Maybe(TEXT), "path": Maybe(TEXT),
        "status": Maybe(INT), "delay_us": Maybe(BIG), "rule": Maybe(TEXT), "delivered": Maybe(FLAG),
        "observed": Maybe(TEXT),
    },
    "farm_run_test_output": {
        "run_id": BIG, "test_id": BIG, "attempt": INT, "kind": TEXT, "body": BLOB,
    },
    "farm_run_tests": {
        "run_id": BIG, "test_id": BIG, "attempt": INT, "variant": Maybe(TEXT), "outcome": TEXT,
        "raw_outcome": Maybe(TEXT), "phase": TEXT, "cause": TEXT, "is_final": FLAG, "worker": Maybe(TEXT),
        "started_us": BIG, "setup_us": BIG, "call_us": BIG, "teardown_us": BIG, "error_type": Maybe(TEXT),
        "error_signature": Maybe(TEXT), "error_location": Maybe(TEXT), "message": Maybe(TEXT),
        "data_tenant": Maybe(TEXT), "properties": Maybe(JSON),
    },
}  # fmt: skip
KEYS = {
    "farm_scenarios": ["tenant_id", "id"],
    "farm_tenants": ["tenant_id"],
    "farm_test_aliases": ["tenant_id", "identity"],
    "farm_test_stats": ["tenant_id", "test_id", "branch"],
    "farm_tests": ["tenant_id", "id"],
    "farm_runs": ["tenant_id", "id"],
    "farm_errors": ["tenant_id", "run_id", "number"],
    "farm_faults": ["tenant_id", "run_id", "number"],
    "farm_run_test_output": ["tenant_id", "run_id", "test_id", "attempt", "kind"],
    "farm_run_tests": ["tenant_id", "run_id", "test_id", "attempt"],
}

OF_A_RUN = ("farm_errors", "farm_faults", "farm_run_test_output", "farm_run_tests")


def upgrade() -> None:
    """Make the tables, and bring in what the first slice had recorded."""
    connection = op.get_bind()
    old = put_aside(connection)
    for name, columns in TABLES.items():
        op.create_table(
            name,
            sa.Column("tenant_id", TEXT, nullable=False),
            *(_column(column, kind) for column, kind in columns.items()),
            sa.PrimaryKeyConstraint(*KEYS[name], name=f"{name}_pkey"),
            sa.CheckConstraint("tenant_id <> ''", name="tenant_id_not_empty"),
            *_other_keys(name),
            sqlite_with_rowid=False,
        )
    op.create_index("farm_runs_scenario", "farm_runs", ["tenant_id", "scenario_id", "id"])
    op.create_index("farm_runs_branch", "farm_runs", ["tenant_id", "vcs_branch", "id"])
    op.create_index("farm_run_tests_history", "farm_run_tests", ["tenant_id", "test_id", "run_id"])
    bad = sa.text("outcome <> 'passed'")
    op.create_index(
        "farm_run_tests_bad", "farm_run_tests", ["tenant_id", "run_id", "outcome"], sqlite_where=bad, postgresql_where=bad
    )
    if old:
        take_over(connection)


def _column(name: str, kind: Any) -> sa.Column[Any]:
    if isinstance(kind, Maybe):
        return sa.Column(name, kind.type, nullable=True)
    if isinstance(kind, Default):
        return sa.Column(name, kind.type, nullable=False, server_default=sa.text(kind.value))
    return sa.Column(name, kind, nullable=False)


def _other_keys(table: str) -> list[sa.Constraint]:
    if table in OF_A_RUN:
        run = ["farm_runs.tenant_id", "farm_runs.id"]
        return [sa.ForeignKeyConstraint(["tenant_id", "run_id"], run, name=f"{table}_run_fkey", ondelete="CASCADE")]
    if table == "farm_runs":
        scenario = ["farm_scenarios.tenant_id", "farm_scenarios.id"]
        return [
            sa.UniqueConstraint("tenant_id", "uuid", name="farm_runs_uuid_key"),
            sa.ForeignKeyConstraint(["tenant_id", "scenario_id"], scenario, name="farm_runs_scenario_fkey"),
        ]
    return []
