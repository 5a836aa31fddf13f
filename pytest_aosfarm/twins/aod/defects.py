"""Ways in which an AOD can be wrong: each replaces one part of the healthy twin, and a good lab catches every one."""

# ruff: noqa: ARG002 - not to look at an argument is what many of these do wrong

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.twins.aod.app import Anatomy
from pytest_aosfarm.twins.aod.discovery import Discovery
from pytest_aosfarm.twins.aod.domains import Domains, host_of, label_of
from pytest_aosfarm.twins.aod.entities import Discovered
from pytest_aosfarm.twins.aod.evidence import Evidence, RefusedError, read
from pytest_aosfarm.twins.aod.policy import CI_TYPES, WINDOW_DAYS
from pytest_aosfarm.twins.aod.records import Contract, Meta
from pytest_aosfarm.twins.aod.runs import Run, RunStore
from pytest_aosfarm.twins.aod.views import Views

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_aosfarm.twins.aod.entities import Entity, Rejection
    from pytest_aosfarm.twins.aod.inventory import JsonDict
    from pytest_aosfarm.twins.aod.records import ConfigItem, IdpObject, Observation, Transaction, Vendor

__all__ = ("DEFECTS", "Defect", "anatomy", "descriptions")

# Verdicts and admission


class _FlagEverything(Discovery):
    def rejects(self, entity: Entity) -> str | None:
        return None

    def verdict(self, entity: Entity, as_of: datetime, days: int = WINDOW_DAYS) -> str:
        return "shadow"


class _FlagNothing(Discovery):
    def verdict(self, entity: Entity, as_of: datetime, days: int = WINDOW_DAYS) -> str:
        return "clean"


class _AdmitOnOneSource(Discovery):
    noise_floor = 1


class _AdmitOnSpend(Discovery):
    def admits(self, entity: Entity) -> bool:
        return entity.finance or super().admits(entity)


class _AdmitWithoutSso(Discovery):
    def admits(self, entity: Entity) -> bool:
        return entity.governed or super().admits(entity)


class _IgnoreExclusions(Discovery):
    def excluded_by(self, entity: Entity) -> str | None:
        return None


class _LoseEveryTenthAsset(Discovery):
    def discover(self, evidence: Evidence) -> Discovered:
        found = super().discover(evidence)
        del found.assets[9::10]
        return found


class _UnstableRepeat(Discovery):
    def __init__(self) -> None:
        self._discovered: set[frozenset[str]] = set()

    def discover(self, evidence: Evidence) -> Discovered:
        found = super().discover(evidence)
        snapshot = frozenset(item.observation_id for item in evidence.observations)
        if snapshot in self._discovered:
            del found.assets[:1]
        self._discovered.add(snapshot)
        return found


# Recency and activity


class _RecencyOffByOneDay(Discovery):
    def recent(self, moment: datetime | None, as_of: datetime, days: int = WINDOW_DAYS) -> bool:
        return super().recent(moment, as_of, days + 1)


class _RecencyWithoutBoundary(Discovery):
    def recent(self, moment: datetime | None, as_of: datetime, days: int = WINDOW_DAYS) -> bool:
        return moment is not None and moment > as_of - timedelta(days=days)


class _RecencyByWallClock(Discovery):
    def as_of(self, meta: Meta) -> datetime:
        return datetime.now(UTC)


class _OrderDependent(Discovery):
    def note(self, entity: Entity, observation: Observation, as_of: datetime) -> None:
        super().note(entity, observation, as_of)
        if observation.observed_at is not None and self.counts(observation.source.lower()):
            entity.latest = observation.observed_at


class _CountUnknownSources(Discovery):
    def counts(self, source: str) -> bool:
        return True


class _IgnoreLogins(Discovery):
    def match_idp(self, objects: Iterable[IdpObject], entities: Mapping[str, Entity], domains: Domains) -> None:
        without = [item.model_copy(update={"last_login_at": None}) for item in objects]
        super().match_idp(without, entities, domains)


# Keys and matching


class _HostDomains(Domains):
    def resolve(self, text: str) -> str | None:
        return host_of(text) if super().resolve(text) else None


class _KeepSubdomains(Discovery):
    def domains(self) -> Domains:
        return _HostDomains()


