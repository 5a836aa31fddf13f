"""The discovery snapshot: what a discovery module is shown (farm.v1), and beside it what was planted."""

from __future__ import annotations

import gc
import json
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.synthetic.evidence import COLLECTIONS, Evidence
from pytest_aosfarm.synthetic.hashing import draw_key
from pytest_aosfarm.synthetic.planting import plant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from pytest_aosfarm.synthetic.assets import Assets
    from pytest_aosfarm.tenants import Tenant

__all__ = ("Snapshot", "Truth", "make_snapshot")

_RECORDS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Truth:
    """The answer for one key, written when its evidence was planted.

    `verdict` is one of clean, shadow, zombie, parked, indeterminate, rejected; `shape` names the pattern of evidence and
    `why` the rule that decides it.
    """

    key: str
    verdict: str
    shape: str
    why: str


class Snapshot:
    """Evidence in seven planes and the answer key. The evidence never contains the answer."""

    def __init__(self, meta: Mapping[str, Any], evidence: Evidence, truth: Mapping[str, Truth]) -> None:
        self._meta = meta
        self._evidence = evidence
        self.truth = truth

    def __len__(self) -> int:
        return sum(map(len, self._evidence.lists.values()))

    def __repr__(self) -> str:
        return f"<discovery snapshot: {len(self):,} records about {len(self.truth):,} keys>"

    @property
    def verdicts(self) -> dict[str, str]:
        """The planted verdict of every key."""
        return {key: truth.verdict for key, truth in self.truth.items()}

    def keys_of(self, *shapes: str) -> list[str]:
        """The keys planted with one of `shapes`, in planting order."""
        return [key for key, truth in self.truth.items() if truth.shape in shapes]

    def evidence(self, key: str) -> list[tuple[str, dict[str, Any]]]:
        """What was planted about `key`: ("plane.list", record) pairs."""
        return self._evidence.by_key.get(key, [])

    def document(self, tenant: Tenant) -> dict[str, Any]:
        """The snapshot of `tenant` as JSON-ready objects. The records are shared, not copied: copy before changing them."""
        planes: dict[str, dict[str, Any]] = {}
        for (plane, name), records in self._evidence.lists.items():
            planes.setdefault(plane, {})[name] = records
        return {"meta": self._meta_of(tenant), "planes": planes}

    def body(self, tenant: Tenant) -> bytes:
        """`document(tenant)` as UTF-8 JSON, written in pieces so that memory stays near the size of the result."""
        return b"".join(self._pieces(tenant))

    def _pieces(self, tenant: Tenant) -> Iterator[bytes]:
        encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True).encode
        yield b'{"meta":' + encode(self._meta_of(tenant)).encode() + b',"planes":{'
        last_plane = ""
        for (plane, name), records in self._evidence.lists.items():
            if plane != last_plane:
                yield (b"}," if last_plane else b"") + encode(plane).encode() + b":{"
            else:
                yield b","
            last_plane = plane
            yield encode(name).encode() + b":["
            for start in range(0, len(records), _RECORDS_AT_ONCE):
                yield (b"," if start else b"") + encode(records[start : start + _RECORDS_AT_ONCE])[1:-1].encode()
            yield b"]"
        yield b"}}}"

    def _meta_of(self, tenant: Tenant) -> dict[str, Any]:
        return {**self._meta, "tenant_id": tenant.id, "entity_id": tenant.entity_id}


def make_snapshot(assets: Assets, *, seed: int, tenant_key: str, anchor: datetime, profile: str) -> Snapshot:
    """Plant every system of the estate and write its evidence. Linear in the size of the estate."""
    evidence = Evidence(seed, tenant_key, anchor, assets)
    truth = {}
    with _collector_paused():
        evidence.plant_estate()
        for system in plant(seed, tenant_key, profile, assets.applications.names, assets.applications):
            evidence.plant(system)
            shape = system.shape
            truth[system.key] = Truth(system.key, shape.verdict, shape.name, shape.why)
    for collection, field in COLLECTIONS.items():
        evidence.lists[collection].sort(key=itemgetter(field))
    return Snapshot(_meta(seed, tenant_key, anchor, profile), evidence, truth)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """No garbage collection meanwhile: records hold no cycles, and looking for some takes a seventh of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _meta(seed: int, tenant_key: str, anchor: datetime, profile: str) -> dict[str, Any]:
    first, second = draw_key(seed, tenant_key, "snapshot", f"{profile} {anchor.isoformat()}")
    return {
        "schema_version": "farm.v1",
        "created_at": anchor.isoformat(),
        "snapshot_id": f"snap-{first:016x}",
        "snapshot_fingerprint": f"{first:016x}{second:016x}",
        "farm_manifest_id": f"man-{second:016x}",
        "name": f"discovery {second % 10_000}",
        "seed": seed,
        "enterprise_profile": "modern_saas",
        "industry": "technology",
        "fabric_planes": [
            {"plane_type": "IPAAS", "vendor": "workato", "is_healthy": True},
            {"plane_type": "EVENT_BUS", "vendor": "kafka", "is_healthy": True},
        ],
        "sors": [{"domain": "customer", "sor_name": "CRM of record", "sor_type": "crm", "confidence": "high"}],
    }
