"""Discovery itself: from evidence to keys, who governs them, who is admitted, and the verdict.

One method a rule, so that a rule can be read, tested and (in `defects`) broken by itself. Linear in the snapshot.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_aosfarm.twins.aod.domains import Domains, exclusion
from pytest_aosfarm.twins.aod.entities import Discovered, Entity, Rejection
from pytest_aosfarm.twins.aod.matching import Substrings, Words
from pytest_aosfarm.twins.aod.policy import (
    ARTIFACT_WORDS,
    CI_TYPES,
    IDENTITY_PROVIDERS,
    INFRASTRUCTURE_LISTS,
    KNOWN_SOURCES,
    LIFECYCLES,
    NOISE_FLOOR,
    UNGOVERNING_WORDS,
    WINDOW_DAYS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from pytest_aosfarm.twins.aod.evidence import Evidence
    from pytest_aosfarm.twins.aod.records import (
        ConfigItem,
        Contract,
        IdpObject,
        Meta,
        Observation,
        Transaction,
        Vendor,
    )

__all__ = ("Discovery",)


class Discovery:
    """AOD's rules under the default policy."""

    noise_floor = NOISE_FLOOR

    def discover(self, evidence: Evidence) -> Discovered:
        """What the evidence says, whatever order its records come in."""
        domains = self.domains()
        as_of = self.as_of(evidence.meta)
        entities, dropped = self.collect(evidence.observations, domains, as_of)
        self.match_idp(evidence.idp_objects, entities, domains)
        self.match_cmdb(evidence.config_items, entities, domains)
        self.match_cloud(evidence, entities)
        self.match_finance(evidence, entities)
        self.propagate(entities.values())
        return self.sort_out(entities, dropped, as_of, len(evidence.observations))

    def domains(self) -> Domains:
        """How an address becomes a key."""
        return Domains()

    def as_of(self, meta: Meta) -> datetime:
        """The "now" of every recency question: when the snapshot was made, not when it is read."""
        return meta.created_at

    # Keys and activity

    def collect(
        self, observations: Iterable[Observation], domains: Domains, as_of: datetime
    ) -> tuple[dict[str, Entity], list[Rejection]]:
        """The entity of every key that was observed, and a rejection for each observation without a public domain."""
        entities: dict[str, Entity] = {}
        dropped: list[Rejection] = []
        for observation in observations:
            key = self.key_of(observation, domains)
            if key is None:
                dropped.append(
                    Rejection(
                        entity_key=observation.observation_id,
                        entity_name=observation.observed_name,
                        reason_code="iron_dome",
                        reason_detail="no resolvable public domain",
                    )
                )
                continue
            entity = entities.get(key) or entities.setdefault(key, Entity(key))
            self.note(entity, observation, as_of)
        return entities, dropped

    def key_of(self, observation: Observation, domains: Domains) -> str | None:
        """The first registered domain among domain, hostname, URI and a name that looks like a domain."""
        for text in (observation.domain, observation.hostname, observation.observed_uri):
            key = domains.registered(text)
            if key is not None:
                return key
        name = observation.observed_name.strip()
        return domains.registered(name) if "." in name and " " not in name else None

    def note(self, entity: Entity, observation: Observation, as_of: datetime) -> None:
        """Add one observation to its entity. Name and vendor come from the lowest observation id that has them."""
        identity = observation.observation_id
        if not entity.named_by or identity < entity.named_by:
            entity.named_by, entity.name = identity, observation.observed_name
        if observation.vendor_hint and (not entity.hinted_by or identity < entity.hinted_by):
            entity.hinted_by, entity.vendor = identity, observation.vendor_hint
        if observation.observed_uri:
            entity.uris.add(observation.observed_uri)
        source = observation.source.lower()
        if self.counts(source):
            entity.sources.add(source)
            entity.seen(observation.observed_at)
            if self.recent(observation.observed_at, as_of):
                entity.recent_sources.add(source)

    def counts(self, source: str) -> bool:
        """Whether a source corroborates and shows use: only known ones do."""
        return source in KNOWN_SOURCES

    def recent(self, moment: datetime | None, as_of: datetime, days: int = WINDOW_DAYS) -> bool:
        """Whether `moment` is inside the window: exactly `days` old is, one second older is not."""
        return moment is not None and moment >= as_of - timedelta(days=days)

    # The planes

    def match_idp(self, objects: Iterable[IdpObject], entities: Mapping[str, Entity], domains: Domains) -> None:
        """Identity objects match by registered domain; a log-in is a sign of use whatever the object's name."""
        for item in objects:
            domain = domains.registered(item.external_ref)
            if domain is None or domain in IDENTITY_PROVIDERS:
                continue
            for entity in self.targets(domain, entities):
                entity.idp = True
                entity.seen(item.last_login_at)
                if self.idp_governs(item):
                    entity.idp_governs = True
                    entity.idp_sso |= item.has_sso or item.has_scim or item.idp_type.lower() == "service_principal"

    def match_cmdb(self, items: Iterable[ConfigItem], entities: Mapping[str, Entity], domains: Domains) -> None:
        """Configuration items match by any of their domains; only a right type in a live lifecycle governs."""
        for item in items:
            texts = (item.external_ref, item.canonical_domain, *item.domains)
            for domain in sorted({domain for text in texts if (domain := domains.registered(text)) is not None}):
                for entity in self.targets(domain, entities):
                    entity.cmdb = True
                    entity.cmdb_governs |= self.ci_governs(item)

    def targets(self, domain: str, entities: Mapping[str, Entity]) -> Iterator[Entity]:
        """The entities that a record with this registered domain speaks of: the one with that very key."""
        if domain in entities:
            yield entities[domain]

    def idp_governs(self, item: IdpObject) -> bool:
        """An object governs unless its name says that it is a relic or a stage."""
        name = item.name.lower()
        return not any(word in name for word in UNGOVERNING_WORDS)

    def ci_governs(self, item: ConfigItem) -> bool:
        """A configuration item governs if it is of a live kind and alive."""
        return item.ci_type.strip().lower() in CI_TYPES and item.lifecycle.strip().lower() in LIFECYCLES

    def match_cloud(self, evidence: Evidence, entities: Mapping[str, Entity]) -> None:
        """A resource matches by an observation's very URI, or by a name that contains the domain or its label."""
        by_uri: defaultdict[str, set[str]] = defaultdict(set)
        for entity in entities.values():
            for uri in entity.uris:
                by_uri[_address(uri)].add(entity.key)
        names = Substrings(entities)
        for resource in evidence.cloud_resources:
            keys = names.keys_in(resource.name)
            if resource.uri:
                keys |= by_uri.get(_address(resource.uri), frozenset())
            for key in keys:
                entities[key].cloud = True
                entities[key].seen(resource.observed_at)

    def match_finance(self, evidence: Evidence, entities: Mapping[str, Entity]) -> None:
        """A record matches by the label as a word; or by the vendor, if the books know that vendor at least twice."""
        words = Words(entities)
        by_vendor: defaultdict[str, set[str]] = defaultdict(set)
        for entity in entities.values():
            if entity.vendor:
                by_vendor[_folded(entity.vendor)].add(entity.key)
        records: list[Vendor | Contract | Transaction] = [
            *evidence.vendors,
            *evidence.contracts,
            *evidence.transactions,
        ]
        known = Counter(_folded(record.vendor_name) for record in records if record.vendor_name)
        for record in records:
            keys = words.keys_in(_finance_text(record))
            vendor = _folded(record.vendor_name or "")
            if known[vendor] > 1:
                keys |= by_vendor.get(vendor, frozenset())
            recurring = self.recurs(record)
            for key in keys:
                entities[key].finance = True
                entities[key].recurring |= recurring

    def recurs(self, record: Vendor | Contract | Transaction) -> bool:
        """Only a transaction can show recurring spend."""
        return bool(getattr(record, "is_recurring", False))

    def propagate(self, entities: Iterable[Entity]) -> None:
        """A governed key vouches for the keys of its vendor that the same plane does not know at all."""
        families: defaultdict[str, list[Entity]] = defaultdict(list)
        for entity in entities:
            if entity.vendor and exclusion(entity.key) is None:
                families[_folded(entity.vendor)].append(entity)
        for family in families.values():
            idp = any(entity.idp_governs for entity in family)
            sso = any(entity.idp_governs and entity.idp_sso for entity in family)
            cmdb = any(entity.cmdb_governs for entity in family)
            for entity in family:
                if idp and not entity.idp:
                    entity.idp_by_vendor = True
                    entity.idp_sso |= sso
                if cmdb and not entity.cmdb:
                    entity.cmdb_by_vendor = True

    # Decisions

    def sort_out(
        self, entities: Mapping[str, Entity], dropped: list[Rejection], as_of: datetime, observations: int
    ) -> Discovered:
        """Admitted, rejected, artifact: every key is one of them."""
        assets: list[Entity] = []
        rejections = list(dropped)
        artifacts = 0
        for key in sorted(entities):
            entity = entities[key]
            if not ARTIFACT_WORDS.isdisjoint(re.findall(r"[a-z]+", entity.name.lower())):
                artifacts += 1
            elif (detail := self.rejects(entity)) is None:
                assets.append(entity)
            else:
                rejections.append(Rejection(f"entity:{key}", entity.name, "admission_failed", detail, entity))
        rejections.sort(key=lambda rejection: (rejection.entity_name, rejection.entity_key))
        return Discovered(as_of, assets, rejections, observations, len(dropped), artifacts)

    def rejects(self, entity: Entity) -> str | None:
        """Why a key is not admitted, or None if it is."""
        excluded = self.excluded_by(entity)
        if excluded is None:
            return None if self.admits(entity) else "No admission criteria satisfied"
        if excluded in INFRASTRUCTURE_LISTS:
            return f"policy-forbidden: infrastructure domain {entity.key} ({excluded})"
        return f"BANNED_DOMAINS policy: {entity.key} ({excluded})"

    def excluded_by(self, entity: Entity) -> str | None:
        """The policy list that excludes a key whatever its evidence, or None."""
        return exclusion(entity.key)

    def admits(self, entity: Entity) -> bool:
        """Governed, or in our cloud, or seen lately by enough sources.

        Identity without SSO or SCIM is not enough by itself: it needs enough sources of any age, or a trace of money.
        """
        if entity.cloud or len(entity.recent_sources) >= self.noise_floor:
            return True
        if not entity.governed:
            return False
        return entity.single_sign_on or entity.finance or len(entity.sources) >= self.noise_floor

    def verdict(self, entity: Entity, as_of: datetime, days: int = WINDOW_DAYS) -> str:
        """The verdict on an admitted key."""
        if entity.latest is None:
            return "indeterminate"
        if self.recent(entity.latest, as_of, days):
            return "clean" if entity.governed else "shadow"
        return "zombie" if entity.governed and entity.recurring else "parked"


def _address(uri: str) -> str:
    return uri.strip().lower().rstrip("/")


def _folded(name: str) -> str:
    return " ".join(name.lower().split())


def _finance_text(record: Vendor | Contract | Transaction) -> str:
    texts = [record.vendor_name, getattr(record, "product", None), getattr(record, "memo", None)]
    return " | ".join([text for text in texts if text] + list(getattr(record, "products", ())))
