"""Planting limits on what keys have together: other-TLD twins, vendor siblings, several CIs, undecided mixtures."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from .evidence import Evidence, fold, instant
from .rederive import governs_as_ci, governs_as_idp, has_sso

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from .evidence import Estate
    from .subject import Subject

__all__ = ("CHECKS",)


def _other_tlds(subject: Subject) -> Iterator[str]:
    for label, twins in subject.estate.labels.items():
        governed = [twin.key for twin in twins if subject.governed[twin.key]]
        if len(governed) > 1:
            yield f"3: other-TLD twins {governed} of {label} are governed, at most one may be"
        for twin in twins if len(twins) > 1 else ():
            decided = subject.verdicts[twin.key]
            if governed and twin.key not in governed and decided not in ("shadow", "rejected"):
                yield f"3: {twin.key} is {decided} beside its governed twin {governed[0]}"
            if _kind(subject.estate, twin.activity) == "stale":
                yield from (
                    f"3: {twin.key} is stale, its twin {other.key} has a login or recurring spend"
                    for other in twins
                    if other is not twin and (other.recurring or any(e.get("last_login_at") for e in other.idp))
                )
    names = Counter(fold(entry["name"]) for entry in subject.records("idp", "objects"))
    yield from (f"3: {times} IdP objects are called {name!r}" for name, times in names.items() if times > 1)


def _vendors(subject: Subject) -> Iterator[str]:
    look_alikes = _look_alikes(subject)
    for vendor, keys in subject.estate.vendors.items():
        if len(keys) == 1:
            continue
        seeds = [found for found in keys if _governs_itself(found)]
        others = [found for found in keys if not _governs_itself(found)]
        for found in others:
            if found.idp or found.cis or found.label in look_alikes:
                yield f"4: {found.key} of vendor {vendor!r} matches IdP or CMDB, which does not govern it"
        if seeds and others:
            for sibling in others:
                yield from _sibling(sibling, seeds)
            for seed in seeds:
                yield from _seed(seed)
    for entry in subject.records("idp", "objects"):
        if entry.get("vendor"):
            yield f"4: IdP object {entry['idp_id']} has a vendor"


def _governs_itself(found: Evidence) -> bool:
    return any(map(governs_as_idp, found.idp)) or any(map(governs_as_ci, found.cis))


def _look_alikes(subject: Subject) -> set[str]:
    """The labels in names of IdP objects and CIs that no discovered key owns."""
    estate = subject.estate
    objects = subject.records("idp", "objects")
    names = [entry["name"] for entry in objects if estate.domains.of(entry.get("external_ref")) not in estate.keys]
    names += [ci["name"] for ci in subject.records("cmdb", "cis") if not estate.ci_keys(ci) & estate.keys.keys()]
    return {label for name in names for label in estate.named_by(name)}


def _sibling(sibling: Evidence, seeds: list[Evidence]) -> Iterator[str]:
    if any(seed.label == sibling.label for seed in seeds):
        yield f"4: vendor sibling {sibling.key} has the label of its seed"
    if sibling.cloud:
        yield f"4: vendor sibling {sibling.key} matches a cloud resource"
    if len(sibling.sources) < 2:
        yield f"4: vendor sibling {sibling.key} has fewer than 2 known sources"
    if {fold(observation.get("vendor_hint")) for observation in sibling.observations} != {sibling.hint}:
        yield f"4: the observations of vendor sibling {sibling.key} do not all carry its hint"


def _seed(seed: Evidence) -> Iterator[str]:
    passing = any(map(governs_as_ci, seed.cis))
    if not passing and not any(has_sso(entry) for entry in seed.idp if governs_as_idp(entry)):
        yield f"4: vendor seed {seed.key} has neither a plain IdP object with SSO nor a passing CI"
    if any(ci.get("vendor") for ci in seed.cis) and not seed.idp:
        yield f"4: vendor seed {seed.key} has a CI with a vendor and no IdP object"


def _several_cis(subject: Subject) -> Iterator[str]:
    for found in subject.graded():
        if len(found.cis) < 2:
            continue
        if len({fold(ci["name"]) for ci in found.cis}) < len(found.cis):
            yield f"5: CIs of {found.key} share a name"
        if len(found.sources) < 2:
            yield f"5: {found.key} has several CIs and fewer than 2 known sources"
        prod = [ci for ci in found.cis if fold(ci.get("environment")) in ("prod", "production")]
        passing = [ci for ci in found.cis if governs_as_ci(ci)]
        if any(ci.get("environment") for ci in found.cis) and not (len(prod) == 1 and prod[0] in passing):
            yield f"5: CIs of {found.key} have environments, and the passing one is not the only one in prod"


def _undecided(subject: Subject) -> Iterator[str]:
    for found in subject.graded():
        weak = subject.governed[found.key].needs_corroboration
        if weak and found.cloud and len(found.sources) < 2 and not found.finance:
            yield f"undecided: {found.key} is governed without SSO, with one source and a cloud resource"
        plain = {instant(entry.get("last_login_at")) for entry in found.idp if governs_as_idp(entry)}
        firm = [moment for moment, what in found.seen if what != "last login" or moment in plain]
        kind = _kind(subject.estate, found.activity)
        if kind != _kind(subject.estate, max(firm, default=None)):
            yield f"undecided: {found.key} is {kind} only by a login of an IdP object that does not govern it"


def _kind(estate: Estate, moment: datetime | None) -> str:
    if moment is None:
        return "never active"
    return "recent" if estate.is_recent(moment) else "stale"


CHECKS = (_other_tlds, _vendors, _several_cis, _undecided)
