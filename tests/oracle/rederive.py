"""The verdict of every key of a snapshot, derived from AOD's rules alone, and the rules that decided it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .domains import EXCLUDED
from .evidence import Estate, Evidence, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = (
    "Governance",
    "explain",
    "governance",
    "governs_as_ci",
    "governs_as_idp",
    "has_sso",
    "rederive",
    "verdict",
)

DRIFTED = ("legacy", "deprecated", "production", "-prod", " prod", "-dev", " dev", "-staging", " staging",
           "-test", " test", "-qa")  # fmt: skip
CI_TYPES = frozenset({"app", "application", "service", "database", "infra", "infrastructure", "server", "system"})
LIFECYCLES = frozenset({"prod", "production", "staging", "stage", "live", "active"})


def governs_as_idp(entry: Record) -> bool:
    """Whether an IdP object governs the key it refers to: its name carries no word of drift."""
    name = str(entry["name"]).lower()
    return not any(word in name for word in DRIFTED)


def has_sso(entry: Record) -> bool:
    """Whether an IdP object admits by itself."""
    service = str(entry.get("idp_type", "")).lower() == "service_principal"
    return bool(entry.get("has_sso") or entry.get("has_scim") or service)


def governs_as_ci(ci: Record) -> bool:
    """Whether a CI governs the keys it names: type and lifecycle pass."""
    kind = str(ci.get("ci_type") or "app").lower()
    return kind in CI_TYPES and str(ci.get("lifecycle") or "").lower() in LIFECYCLES


@dataclass(frozen=True, slots=True)
class Governance:
    """What governs a key: plain-named IdP objects and passing CIs, its own or its vendor siblings'."""

    idp: tuple[Record, ...]
    cis: tuple[Record, ...]
    by_vendor: bool

    def __bool__(self) -> bool:
        return bool(self.idp or self.cis)

    @property
    def needs_corroboration(self) -> bool:
        """Whether only IdP objects without SSO and SCIM govern."""
        return bool(self) and not self.cis and not any(map(has_sso, self.idp))


def governance(estate: Estate) -> Mapping[str, Governance]:
    """What governs each key of the estate."""
    own_idp = {key: tuple(filter(governs_as_idp, found.idp)) for key, found in estate.keys.items()}
    own_cis = {key: tuple(filter(governs_as_ci, found.cis)) for key, found in estate.keys.items()}
    vendor_idp = {vendor: _pool(own_idp, keys) for vendor, keys in estate.vendors.items()}
    vendor_cis = {vendor: _pool(own_cis, keys) for vendor, keys in estate.vendors.items()}
    answer = {}
    for key, found in estate.keys.items():
        lent_idp = () if found.idp else vendor_idp.get(found.hint, ())
        lent_cis = () if found.cis else vendor_cis.get(found.hint, ())
        own = bool(own_idp[key] or own_cis[key])
        answer[key] = Governance(own_idp[key] or lent_idp, own_cis[key] or lent_cis, by_vendor=not own)
    return answer


def _pool(owned: Mapping[str, tuple[Record, ...]], keys: Iterable[Evidence]) -> tuple[Record, ...]:
    return tuple(record for found in keys for record in owned[found.key])


def verdict(estate: Estate, found: Evidence, governed: Governance) -> str:
    """The verdict on one key."""
    if found.key in EXCLUDED or not _admitted(found, governed):
        return "rejected"
    activity = found.activity
    if activity is None:
        return "indeterminate"
    if estate.is_recent(activity):
        return "clean" if governed else "shadow"
    return "zombie" if governed and found.recurring else "parked"


def _admitted(found: Evidence, governed: Governance) -> bool:
    if found.cloud or len(found.recent_sources) > 1:
        return True
    if governed.needs_corroboration:
        return len(found.sources) > 1 or bool(found.finance)
    return bool(governed)


def rederive(document: Mapping[str, Any]) -> dict[str, str]:
    """The verdict of every discovered key of a farm.v1 document; a key that is not discovered is not in the answer.

    Verdicts are clean, shadow, zombie, parked, indeterminate and rejected. Raises ValueError if meta.created_at is
    no timestamp.
    """
    estate = Estate(document)
    governed = governance(estate)
    return {key: verdict(estate, found, governed[key]) for key, found in estate.keys.items()}


def explain(document: Mapping[str, Any], key: str) -> list[str]:
    """The rules that decided on `key`, one line each, in the words of the rules."""
    estate = Estate(document)
    found = estate.keys.get(key)
    if found is None:
        return [f"{key}: absent, no observation with a public domain makes this key"]
    governed = governance(estate)[key]
    answer = verdict(estate, found, governed)
    return [
        f"{key}: {answer}",
        *([f"excluded: policy list {EXCLUDED[key]}"] if key in EXCLUDED else []),
        f"known sources: {sorted(found.sources)}, of the last 90 days: {sorted(found.recent_sources)}",
        f"observations: {_ids(found.observations, 'observation_id')}; vendor hint: {found.hint or 'none'}",
        _activity_line(estate, found),
        _governance_line(found, governed),
        f"cloud resources that match: {_ids(found.cloud, 'cloud_id')}",
        f"finance matches: {len(found.finance)}; recurring transactions: {_ids(found.recurring, 'txn_id')}",
        f"admitted: {'yes' if answer != 'rejected' else 'no'}",
    ]


def _activity_line(estate: Estate, found: Evidence) -> str:
    if not found.seen:
        return "activity: none (no known source, login or cloud resource has a timestamp)"
    moment, what = max(found.seen)
    kind = "recent" if estate.is_recent(moment) else "stale"
    return f"activity: {kind}, {what} at {moment.isoformat()} (recent from {estate.oldest_recent.isoformat()})"


def _governance_line(found: Evidence, governed: Governance) -> str:
    if not governed:
        failing = f"IdP objects {_ids(found.idp, 'name')}, CIs {_ids(found.cis, 'name')} match but do not govern"
        return f"governed: no; {failing if found.idp or found.cis else 'no IdP object, no CI'}"
    through = "vendor sibling" if governed.by_vendor else "its own records"
    weak = "; without SSO/SCIM, so 2 known sources or a finance match needed" if governed.needs_corroboration else ""
    return f"governed: by {through}: IdP {_ids(governed.idp, 'name')}, CMDB {_ids(governed.cis, 'name')}{weak}"


def _ids(found: Iterable[Record], name: str) -> str:
    return ", ".join(str(record.get(name)) for record in found) or "none"
