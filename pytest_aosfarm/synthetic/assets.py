"""The estate that the company knows it has: applications, services, databases, hosts and how they hang together.

Relations are total: a service belongs to an application and runs on a host, an application keeps its data in a database.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic.columns import Constant, Id, IPv4, Number, Text, WordLists, Words
from pytest_aosfarm.synthetic.hashing import Shuffle
from pytest_aosfarm.synthetic.lookups import Lookup
from pytest_aosfarm.synthetic.names import CAPITAL_LABEL, EMAIL, LABEL, SUFFIX
from pytest_aosfarm.synthetic.table import Table, column, hidden
from pytest_aosfarm.synthetic.vocabulary import vocabulary

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.names import Names
    from pytest_aosfarm.synthetic.rows import Cell, Rows
    from pytest_aosfarm.synthetic.scale import Scale

__all__ = ("Applications", "Assets", "Databases", "Hosts", "Services")

_WORDS = vocabulary()
_ENVIRONMENTS = ("production", "production", "production", "staging", "dev", "test")
_STACKS = (["python", "react"], ["java", "angular"], ["go"], ["node", "vue"], ["ruby"], ["dotnet"], ["php"])
_PORTS = {"postgres": 5432, "mysql": 3306, "mongodb": 27017, "redis": 6379}
_DATABASE_FIELDS = tuple(field.lower() for field in _WORDS.fields)
_REGIONS = {
    "aws": ("us-east-1", "eu-west-1", "ap-southeast-2"),
    "gcp": ("us-central1", "europe-west4"),
    "azure": ("westeurope", "eastus2"),
    "on-prem": ("dc1", "dc2"),
}
_ALL_REGIONS = tuple(region for regions in _REGIONS.values() for region in regions)
_FIRST_REGION = Lookup([_ALL_REGIONS.index(regions[0]) for regions in _REGIONS.values()])
_REGION_COUNT = Lookup([len(regions) for regions in _REGIONS.values()])
_HOST_TYPES = ("physical", "vm", "vm", "container", "serverless")
_HOST_ROLES = ("web", "app", "batch", "db", "edge")
_ROLES = ("api", "auth", "billing", "search", "worker", "gateway")
_SERVICE_TYPES = ("rest-api", "graphql", "grpc", "websocket")
_PROTOCOLS = ("https", "https", "http2", "wss")
_STATUSES = ("running",) * 8 + ("stopped", "terminated")


class _Owned(Table):
    """A table of things that an employee owns."""

    def __init__(self, length: int, seed: int, tenant_key: str, names: Names) -> None:
        super().__init__(length, seed, tenant_key)
        self.names = names

    @hidden
    def _owner_email(self, r: Rows) -> Cell:
        return r.of(self.names.people, r.below("owner", max(1, len(self))))["email"]


class Databases(_Owned):
    """Databases; sizes in whole GiB, connection strings without credentials."""

    name = "databases"
    unique = ("id", "name", "connection_string")

    @column(Id("database-"))
    def _id(self, r: Rows) -> Cell:
        return r.bits("id")

    @column(Text(Words(tuple(_PORTS)), "-", Words(_DATABASE_FIELDS), "-", Number()))
    def _name(self, r: Rows) -> Cell:
        return r["type"], r.below("name", len(_DATABASE_FIELDS)), r.i

    @column(Words(tuple(_PORTS)))
    def _type(self, r: Rows) -> Cell:
        return r.below("type", len(_PORTS))

    @column(Words(_ENVIRONMENTS))
    def _environment(self, r: Rows) -> Cell:
        return r.below("environment", len(_ENVIRONMENTS))

    @column(EMAIL)
    def _owner(self, r: Rows) -> Cell:
        return r["owner_email"]

    @column(Number())
    def _size_gb(self, r: Rows) -> Cell:
        return 1 << r.below("size_gb", 12)

    @column(
        Text(
            Words(tuple(_PORTS)), "://", Words(tuple(_PORTS)), "-", Words(_DATABASE_FIELDS), "-", Number(),
            ".db.", Constant(), ":", Words([str(port) for port in _PORTS.values()]), "/main",
        )
    )  # fmt: skip
    def _connection_string(self, r: Rows) -> Cell:
        return (r["type"], *r["name"], self.names.company_domain, r["type"])


class Hosts(_Owned):
    """Hosts, each with a private IPv4 address of its own."""

    name = "hosts"
    unique = ("id", "name", "ip_address")

    def __init__(self, length: int, seed: int, tenant_key: str, names: Names) -> None:
        super().__init__(length, seed, tenant_key, names)
        self._addresses = Shuffle(256 * 256 * 254, seed, tenant_key, self.name, "ip_address")

    @column(Id("host-"))
    def _id(self, r: Rows) -> Cell:
        return r.bits("id")

    @column(Text(Words(_HOST_ROLES), "-", Words(_ALL_REGIONS), "-", Number()))
    def _name(self, r: Rows) -> Cell:
        return r.below("name", len(_HOST_ROLES)), r["region"], r.i

    @column(Words(_HOST_TYPES))
    def _type(self, r: Rows) -> Cell:
        return r.below("type", len(_HOST_TYPES))

    @column(Words(tuple(_REGIONS)))
    def _cloud_provider(self, r: Rows) -> Cell:
        return r.below("cloud_provider", len(_REGIONS))

    @column(Words(_ALL_REGIONS))
    def _region(self, r: Rows) -> Cell:
        provider = r["cloud_provider"]
        three, two = r.below("region", 3), r.below("region", 2)
        within = r.where(r.take(_REGION_COUNT, provider) == len(_REGIONS["aws"]), three, two)
        return r.take(_FIRST_REGION, provider) + within

    @column(Words(("small", "medium", "large", "xlarge")))
    def _instance_type(self, r: Rows) -> Cell:
        return r.below("instance_type", 4)

    @column(IPv4())
    def _ip_address(self, r: Rows) -> Cell:
        place = r.shuffled(self._addresses, r.i)
        return (10 << 24) + (place // 254 << 8) + place % 254 + 1

    @column(Words(_STATUSES))
    def _status(self, r: Rows) -> Cell:
        return r.below("status", len(_STATUSES))

    @column(EMAIL)
    def _owner(self, r: Rows) -> Cell:
        return r["owner_email"]


class Applications(_Owned):
    """Applications that the company bought or built, each at a registered domain of its own."""

    name = "applications"
    unique = ("id", "domain", "url", "vendor")
    references = MappingProxyType({"database_id": "databases"})

    def __init__(self, length: int, seed: int, tenant_key: str, names: Names, databases: Databases) -> None:
        super().__init__(length, seed, tenant_key, names)
        self._databases = databases

    @hidden
    def _label(self, r: Rows) -> Cell:
        return r.of(self.names.labels, r.i)

    @column(Id("application-"))
    def _id(self, r: Rows) -> Cell:
        return r.bits("id")

    @column(Text(*CAPITAL_LABEL, " ", Words(_WORDS.products)))
    def _name(self, r: Rows) -> Cell:
        return (*r["label"]["label"], r.below("name", len(_WORDS.products)))

    @column(Text(*CAPITAL_LABEL, " ", Words(_WORDS.company_suffixes)))
    def _vendor(self, r: Rows) -> Cell:
        return (*r["label"]["label"], r.below("vendor", len(_WORDS.company_suffixes)))

    @column(Text(*LABEL, ".", SUFFIX))
    def _domain(self, r: Rows) -> Cell:
        return (*r["label"]["label"], r["label"]["suffix"])

    @column(Words(("web-app", "mobile-app", "saas", "legacy")))
    def _type(self, r: Rows) -> Cell:
        return r.below("type", 4)

    @column(Words(_ENVIRONMENTS))
    def _environment(self, r: Rows) -> Cell:
        return r.below("environment", len(_ENVIRONMENTS))

    @column(EMAIL)
    def _owner(self, r: Rows) -> Cell:
        return r["owner_email"]

    @column(Words(_WORDS.fields))
    def _team(self, r: Rows) -> Cell:
        return r.below("team", len(_WORDS.fields))

    @column(Words(("critical", "high", "medium", "low")))
    def _risk_level(self, r: Rows) -> Cell:
        return r.below("risk_level", 4)

    @column(WordLists(_STACKS))
    def _tech_stack(self, r: Rows) -> Cell:
        return r.below("tech_stack", len(_STACKS))

    @column(Text("https://", *LABEL, ".", SUFFIX, "/"))
    def _url(self, r: Rows) -> Cell:
        return r["domain"]

    @hidden
    def _database(self, r: Rows) -> Cell:
        return r.below("database_id", len(self._databases))

    @column(Id("database-"))
    def _database_id(self, r: Rows) -> Cell:
        return r.of(self._databases, r["database"])["id"]


class Services(_Owned):
    """Services, each part of one application and running on one host."""

    name = "services"
    unique = ("id", "name", "endpoint")
    references = MappingProxyType({"application_id": "applications", "host_id": "hosts"})

    def __init__(
        self, length: int, seed: int, tenant_key: str, names: Names, applications: Applications, hosts: Hosts
    ) -> None:
        super().__init__(length, seed, tenant_key, names)
        self._applications = applications
        self._hosts = hosts

    @column(Id("service-"))
    def _id(self, r: Rows) -> Cell:
        return r.bits("id")

    @column(Text(Words(_ROLES), "-", Number()))
    def _name(self, r: Rows) -> Cell:
        return r["role"], r.i

    @hidden
    def _role(self, r: Rows) -> Cell:
        return r.below("name", len(_ROLES))

    @column(Words(_SERVICE_TYPES))
    def _type(self, r: Rows) -> Cell:
        return r.below("type", len(_SERVICE_TYPES))

    @hidden
    def _application(self, r: Rows) -> Cell:
        return r.below("application_id", len(self._applications))

    @hidden
    def _host(self, r: Rows) -> Cell:
        return r.below("host_id", len(self._hosts))

    @column(Id("application-"))
    def _application_id(self, r: Rows) -> Cell:
        return r.of(self._applications, r["application"])["id"]

    @column(Id("host-"))
    def _host_id(self, r: Rows) -> Cell:
        return r.of(self._hosts, r["host"])["id"]

    @column(Words(_ENVIRONMENTS))
    def _environment(self, r: Rows) -> Cell:
        return r.below("environment", len(_ENVIRONMENTS))

    @column(EMAIL)
    def _owner(self, r: Rows) -> Cell:
        return r["owner_email"]

    @column(Text(Words(_ROLES), "-", Number(), ".svc.", Constant()))
    def _endpoint(self, r: Rows) -> Cell:
        return r["role"], r.i, self.names.company_domain

    @column(Words(_PROTOCOLS))
    def _protocol(self, r: Rows) -> Cell:
        return r["type"]


class Assets:
    """The four asset tables of one tenant."""

    def __init__(self, scale: Scale, seed: int, tenant_key: str, names: Names) -> None:
        self.databases = Databases(scale.databases, seed, tenant_key, names)
        self.hosts = Hosts(scale.hosts, seed, tenant_key, names)
        self.applications = Applications(scale.applications, seed, tenant_key, names, self.databases)
        self.services = Services(scale.services, seed, tenant_key, names, self.applications, self.hosts)
        self.databases.owns(self.applications, "database")
        self.applications.owns(self.services, "application")
        self.hosts.owns(self.services, "host")

    @property
    def tables(self) -> tuple[Table, ...]:
        """The four asset tables."""
        return self.applications, self.services, self.databases, self.hosts

    def __repr__(self) -> str:
        return f"<assets: {', '.join(f'{len(table):,} {table.name}' for table in self.tables)}>"
