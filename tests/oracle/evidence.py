"""What a snapshot says about each discovered key: its observations, and every record that matches it."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .domains import EXCLUDED, RegisteredDomains, label_of, looks_like_domain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = (
    "KNOWN_SOURCES",
    "WINDOW",
    "Estate",
    "Evidence",
    "Record",
    "fold",
    "found_labels",
    "instant",
    "words",
)

Record = dict[str, Any]

WINDOW = timedelta(days=90)
"""How far back from the snapshot's created_at activity is still recent; the far end belongs to it."""

KNOWN_SOURCES = frozenset(
    {
        *("browser", "proxy", "dns", "casb", "swg", "firewall", "netflow", "edr", "mdm", "agent", "sso", "oauth"),
        *("okta", "azure_ad", "cloudtrail", "saas_audit_log", "discovery"),
    }
)
"""The sources that the rules name as known; every other name counts for nothing here."""

_REQUIRED = {
    "observations": ("observation_id", "observed_name"),
    "objects": ("idp_id", "name"),
    "cis": ("ci_id", "name"),
    "resources": ("cloud_id", "name", "resource_type"),
    "devices": ("device_id", "hostname"),
    "installed_apps": ("install_id", "app_name", "device_id"),
    "dns": ("dns_id", "queried_domain"),
    "proxy": ("proxy_id", "domain"),
    "certs": ("cert_id", "domain"),
    "vendors": ("vendor_id", "vendor_name"),
    "contracts": ("contract_id",),
    "transactions": ("txn_id",),
}
_WORD = re.compile(r"[a-z0-9]+")


def _usable(document: Mapping[str, Any], plane: str, kind: str) -> Iterator[Record]:
    """The usable records of one list: those that carry the fields without which a record is dropped."""
    required = _REQUIRED[kind]
    for record in document["planes"].get(plane, {}).get(kind, ()):
        if all(record.get(name) not in (None, "") for name in required):
            yield record


