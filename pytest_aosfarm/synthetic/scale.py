"""How large a synthetic enterprise is: rows per table at each scale."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_aosfarm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("SCALES", "Scale", "scale_named")


@dataclass(frozen=True, slots=True)
class Scale:
    """Row counts of the tables."""

    name: str
    applications: int
    services: int
    databases: int
    hosts: int
    customers: int
    subscriptions: int
    invoices: int
    transactions: int
    logs: int
    network_flows: int
    auth_events: int


def _scale(name: str, assets: int, customers: int, events: int) -> Scale:
    return Scale(
        name,
        applications=60 * assets,
        services=90 * assets,
        databases=25 * assets,
        hosts=40 * assets,
        customers=customers,
        subscriptions=customers * 3 // 2,
        invoices=10 * customers,
        transactions=15 * customers,
        logs=5 * events,
        network_flows=5 * events,
        auth_events=2 * events,
    )


SCALES: Mapping[str, Scale] = MappingProxyType(
    {
        "small": _scale("small", 1, 200, 1_000),
        "medium": _scale("medium", 10, 5_000, 100_000),
        "large": _scale("large", 100, 100_000, 1_000_000),
        "planet": _scale("planet", 1_000, 10_000_000, 200_000_000),
    }
)


def scale_named(name: str) -> Scale:
    """The scale called `name`. Raises ConfigurationError naming the valid ones."""
    try:
        return SCALES[name]
    except KeyError:
        raise ConfigurationError(f"scale {name!r} is not one of {', '.join(SCALES)}") from None
