"""What a twin offers to whoever starts it: an application to serve, and the ways it can be made wrong."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.modules.catalog import module

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ("Twin", "find", "healthy_or_known")


@dataclass(frozen=True, slots=True)
class Twin:
    """`build(defect)` makes the ASGI application, healthy for None; `defects()` maps names to one line each."""

    build: Callable[[str | None], Any]
    defects: Callable[[], Mapping[str, str]]


def find(name: str) -> Twin:
    """The twin of module `name`; raises ConfigurationError for an unknown name."""
    path, _, attribute = module(name).twin.partition(":")
    twin: Twin = getattr(import_module(path), attribute)
    return twin


def healthy_or_known(name: str, defect: str | None) -> Twin:
    """The twin of module `name`; raises ConfigurationError if it has no such defect."""
    twin = find(name)
    if defect is not None and defect not in twin.defects():
        raise ConfigurationError(
            f"the {name} twin has no defect {defect!r}; it has: {', '.join(sorted(twin.defects()))}"
        )
    return twin
