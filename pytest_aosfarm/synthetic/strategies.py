"""Hypothesis strategies for every record: each value is a row of a dataset, so whatever holds of the data holds of it.

Which dataset and which row is all that Hypothesis draws: a tenant key, a seed, a row number. Examples shrink towards row 0
of tenant "a", seed 0. `customers(dataset)` draws from one dataset only, `customers(datasets("large"))` from large ones.
"""

from __future__ import annotations

from functools import lru_cache
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any, TypeAlias

from hypothesis import strategies as st

from pytest_aosfarm.synthetic.dataset import ANCHOR, Dataset
from pytest_aosfarm.synthetic.kin import customer_family
from pytest_aosfarm.synthetic.records import CustomerFamily
from pytest_aosfarm.synthetic.scale import scale_named

if TYPE_CHECKING:
    from datetime import datetime

    from hypothesis.strategies import DrawFn, SearchStrategy

    from pytest_aosfarm.synthetic.records import (
        Application,
        AuthEvent,
        Customer,
        Database,
        Host,
        Invoice,
        LogEntry,
        NetworkFlow,
        Service,
        Subscription,
        Transaction,
    )

__all__ = (
    "applications", "auth_events", "customer_families", "customers", "databases", "datasets", "hosts", "invoices", "logs",
    "network_flows", "services", "subscriptions", "transactions",
)  # fmt: skip

_SEEDS = 1 << 32
From: TypeAlias = "Dataset | SearchStrategy[Dataset] | None"
"""Where rows come from: one dataset, or a strategy for datasets; None is `datasets()`."""


@lru_cache(maxsize=256)
def _dataset(tenant_key: str, seed: int, scale: str, anchor: datetime) -> Dataset:
    return Dataset(tenant_key, seed=seed, scale=scale, anchor=anchor)


def datasets(scale: str = "small", *, anchor: datetime = ANCHOR) -> SearchStrategy[Dataset]:
    """Datasets of 26 tenants and all seeds. Raises ConfigurationError for an unknown scale."""
    scale_named(scale)
    # One letter, no text: examples have few parts, and shrink in a third of the steps.
    return st.builds(_dataset, st.sampled_from(ascii_lowercase), st.integers(0, _SEEDS - 1), st.just(scale), st.just(anchor))


@st.composite
def _records(draw: DrawFn, source: From, name: str) -> Any:
    table = _drawn(draw, source).table(name)
    return table.record(draw(st.integers(0, len(table) - 1)))


@st.composite
def _families(draw: DrawFn, source: From) -> CustomerFamily:
    customers = _drawn(draw, source).business.customers
    row = draw(st.integers(0, len(customers) - 1))
    return CustomerFamily.model_validate(customer_family(customers, row))


def _drawn(draw: DrawFn, source: From) -> Dataset:
    if isinstance(source, Dataset):
        return source
    return draw(datasets() if source is None else source)


def applications(source: From = None) -> SearchStrategy[Application]:
    """Applications that a company bought or built."""
    return _records(source, "applications")


def services(source: From = None) -> SearchStrategy[Service]:
    """Services, each part of an application."""
    return _records(source, "services")


def databases(source: From = None) -> SearchStrategy[Database]:
    """Databases of applications."""
    return _records(source, "databases")


def hosts(source: From = None) -> SearchStrategy[Host]:
    """Hosts with private addresses."""
    return _records(source, "hosts")


def customers(source: From = None) -> SearchStrategy[Customer]:
    """Customers; for one with all that belongs to it see `customer_families`."""
    return _records(source, "customers")


def subscriptions(source: From = None) -> SearchStrategy[Subscription]:
    """Subscriptions of customers."""
    return _records(source, "subscriptions")


def invoices(source: From = None) -> SearchStrategy[Invoice]:
    """Invoices in every state of payment."""
    return _records(source, "invoices")


def transactions(source: From = None) -> SearchStrategy[Transaction]:
    """Payments, refunds, credits and debits."""
    return _records(source, "transactions")


def customer_families(source: From = None) -> SearchStrategy[CustomerFamily]:
    """Customers, each with its subscriptions, their invoices and the transactions about these, which add up."""
    return _families(source)


def logs(source: From = None) -> SearchStrategy[LogEntry]:
    """Lines that services logged."""
    return _records(source, "logs")


def network_flows(source: From = None) -> SearchStrategy[NetworkFlow]:
    """Connections between hosts, and with the outside."""
    return _records(source, "network_flows")


def auth_events(source: From = None) -> SearchStrategy[AuthEvent]:
    """People signing in and out."""
    return _records(source, "auth_events")
