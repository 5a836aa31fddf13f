"""The contract of AOD (discovery): requests, replies, reason codes, and how a verdict is read from them.

Replies keep fields that are not listed here (a newer AOD may add some); fields without a default must be there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

if TYPE_CHECKING:
    from collections.abc import Iterable

VERDICTS: Final = ("clean", "shadow", "zombie", "parked", "indeterminate", "rejected")
UNCLASSIFIED: Final = "unclassified"
"""What `verdicts` says of an admitted key whose flags and reason codes fit no verdict, or more than one."""

RECENT_ACTIVITY: Final = "RECENT_ACTIVITY"
STALE_ACTIVITY: Final = "STALE_ACTIVITY"
NO_ACTIVITY_TIMESTAMPS: Final = "NO_ACTIVITY_TIMESTAMPS"
NOT_RECONCILIATION_ELIGIBLE: Final = "NOT_RECONCILIATION_ELIGIBLE"
HAS_IDP: Final = "HAS_IDP"
NO_IDP: Final = "NO_IDP"
HAS_CMDB: Final = "HAS_CMDB"
NO_CMDB: Final = "NO_CMDB"
VENDOR_GOVERNED: Final = "VENDOR_GOVERNED"
HAS_ONGOING_FINANCE: Final = "HAS_ONGOING_FINANCE"
NO_ONGOING_FINANCE: Final = "NO_ONGOING_FINANCE"

REJECTED_ENTITY: Final = "admission_failed"
"""`reason_code` of a key that was seen and not admitted; its `entity_key` is "entity:" and the key."""
DROPPED_OBSERVATION: Final = "iron_dome"
"""`reason_code` of an observation without a public domain; its `entity_key` is the observation's id."""
ENTITY_PREFIX: Final = "entity:"

COMPLETED_WITH_RESULTS: Final = "completed_with_results"
COMPLETED_NO_ASSETS: Final = "completed_no_assets"
INVALID_INPUT_CONTRACT: Final = "INVALID_INPUT_CONTRACT"
INVALID_SNAPSHOT: Final = "INVALID_SNAPSHOT"

RUN_ID_PATTERN: Final = r"^run_[0-9a-f]{12}$"
FEED_PATH: Final = "/api/debug/aod-agent-reconcile"
FEED_REJECTION_LIMIT: Final = 1000
"""How many rejections the feed shows, by name; the rest is only in the rejection list."""


class Reply(BaseModel):
    """Base of every reply: listed fields are checked, further ones are kept."""

    model_config = ConfigDict(extra="allow")


class Health(Reply):
    """GET /health, /api/health."""

    status: str


class ErrorDetail(Reply):
    """Body of every 4xx reply; 422 carries a list of {type, loc, msg}."""

    detail: str | list[dict[str, Any]]


class Counts(Reply):
    """What a run did, in numbers of things."""

    observations_in: int
    candidates_out: int
    assets_admitted: int
    rejected: int
    artifacts_recorded: int = 0
    ambiguous_matches: int = 0
    findings_generated: int = 0
    iron_dome_rejected: int = 0
    domain_merged: int = 0
    entities_normalized: int = 0


class RunResponse(Reply):
    """POST /api/runs/json. `entity_id` is null here even when the run stores one (see RunDetail)."""

    aod_discovery_id: str = Field(pattern=RUN_ID_PATTERN)
    tenant_id: str
    status: str
    counts: Counts
    message: str
    consumed_snapshot_id: str | None = None
    entity_id: str | None = None
    sync_status: str | None = None
    sync_error: str | None = None


class RunDetail(Reply):
    """GET /api/runs/{id}, /api/runs/latest, and each item of GET /api/runs."""

    aod_discovery_id: str
    tenant_id: str
    status: str
    started_at: str
    completed_at: str | None
    input_meta: dict[str, Any]
    counts: Counts
    failure_reasons: list[str]
    entity_id: str | None = None
    stage_timings: dict[str, Any] | None = None
    sync_status: str | None = None
    sync_error: str | None = None


class RunList(RootModel[list[RunDetail]]):
    """GET /api/runs: newest first."""


class Classifications(Reply):
    """GET /api/runs/{id}/classifications: keys (registered domains), shadow and zombie only."""

    shadow_count: int
    zombie_count: int
    shadow_assets: list[str]
    zombie_assets: list[str]


class DerivedAsset(Reply):
    """One asset of the derived view; `name` is its key."""

    asset_id: str
    name: str


class Distribution(Reply):
    """How the admitted assets of a run are spread."""

    total_assets: int
    with_idp_match: int
    with_cmdb_match: int
    with_any_activity_timestamp: int
    indeterminate_count: int


class Derived(Reply):
    """GET /api/runs/{id}/derived."""

    activity_window_days: int
    snapshot_as_of: str | None
    shadow_count: int
    zombie_count: int
    indeterminate_count: int
    distribution: Distribution
    shadow_assets: list[DerivedAsset]
    zombie_assets: list[DerivedAsset]


