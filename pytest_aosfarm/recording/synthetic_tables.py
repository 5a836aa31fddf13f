"""The tables that synthetic data is loaded into: their columns, keys, indexes, and the views over them.

Every row says whose it is, and keys begin with that: no reference crosses tenants. On PostgreSQL a table is partitioned
by tenant; its foreign keys stand on the partitions, where they are validated before anybody sees the rows. What else
keeps tenants apart there stands in `isolation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)  # fmt: skip
from sqlalchemy.dialects import postgresql

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.recording.isolation import NOT_EMPTY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.types import TypeEngine

__all__ = ("PREFIX", "VIEWS", "definition", "synthetic")

PREFIX = "synthetic_"
VIEWS: dict[str, dict[str, str]] = {
    "synthetic_assets": {
        "application": "applications", "service": "services", "database": "databases", "host": "hosts",
    },
    "synthetic_events": {"log": "logs", "network flow": "network_flows", "auth event": "auth_events"},
}  # fmt: skip
"""View -> kind -> table: a view holds the columns that all of its tables have, and the kind of each row."""

synthetic = MetaData()


class Maybe(NamedTuple):
    """A type whose column may be null."""

    type: TypeEngine[Any]


_IN_SQLITE_TEXT = (Text(), "sqlite")
TEXT = Text()
NUMBER = BigInteger()
FLAG = Boolean()
MOMENT = DateTime(timezone=True).with_variant(*_IN_SQLITE_TEXT)
ADDRESS = postgresql.INET().with_variant(*_IN_SQLITE_TEXT)
TEXTS = postgresql.ARRAY(Text).with_variant(*_IN_SQLITE_TEXT)


def _table(
    name: str,
    columns: Mapping[str, Any],
    *,
    unique: Sequence[str] = (),
    references: Mapping[str, str] | None = None,
    indexes: Sequence[str] = (),
) -> None:
    """Define `synthetic_<name>`."""
    Table(
        PREFIX + name,
        synthetic,
        Column("tenant_id", Text, nullable=False),
        *(
            Column(column, kind.type, nullable=True) if isinstance(kind, Maybe) else Column(column, kind, nullable=False)
            for column, kind in columns.items()
        ),
        CheckConstraint("tenant_id <> ''", name=NOT_EMPTY),
        PrimaryKeyConstraint("tenant_id", "id"),
        *(UniqueConstraint("tenant_id", column) for column in unique),
        *(
            ForeignKeyConstraint(["tenant_id", column], [f"{PREFIX}{other}.tenant_id", f"{PREFIX}{other}.id"])
            for column, other in (references or {}).items()
        ),
        *(Index(f"{PREFIX}{name}_{column}", column) for column in indexes),
        postgresql_partition_by="LIST (tenant_id)",
    )


def definition(name: str) -> Table:
    """The table that synthetic table `name` is loaded into. Raises ConfigurationError for one that is in no database."""
    if PREFIX + name not in synthetic.tables:
        known = ", ".join(table.removeprefix(PREFIX) for table in synthetic.tables)
        raise ConfigurationError(f"{name} is an answer key and in no database; export it, or load one of {known}")
    return synthetic.tables[PREFIX + name]


_table(
    "databases",
    {
        "id": TEXT, "name": TEXT, "type": TEXT, "environment": TEXT, "owner": TEXT, "size_gb": NUMBER,
        "connection_string": TEXT,
    },
    unique=("name", "connection_string"),
)  # fmt: skip
_table(
    "hosts",
    {
        "id": TEXT, "name": TEXT, "type": TEXT, "cloud_provider": TEXT, "region": TEXT, "instance_type": TEXT,
        "ip_address": ADDRESS, "status": TEXT, "owner": TEXT,
    },
    unique=("name", "ip_address"),
)  # fmt: skip
_table(
    "applications",
    {
        "id": TEXT, "name": TEXT, "vendor": TEXT, "domain": TEXT, "type": TEXT, "environment": TEXT,
        "owner": TEXT, "team": TEXT, "risk_level": TEXT, "tech_stack": TEXTS, "url": TEXT, "database_id": TEXT,
    },
    unique=("domain", "url", "vendor"),
    references={"database_id": "databases"},
    indexes=("database_id",),
)  # fmt: skip
_table(
    "services",
    {
        "id": TEXT, "name": TEXT, "type": TEXT, "application_id": TEXT, "host_id": TEXT, "environment": TEXT,
        "owner": TEXT, "endpoint": TEXT, "protocol": TEXT,
    },
    unique=("name", "endpoint"),
    references={"application_id": "applications", "host_id": "hosts"},
    indexes=("application_id", "host_id"),
)  # fmt: skip
_table(
    "customers",
    {
        "id": TEXT, "source_system": TEXT, "name": TEXT, "email": TEXT, "phone": TEXT, "organization_id": TEXT,
        "organization_name": TEXT, "industry": TEXT, "size": TEXT, "country": TEXT, "region": TEXT,
        "city": TEXT, "currency": TEXT, "tier": TEXT, "status": TEXT, "created_at": MOMENT,
    },
    unique=("email",),
)  # fmt: skip
_table(
    "subscriptions",
    {
        "id": TEXT, "customer_id": TEXT, "source_system": TEXT, "plan": TEXT, "status": TEXT,
        "billing_months": NUMBER, "seats": NUMBER, "currency": TEXT, "mrr": NUMBER, "initial_mrr": NUMBER,
        "changed_at": Maybe(MOMENT), "start_date": MOMENT, "end_date": Maybe(MOMENT),
        "paused_at": Maybe(MOMENT),
    },
    references={"customer_id": "customers"},
    indexes=("customer_id",),
)  # fmt: skip
_table(
    "invoices",
    {
        "id": TEXT, "customer_id": TEXT, "subscription_id": TEXT, "source_system": TEXT, "number": TEXT,
        "status": TEXT, "currency": TEXT, "amount": NUMBER, "tax": NUMBER, "total": NUMBER, "balance": NUMBER,
        "issued_at": MOMENT, "due_at": MOMENT, "paid_at": Maybe(MOMENT), "period_start": MOMENT,
        "period_end": MOMENT,
    },
    unique=("number",),
    references={"customer_id": "customers", "subscription_id": "subscriptions"},
    indexes=("customer_id", "subscription_id"),
)  # fmt: skip
_table(
    "transactions",
    {
        "id": TEXT, "customer_id": TEXT, "invoice_id": TEXT, "source_system": TEXT, "type": TEXT,
        "status": TEXT, "amount": NUMBER, "currency": TEXT, "method": TEXT, "attempt": NUMBER,
        "failure_reason": Maybe(TEXT), "timestamp": MOMENT,
    },
    references={"customer_id": "customers", "invoice_id": "invoices"},
    indexes=("customer_id", "invoice_id"),
)  # fmt: skip
_table(
    "logs",
    {
        "id": TEXT, "timestamp": MOMENT, "received_at": MOMENT, "event_type": TEXT, "severity": TEXT,
        "application_id": TEXT, "service_id": TEXT, "host_id": TEXT, "user_id": Maybe(TEXT),
        "method": Maybe(TEXT), "path": Maybe(TEXT), "status_code": Maybe(NUMBER), "response_time_ms": NUMBER,
        "ip_address": ADDRESS, "user_agent": TEXT, "request_id": TEXT, "trace_id": TEXT,
        "error_type": Maybe(TEXT), "message": TEXT,
    },
    unique=("request_id",),
    references={"application_id": "applications", "service_id": "services", "host_id": "hosts"},
    indexes=("timestamp",),
)  # fmt: skip
_table(
    "network_flows",
    {
        "id": TEXT, "timestamp": MOMENT, "direction": TEXT, "source_ip": ADDRESS, "destination_ip": ADDRESS,
        "source_host_id": Maybe(TEXT), "destination_host_id": Maybe(TEXT), "service_id": Maybe(TEXT),
        "source_port": NUMBER, "destination_port": NUMBER, "protocol": TEXT, "bytes_sent": NUMBER,
        "bytes_received": NUMBER, "packets": NUMBER, "duration_ms": NUMBER, "status": TEXT,
    },
    references={"source_host_id": "hosts", "destination_host_id": "hosts", "service_id": "services"},
    indexes=("timestamp",),
)  # fmt: skip
_table(
    "auth_events",
    {
        "id": TEXT, "timestamp": MOMENT, "event_type": TEXT, "user_id": TEXT, "username": TEXT,
        "session_id": Maybe(TEXT), "application_id": TEXT, "ip_address": ADDRESS, "user_agent": TEXT,
        "method": TEXT, "success": FLAG, "failure_reason": Maybe(TEXT),
    },
    references={"application_id": "applications"},
    indexes=("timestamp",),
)  # fmt: skip
