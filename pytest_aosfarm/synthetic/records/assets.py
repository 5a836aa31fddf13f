"""Records of the estate: applications, services, databases, hosts."""

from __future__ import annotations

from typing import Literal

from pytest_aosfarm.synthetic.records.base import Address, ApplicationId, DatabaseId, Email, HostId, Record, ServiceId

__all__ = ("Application", "Database", "Host", "Service")


class Application(Record):
    """An application that the company bought or built, at a registered domain of its own."""

    id: ApplicationId
    name: str
    vendor: str
    domain: str
    type: Literal["web-app", "mobile-app", "saas", "legacy"]
    environment: Literal["production", "staging", "dev", "test"]
    owner: Email
    team: str
    risk_level: Literal["critical", "high", "medium", "low"]
    tech_stack: list[str]
    url: str
    database_id: DatabaseId


class Service(Record):
    """A service: part of one application, running on one host."""

    id: ServiceId
    name: str
    type: Literal["rest-api", "graphql", "grpc", "websocket"]
    application_id: ApplicationId
    host_id: HostId
    environment: Literal["production", "staging", "dev", "test"]
    owner: Email
    endpoint: str
    protocol: Literal["https", "http2", "wss"]


class Database(Record):
    """A database; `size_gb` in whole GiB, `connection_string` without credentials."""

    id: DatabaseId
    name: str
    type: Literal["postgres", "mysql", "mongodb", "redis"]
    environment: Literal["production", "staging", "dev", "test"]
    owner: Email
    size_gb: int
    connection_string: str


class Host(Record):
    """A host with a private IPv4 address of its own."""

    id: HostId
    name: str
    type: Literal["physical", "vm", "container", "serverless"]
    cloud_provider: Literal["aws", "gcp", "azure", "on-prem"]
    region: Literal[
        "us-east-1", "eu-west-1", "ap-southeast-2", "us-central1", "europe-west4", "westeurope", "eastus2", "dc1", "dc2",
    ]  # fmt: skip
    instance_type: Literal["small", "medium", "large", "xlarge"]
    ip_address: Address
    status: Literal["running", "stopped", "terminated"]
    owner: Email
