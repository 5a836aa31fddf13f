"""The synthetic tables that tests of sinks write, and the rows that must come back."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TypeVar

from benchmarks.schemas import Customers, Flows, Invoices
from pytest_aosfarm.synthetic.assets import Services
from pytest_aosfarm.synthetic.columns import Id
from pytest_aosfarm.synthetic.dataset import Dataset
from pytest_aosfarm.synthetic.table import column

S = TypeVar("S", bound=Services)
ANCHOR = datetime(2026, 1, 15, 12, tzinfo=UTC)


@cache
def dataset(seed: int = 1, key: str = "acme") -> Dataset:
    return Dataset(key, seed=seed, scale="small", anchor=ANCHOR)


@cache
def every_table():
    """Those of a dataset, and some with kinds and cells that those do not have; the last are longer than a block."""
    return [*dataset().tables.values(), Customers(17_000, 1, "acme"), Flows(17_000, 1, "acme"), Invoices(3, 1, "acme")]


class Astray(Services):
    """Services on hosts that are not there."""

    @column(Id("host-"))
    def _host_id(self, r):
        return r.bits("id")


class Raising(Services):
    """Services that break off."""

    def blocks(self, rows=None):
        yield from super().blocks(rows)
        raise RuntimeError("midway")


def like_services(kind: type[S]) -> S:
    assets = dataset().assets
    return kind(90, 1, "acme", assets.services.names, assets.applications, assets.hosts)


def by_id(rows):
    return sorted(rows, key=lambda row: row["id"])
