"""SQL that keeps tenants apart in PostgreSQL: row level security on every table with rows of tenants, and its partitions.

The policy lets a transaction see and write the rows of the tenant that it has named, and none where it has named none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aosfarm.errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = (
    "NAMED",
    "NAME_TENANT",
    "NOT_EMPTY",
    "POLICY",
    "READER",
    "RECORDER",
    "UNBOUND",
    "add_not_empty",
    "isolation",
    "known_tenant",
)

READER = "aosfarm_reader"
"""The role of those who read: it owns nothing and sees the parents and the views."""

RECORDER = "aosfarm_recorder"
"""The role of those who record runs: it owns nothing, and reads and writes the run store."""

SETTING = "aosfarm.tenant_id"
POLICY = "aosfarm_tenant"
NOT_EMPTY = "tenant_id_not_empty"
"""The constraint without which the empty setting, which is left when a transaction ends, would be a tenant."""

NAME_TENANT = f"SELECT set_config('{SETTING}', %s, true)"
"""Says whose the rest of the transaction is."""

UNBOUND = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
"""Whether no policy binds the present role."""

NAMED = f"(tenant_id = current_setting('{SETTING}'::text, true))"
"""The policy's condition, as the catalogue writes it."""


def known_tenant(tenant_id: str) -> str:
    """The id of the tenant whose synthetic data is meant. Raises LoadError for none."""
    if not tenant_id.strip():
        raise LoadError("no tenant, no data: the tenant's id is empty; give the id that the data was loaded under")
    return tenant_id


def isolation(table: str) -> Iterator[str]:
    """Put the policy on a table, whose name is as SQL writes it, and make it hold for its owner as well."""
    yield f"DROP POLICY IF EXISTS {POLICY} ON {table}"
    yield f"CREATE POLICY {POLICY} ON {table} USING {NAMED} WITH CHECK {NAMED}"
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"


def add_not_empty(table: str) -> str:
    """Refuse rows of no tenant in a table, and in its partitions."""
    return f"ALTER TABLE {table} ADD CONSTRAINT {NOT_EMPTY} CHECK (tenant_id <> '')"
