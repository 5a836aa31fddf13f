"""The estate that the company knows it has: applications, services, databases, hosts and how they hang together.

Relations are total: a service belongs to an application and runs on a host, an application keeps its data in a database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic.hashing import Draws, Shuffle
from pytest_aosfarm.synthetic.table import Row, Table
from pytest_aosfarm.synthetic.vocabulary import vocabulary

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.names import Names
    from pytest_aosfarm.synthetic.scale import Scale

__all__ = ("Applications", "Assets", "Databases", "Hosts", "Services")

_ENVIRONMENTS = ("production", "production", "production", "staging", "dev", "test")
_STACKS = (["python", "react"], ["java", "angular"], ["go"], ["node", "vue"], ["ruby"], ["dotnet"], ["php"])
_PORTS = {"postgres": 5432, "mysql": 3306, "mongodb": 27017, "redis": 6379}
_REGIONS = {
    "aws": ("us-east-1", "eu-west-1", "ap-southeast-2"),
    "gcp": ("us-central1", "europe-west4"),
    "azure": ("westeurope", "eastus2"),
    "on-prem": ("dc1", "dc2"),
}


class _Keyed(Table):
    """A table whose columns are keyed by (seed, tenant key, table name, column name)."""

    def __init__(self, length: int, seed: int, tenant_key: str, names: Names) -> None:
        super().__init__(length)
        self.names = names
        self._draws = {column: Draws(seed, tenant_key, self.name, column) for column in self.columns}

    def id(self, i: int) -> str:
        """The identifier of row `i`, which says nothing about the row."""
        return f"{self.name[:-1]}-{self._draws['id'].token(i)}"

    def _owner(self, i: int) -> str:
        return self.names.person(self._draws["owner"].below(i, max(1, len(self)))).email


class Databases(_Keyed):
    """Databases; sizes in whole GiB, connection strings without credentials."""

    name = "databases"
    columns = ("id", "name", "type", "environment", "owner", "size_gb", "connection_string")

    def row(self, i: int) -> Row:
        """Row `i`."""
        kind = self._draws["type"].pick(i, tuple(_PORTS))
        name = f"{kind}-{self._draws['name'].pick(i, vocabulary().fields).lower()}-{i}"
        return {
            "id": self.id(i),
            "name": name,
            "type": kind,
            "environment": self._draws["environment"].pick(i, _ENVIRONMENTS),
            "owner": self._owner(i),
            "size_gb": 1 << self._draws["size_gb"].below(i, 12),
            "connection_string": f"{kind}://{name}.db.{self.names.company_domain}:{_PORTS[kind]}/main",
        }


class Hosts(_Keyed):
    """Hosts, each with a private IPv4 address of its own."""

    name = "hosts"
    columns = ("id", "name", "type", "cloud_provider", "region", "instance_type", "ip_address", "status", "owner")

    def __init__(self, length: int, seed: int, tenant_key: str, names: Names) -> None:
        super().__init__(length, seed, tenant_key, names)
        self._addresses = Shuffle(256 * 256 * 254, seed, tenant_key, self.name, "ip_address")

    def row(self, i: int) -> Row:
        """Row `i`."""
        provider = self._draws["cloud_provider"].pick(i, tuple(_REGIONS))
        region = self._draws["region"].pick(i, _REGIONS[provider])
        upper, last = divmod(self._addresses[i], 254)
        return {
            "id": self.id(i),
            "name": f"{self._draws['name'].pick(i, ('web', 'app', 'batch', 'db', 'edge'))}-{region}-{i}",
            "type": self._draws["type"].pick(i, ("physical", "vm", "vm", "container", "serverless")),
            "cloud_provider": provider,
            "region": region,
            "instance_type": self._draws["instance_type"].pick(i, ("small", "medium", "large", "xlarge")),
            "ip_address": f"10.{upper >> 8}.{upper & 255}.{last + 1}",
            "status": self._draws["status"].pick(i, ("running",) * 8 + ("stopped", "terminated")),
            "owner": self._owner(i),
        }


class Applications(_Keyed):
    """Applications that the company bought or built, each at a registered domain of its own."""

    name = "applications"
    columns = (
        "id",
        "name",
        "vendor",
        "domain",
        "type",
        "environment",
        "owner",
        "team",
        "risk_level",
        "tech_stack",
        "url",
        "database_id",
    )

    def __init__(self, length: int, seed: int, tenant_key: str, names: Names, databases: Databases) -> None:
        super().__init__(length, seed, tenant_key, names)
        self._databases = databases

    def row(self, i: int) -> Row:
        """Row `i`."""
        words = vocabulary()
        label = self.names.label(i)
        domain = f"{label}.{self.names.suffix(i)}"
        return {
            "id": self.id(i),
            "name": f"{label.capitalize()} {self._draws['name'].pick(i, words.products)}",
            "vendor": f"{label.capitalize()} {self._draws['vendor'].pick(i, words.company_suffixes)}",
            "domain": domain,
            "type": self._draws["type"].pick(i, ("web-app", "mobile-app", "saas", "legacy")),
            "environment": self._draws["environment"].pick(i, _ENVIRONMENTS),
            "owner": self._owner(i),
            "team": self._draws["team"].pick(i, words.fields),
            "risk_level": self._draws["risk_level"].pick(i, ("critical", "high", "medium", "low")),
            "tech_stack": list(self._draws["tech_stack"].pick(i, _STACKS)),
            "url": f"https://{domain}/",
            "database_id": self._databases.id(self._draws["database_id"].below(i, len(self._databases))),
        }


class Services(_Keyed):
    """Services, each part of one application and running on one host."""

    name = "services"
    columns = ("id", "name", "type", "application_id", "host_id", "environment", "owner", "endpoint", "protocol")

    def __init__(
        self, length: int, seed: int, tenant_key: str, names: Names, applications: Applications, hosts: Hosts
    ) -> None:
        super().__init__(length, seed, tenant_key, names)
        self._applications = applications
        self._hosts = hosts

    def row(self, i: int) -> Row:
        """Row `i`."""
        application = self._draws["application_id"].below(i, len(self._applications))
        role = self._draws["name"].pick(i, ("api", "auth", "billing", "search", "worker", "gateway"))
        name = f"{role}-{i}"
        kind = self._draws["type"].pick(i, ("rest-api", "graphql", "grpc", "websocket"))
        return {
            "id": self.id(i),
            "name": name,
            "type": kind,
            "application_id": self._applications.id(application),
            "host_id": self._hosts.id(self._draws["host_id"].below(i, len(self._hosts))),
            "environment": self._draws["environment"].pick(i, _ENVIRONMENTS),
            "owner": self._owner(i),
            "endpoint": f"{name}.svc.{self.names.company_domain}",
            "protocol": {"grpc": "http2", "websocket": "wss"}.get(kind, "https"),
        }


class Assets:
    """The four asset tables of one tenant."""

    def __init__(self, scale: Scale, seed: int, tenant_key: str, names: Names) -> None:
        self.databases = Databases(scale.databases, seed, tenant_key, names)
        self.hosts = Hosts(scale.hosts, seed, tenant_key, names)
        self.applications = Applications(scale.applications, seed, tenant_key, names, self.databases)
        self.services = Services(scale.services, seed, tenant_key, names, self.applications, self.hosts)

    def __repr__(self) -> str:
        tables = (self.applications, self.services, self.databases, self.hosts)
        return f"<assets: {', '.join(f'{len(table):,} {table.name}' for table in tables)}>"
