"""Writes the evidence that a discovery module is shown: the records of the seven planes, for one system at a time.

Fields are those of the farm.v1 wire format. Records say what happened, never why: ids are opaque, lists are sorted by
id, and the words of a name are drawn alike for every verdict.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.synthetic.hashing import Draws
from pytest_aosfarm.synthetic.vocabulary import vocabulary

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.assets import Assets
    from pytest_aosfarm.synthetic.planting import Planted

__all__ = ("COLLECTIONS", "Evidence")

Record = dict[str, Any]

COLLECTIONS = {
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
"""(plane, list) and the field that identifies a record in it."""

KNOWN_SOURCES = (
    "browser", "proxy", "dns", "casb", "swg", "firewall", "netflow", "edr",
    "mdm", "agent", "sso", "oauth", "okta", "azure_ad", "cloudtrail", "saas_audit_log", "discovery",
)  # fmt: skip
UNKNOWN_SOURCES = ("finance", "invoice", "cmdb", "servicenow", "netsuite", "workday", "asset_survey", "partner_feed")

_DAY = 86_400
_EDGE = 90 * _DAY
_RECENT = (1, 1, 1, 1, 7, 7, 7, 30, 30, 85)
"""Most recent use was this week; the entries are days, one of ten each."""
_LIVE = ("prod", "production", "staging", "stage", "live", "active")
_RETIRED = ("retired", "decommissioned", "end_of_life", "sunset")
_CI_TYPES = ("app", "application", "service", "database", "infra", "infrastructure", "server", "system", None)
"""None is left out, which means app."""
_WRONG_TYPES = ("contract", "document", "workstation", "business_unit")
_SYSTEMS = ("windows-11", "macos-15", "ubuntu-24.04", "debian-13")
_NAME_IS_DOMAIN = 5
"""The form of an observation that tells its domain by its name only."""
_REMARKS = (
    " (Legacy)", " Deprecated", " (Production)", "-prod", " prod", "-dev", " dev",
    "-staging", " staging", "-test", " test", "-qa",
)  # fmt: skip
"""What un-governs an IdP object's name."""


