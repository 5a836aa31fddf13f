"""The tables of the run store: scenarios, runs, and one row per attempt at a test; every row says whose it is."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from pytest_aosfarm.recording.isolation import NOT_EMPTY

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect
    from sqlalchemy.schema import SchemaItem

__all__ = (
    "UtcDateTime",
    "farm_errors",
    "farm_faults",
    "farm_run_test_output",
    "farm_run_tests",
    "farm_runs",
    "farm_scenarios",
    "farm_tenants",
    "farm_test_aliases",
    "farm_test_stats",
    "farm_tests",
    "identity_id",
    "metadata",
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time; SQLite keeps it as text without the zone, which sorts as time does."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC and, where the database keeps no zone, drop it."""
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


metadata = MetaData()

_JSON = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def _table(name: str, key: list[str], *items: SchemaItem) -> Table:
    """A table whose rows are a tenant's, and whose primary key begins with the tenant."""
    return Table(
        name,
        metadata,
        Column("tenant_id", Text, nullable=False),
        *items,
        PrimaryKeyConstraint("tenant_id", *key, name=f"{name}_pkey"),
        CheckConstraint("tenant_id <> ''", name=NOT_EMPTY),
        # Rows lie in the order of their key: a run's results together, and the key is not stored a second time.
        sqlite_with_rowid=False,
    )


def _number(name: str) -> Column[int]:
    """A whole number that is always there."""
    return Column(name, BigInteger, nullable=False)


def _count(name: str) -> Column[int]:
    """How many of something a run has seen so far."""
    return Column(name, Integer, nullable=False, server_default=text("0"))


def _of_run(table: str) -> ForeignKeyConstraint:
    """Rows that go when their run goes."""
    return ForeignKeyConstraint(
        ["tenant_id", "run_id"],
        ["farm_runs.tenant_id", "farm_runs.id"],
        name=f"{table}_run_fkey",
        ondelete="CASCADE",
    )


farm_tenants = _table("farm_tenants", [], _number("last_run_id"))
"""Who keeps runs here, and the number of the newest: numbers are the tenant's own, and never given twice."""

