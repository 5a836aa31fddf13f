"""Snapshots small enough to write by hand, for tests of the input contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_aosfarm import Tenant

KEY = "tinisolu.com"


def tiny(tenant: Tenant) -> dict[str, Any]:
    """A snapshot of one system, `KEY`: two known sources saw it on the day of the snapshot, nobody governs it (shadow)."""
    return {
        "meta": {
            "schema_version": "farm.v1",
            "created_at": "2026-01-15T12:00:00+00:00",
            "snapshot_id": "snap-tiny",
            "tenant_id": tenant.id,
            "entity_id": tenant.entity_id,
        },
        "planes": {
            "discovery": {"observations": [observation("browser"), observation("casb")]},
            "idp": {"objects": []},
            "cmdb": {"cis": []},
            "cloud": {"resources": []},
            "endpoint": {"devices": [], "installed_apps": []},
            "network": {"dns": [], "proxy": [], "certs": []},
            "finance": {"vendors": [], "contracts": [], "transactions": []},
        },
    }


def observation(source: str, *, domain: str = KEY, number: int = 0, at: str = "2026-01-15T10:00:00+00:00") -> dict[str, Any]:
    """One observation of `domain` by `source`, on the day of the snapshot unless told otherwise."""
    return {
        "observation_id": f"obs-{source}-{number}",
        "observed_name": domain.split(".", maxsplit=1)[0].capitalize(),
        "domain": domain,
        "source": source,
        "observed_at": at,
    }
