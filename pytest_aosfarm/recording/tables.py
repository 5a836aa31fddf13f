"""The tables of the run store: one row per run, and one per attempt at a test."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import JSON, BigInteger, Column, DateTime, ForeignKey, Integer, MetaData, Table, Text
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

__all__ = ("APPLICATION_ID", "SCHEMA_VERSION", "farm_run_tests", "farm_runs", "metadata")

SCHEMA_VERSION = 1
"""Stamped into the file as `PRAGMA user_version`."""

APPLICATION_ID = 0x616F7366
"""Stamped into the file as `PRAGMA application_id` ("aosf"): so another program's SQLite file is never touched."""


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
        if value is None or dialect.name != "sqlite":
            return value
        return value.replace(tzinfo=UTC)


class WholeNumber(TypeDecorator[int]):
    """A whole number of any size, kept as text: a seed has 64 bits without a sign, and SQLite's integers have one."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: int | None, _dialect: Dialect) -> str | None:
        """Write it in decimal."""
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, _dialect: Dialect) -> int | None:
        """Read it back."""
        return None if value is None else int(value)


metadata = MetaData()

farm_runs = Table(
    "farm_runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uuid", Text, nullable=False, unique=True),
    Column("tenant", Text),
    Column("scenario", Text),
    Column("lab", Text),
    Column("scale", Text, nullable=False),
    Column("seed", WholeNumber, nullable=False),
    Column("anchor", UtcDateTime, nullable=False),
    Column("profile", Text, nullable=False),
    Column("chaos", Text),
    Column("status", Text, nullable=False),
    Column("exit_code", Integer),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("collected", Integer),
    Column("deselected", Integer, nullable=False, default=0),
    Column("passed", Integer, nullable=False, default=0),
    Column("failed", Integer, nullable=False, default=0),
    Column("errors", Integer, nullable=False, default=0),
    Column("skipped", Integer, nullable=False, default=0),
    Column("xfailed", Integer, nullable=False, default=0),
    Column("xpassed", Integer, nullable=False, default=0),
    Column("crashed", Integer, nullable=False, default=0),
    Column("not_run", Integer),
    Column("grades", JSON, nullable=False),
    Column("versions", JSON, nullable=False),
    sqlite_autoincrement=True,
)

farm_run_tests = Table(
    "farm_run_tests",
    metadata,
    Column("run_id", ForeignKey("farm_runs.id", ondelete="CASCADE"), primary_key=True),
    Column("nodeid", Text, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("identity", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("worker", Text),
    Column("started_at", UtcDateTime, nullable=False),
    Column("setup_us", BigInteger, nullable=False),
    Column("call_us", BigInteger, nullable=False),
    Column("teardown_us", BigInteger, nullable=False),
    Column("message", Text),
    Column("tenant", Text),
    Column("properties", JSON, nullable=False),
)