farm_scenarios = _table(
    "farm_scenarios",
    ["id"],
    _number("id"),
    Column("name", Text, nullable=False),
    Column("lab", Text),
    Column("scale", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("chaos", Text),
    Column("data_tenant", Text),
    Column("selection", _JSON, nullable=False),
    _number("first_run_id"),
)
"""What runs were asked to do, once each; the id is a hash of it. Runs of one scenario can be compared."""

farm_runs = _table(
    "farm_runs",
    ["id"],
    _number("id"),
    Column("uuid", Text, nullable=False),
    Column("scenario_id", BigInteger),
    Column("status", Text, nullable=False),
    Column("status_reason", Text),
    Column("exit_code", Integer),
    Column("lab", Text),
    Column("scale", Text, nullable=False),
    _number("seed"),
    Column("anchor", UtcDateTime, nullable=False),
    Column("profile", Text, nullable=False),
    Column("chaos", Text),
    Column("data_tenant", Text),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("duration_ms", BigInteger),
    Column("heartbeat_at", UtcDateTime),
    Column("owner_host", Text),
    Column("owner_boot", Text),
    Column("owner_pid", Integer),
    Column("owner_started", BigInteger),
    Column("owner_token", Text),
    _count("worker_count"),
    Column("dist", Text),
    Column("collected", Integer),
    *(_count(name) for name in ("deselected", "passed", "failed", "errors", "skipped", "xfailed", "xpassed", "crashed")),
    _count("flaky"),
    Column("not_run", Integer),
    Column("grades", _JSON, nullable=False),
    Column("environment", _JSON, nullable=False),
    Column("environment_hash", Text),
    Column("arguments", _JSON, nullable=False),
    Column("rootdir", Text),
    Column("vcs_branch", Text),
    Column("vcs_sha", Text),
    Column("vcs_dirty", Boolean),
    Column("vcs_change", Text),
    Column("ci_provider", Text),
    Column("ci_url", Text),
    Column("pinned", Boolean, nullable=False, server_default=text("false")),
    Column("judged", Text),
    UniqueConstraint("tenant_id", "uuid", name="farm_runs_uuid_key"),
    ForeignKeyConstraint(
        ["tenant_id", "scenario_id"],
        ["farm_scenarios.tenant_id", "farm_scenarios.id"],
        name="farm_runs_scenario_fkey",
    ),
    Index("farm_runs_scenario", "tenant_id", "scenario_id", "id"),
    Index("farm_runs_branch", "tenant_id", "vcs_branch", "id"),
)
"""Every run from its first second on; `heartbeat_at` is of the database's clock.

`judged` is what the run had come to when farm_test_stats last took it into account.
"""

farm_tests = _table(
    "farm_tests",
    ["id"],
    _number("id"),
    Column("identity", Text, nullable=False),
    Column("nodeid", Text, nullable=False),
    _number("first_run_id"),
)
"""What has ever been run; the id is a hash of the identity, so that writing a result needs no look at this table."""

farm_test_aliases = _table(
    "farm_test_aliases",
    ["identity"],
    Column("identity", Text, nullable=False),
    _number("test_id"),
)
"""Former identities: what is recorded under one of them belongs to the test that it names."""

farm_run_tests = _table(
    "farm_run_tests",
    ["run_id", "test_id", "attempt"],
    _number("run_id"),
    _number("test_id"),
    Column("attempt", Integer, nullable=False),
    Column("variant", Text),
    Column("outcome", Text, nullable=False),
    Column("raw_outcome", Text),
    Column("phase", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("is_final", Boolean, nullable=False),
    Column("worker", Text),
    *(_number(name) for name in ("started_us", "setup_us", "call_us", "teardown_us")),
    Column("error_type", Text),
    Column("error_signature", Text),
    Column("error_location", Text),
    Column("message", Text),
    Column("data_tenant", Text),
    Column("properties", _JSON),
    _of_run("farm_run_tests"),
    Index("farm_run_tests_history", "tenant_id", "test_id", "run_id"),
    Index(
        "farm_run_tests_bad",
        "tenant_id",
        "run_id",
        "outcome",
        sqlite_where=text("outcome <> 'passed'"),
        postgresql_where=text("outcome <> 'passed'"),
    ),
)
"""Attempts at tests. `started_us` counts from the start of the run; `is_final` marks the attempt that decides."""

farm_run_test_output = _table(
    "farm_run_test_output",
    ["run_id", "test_id", "attempt", "kind"],
    _number("run_id"),
    _number("test_id"),
    Column("attempt", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    _of_run("farm_run_test_output"),
)
"""Traceback (longrepr), stdout, stderr and log of attempts that went wrong: UTF-8, compressed with zlib."""

farm_errors = _table(
    "farm_errors",
    ["run_id", "number"],
    _number("run_id"),
    Column("number", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("body", Text),
    _of_run("farm_errors"),
)
"""What went wrong outside any test: in pytest itself (internal), with a worker, or in recording."""

farm_faults = _table(
    "farm_faults",
    ["run_id", "number"],
    _number("run_id"),
    _number("number"),
    Column("test_id", BigInteger),
    Column("attempt", Integer),
    Column("worker", Text),
    _number("at_us"),
    Column("kind", Text, nullable=False),
    Column("module", Text),
    Column("method", Text),
    Column("path", Text),
    Column("status", Integer),
    Column("delay_us", BigInteger),
    Column("rule", Text),
    Column("delivered", Boolean),
    Column("observed", Text),
    _of_run("farm_faults"),
)
"""Injected faults, in the order in which they were; `at_us` counts from the start of the run."""

farm_test_stats = _table(
    "farm_test_stats",
    ["test_id", "branch"],
    _number("test_id"),
    Column("branch", Text, nullable=False),
    *(_count(name) for name in ("runs", "passes", "fails", "flips", "pass_streak", "fail_streak")),
    Column("flip_rate", Float, nullable=False),
    Column("p50_us", BigInteger),
    Column("p95_us", BigInteger),
    Column("mad_us", BigInteger),
    Column("health", Text, nullable=False),
    Column("evidence", _JSON, nullable=False),
    Column("last_fail_run_id", BigInteger),
    _number("updated_run_id"),
)
"""What the last 30 runs on a branch say of a test ('' is no branch): computed once per run, when somebody asks."""


def identity_id(identity: str) -> int:
    """The id of the test with this identity: 63 bits of a hash, so that it fits into every database's integers."""
    return int.from_bytes(blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=8).digest()) >> 1
