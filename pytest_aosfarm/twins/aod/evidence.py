"""The evidence of a farm.v1 snapshot: what is read from it, what is dropped from it, and what refuses it.

As AOD does: a container of the wrong type is an empty one; a record without a field it must have is dropped without a
word; a value of the wrong type, and any key that gives the answer away, refuses the whole snapshot.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, AliasChoices, AliasPath, BaseModel, BeforeValidator, Field, ValidationError
from pydantic import TypeAdapter as Adapter

from pytest_aosfarm.twins.aod.policy import BANNED_KEYS

__all__ = (
    "Evidence",
    "MalformedJSONError",
    "RefusedError",
    "read",
)


class MalformedJSONError(ValueError):
    """The body is not a JSON object."""


class RefusedError(ValueError):
    """The snapshot breaks the input contract; the text starts with its error code."""


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


RecordT = TypeVar("RecordT", bound=BaseModel)


class Evidence:
    """Every plane of one snapshot, checked. The planes that decide nothing are checked and let go."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.meta = _meta(document)
        planes = _mapping(document.get("planes"))
        self.observations = _records(planes, "discovery.observations", Observation)
        self.idp_objects = _records(planes, "idp.objects", IdpObject)
        self.config_items = _records(planes, "cmdb.cis", ConfigItem)
        self.cloud_resources = _records(planes, "cloud.resources", CloudResource)
        self.vendors = _records(planes, "finance.vendors", Vendor)
        self.contracts = _records(planes, "finance.contracts", Contract)
        self.transactions = _records(planes, "finance.transactions", Transaction)
        _records(planes, "endpoint.devices", Device)
        _records(planes, "endpoint.installed_apps", InstalledApp)
        _records(planes, "network.dns", DnsRecord)
        _records(planes, "network.proxy", ProxyLog)
        _records(planes, "network.certs", Certificate)


def read(body: bytes) -> Evidence:
    """The evidence in `body` (UTF-8 JSON). Raises MalformedJSONError or RefusedError."""
    keys: set[str] = set()

    def note(record: dict[str, Any]) -> dict[str, Any]:
        keys.update(record)
        return record

    try:
        document = json.loads(body, object_hook=note)
    except (ValueError, RecursionError) as error:
        raise MalformedJSONError(str(error)) from error
    if not isinstance(document, dict):
        raise MalformedJSONError("Input should be a valid dictionary")
    banned = sorted(key for key in keys if key.lower() in BANNED_KEYS)
    if banned:
        raise RefusedError(
            f"INVALID_INPUT_CONTRACT: banned ground-truth fields detected: {banned}; pre-adjudicated data is not accepted"
        )
    return Evidence(document)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _meta(document: dict[str, Any]) -> Meta:
    raw = {name: value for name, value in _mapping(document.get("meta")).items() if value is not None}
    for name in ("tenant_id", "schema_version"):
        if not raw.get(name):
            raise RefusedError(f"INVALID_INPUT_CONTRACT: INVALID_SNAPSHOT: missing meta.{name}")
    for name in ("created_at", "generated_at"):
        if not raw.get(name):
            raw.pop(name, None)
    try:
        return Meta.model_validate(raw)
    except ValidationError as error:
        raise _refusal("meta", error) from error


def _records(planes: dict[str, Any], path: str, model: type[RecordT]) -> list[RecordT]:
    plane, _, container = path.partition(".")
    raw = _mapping(planes.get(plane)).get(container)
    if not isinstance(raw, list):
        return []
    required = _required(model)
    kept = [record for record in raw if isinstance(record, dict) and _has(record, required)]
    try:
        return Adapter(list[model]).validate_python(kept)  # type: ignore[valid-type]  # the model is the argument
    except ValidationError as error:
        raise _refusal(f"planes.{path}", error) from error


def _required(model: type[BaseModel]) -> list[tuple[str, ...]]:
    """The names under which each field that a record must have may come."""
    names = []
    for name, info in model.model_fields.items():
        if info.is_required():
            alias = info.validation_alias
            choices = alias.choices if isinstance(alias, AliasChoices) else [name]
            names.append(tuple(choice for choice in choices if isinstance(choice, str)))
    return names


def _has(record: dict[str, Any], required: list[tuple[str, ...]]) -> bool:
    # Plain loops: this runs for every field of every record, and a generator costs three times as much.
    for names in required:
        for name in names:
            if name in record:
                if record[name] is None:
                    return False
                break
        else:
            return False
    return True


def _refusal(path: str, error: ValidationError) -> RefusedError:
    first = error.errors(include_url=False)[0]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    return RefusedError(f"INVALID_SNAPSHOT: {path}{where}: {first['msg']}, got {first['input']!r:.80}")
