"""Working as one tenant in a PostgreSQL that many share: every transaction names its tenant first."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus

from pytest_aosfarm.errors import LoadError
from pytest_aosfarm.recording.isolation import NAME_TENANT, READER, UNBOUND, known_tenant
from pytest_aosfarm.sinks.postgres_connection import opened, value

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("TenantConnection", "as_tenant", "tenant_connection")


@contextmanager
def as_tenant(connection: psycopg.Connection[Any], tenant_id: str) -> Iterator[None]:
    """One transaction of this tenant. Raises LoadError without a tenant, and while another transaction is under way."""
    known_tenant(tenant_id)
    if connection.info.transaction_status != TransactionStatus.IDLE:
        raise LoadError("a transaction is under way and may be another tenant's: end it first")
    with connection.transaction():
        connection.execute(NAME_TENANT, (tenant_id,))
        yield


class _Naming:
    """What the cursors of a TenantConnection do before a statement that begins a transaction."""

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """As in psycopg."""
        self._begin()
        return super().execute(*args, **kwargs)  # type: ignore[misc]  # a cursor's

    def _begin(self) -> None:
        connection: TenantConnection = self.connection  # type: ignore[attr-defined]  # a cursor's
        connection.begin()


class _Cursor(_Naming, psycopg.Cursor[Any]):
    """A cursor of a TenantConnection."""

    def executemany(self, *args: Any, **kwargs: Any) -> None:
        """As in psycopg."""
        self._begin()
        super().executemany(*args, **kwargs)

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """As in psycopg."""
        self._begin()
        return super().stream(*args, **kwargs)

    @contextmanager
    def copy(self, *args: Any, **kwargs: Any) -> Iterator[psycopg.Copy]:
        """As in psycopg."""
        self._begin()
        with super().copy(*args, **kwargs) as copy:
            yield copy


class _ServerCursor(_Naming, psycopg.ServerCursor[Any]):
    """A named cursor of a TenantConnection."""


class TenantConnection(psycopg.Connection[Any]):
    """A psycopg connection all of whose transactions are one tenant's, however they begin."""

    tenant_id = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cursor_factory = _Cursor
        self.server_cursor_factory = _ServerCursor

    def begin(self) -> None:
        """Begin a transaction and name its tenant, unless one is under way. Raises LoadError in autocommit mode."""
        if self.autocommit:
            raise LoadError("the connection is in autocommit mode, where a tenant would be forgotten at once: leave it off")
        if self.info.transaction_status == TransactionStatus.IDLE:
            psycopg.Cursor(self).execute(NAME_TENANT, (known_tenant(self.tenant_id),))

    @contextmanager
    def transaction(self, *args: Any, **kwargs: Any) -> Iterator[psycopg.Transaction]:
        """As in psycopg."""
        with super().transaction(*args, **kwargs) as transaction:
            psycopg.Cursor(self).execute(NAME_TENANT, (known_tenant(self.tenant_id),))
            yield transaction


@contextmanager
def tenant_connection(url: str, tenant_id: str) -> Iterator[TenantConnection]:
    """A psycopg connection that sees one tenant's synthetic data, as the role aosfarm_reader where it may become that.

    It commits when the context ends, and rolls back for an exception. Raises LoadError for an empty tenant, if there is
    no connection, and for a role that row level security does not bind.
    """
    known_tenant(tenant_id)
    with opened(url, TenantConnection) as connection:
        connection.tenant_id = tenant_id
        # Whoever made the role may give it away, but need not be able to become it: only trying tells.
        with suppress(errors.InsufficientPrivilege, errors.InvalidParameterValue), connection.transaction():
            connection.execute(f"SET ROLE {READER}".encode())
        if value(connection, UNBOUND):
            raise LoadError(
                f"{connection.info.user} is a role that no policy binds, and there is no {READER} to become: "
                "load a tenant as a role that may create roles, or connect as another"
            )
        connection.commit()
        yield connection
