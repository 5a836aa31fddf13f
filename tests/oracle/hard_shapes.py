"""Which hard shapes a snapshot really contains, told from its evidence and not from what its maker says."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from .domains import EXCLUDED, host_of
from .evidence import KNOWN_SOURCES, Evidence, fold, words
from .rederive import CI_TYPES, LIFECYCLES, governs_as_ci, governs_as_idp, has_sso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .subject import Subject

__all__ = ("HARD_SHAPES", "hard_shapes")

HARD_SHAPES = frozenset(
    {
        *("alias", "look-alike label", "other TLD", "split brain", "retired CI", "CI of a wrong type", "several CIs"),
        *("CI without lifecycle", "IdP without SSO", "drifted IdP name", "drifted observed name", "drifted CI name"),
        *("drifted vendor name", "lost owner", "boundary day", "one second older", "last login only", "one source"),
        *("same source twice", "unknown sources", "cloud only", "no timestamp", "recurring spend", "one-off spend"),
        *("contract only", "excluded domain", "multi-part suffix", "sub-domain", "port", "mixed case"),
    }
)
_PORT = re.compile(r":\d+")


def hard_shapes(subject: Subject) -> set[str]:
    """The hard shapes of which a snapshot has at least one."""
    shapes = {shape for found in subject.graded() for shape in _shapes_of(subject, found)}
    shapes.update(_shapes_of_labels(subject))
    if subject.estate.keys.keys() & EXCLUDED.keys():
        shapes.add("excluded domain")
    if any(not ci.get("owner") for ci in subject.records("cmdb", "cis")):
        shapes.add("lost owner")
    return shapes


def _shapes_of_labels(subject: Subject) -> Iterator[str]:
    masked: dict[str, set[str]] = defaultdict(set)
    for label, twins in subject.estate.labels.items():
        if len(twins) > 1:
            yield "other TLD"
        for at in range(len(label)):
            masked[f"{label[:at]}?{label[at + 1 :]}"].add(label)
    if any(len(labels) > 1 for labels in masked.values()):
        yield "look-alike label"


def _shapes_of(subject: Subject, found: Evidence) -> Iterator[str]:
    yield from _hosts(found)
    yield from _sources(found)
    yield from _timestamps(subject, found)
    yield from _governance(subject, found)
    yield from _spend(subject, found)


def _hosts(found: Evidence) -> Iterator[str]:
    if found.key.count(".") > 1:
        yield "multi-part suffix"
    for observation in found.observations:
        texts = (observation.get(name) for name in ("domain", "hostname", "observed_uri"))
        named = next((str(text) for text in texts if text), found.key)
        if named != named.lower():
            yield "mixed case"
        if _PORT.search(named):
            yield "port"
        if host_of(named).removeprefix("www.") != found.key:
            yield "sub-domain"
        shown = fold(observation["observed_name"])
        if found.label in shown and shown != found.label:
            yield "drifted observed name"


def _sources(found: Evidence) -> Iterator[str]:
    named = Counter(fold(observation.get("source", "discovery")) for observation in found.observations)
    if len(named) == 1:
        yield "same source twice" if named.total() > 1 else "one source"
    if named.keys() - KNOWN_SOURCES:
        yield "unknown sources"
    if found.cloud and len(found.recent_sources) < 2 and not found.idp and not found.cis:
        yield "cloud only"


def _timestamps(subject: Subject, found: Evidence) -> Iterator[str]:
    if found.activity is None:
        yield "no timestamp"
    if found.activity == subject.estate.oldest_recent:
        yield "boundary day"
    if found.activity == subject.estate.oldest_recent - timedelta(seconds=1):
        yield "one second older"
    recent = {what for moment, what in found.seen if subject.estate.is_recent(moment)}
    if recent == {"last login"} and len(found.seen) > 1:
        yield "last login only"


def _governance(subject: Subject, found: Evidence) -> Iterator[str]:
    governed = subject.governed[found.key]
    if governed and governed.by_vendor:
        yield "alias"
    if governed.needs_corroboration and any(not has_sso(entry) for entry in found.idp):
        yield "IdP without SSO"
    if any(not governs_as_idp(entry) for entry in found.idp):
        yield "drifted IdP name"
    if len(found.cis) > 1 and any(map(governs_as_ci, found.cis)):
        yield "several CIs"
    for ci in found.cis:
        if fold(ci.get("ci_type") or "app") not in CI_TYPES:
            yield "CI of a wrong type"
        if not ci.get("lifecycle"):
            yield "CI without lifecycle"
        elif fold(ci["lifecycle"]) not in LIFECYCLES:
            yield "retired CI"
        if fold(ci["name"]) != found.label:
            yield "drifted CI name"


def _spend(subject: Subject, found: Evidence) -> Iterator[str]:
    if found.finance and not found.idp and not found.cis:
        yield "split brain"
    if any(
        found.label in words(row.get("vendor_name")) and fold(row["vendor_name"]) != found.label for row in found.finance
    ):
        yield "drifted vendor name"
    decisive = subject.governed[found.key] and subject.verdicts[found.key] in ("zombie", "parked")
    if decisive and found.recurring:
        yield "recurring spend"
    elif decisive and any("txn_id" in row for row in found.finance):
        yield "one-off spend"
    elif decisive and any("contract_id" in row for row in found.finance):
        yield "contract only"