def instant(value: object) -> datetime | None:
    """An aware UTC-comparable instant, or None if `value` is no timestamp; a bare one counts as UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def fold(value: object) -> str:
    """Case and runs of spaces folded; empty for anything but text."""
    return " ".join(value.lower().split()) if isinstance(value, str) else ""


def words(*values: object) -> set[str]:
    """The lower-case words of the given texts; whatever is neither letter nor digit parts them."""
    return {word for value in values if isinstance(value, str) for word in _WORD.findall(value.lower())}


def found_labels(text: object, labels: Mapping[str, Any], lengths: tuple[int, ...]) -> set[str]:
    """The labels that `text` contains anywhere; `lengths` are the lengths labels have. Linear in the text."""
    if not isinstance(text, str):
        return set()
    lowered = text.lower()
    return {
        lowered[at : at + length]
        for length in lengths
        for at in range(len(lowered) - length + 1)
        if lowered[at : at + length] in labels
    }


@dataclass(slots=True)
class Evidence:
    """All that the snapshot has on one key: `idp` and `cis` by domain, `finance` by word or by vendor."""

    key: str
    label: str
    observations: list[Record] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)
    recent_sources: set[str] = field(default_factory=set)
    hint: str = ""
    idp: list[Record] = field(default_factory=list)
    cis: list[Record] = field(default_factory=list)
    cloud: list[Record] = field(default_factory=list)
    finance: list[Record] = field(default_factory=list)
    recurring: list[Record] = field(default_factory=list)
    seen: list[tuple[datetime, str]] = field(default_factory=list)

    @property
    def activity(self) -> datetime | None:
        """The newest timestamp that counts as activity."""
        return max(self.seen)[0] if self.seen else None


class Estate:
    """A snapshot sorted by key. No name is matched to excluded keys: it could not matter."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._records: dict[tuple[str, str], list[Record]] = {}
        created = instant(document["meta"].get("created_at"))
        if created is None:
            raise ValueError(f"meta.created_at is {document['meta'].get('created_at')!r}, not an ISO timestamp")
        self.oldest_recent = created - WINDOW
        self.domains = RegisteredDomains()
        self.keys: dict[str, Evidence] = {}
        self._observe()
        self.labels: dict[str, list[Evidence]] = defaultdict(list)
        self.vendors: dict[str, list[Evidence]] = defaultdict(list)
        for evidence in self.keys.values():
            if evidence.key not in EXCLUDED:
                self.labels[evidence.label].append(evidence)
            if evidence.hint:
                self.vendors[evidence.hint].append(evidence)
        self.labels, self.vendors = dict(self.labels), dict(self.vendors)
        self.label_lengths = tuple(sorted({len(label) for label in self.labels}))
        self._match_identity()
        self._match_cloud()
        self._match_finance()

    def records(self, plane: str, kind: str) -> list[Record]:
        """The usable records of one list."""
        if (plane, kind) not in self._records:
            self._records[plane, kind] = list(_usable(self._document, plane, kind))
        return self._records[plane, kind]

    def key_of(self, observation: Mapping[str, Any]) -> str | None:
        """The key an observation speaks of; None if it has no public domain."""
        for field_name in ("domain", "hostname", "observed_uri"):
            key = self.domains.of(observation.get(field_name))
            if key:
                return key
        shown: object = observation.get("observed_name")
        return self.domains.of(shown) if looks_like_domain(shown) else None

    def ci_keys(self, ci: Mapping[str, Any]) -> set[str]:
        """The registered domains a CI names in any of its domain fields."""
        named = (ci.get("external_ref"), ci.get("canonical_domain"), *(ci.get("domains") or ()))
        return {key for key in map(self.domains.of, named) if key}

    def named_by(self, text: object) -> set[str]:
        """The labels contained in `text`."""
        return found_labels(text, self.labels, self.label_lengths)

    def is_recent(self, moment: datetime | None) -> bool:
        """Whether `moment` lies in the activity window; its far end does."""
        return moment is not None and moment >= self.oldest_recent

    def _observe(self) -> None:
        hinted: dict[str, str] = {}
        for observation in self.records("discovery", "observations"):
            key = self.key_of(observation)
            if key is None:
                continue
            evidence = self.keys.get(key)
            if evidence is None:
                evidence = self.keys[key] = Evidence(key, label_of(key))
            evidence.observations.append(observation)
            number = str(observation["observation_id"])
            hint = fold(observation.get("vendor_hint"))
            if hint and (key not in hinted or number < hinted[key]):
                hinted[key], evidence.hint = number, hint
            source = str(observation.get("source", "discovery")).lower()
            if source not in KNOWN_SOURCES:
                continue
            evidence.sources.add(source)
            moment = instant(observation.get("observed_at"))
            if moment is not None:
                evidence.seen.append((moment, f"observed by {source}"))
                if self.is_recent(moment):
                    evidence.recent_sources.add(source)

    def _match_identity(self) -> None:
        for entry in self.records("idp", "objects"):
            evidence = self.keys.get(self.domains.of(entry.get("external_ref")) or "")
            if evidence is None:
                continue
            evidence.idp.append(entry)
            moment = instant(entry.get("last_login_at"))
            if moment is not None:
                evidence.seen.append((moment, "last login"))
        for ci in self.records("cmdb", "cis"):
            for key in self.ci_keys(ci) & self.keys.keys():
                self.keys[key].cis.append(ci)

    def _match_cloud(self) -> None:
        by_uri: dict[str, set[str]] = defaultdict(set)
        for evidence in self.keys.values():
            for observation in evidence.observations:
                if observation.get("observed_uri"):
                    by_uri[observation["observed_uri"]].add(evidence.key)
        for resource in self.records("cloud", "resources"):
            matched = set(by_uri.get(resource.get("uri") or "", ()))
            matched.update(twin.key for label in self.named_by(resource["name"]) for twin in self.labels[label])
            moment = instant(resource.get("observed_at"))
            for key in matched:
                self.keys[key].cloud.append(resource)
                if moment is not None:
                    self.keys[key].seen.append((moment, "cloud resource"))

    def _match_finance(self) -> None:
        spend = {name: self.records("finance", name) for name in ("transactions", "contracts", "vendors")}
        by_vendor: dict[str, int] = defaultdict(int)
        for row in (row for rows in spend.values() for row in rows):
            by_vendor[fold(row.get("vendor_name"))] += 1
        for name, rows in spend.items():
            for row in rows:
                named = words(row.get("vendor_name"), row.get("product"), row.get("memo"), *(row.get("products") or ()))
                matched = {twin.key: twin for label in named & self.labels.keys() for twin in self.labels[label]}
                vendor = fold(row.get("vendor_name"))
                if by_vendor[vendor] > 1:
                    matched.update((sibling.key, sibling) for sibling in self.vendors.get(vendor, ()))
                recurring = name == "transactions" and row.get("is_recurring") in (True, "true")
                for evidence in matched.values():
                    evidence.finance.append(row)
                    if recurring:
                        evidence.recurring.append(row)
