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
    """Row counts of the asset tables."""

    name: str
    applications: int
    services: int
    databases: int
    hosts: int


SCALES: Mapping[str, Scale] = MappingProxyType(
    {
        name: Scale(name, 60 * factor, 90 * factor, 25 * factor, 40 * factor)
        for name, factor in (("small", 1), ("medium", 10), ("large", 100), ("planet", 1000))
    }
)


def scale_named(name: str) -> Scale:
    """The scale called `name`. Raises ConfigurationError naming the valid ones."""
    try:
        return SCALES[name]
    except KeyError:
        raise ConfigurationError(f"scale {name!r} is not one of {', '.join(SCALES)}") from None
