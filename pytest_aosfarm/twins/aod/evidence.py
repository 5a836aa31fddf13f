"""The evidence of a farm.v1 snapshot: what is read from it, what is dropped from it, and what refuses it.

As AOD does: a container of the wrong type is an empty one; a record without a field it must have is dropped without a
word; a value of the wrong type, and any key that gives the answer away, refuses the whole snapshot.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import AliasChoices, BaseModel, TypeAdapter, ValidationError

from pytest_aosfarm.twins.aod.policy import BANNED_KEYS
from pytest_aosfarm.twins.aod.records import (
    Certificate,
    CloudResource,
    ConfigItem,
    Contract,
    Device,
    DnsRecord,
    IdpObject,
    InstalledApp,
    Meta,
    Observation,
    ProxyLog,
    Transaction,
    Vendor,
)

__all__ = ("Evidence", "MalformedJSONError", "RefusedError", "read")

RecordT = TypeVar("RecordT", bound=BaseModel)


class MalformedJSONError(ValueError):
    """The body is not a JSON object."""


class RefusedError(ValueError):
    """The snapshot breaks the input contract; the text starts with its error code."""


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
        return TypeAdapter(list[model]).validate_python(kept)  # type: ignore[valid-type]  # the model is the argument
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
