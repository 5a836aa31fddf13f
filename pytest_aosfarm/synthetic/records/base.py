"""The types that fields of records share.

Text is never taken for a number nor a number for text, only for a moment or an address, as JSON writes them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

__all__ = (
    "Address", "ApplicationId", "AuthId", "Currency", "CustomerId", "DatabaseId", "Email", "EmployeeId", "FlowId",
    "HostId", "InvoiceId", "LogId", "Moment", "OrganizationId", "Record", "RequestId", "ServiceId", "SessionId",
    "SubscriptionId", "TraceId", "TransactionId",
)  # fmt: skip


class Record(BaseModel):
    """A row of a table. Equal records are equal rows."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _no_number(value: Any) -> Any:
    if isinstance(value, int | float):
        raise ValueError("a number stands for nothing here")  # noqa: TRY004 - pydantic reports no TypeError
    return value


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _as_rows_write_it(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


Moment: TypeAlias = Annotated[
    AwareDatetime,
    Field(strict=False),
    BeforeValidator(_no_number),
    AfterValidator(_in_utc),
    PlainSerializer(_as_rows_write_it, return_type=str, when_used="json"),
]
"""An aware datetime in UTC; in JSON with six decimals and Z."""

Currency: TypeAlias = Literal["USD", "EUR", "GBP", "CAD", "AUD"]
Address: TypeAlias = Annotated[IPv4Address, Field(strict=False), BeforeValidator(_no_number)]
Email: TypeAlias = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s.]+$")]

ApplicationId: TypeAlias = Annotated[str, Field(pattern="^application-[0-9a-f]{16}$")]
AuthId: TypeAlias = Annotated[str, Field(pattern="^auth-[0-9a-f]{16}$")]
CustomerId: TypeAlias = Annotated[str, Field(pattern="^customer-[0-9a-f]{16}$")]
DatabaseId: TypeAlias = Annotated[str, Field(pattern="^database-[0-9a-f]{16}$")]
EmployeeId: TypeAlias = Annotated[str, Field(pattern="^user-[0-9a-f]{16}$")]
FlowId: TypeAlias = Annotated[str, Field(pattern="^flow-[0-9a-f]{16}$")]
HostId: TypeAlias = Annotated[str, Field(pattern="^host-[0-9a-f]{16}$")]
InvoiceId: TypeAlias = Annotated[str, Field(pattern="^invoice-[0-9a-f]{16}$")]
LogId: TypeAlias = Annotated[str, Field(pattern="^log-[0-9a-f]{16}$")]
OrganizationId: TypeAlias = Annotated[str, Field(pattern="^organization-[0-9a-f]{16}$")]
RequestId: TypeAlias = Annotated[str, Field(pattern="^request-[0-9a-f]{16}$")]
ServiceId: TypeAlias = Annotated[str, Field(pattern="^service-[0-9a-f]{16}$")]
SessionId: TypeAlias = Annotated[str, Field(pattern="^session-[0-9a-f]{16}$")]
SubscriptionId: TypeAlias = Annotated[str, Field(pattern="^subscription-[0-9a-f]{16}$")]
TraceId: TypeAlias = Annotated[str, Field(pattern="^trace-[0-9a-f]{16}$")]
TransactionId: TypeAlias = Annotated[str, Field(pattern="^transaction-[0-9a-f]{16}$")]
