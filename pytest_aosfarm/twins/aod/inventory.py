"""What a run found, as JSON-ready dicts: the run itself, its assets, its rejections."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.twins.aod.policy import PROVISIONING_DAYS

if TYPE_CHECKING:
    from pytest_aosfarm.twins.aod.entities import Entity
    from pytest_aosfarm.twins.aod.runs import Run

__all__ = ("Inventory", "JsonDict", "asset_id", "iso", "page", "summary")

JsonDict = dict[str, Any]


def page(run: Run, items: list[Any], limit: int, offset: int) -> JsonDict:
    """One page of a list: `count` items of `total`."""
    shown = items[offset : offset + limit]
    return {"aod_discovery_id": run.id, "items": shown, "count": len(shown), "total": len(items)}


class Inventory:
    """The replies that speak of no verdict."""

    def counts(self, run: Run) -> JsonDict:
        """What the run did, in numbers."""
        found = run.found
        return {
            "observations_in": found.observations,
            "candidates_out": len(found.assets) + len(found.rejections) - found.dropped,
            "assets_admitted": len(found.assets),
            "artifacts_recorded": found.artifacts,
            "rejected": len(found.rejections),
            "ambiguous_matches": 0,
            "findings_generated": 0,
            "iron_dome_rejected": found.dropped,
            "domain_merged": 0,
            "entities_normalized": 0,
        }

    def created(self, run: Run) -> JsonDict:
        """The reply to the snapshot. `entity_id` is null here though the run has one: so it is in a running AOD."""
        admitted = len(run.found.assets)
        return {
            "aod_discovery_id": run.id,
            "consumed_snapshot_id": run.meta.snapshot_id,
            "tenant_id": run.tenant_id,
            "entity_id": None,
            "status": run.status,
            "counts": self.counts(run),
            "message": f"Discovery completed. {admitted} assets admitted, 0 findings generated.",
            "sync_status": None,
            "sync_error": None,
        }

    def detail(self, run: Run) -> JsonDict:
        """The run, whole."""
        return {
            "aod_discovery_id": run.id,
            "tenant_id": run.tenant_id,
            "entity_id": run.meta.entity_id,
            "status": run.status,
            "started_at": run.started_at,
            "completed_at": run.started_at,
            "input_meta": run.meta.model_dump(mode="json"),
            "counts": self.counts(run),
            "stage_timings": None,
            "failure_reasons": [],
            "sync_status": "not_applicable",
            "sync_error": None,
        }

    def listed(self, run: Run, assets: list[Entity]) -> JsonDict:
        """These assets, with their last sign of use and without their domain."""
        items = [
            self._common(asset, run) | {"activity_evidence": {"latest_activity_at": iso(asset.latest)}}
            for asset in assets
        ]
        return {"aod_discovery_id": run.id, "assets": items, "count": len(items)}

    def catalog(self, run: Run, provisioning_status: str | None) -> JsonDict:
        """Admitted assets with what names and covers them: no activity, no verdict."""
        items = [
            self._common(asset, run)
            | {
                "identifiers": {"domains": [asset.key]},
                "lens_coverage": {
                    "idp": asset.idp_governs,
                    "cmdb": asset.cmdb_governs,
                    "cloud": asset.cloud,
                    "finance": asset.finance,
                    "discovery": bool(asset.sources),
                    "vendor_governed": asset.vendor_governed,
                },
                "provisioning_status": _provisioning(asset),
            }
            for asset in run.found.assets
        ]
        items = [item for item in items if provisioning_status in (None, item["provisioning_status"])]
        return {"aod_discovery_id": run.id, "assets": items, "count": len(items)}

    def rejections(self, run: Run, limit: int, offset: int) -> JsonDict:
        """A page of the complete rejection list, by name."""
        rows = [
            {
                "entity_key": rejection.entity_key,
                "entity_name": rejection.entity_name,
                "reason_code": rejection.reason_code,
                "reason_detail": rejection.reason_detail,
                "evidence_summary": {} if rejection.entity is None else summary(rejection.entity),
            }
            for rejection in run.found.rejections
        ]
        return page(run, rows, limit, offset)

    def _common(self, asset: Entity, run: Run) -> JsonDict:
        matched = {"idp": asset.idp, "cmdb": asset.cmdb, "cloud": asset.cloud, "finance": asset.finance}
        return {
            "asset_id": asset_id(run, asset),
            "name": asset.name,
            "vendor": asset.vendor,
            "asset_type": "saas",
            "environment": "unknown",
            "lens_status": {plane: "matched" if found else "unmatched" for plane, found in matched.items()},
        }


def summary(asset: Entity) -> JsonDict:
    """The evidence for one key."""
    return {
        "sources": sorted(asset.sources),
        "recent_sources": sorted(asset.recent_sources),
        "latest_activity_at": iso(asset.latest),
        "idp": asset.idp,
        "cmdb": asset.cmdb,
        "cloud": asset.cloud,
        "finance": asset.finance,
        "ongoing_finance": asset.recurring,
        "vendor": asset.vendor,
    }


def asset_id(run: Run, asset: Entity) -> str:
    """Made of run and key: the same snapshot discovered again has other asset ids, as in a running AOD."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{run.id}/{asset.key}"))


def _provisioning(asset: Entity) -> str:
    """The traffic light, judged by the clock on the wall and not by the snapshot: so it is in a running AOD."""
    month_ago = datetime.now(UTC) - timedelta(days=PROVISIONING_DAYS)
    return "active" if asset.latest is not None and asset.latest >= month_ago else "review"


def iso(moment: datetime | None) -> str | None:
    """A timestamp for JSON."""
    return None if moment is None else moment.isoformat()
