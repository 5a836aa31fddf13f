"""The replies that speak of verdicts, as JSON-ready dicts; every verdict in every reply comes from one place."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_aosfarm.twins.aod.inventory import Inventory, JsonDict, asset_id, iso, summary
from pytest_aosfarm.twins.aod.policy import FEED_REJECTIONS, NOISE_FLOOR, WINDOW_DAYS

if TYPE_CHECKING:
    from pytest_aosfarm.twins.aod.discovery import Discovery
    from pytest_aosfarm.twins.aod.entities import Entity, Rejection
    from pytest_aosfarm.twins.aod.runs import Run

__all__ = ("Views",)


class Views(Inventory):
    """The replies about a run, under the rules of `discovery`."""

    def __init__(self, discovery: Discovery) -> None:
        self.discovery = discovery

    def verdicts(self, run: Run, days: int = WINDOW_DAYS) -> dict[str, str]:
        """The verdict of every admitted key."""
        return {asset.key: self.discovery.verdict(asset, run.found.as_of, days) for asset in run.found.assets}

    def assets(self, run: Run, classification: str | None) -> JsonDict:
        """Admitted assets; `classification` keeps the shadow or the zombie ones, another word keeps all."""
        if classification not in ("shadow", "zombie"):
            return self.listed(run, run.found.assets)
        verdicts = self.verdicts(run)
        return self.listed(run, [asset for asset in run.found.assets if verdicts[asset.key] == classification])

    def feed(self, run: Run, days: int) -> JsonDict:
        """The reconciliation feed: every admitted key, and the first thousand rejections by name."""
        verdicts = self.verdicts(run, days)
        admission = dict.fromkeys(verdicts, "admitted")
        codes: dict[str, list[str]] = {}
        details: dict[str, JsonDict] = {}
        for asset in run.found.assets:
            codes[asset.key] = self._codes(asset, run, days, verdicts[asset.key])
            details[asset.key] = self._detail(asset, run, verdicts[asset.key])
        for rejection in run.found.rejections[:FEED_REJECTIONS]:
            key = self._rejected_key(rejection)
            if key in admission:
                continue
            admission[key] = "rejected"
            entity = rejection.entity
            codes[key] = [] if entity is None else self._codes(entity, run, days, None)
            details[key] = _flags(None) | {
                "asset_id": None,
                "name": rejection.entity_name,
                "evidence_summary": {
                    "rejection_reason": rejection.reason_code,
                    "rejection_detail": rejection.reason_detail,
                },
            }
        lists = {verdict: _with(verdicts, verdict) for verdict in ("shadow", "zombie", "parked")}
        return {
            "aod_discovery_id": run.id,
            "shadow_actual": lists["shadow"],
            "zombie_actual": lists["zombie"],
            "admission_actual": admission,
            "actual_reason_codes": codes,
            "asset_details": details,
            "summary": {f"{verdict}_actual_count": len(keys) for verdict, keys in lists.items()}
            | {
                "total_assets": len(verdicts),
                "admitted_count": len(verdicts),
                "rejected_count": len(admission) - len(verdicts),
            },
        }

    def classifications(self, run: Run) -> JsonDict:
        """Shadow and zombie keys."""
        verdicts = self.verdicts(run)
        shadow, zombie = _with(verdicts, "shadow"), _with(verdicts, "zombie")
        return {
            "aod_discovery_id": run.id,
            "shadow_count": len(shadow),
            "zombie_count": len(zombie),
            "shadow_assets": shadow,
            "zombie_assets": zombie,
        }

    def derived(self, run: Run, days: int) -> JsonDict:
        """Shadow and zombie assets with their evidence, and how the assets are spread."""
        verdicts = self.verdicts(run, days)
        assets = run.found.assets
        month_ago = run.found.as_of - timedelta(days=30)

        def listed(verdict: str) -> list[JsonDict]:
            return [self._derived(asset, run) for asset in assets if verdicts[asset.key] == verdict]

        shadow, zombie = listed("shadow"), listed("zombie")
        indeterminate = len(_with(verdicts, "indeterminate"))
        return {
            "aod_discovery_id": run.id,
            "activity_window_days": days,
            "snapshot_as_of": run.found.as_of.isoformat(),
            "shadow_count": len(shadow),
            "zombie_count": len(zombie),
            "indeterminate_count": indeterminate,
            "distribution": {
                "total_assets": len(assets),
                "with_idp_match": sum(asset.idp for asset in assets),
                "with_cmdb_match": sum(asset.cmdb for asset in assets),
                "with_activity_last_30_days": sum(
                    asset.latest is not None and asset.latest >= month_ago for asset in assets
                ),
                "with_any_activity_timestamp": sum(asset.latest is not None for asset in assets),
                "indeterminate_count": indeterminate,
            },
            "shadow_assets": shadow,
            "zombie_assets": zombie,
        }

    def reconcile_payload(self, run: Run) -> JsonDict:
        """The feed, as it would be sent to the Farm."""
        feed = self.feed(run, WINDOW_DAYS)
        flagged = self.verdicts(run)
        summaries = {
            key: {
                "aod_decision": decision,
                "aod_reason_codes": feed["actual_reason_codes"][key] or ["NO_REASON_DATA"],
                **_flags(flagged.get(key)),
            }
            for key, decision in feed["admission_actual"].items()
        }
        return {
            "payload_version": 3,
            "has_asset_summaries": bool(summaries),
            "asset_summaries_count": len(summaries),
            "snapshot_id": run.meta.snapshot_id,
            "tenant_id": run.tenant_id,
            "aod_discovery_id": run.id,
            "aod_status": run.status,
            "completed_at": run.started_at,
            "aod_summary": self.counts(run)
            | {f"{verdict}_count": len(_with(flagged, verdict)) for verdict in ("shadow", "zombie", "parked")},
            **{
                f"{verdict}_asset_keys": _with(flagged, verdict) for verdict in ("shadow", "zombie", "parked")
            },
            "asset_summaries": summaries,
        }

    def _codes(self, asset: Entity, run: Run, days: int, verdict: str | None) -> list[str]:
        recent = self.discovery.recent(asset.latest, run.found.as_of, days)
        codes = [
            "HAS_IDP" if asset.idp_governs else "NO_IDP",
            "HAS_CMDB" if asset.cmdb_governs else "NO_CMDB",
            "HAS_CLOUD" if asset.cloud else "NO_CLOUD",
            "HAS_FINANCE" if asset.finance else "NO_FINANCE",
            "HAS_ONGOING_FINANCE" if asset.recurring else "NO_ONGOING_FINANCE",
            "HAS_DISCOVERY" if asset.sources else "NO_DISCOVERY",
            f"DISCOVERY_SOURCE_COUNT_{'GE' if len(asset.recent_sources) >= NOISE_FLOOR else 'LT'}_{NOISE_FLOOR}",
            "RECENT_ACTIVITY" if recent else "STALE_ACTIVITY" if asset.latest else "NO_ACTIVITY_TIMESTAMPS",
        ]
        if asset.vendor_governed:
            codes.append("VENDOR_GOVERNED")
        if verdict in ("shadow", "zombie", "parked"):
            codes.append(f"{verdict.upper()}_CLASSIFICATION")
        return sorted(codes)

    def _detail(self, asset: Entity, run: Run, verdict: str) -> JsonDict:
        return _flags(verdict) | {
            "asset_id": asset_id(run, asset),
            "name": asset.name,
            "registered_domain": asset.key,
            "evidence_summary": summary(asset),
        }

    def _rejected_key(self, rejection: Rejection) -> str:
        if rejection.entity is not None:
            return rejection.entity.key
        return rejection.entity_name.strip().lower() or rejection.entity_key

    def _derived(self, asset: Entity, run: Run) -> JsonDict:
        return {
            "asset_id": asset_id(run, asset),
            "name": asset.key,
            "vendor": asset.vendor,
            "latest_activity_at": iso(asset.latest),
        }



def _with(verdicts: dict[str, str], verdict: str) -> list[str]:
    return [key for key, found in verdicts.items() if found == verdict]


def _flags(verdict: str | None) -> JsonDict:
    return {f"is_{flag}": verdict == flag for flag in ("shadow", "zombie", "parked")}
