"""The records of a farm.v1 snapshot, plane by plane, under every spelling of a field that AOD reads.

A field without a default must be there; what is not listed is not read.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AliasChoices, AliasPath, BaseModel, BeforeValidator, Field

__all__ = (
    "Certificate",
    "CloudResource",
    "ConfigItem",
    "Contract",
    "Device",
    "DnsRecord",
    "IdpObject",
    "InstalledApp",
    "Meta",
    "Observation",
    "ProxyLog",
    "Transaction",
    "Vendor",
)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_aware)]


def _named(*names: str | AliasPath) -> Any:
    return Field(validation_alias=AliasChoices(*names))


class Meta(BaseModel):
    """Who the snapshot belongs to, and when it was made (`created_at` is the "now" of every recency question)."""

    tenant_id: Annotated[str, BeforeValidator(str)]
    schema_version: Annotated[str, BeforeValidator(str)]
    created_at: Annotated[Moment, _named("created_at", "generated_at")] = Field(
        default_factory=lambda: datetime.now(UTC)
    )
    entity_id: str | None = None
    snapshot_id: str | None = None
    run_id: Annotated[str | None, _named("farm_manifest_id", "run_id")] = None
    seed: int | None = None
    enterprise_profile: Annotated[str | None, _named("enterprise_profile", "profile")] = None
    snapshot_fingerprint: str | None = None


class Observation(BaseModel):
    """Somebody or something saw this in use."""

    observation_id: str
    observed_name: Annotated[str, _named("observed_name", "name")]
    domain: str | None = None
    hostname: str | None = None
    observed_uri: Annotated[str | None, _named("observed_uri", "uri")] = None
    vendor_hint: Annotated[str | None, _named("vendor_hint", "vendor")] = None
    source: str = "discovery"
    observed_at: Annotated[Moment | None, _named("observed_at", "observedAt")] = None


class IdpObject(BaseModel):
    """Log-in to it is controlled."""

    idp_id: str
    name: str
    idp_type: str = "app"
    external_ref: Annotated[str | None, _named("external_ref", "domain")] = None
    has_sso: bool = False
    has_scim: bool = False
    owner: str | None = None
    last_login_at: Annotated[
        Moment | None, _named("last_login_at", "lastLoginAt", "lastLogin", "last_activity", "lastActivity")
    ] = None


class ConfigItem(BaseModel):
    """IT has it on its list."""

    ci_id: str
    name: str
    ci_type: str = "app"
    lifecycle: str = "unknown"
    environment: str = "unknown"
    owner: Annotated[str | None, _named("owner", "owner_email")] = None
    vendor: str | None = None
    external_ref: Annotated[str | None, _named("external_ref", "domain")] = None
    canonical_domain: str | None = None
    domains: tuple[str, ...] = ()


class CloudResource(BaseModel):
    """It runs in our account."""

    cloud_id: Annotated[str, _named("cloud_id", "resource_id")]
    name: str
    resource_type: str
    cloud_provider: Annotated[str, _named("cloud_provider", "provider")] = "aws"
    uri: str | None = None
    environment: Annotated[str, _named(AliasPath("tags", "environment"), "environment")] = "unknown"
    observed_at: Annotated[Moment | None, _named("observed_at", "observedAt")] = None


class Device(BaseModel):
    """A laptop or a phone."""

    device_id: str
    hostname: str
    os: str | None = None


class InstalledApp(BaseModel):
    """A program on a device."""

    install_id: Annotated[str, _named("install_id", "app_id")]
    app_name: Annotated[str, _named("app_name", "name")]
    device_id: str
    version: str | None = None
    vendor: str | None = None
    last_seen_at: Annotated[datetime | None, _named("last_seen_at", "lastSeenAt")] = None


class DnsRecord(BaseModel):
    """A name was asked for."""

    dns_id: Annotated[str, _named("dns_id", "record_id")]
    queried_domain: Annotated[str, _named("queried_domain", "domain")]
    record_type: str = "A"
    value: str | None = None
    timestamp: Annotated[datetime | None, _named("timestamp", "observed_at", "observedAt")] = None


class ProxyLog(BaseModel):
    """A page was fetched."""

    proxy_id: Annotated[str, _named("proxy_id", "log_id")]
    domain: str
    url: Annotated[str | None, _named("url", "uri")] = None
    user_email: Annotated[str | None, _named("user_email", "user")] = None
    bytes_transferred: int = 0
    timestamp: Annotated[datetime | None, _named("timestamp", "observed_at", "observedAt")] = None


class Certificate(BaseModel):
    """A certificate was presented."""

    cert_id: str
    domain: str
    issuer: str | None = None
    not_after: Annotated[datetime | None, _named("not_after", "expires_at")] = None


class Vendor(BaseModel):
    """A supplier on the books: no spend by itself."""

    vendor_id: str
    vendor_name: Annotated[str, _named("vendor_name", "name")]
    products: tuple[str, ...] = ()


class Contract(BaseModel):
    """A contract; whether it recurs is not read from this format."""

    contract_id: str
    vendor_id: str | None = None
    vendor_name: str | None = None
    product: str | None = None
    amount: float = 0.0
    currency: str = "USD"
    start_date: datetime | None = None
    end_date: datetime | None = None


class Transaction(BaseModel):
    """A payment."""

    txn_id: Annotated[str, _named("txn_id", "transaction_id")]
    vendor_id: str | None = None
    vendor_name: str | None = None
    product: str | None = None
    memo: str | None = None
    amount: float = 0.0
    currency: str = "USD"
    date: Annotated[datetime | None, _named("date", "datetime", "timestamp")] = None
    is_recurring: bool = False
