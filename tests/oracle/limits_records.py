"""Planting limits on single records: ids, timestamps, sources, artifact names, and planes that must agree."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from .evidence import KNOWN_SOURCES, Evidence, instant, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .evidence import Estate
    from .subject import Subject

__all__ = ("CHECKS",)

ARTIFACTS = frozenset({"dashboard", "report", "calculator", "worksheet", "spreadsheet", "view", "file"})
ELIDED_SOURCES = frozenset(
    {
        *("network", "network_scan", "endpoint", "idp", "cloud", "cloud_api", "cloud_trail", "aws", "azure", "gcp"),
        *("saml", "ldap", "directory", "entra_id", "onelogin", "ping", "jumpcloud", "crowdstrike", "sentinelone"),
        *("carbonblack", "defender", "jamf", "intune", "kandji", "av", "simulation", "generator"),
    }
)
"""Source names the rules leave behind an ellipsis: planted as known or as unknown, they are open to dispute."""
IDS = {
    ("discovery", "observations"): "observation_id",
    ("idp", "objects"): "idp_id",
    ("cmdb", "cis"): "ci_id",
    ("cloud", "resources"): "cloud_id",
    ("endpoint", "devices"): "device_id",
    ("endpoint", "installed_apps"): "install_id",
    ("network", "dns"): "dns_id",
    ("network", "proxy"): "proxy_id",
    ("network", "certs"): "cert_id",
    ("finance", "vendors"): "vendor_id",
    ("finance", "contracts"): "contract_id",
    ("finance", "transactions"): "txn_id",
}
TIMESTAMPS = {
    ("discovery", "observations"): ("observed_at",),
    ("idp", "objects"): ("last_login_at",),
    ("cloud", "resources"): ("observed_at",),
    ("endpoint", "installed_apps"): ("last_seen_at",),
    ("network", "dns"): ("timestamp",),
    ("network", "proxy"): ("timestamp",),
    ("network", "certs"): ("not_after",),
}
DATES = {("finance", "contracts"): ("start_date", "end_date"), ("finance", "transactions"): ("date",)}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_OFFSET = re.compile(r".+T.+(?:Z|[+-]\d{2}:\d{2})")


def _artifacts(subject: Subject) -> Iterator[str]:
    for observation in subject.records("discovery", "observations"):
        if words(observation["observed_name"]) & ARTIFACTS:
            number = observation["observation_id"]
            yield f"6: observed_name {observation['observed_name']!r} makes {number} an artifact"


def _timestamps(subject: Subject) -> Iterator[str]:
    created = subject.document["meta"].get("created_at")
    if not _is_timestamp(created):
        yield f"7: meta.created_at is {created!r}, no timestamp with offset"
    for (plane, kind), names in (*TIMESTAMPS.items(), *DATES.items()):
        for record in subject.records(plane, kind):
            for name in names:
                value = record.get(name)
                bare = (plane, kind) in DATES and isinstance(value, str) and _DATE.fullmatch(value)
                if value is not None and not bare and not _is_timestamp(value):
                    yield f"7: {plane}.{kind} has the {name} {value!r}, no timestamp with offset"


def _is_timestamp(value: object) -> bool:
    return isinstance(value, str) and _OFFSET.fullmatch(value) is not None and instant(value) is not None


def _sources(subject: Subject) -> Iterator[str]:
    for observation in subject.records("discovery", "observations"):
        source = observation.get("source", "discovery")
        number = observation["observation_id"]
        if not isinstance(source, str):
            yield f"7: {number} has the source {source!r}, not a string"
        elif source.lower() in ELIDED_SOURCES - KNOWN_SOURCES:
            yield f"source: the rules do not say whether {source!r} of {number} is known"


def _ids(subject: Subject) -> Iterator[str]:
    for (plane, kind), name in IDS.items():
        seen = Counter(row.get(name) for row in subject.document["planes"].get(plane, {}).get(kind, ()))
        yield from (f"7: {times} {plane}.{kind} have the {name} {it!r}" for it, times in seen.items() if times > 1)
        if None in seen:
            yield f"7: {plane}.{kind} has a record without {name}"
    for ci in subject.records("cmdb", "cis"):
        if str(ci["ci_id"]).upper().startswith("CI-FABRIC-"):
            yield f"quirk: CI {ci['ci_id']} is a fabric candidate"


def _external_refs(subject: Subject) -> Iterator[str]:
    for plane, kind in (("idp", "objects"), ("cmdb", "cis")):
        for record in subject.records(plane, kind):
            ref = str(record.get("external_ref") or "").lower()
            if ref.startswith("mailto:") or subject.estate.domains.of(ref) == "okta.com":
                yield f"quirk: {plane}.{kind} has the external_ref {ref!r}, which governs nothing"


def _agreement(subject: Subject) -> Iterator[str]:
    estate = subject.estate
    lively = {key for key, found in estate.keys.items() if _lively(estate, found)}
    for kind, name in (("dns", "queried_domain"), ("proxy", "domain")):
        for record in subject.records("network", kind):
            key = estate.domains.of(record[name])
            if key in estate.keys and key not in lively and estate.is_recent(instant(record.get("timestamp"))):
                yield f"agreement: network.{kind} saw {key} lately, nothing else did"
    for record in subject.records("endpoint", "installed_apps"):
        labels = words(record["app_name"]) & estate.labels.keys()
        keys = {twin.key for label in labels for twin in estate.labels[label]}
        if keys and not keys & lively and estate.is_recent(instant(record.get("last_seen_at"))):
            yield f"agreement: the app {record['app_name']!r} was seen lately, {sorted(keys)} was not"


def _lively(estate: Estate, found: Evidence) -> bool:
    noticed = (instant(observation.get("observed_at")) for observation in found.observations)
    return estate.is_recent(found.activity) or any(map(estate.is_recent, noticed))


CHECKS = (_artifacts, _timestamps, _sources, _ids, _external_refs, _agreement)
