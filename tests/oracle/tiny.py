"""Hand-written snapshots, one short call per record, for the tests of the cross-check itself."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from .limits_records import IDS

__all__ = ("ago", "app", "bill", "ci", "contract", "device", "dns", "login", "resource", "seen", "snapshot", "vendor")

CREATED = datetime(2026, 1, 1, tzinfo=UTC)

Planted = tuple[str, str, dict[str, Any]]
"""Plane, list and record."""


def ago(days: float, seconds: int = 0) -> str:
    """The ISO timestamp of `days` and `seconds` before the snapshot was made."""
    return (CREATED - timedelta(days=days, seconds=seconds)).isoformat()


def seen(domain: str | None, source: Any = "proxy", days: float = 3, seconds: int = 0, **more: Any) -> Planted:
    """An observation. `more` adds or replaces fields; None leaves a field out, here and everywhere below."""
    at = ago(days, seconds)
    fields = {"observed_name": "Some App", "domain": domain, "source": source, "observed_at": at, **more}
    return "discovery", "observations", fields


def login(domain: str | None, name: str = "An App", **more: Any) -> Planted:
    """An IdP object, with SSO unless told otherwise."""
    return "idp", "objects", {"name": name, "external_ref": domain, "has_sso": True, **more}


def ci(domain: str | None, name: str = "A System", lifecycle: str | None = "prod", **more: Any) -> Planted:
    """A CI."""
    fields = {"name": name, "external_ref": domain, "ci_type": "app", "lifecycle": lifecycle, **more}
    return "cmdb", "cis", fields


def resource(name: str, days: float | None = 3, **more: Any) -> Planted:
    """A cloud resource; without `days` nobody knows when it was seen."""
    fields = {"name": name, "resource_type": "bucket", "observed_at": None if days is None else ago(days), **more}
    return "cloud", "resources", fields


def bill(vendor_name: str | None, *, is_recurring: Any = True, **more: Any) -> Planted:
    """A finance transaction, recurring unless told otherwise."""
    fields = {"vendor_name": vendor_name, "amount": 90.0, "date": "2025-12-01", "is_recurring": is_recurring, **more}
    return "finance", "transactions", fields


def contract(vendor_name: str, **more: Any) -> Planted:
    """A finance contract."""
    return "finance", "contracts", {"vendor_name": vendor_name, "amount": 900.0, **more}


def vendor(vendor_name: str, **more: Any) -> Planted:
    """A finance vendor row."""
    return "finance", "vendors", {"vendor_name": vendor_name, **more}


def dns(domain: str, days: float = 3) -> Planted:
    """A DNS query."""
    return "network", "dns", {"queried_domain": domain, "timestamp": ago(days)}


def device(**more: Any) -> Planted:
    """A laptop."""
    return "endpoint", "devices", {"hostname": "laptop-1", **more}


def app(app_name: str, days: float = 3, **more: Any) -> Planted:
    """An app installed on the first device."""
    fields = {"app_name": app_name, "device_id": "devices-0", "last_seen_at": ago(days), **more}
    return "endpoint", "installed_apps", fields


def snapshot(*planted: Planted, created_at: str | None = None) -> dict[str, Any]:
    """The farm.v1 document of these records; a record without an id gets its list and position as one."""
    planes: dict[str, Any] = {}
    for plane, kind in IDS:
        planes.setdefault(plane, {})[kind] = []
    count: dict[str, int] = defaultdict(int)
    for plane, kind, fields in planted:
        record = {IDS[plane, kind]: f"{kind}-{count[kind]}", **fields}
        planes[plane][kind].append({name: value for name, value in record.items() if value is not None})
        count[kind] += 1
    return {"meta": {"schema_version": "farm.v1", "created_at": created_at or ago(0)}, "planes": planes}