class _LookalikeDomains(Domains):
    """Labels that become equal when one letter is left out of each are taken for one."""

    def __init__(self) -> None:
        super().__init__()
        self._first: dict[str, str] = {}

    def resolve(self, text: str) -> str | None:
        key = super().resolve(text)
        if key is None:
            return None
        label = label_of(key)
        spellings = [label, *(label[:at] + label[at + 1 :] for at in range(len(label)))]
        first = next((self._first[spelling] for spelling in spellings if spelling in self._first), key)
        for spelling in spellings:
            self._first.setdefault(spelling, first)
        return first


class _MergeLookalikes(Discovery):
    def domains(self) -> Domains:
        return _LookalikeDomains()


class _SubstringDomains(Discovery):
    def targets(self, domain: str, entities: Mapping[str, Entity]) -> Iterator[Entity]:
        return (entity for entity in entities.values() if entity.label in domain)


class _StripTld(Discovery):
    def targets(self, domain: str, entities: Mapping[str, Entity]) -> Iterator[Entity]:
        return (entity for entity in entities.values() if entity.label == label_of(domain))


# Planes


class _DropIdpPlane(Discovery):
    def match_idp(self, objects: Iterable[IdpObject], entities: Mapping[str, Entity], domains: Domains) -> None:
        pass


class _DropCmdbPlane(Discovery):
    def match_cmdb(self, items: Iterable[ConfigItem], entities: Mapping[str, Entity], domains: Domains) -> None:
        pass


class _DropCloudPlane(Discovery):
    def match_cloud(self, evidence: Evidence, entities: Mapping[str, Entity]) -> None:
        pass


class _IgnoreFinance(Discovery):
    def match_finance(self, evidence: Evidence, entities: Mapping[str, Entity]) -> None:
        pass


class _OneOffsRecur(Discovery):
    def recurs(self, record: Vendor | Contract | Transaction) -> bool:
        return hasattr(record, "txn_id")


class _ContractsRecur(Discovery):
    def recurs(self, record: Vendor | Contract | Transaction) -> bool:
        return isinstance(record, Contract) or super().recurs(record)


class _CountRetiredCis(Discovery):
    def ci_governs(self, item: ConfigItem) -> bool:
        return item.ci_type.strip().lower() in CI_TYPES


class _CountAnyCiType(Discovery):
    def ci_governs(self, item: ConfigItem) -> bool:
        return super().ci_governs(item.model_copy(update={"ci_type": "app"}))


class _OnlySsoGoverns(Discovery):
    def idp_governs(self, item: IdpObject) -> bool:
        return (item.has_sso or item.has_scim) and super().idp_governs(item)


class _IgnoreVendorSiblings(Discovery):
    def propagate(self, entities: Iterable[Entity]) -> None:
        pass


# Input, runs and replies


def _accept_anything(body: bytes) -> Evidence:
    try:
        return read(body)
    except RefusedError:
        return Evidence({"meta": {"tenant_id": "unknown", "schema_version": "farm.v1"}})


class _TenantBlindStore(RunStore):
    def of_tenant(self, tenant_id: str, snapshot_id: str | None = None) -> list[Run]:
        return self.newest_first()


class _NewestRunStore(RunStore):
    def get(self, run_id: str) -> Run | None:
        return self.newest_first()[0] if super().get(run_id) else None


class _InventingStore(RunStore):
    def get(self, run_id: str) -> Run | None:
        found = super().get(run_id)
        if found is None:
            nobody = Meta(tenant_id="unknown", schema_version="farm.v1")
            nothing: list[Any] = []
            found = Run(nobody, Discovered(nobody.created_at, [], [], 0, 0, 0), nothing, id=run_id)
        return found


class _FeedsDisagree(Views):
    def classifications(self, run: Run) -> JsonDict:
        reply = super().classifications(run)
        del reply["shadow_assets"][:1]
        return reply | {"shadow_count": len(reply["shadow_assets"])}

    def derived(self, run: Run, days: int) -> JsonDict:
        reply = super().derived(run, days)
        del reply["zombie_assets"][:1]
        return reply | {"zombie_count": len(reply["zombie_assets"])}


class _IgnoreOffset(Views):
    def rejections(self, run: Run, limit: int, offset: int) -> JsonDict:
        return super().rejections(run, limit, 0)


class _HideRejections(Views):
    def rejections(self, run: Run, limit: int, offset: int) -> JsonDict:
        entities: list[Rejection] = [row for row in run.found.rejections if row.entity is None]
        hidden = Discovered(run.found.as_of, run.found.assets, entities, 0, 0, 0)
        return super().rejections(Run(run.meta, hidden, run.observations, id=run.id), limit, offset)


@dataclass(frozen=True, slots=True)
class Defect:
    """One way to be wrong: what it does, in a line, and the twin that does it."""

    line: str
    anatomy: Anatomy