class Rejection(Reply):
    """One key that was not admitted, or one observation that was dropped."""

    entity_key: str
    entity_name: str
    reason_code: str
    reason_detail: str | None = None
    evidence_summary: dict[str, Any] | None = None


class RejectionsPage(Reply):
    """GET /api/runs/{id}/rejections: `total` counts all, `count` this page."""

    items: list[Rejection]
    count: int
    total: int


class ObservationsPage(Reply):
    """GET /api/runs/{id}/observations: at most 2,000 are stored."""

    items: list[dict[str, Any]]
    count: int
    total: int


class ActivityEvidence(Reply):
    """When an asset was last seen in use."""

    latest_activity_at: str | None


class Asset(Reply):
    """One admitted asset as GET /api/runs/{id}/assets shows it: no domain; the catalog has it under the same id."""

    asset_id: str
    name: str
    lens_status: dict[str, str]
    activity_evidence: ActivityEvidence
    vendor: str | None = None


class Assets(Reply):
    """GET /api/runs/{id}/assets."""

    assets: list[Asset]
    count: int


class Identifiers(Reply):
    """What names an asset: `domains[0]` is its key."""

    domains: list[str] = Field(min_length=1)


class LensCoverage(Reply):
    """Which planes govern or show an asset."""

    idp: bool
    cmdb: bool
    cloud: bool
    finance: bool
    discovery: bool
    vendor_governed: bool


class CatalogAsset(Reply):
    """One admitted asset, whole; `provisioning_status` is a separate axis, judged by the wall clock."""

    asset_id: str
    name: str
    identifiers: Identifiers
    lens_coverage: LensCoverage
    lens_status: dict[str, str]
    provisioning_status: str


class Catalog(Reply):
    """GET /api/catalog: every admitted asset, without limit, activity or verdict."""

    assets: list[CatalogAsset]
    count: int


class FeedRequest(BaseModel):
    """Body of the reconciliation feed."""

    aod_discovery_id: str
    activity_window_days: int = Field(default=90, ge=1)


class AssetDetail(Reply):
    """What the feed says of one key; at most one of the three flags is set."""

    is_shadow: bool
    is_zombie: bool
    is_parked: bool


class Feed(Reply):
    """POST /api/debug/aod-agent-reconcile: the only reply that yields every verdict (rejections up to a limit)."""

    aod_discovery_id: str
    shadow_actual: list[str]
    zombie_actual: list[str]
    admission_actual: dict[str, Literal["admitted", "rejected"]]
    actual_reason_codes: dict[str, list[str]]
    asset_details: dict[str, AssetDetail]
    summary: dict[str, Any]


class AssetSummary(AssetDetail):
    """What the reconcile payload says of one key."""

    aod_decision: str
    aod_reason_codes: list[str]


class ReconcilePayload(Reply):
    """GET /api/runs/{id}/reconcile-payload: what AOD would send to the Farm."""

    tenant_id: str
    aod_status: str
    aod_summary: dict[str, Any]
    shadow_asset_keys: list[str]
    zombie_asset_keys: list[str]
    parked_asset_keys: list[str]
    asset_summaries: dict[str, AssetSummary]


def verdicts(feed: Feed, rejections: Iterable[Rejection]) -> dict[str, str]:
    """The verdict of every key of a run: one of VERDICTS, or UNCLASSIFIED.

    `rejections` is the complete list (the feed shows only the first thousand). Dropped observations have no key: the
    feed lists them as rejected under their name, and they are left out here. Where both speak, the feed decides.
    """
    read: dict[str, str] = {}
    dropped: set[str] = set()
    for row in rejections:
        if row.entity_key.startswith(ENTITY_PREFIX):
            read[row.entity_key.removeprefix(ENTITY_PREFIX)] = "rejected"
        else:
            dropped.add(row.entity_name.strip().lower())
    for key, admission in feed.admission_actual.items():
        if admission == "admitted":
            read[key] = _admitted_verdict(feed, key)
        elif key not in dropped:
            read[key] = "rejected"
    return read


def _admitted_verdict(feed: Feed, key: str) -> str:
    detail = feed.asset_details.get(key)
    if detail is None:
        return UNCLASSIFIED
    flags = [
        verdict
        for verdict, raised in (
            ("shadow", detail.is_shadow),
            ("zombie", detail.is_zombie),
            ("parked", detail.is_parked),
        )
        if raised
    ]
    codes = feed.actual_reason_codes.get(key, [])
    if not flags and RECENT_ACTIVITY in codes and NOT_RECONCILIATION_ELIGIBLE not in codes:
        return "clean"
    if not flags and NO_ACTIVITY_TIMESTAMPS in codes:
        return "indeterminate"
    return flags[0] if len(flags) == 1 else UNCLASSIFIED
