"""Planting limits on names: which labels may exist, and which name may contain which label."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from .domains import EXCLUDED, GRADED_EXCLUSIONS, label_of
from .evidence import WINDOW, Record, fold, instant, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .subject import Subject

__all__ = ("CHECKS",)

ALIASED_VENDORS = frozenset({"zoom", "atlassian", "trello", "microsoft", "amazon", "google", "twitter", "okta"})
OLD_SPEND = timedelta(days=400)
_LABEL = re.compile(r"[a-z]{6,}")
_DOMAIN_LIKE = re.compile(r"[a-z0-9-]+\.[a-z]{2,}\b", re.IGNORECASE)


def _keys(subject: Subject) -> Iterator[str]:
    discovered = subject.estate.keys.keys()
    yield from (f"truth: {key} has truth, no observation discovers it" for key in subject.truth_keys - discovered)
    yield from (f"truth: {key} is discovered, it has no truth" for key in discovered - subject.truth_keys)
    for key in discovered & EXCLUDED.keys():
        if EXCLUDED[key] not in GRADED_EXCLUSIONS:
            yield f"key: {key} is excluded by {EXCLUDED[key]} only, a running AOD may not exclude it"
    for observation in subject.records("discovery", "observations"):
        first = next((observation[name] for name in ("domain", "hostname") if observation.get(name)), None)
        taken = subject.estate.key_of(observation)
        if first and taken != subject.estate.domains.of(first):
            yield f"key: {observation['observation_id']} names {first!r} and takes its key {taken} from elsewhere"


def _labels(subject: Subject) -> Iterator[str]:
    for found in subject.graded():
        if not _LABEL.fullmatch(found.label):
            yield f"1: label {found.label!r} of {found.key} is not 6 or more letters in one word"
        if found.label in ALIASED_VENDORS:
            yield f"7: {found.key} is a real vendor domain with aliases"
    for label in subject.estate.labels:
        inside = subject.estate.named_by(label) - {label}
        yield from (f"1: label {other!r} lies inside label {label!r}" for other in inside)


def _names(subject: Subject) -> Iterator[str]:
    for what, name, keys in _owned_names(subject):
        named = subject.estate.named_by(name)
        strangers = named - set(map(label_of, keys)) if keys else set()
        if strangers or len(named) > 1:
            yield f"1: {what} name {name!r} contains the label of another key: {sorted(strangers or named)}"
    for vendor, siblings in subject.estate.vendors.items():
        strangers = subject.estate.named_by(vendor) - {sibling.label for sibling in siblings}
        if strangers:
            yield f"1: vendor hint {vendor!r} contains the label of a key without it: {sorted(strangers)}"


def _owned_names(subject: Subject) -> Iterator[tuple[str, str, set[str]]]:
    estate = subject.estate
    for entry in subject.records("idp", "objects"):
        key = estate.domains.of(entry.get("external_ref"))
        yield f"IdP {entry['idp_id']}", entry["name"], {key} if key else set()
    for ci in subject.records("cmdb", "cis"):
        keys = estate.ci_keys(ci)
        # A domain that nobody discovered is no key, and CI names do not matter for a CI with a domain.
        if not keys or keys & estate.keys.keys():
            yield f"CI {ci['ci_id']}", ci["name"], keys
    uris = {
        observation["observed_uri"]: found.key
        for found in subject.graded()
        for observation in found.observations
        if observation.get("observed_uri")
    }
    for resource in subject.records("cloud", "resources"):
        owner = uris.get(resource.get("uri") or "")
        yield f"cloud {resource['cloud_id']}", resource["name"], {owner} if owner else set()


def _spend(subject: Subject) -> Iterator[str]:
    for name, number in (("transactions", "txn_id"), ("contracts", "contract_id")):
        for row in subject.records("finance", name):
            yield from (f"{line} in {name} {row[number]}" for line in _spend_row(subject, row))


def _spend_row(subject: Subject, row: Record) -> Iterator[str]:
    texts = (row.get("vendor_name"), row.get("product"), row.get("memo"))
    named = words(*texts) & subject.estate.labels.keys()
    inside = {label for text in texts for label in subject.estate.named_by(text)}
    if inside - named:
        yield f"1: label {sorted(inside - named)} inside a longer word"
    if len(named) > 1:
        yield f"2: the labels of several keys {sorted(named)}"
    if any(_DOMAIN_LIKE.search(text) for text in texts[:2] if text):
        yield f"quirk: a name like a domain {texts[:2]!r}"
    amount = row.get("amount")
    if isinstance(amount, bool) or not isinstance(amount, int | float) or amount <= 0:
        yield f"quirk: the amount {amount!r}"


def _transactions(subject: Subject) -> Iterator[str]:
    vendors = {fold(row["vendor_name"]) for row in subject.records("finance", "vendors")}
    old = subject.estate.oldest_recent + WINDOW - OLD_SPEND
    for row in subject.records("finance", "transactions"):
        if not isinstance(row.get("is_recurring", False), bool):
            yield f"quirk: {row['txn_id']} has is_recurring {row['is_recurring']!r}, not a boolean"
        if fold(row.get("vendor_name")) in vendors:
            yield f"2: {row['txn_id']} is of {row['vendor_name']!r}, which is a finance.vendors row too"
        spent = instant(row.get("date"))
        if row.get("is_recurring") and spent and spent <= old:
            yield f"quirk: {row['txn_id']} is recurring and at least 400 days old"


def _recurring(subject: Subject) -> Iterator[str]:
    for found in subject.graded():
        for row in found.recurring:
            vendor = fold(row.get("vendor_name"))
            labels = {sibling.label for sibling in subject.estate.vendors.get(vendor, ())} | {found.label}
            if not words(vendor) & labels:
                yield f"2: {row['txn_id']} is recurring spend of {found.key}, but {vendor!r} has no label as a word"


CHECKS = (_keys, _labels, _names, _spend, _transactions, _recurring)