def _rules(line: str, discovery: type[Discovery]) -> Defect:
    return Defect(line, Anatomy(discovery=discovery))


DEFECTS: Mapping[str, Defect] = MappingProxyType(
    {
        "accept-bad-input": Defect("answers 200 to a snapshot it should refuse", Anatomy(read=_accept_anything)),
        "admit-on-one-source": _rules("admits a key that one known source has seen", _AdmitOnOneSource),
        "admit-on-spend": _rules("admits a key because money is spent on it", _AdmitOnSpend),
        "admit-without-sso": _rules("admits on an identity object without SSO alone", _AdmitWithoutSso),
        "contracts-recur": _rules("takes a contract for recurring spend", _ContractsRecur),
        "count-any-ci-type": _rules("lets configuration items of any type govern", _CountAnyCiType),
        "count-retired-cis": _rules("lets configuration items in any lifecycle govern", _CountRetiredCis),
        "count-unknown-sources": _rules("counts observation sources that it does not know", _CountUnknownSources),
        "drop-cloud-plane": _rules("does not look at cloud resources", _DropCloudPlane),
        "drop-cmdb-plane": _rules("does not look at the CMDB", _DropCmdbPlane),
        "drop-idp-plane": _rules("does not look at identity objects", _DropIdpPlane),
        "feeds-disagree": Defect(
            "leaves the first shadow out of classifications, the first zombie out of derived",
            Anatomy(views=_FeedsDisagree),
        ),
        "flag-everything": _rules("admits every key and calls it shadow", _FlagEverything),
        "flag-nothing": _rules("flags no key as shadow, zombie or parked", _FlagNothing),
        "hide-rejections": Defect("lists no rejected keys", Anatomy(views=_HideRejections)),
        "ignore-exclusions": _rules("does not apply the exclusion lists", _IgnoreExclusions),
        "ignore-finance": _rules("does not look at finance", _IgnoreFinance),
        "ignore-logins": _rules("does not take a log-in for a sign of use", _IgnoreLogins),
        "ignore-offset": Defect(
            "answers every page of rejections with the first", Anatomy(views=_IgnoreOffset)
        ),
        "ignore-vendor-siblings": _rules("does not let a vendor's governed key vouch for others", _IgnoreVendorSiblings),
        "keep-subdomains": _rules("makes a key of the host, not of its registered domain", _KeepSubdomains),
        "lose-every-tenth-asset": _rules("forgets every tenth asset", _LoseEveryTenthAsset),
        "merge-lookalikes": _rules("takes keys whose labels differ in a letter for one", _MergeLookalikes),
        "one-offs-recur": _rules("takes a one-off payment for recurring spend", _OneOffsRecur),
        "only-sso-governs": _rules("lets no identity object without SSO or SCIM govern", _OnlySsoGoverns),
        "order-dependent": _rules("believes the last observation listed, not the newest", _OrderDependent),
        "recency-by-wall-clock": _rules("measures age from now, not from created_at", _RecencyByWallClock),
        "recency-off-by-one-day": _rules("calls activity recent for 91 days", _RecencyOffByOneDay),
        "recency-without-boundary": _rules("calls activity of exactly 90 days stale", _RecencyWithoutBoundary),
        "serve-newest-run": Defect(
            "answers with the newest run whichever is asked for", Anatomy(runs=_NewestRunStore)
        ),
        "serve-other-tenant": Defect(
            "lists, and gives as latest, the runs of every tenant", Anatomy(runs=_TenantBlindStore)
        ),
        "strip-tld": _rules("lets records of x.com govern x.app", _StripTld),
        "substring-domains": _rules("lets a record govern every key whose label its domain contains", _SubstringDomains),
        "unknown-run-200": Defect("answers 200 for a run that does not exist", Anatomy(runs=_InventingStore)),
        "unstable-repeat": _rules("loses an asset when a snapshot comes a second time", _UnstableRepeat),
    }
)


def anatomy(defect: str | None) -> Anatomy:
    """The parts of the twin with this defect, healthy for None; raises ConfigurationError for an unknown one."""
    if defect is None:
        return Anatomy()
    try:
        return DEFECTS[defect].anatomy
    except KeyError:
        raise ConfigurationError(f"the aod twin has no defect {defect!r}; it has: {', '.join(DEFECTS)}") from None


def descriptions() -> Mapping[str, str]:
    """Every defect and what it does, in a line."""
    return {name: defect.line for name, defect in DEFECTS.items()}