class Evidence:
    """The records planted so far, by plane and by key."""

    def __init__(self, seed: int, tenant_key: str, anchor: datetime, assets: Assets) -> None:
        self.lists: dict[tuple[str, str], list[Record]] = {collection: [] for collection in COLLECTIONS}
        self.by_key: dict[str, list[tuple[str, Record]]] = {}
        self._anchor = anchor.astimezone(UTC)
        self._assets = assets
        self._words = vocabulary()
        self._ids = {c: Draws(seed, tenant_key, ".".join(c), field) for c, field in COLLECTIONS.items()}
        self._noise = {c: Draws(seed, tenant_key, ".".join(c), "noise") for c in COLLECTIONS}

    def plant(self, system: Planted) -> None:
        """Write all evidence about `system`."""
        _System(self, system).write()

    def plant_estate(self) -> None:
        """Write what the company knows of its own machines: devices, servers, databases, suppliers."""
        domain = self._assets.applications.names.company_domain
        for i, host in enumerate(self._assets.hosts):
            noise = self.noise(("endpoint", "devices"), i)
            self.add(("endpoint", "devices"), i, None, hostname=host["name"], os=_SYSTEMS[noise % 4])
            self.add(
                ("cmdb", "cis"), i, None, name=host["name"], ci_type="server", lifecycle="live",
                environment="production", owner=host["owner"], external_ref=f"{host['name']}.{domain}",
            )  # fmt: skip
            if host["cloud_provider"] != "on-prem":
                self.add(
                    ("cloud", "resources"), i, None, name=host["name"], resource_type=host["type"],
                    cloud_provider=host["cloud_provider"], uri=f"https://{host['name']}.{domain}/",
                    tags={"environment": "production"}, observed_at=self.at(self.age("recent", noise)),
                )  # fmt: skip
        for i, database in enumerate(self._assets.databases):
            self.add(
                ("cmdb", "cis"), len(self._assets.hosts) + i, None, name=database["name"], ci_type="database",
                lifecycle="live", environment=database["environment"], owner=database["owner"],
                external_ref=f"{database['name']}.db.{domain}", integrates_via="jdbc", fabric_vendor="workato",
            )  # fmt: skip
            self.add(
                ("cloud", "resources"), len(self._assets.hosts) + i, None, name=database["name"], resource_type="database",
                cloud_provider="aws", uri=f"{database['name']}.db.{domain}", tags={"environment": database["environment"]},
            )  # fmt: skip
        first = len(self._assets.hosts) + len(self._assets.databases)
        for i, service in enumerate(self._assets.services):
            self.add(
                ("cmdb", "cis"), first + i, None, name=service["name"], ci_type="service", lifecycle="live",
                environment=service["environment"], owner=service["owner"], external_ref=service["endpoint"],
            )  # fmt: skip
        for i in range(max(2, len(self._assets.hosts) // 2)):
            self._supplier(i)

    def _supplier(self, i: int) -> None:
        noise = self.noise(("finance", "vendors"), i)
        names = self._words.last_names
        name = f"{names[noise % len(names)]} & {names[noise // len(names) % len(names)]} Supplies {i}"
        vendor = self.add(("finance", "vendors"), i, None, vendor_name=name, products=[self.word(noise >> 20)])
        self.add(
            ("finance", "transactions"), i, None, vendor_id=vendor["vendor_id"], product=self.word(noise >> 20),
            memo=f"Order {noise >> 40}", amount=50 + noise % 9000, currency="USD",
            date=self.at(self.age("recent", noise)), is_recurring=noise & 1 == 1,
        )  # fmt: skip
        if noise >> 8 & 3 == 0:
            self.add(
                ("finance", "contracts"), i, None, vendor_id=vendor["vendor_id"], product=self.word(noise >> 20),
                amount=12 * (50 + noise % 9000), currency="USD", start_date=self.at(180 * _DAY),
                end_date=self.at(-185 * _DAY),
            )  # fmt: skip

    def add(self, collection: tuple[str, str], number: int, key: str | None, **fields: Any) -> Record:
        """Append a record; `number` must be unique in its collection. Fields that are None are left out."""
        record: Record = {COLLECTIONS[collection]: self._id(collection, number)}
        record |= {name: value for name, value in fields.items() if value is not None}
        self.lists[collection].append(record)
        if key is not None:
            self.by_key.setdefault(key, []).append((".".join(collection), record))
        return record

    def _id(self, collection: tuple[str, str], number: int) -> str:
        return f"{collection[1][:3]}-{self._ids[collection].token(number)}"

    def noise(self, collection: tuple[str, str], number: int) -> int:
        """64 random bits that belong to record `number` of a collection."""
        return self._noise[collection].bits(number)

    def word(self, noise: int) -> str:
        """A product word."""
        return self._words.products[noise % len(self._words.products)]

    def device_id(self, noise: int) -> str:
        """The id of an existing device."""
        return self._id(("endpoint", "devices"), noise % len(self._assets.hosts))

    def person(self, noise: int) -> str:
        """The e-mail address of an employee."""
        applications = self._assets.applications
        return applications.names.person(noise % len(applications)).email

    def age(self, when: str, noise: int) -> int | None:
        """Seconds before the snapshot for an age word of `Shape`; None for "undated" and ""."""
        if when == "recent":
            return 60 + (noise >> 8) % (_RECENT[noise % len(_RECENT)] * _DAY)
        if when == "stale":
            return 95 * _DAY + (noise >> 8) % (300 * _DAY)
        return {"edge": _EDGE, "past edge": _EDGE + 1}.get(when)

    def at(self, age: int | None) -> str | None:
        """The moment `age` seconds before the snapshot, as ISO 8601 with offset."""
        return None if age is None else (self._anchor - timedelta(seconds=age)).isoformat()


class _System:
    """The evidence about one system. Its records are numbered in a block of 64, clear of the estate's own."""

    def __init__(self, evidence: Evidence, system: Planted) -> None:
        self._evidence = evidence
        self._it = system
        self._shape = system.shape
        self._used: dict[tuple[str, str], int] = {}

    def write(self) -> None:
        """Write every plane."""
        first = self._discovery()
        self._identity()
        self._inventory()
        self._cloud(first)
        self._finance()
        self._traces()

    def _next(self, collection: tuple[str, str]) -> tuple[int, int]:
        """The number of the next record of this system in `collection`, and its noise."""
        used = self._used[collection] = self._used.get(collection, -1) + 1
        number = (1 << 40) + self._it.number * 64 + used
        return number, self._evidence.noise(collection, number)

    def _add(self, collection: tuple[str, str], number: int, **fields: Any) -> Record:
        return self._evidence.add(collection, number, self._it.key, **fields)

    def _discovery(self) -> Record:
        """Observations, some repeated; a repeat has the source and the age of its original, so it decides nothing."""
        shape, records = self._shape, list[Record]()
        _, start = self._next(("discovery", "observations"))
        step = 0 if shape.same_source else 5
        sources = [KNOWN_SOURCES[(start + step * k) % len(KNOWN_SOURCES)] for k in range(len(shape.seen))]
        strange = [UNKNOWN_SOURCES[(start + 3 * k) % len(UNKNOWN_SOURCES)] for k in range(len(shape.unknown_seen))]
        seen = list(zip(sources + strange, shape.seen + shape.unknown_seen, strict=True))
        seen += [seen[(start >> 8 + 4 * k) % len(seen)] for k in range((start >> 4) % 3)]
        for source, when in seen:
            records.append(self._observation(source, when, plain=not records))
        return records[0]

    def _observation(self, source: str, when: str, *, plain: bool) -> Record:
        number, noise = self._next(("discovery", "observations"))
        key, form = self._it.key, 0 if plain else noise % 8
        hint = self._it.vendor
        if noise >> 20 & 7 == 0:
            hint = hint.upper()
        elif noise >> 20 & 7 == 1 and not self._shape.kin:
            hint = ""
        return self._add(
            ("discovery", "observations"),
            number,
            observed_name=key if form == _NAME_IS_DOMAIN else self._drifted(noise >> 24),
            domain={0: key, 1: key, 2: key.upper(), 3: f"www.{key}.", 6: f"Login.{key.capitalize()}"}.get(form),
            hostname={0: f"app.{key}", 4: f"eu-1.{key}", 7: None}.get(form),
            observed_uri={0: f"https://{key}/", 1: f"https://{key}:8443/login", 7: f"https://app.{key}:443/x?y=1"}.get(form),
            vendor_hint=hint or None,
            source=self._spelled(source, noise >> 30),
            observed_at=self._evidence.at(self._evidence.age(when, noise >> 4)),
        )

    @staticmethod
    def _spelled(source: str, noise: int) -> str | None:
        """The source as logs spell it; "discovery" is also what a missing one means."""
        if source == "discovery" and noise & 1:
            return None
        return source.upper() if noise >> 1 & 15 == 0 else source

    def _drifted(self, noise: int) -> str:
        """The system's name as people write it."""
        label = self._it.label.capitalize()
        forms = (self._it.title, label, label.upper(), f"{label} (Legacy)", f"{label}-prod", f"The {label} Co")
        return forms[noise % len(forms)]

    def _identity(self) -> None:
        kind = self._shape.idp
        if not kind:
            return
        number, noise = self._next(("idp", "objects"))
        name = self._it.title
        if kind == "legacy":
            name += _REMARKS[noise % len(_REMARKS)]
        self._add(
            ("idp", "objects"),
            number,
            name=name,
            idp_type="service_principal" if kind == "principal" else "application",
            external_ref=f"https://{self._it.key}/sso" if noise >> 8 & 1 else self._it.key,
            has_sso=kind in ("sso", "legacy"),
            has_scim=kind == "scim",
            owner=self._it.owner if noise >> 12 & 3 else None,
            last_login_at=self._evidence.at(self._evidence.age(self._shape.login, noise >> 16)),
        )

    def _inventory(self) -> None:
        for k, state in enumerate(self._shape.cis):
            number, noise = self._next(("cmdb", "cis"))
            words = _RETIRED if state == "retired" else _LIVE
            several = len(self._shape.cis) > 1
            self._add(
                ("cmdb", "cis"),
                number,
                name=self._it.title if k == 0 else f"{self._it.title} {k + 1}",
                ci_type=_WRONG_TYPES[noise % 4] if state == "wrong type" else _CI_TYPES[noise % len(_CI_TYPES)],
                lifecycle=None if state == "no lifecycle" else words[noise // 9 % len(words)],
                environment=("archive", "prod")[state == "live"] if several else ("prod", "dr", "shared")[noise % 3],
                owner=self._it.owner if noise >> 8 & 3 else None,
                vendor=self._it.vendor if noise >> 16 & 1 and not self._shape.kin else None,
                external_ref=self._it.key if noise >> 12 & 1 else f"https://www.{self._it.key}/",
            )

    def _cloud(self, observation: Record) -> None:
        when = self._shape.cloud
        if not when:
            return
        number, noise = self._next(("cloud", "resources"))
        by_uri = noise >> 8 & 1 == 1
        self._add(
            ("cloud", "resources"),
            number,
            name=f"cluster-{noise >> 40}" if by_uri else (f"{self._it.label}-cluster", self._it.key)[noise >> 9 & 1],
            resource_type=("cluster", "bucket", "function")[noise % 3],
            cloud_provider=("aws", "gcp", "azure")[noise // 3 % 3],
            uri=observation["observed_uri"] if by_uri else None,
            tags={"environment": "production"},
            observed_at=self._evidence.at(self._evidence.age(when, noise >> 16)),
        )

    def _finance(self) -> None:
        number, noise = self._next(("finance", "transactions"))
        spend = self._shape.spend
        if spend == "any":
            spend = ("", "recurring", "one-off", "contract")[noise % 4]
        label = self._it.label.capitalize()
        payee = (label, f"{label.upper()}, Inc.", f"The {label} Co", f"{label.lower()}-prod", f"{label} (Legacy)")[noise % 5]
        amount = 200 + (noise >> 8) % 4800
        if spend == "contract":
            start = 86_400 * (30 + noise % 300)
            self._add(
                ("finance", "contracts"), number, vendor_name=payee, product=self._evidence.word(noise >> 20),
                amount=amount * 12, currency="USD", start_date=self._evidence.at(start),
                end_date=self._evidence.at(start - 365 * _DAY),
            )  # fmt: skip
        elif spend:
            for month in range(1 + noise % 3):
                number, more = (number, noise) if month == 0 else self._next(("finance", "transactions"))
                self._add(
                    ("finance", "transactions"), number, vendor_name=payee, product=self._evidence.word(noise >> 20),
                    memo=f"Invoice {more >> 40}", amount=amount, currency=("USD", "EUR", "GBP")[noise % 3],
                    date=self._evidence.at((1 + month * 30 + noise % 28) * _DAY), is_recurring=spend == "recurring",
                )  # fmt: skip

    def _traces(self) -> None:
        """DNS, proxy, certificate and installation records: they agree with the observations and decide nothing."""
        it, evidence = self._it, self._evidence
        ages = ("recent", "edge", "past edge", "stale")
        when = min(self._shape.seen or ("undated",), key=lambda age: ages.index(age) if age in ages else len(ages))
        number, noise = self._next(("network", "dns"))
        moment = evidence.at(evidence.age("stale" if when == "past edge" else when, noise))
        queried = [("app", number, noise)]
        if noise >> 8 & 1:
            queried.append(("api", *self._next(("network", "dns"))))
        for host, number, noise in queried:
            self._add(
                ("network", "dns"), number, queried_domain=f"{host}.{it.key}", record_type="A",
                value=f"203.0.113.{noise % 254 + 1}", timestamp=moment,
            )  # fmt: skip
        number, noise = self._next(("network", "proxy"))
        self._add(
            ("network", "proxy"), number, domain=it.key, url=f"https://{it.key}/", user_email=evidence.person(noise),
            bytes_transferred=noise >> 40, timestamp=moment,
        )  # fmt: skip
        if noise >> 9 & 3 == 0:
            number, noise = self._next(("network", "certs"))
            expiry = evidence.at(-_DAY * (1 + noise % 365))
            self._add(("network", "certs"), number, domain=it.key, issuer="Example Trust CA", not_after=expiry)
        if noise >> 12 & 1:
            number, noise = self._next(("endpoint", "installed_apps"))
            self._add(
                ("endpoint", "installed_apps"), number, app_name=it.title, device_id=evidence.device_id(noise),
                version=f"{noise % 20}.{noise >> 8 & 15}", vendor=it.vendor, last_seen_at=moment,
            )  # fmt: skip
