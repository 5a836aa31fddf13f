"""The table of modules: adding one is an entry here, a contract file and a twin."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_aosfarm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("MODULES", "Module", "module")


@dataclass(frozen=True, slots=True)
class Module:
    """One module of the platform. The clients and `twin` are "package.module:attribute", imported only when needed."""

    name: str
    title: str
    url_env: str
    client: str
    async_client: str
    twin: str


MODULES: Mapping[str, Module] = MappingProxyType(
    {
        entry.name: entry
        for entry in (
            Module(
                name="aod",
                title="Asset Observation and Discovery",
                url_env="AOD_BASE_URL",
                client="pytest_aosfarm.modules.aod:AodClient",
                async_client="pytest_aosfarm.modules.aod:AsyncAodClient",
                twin="pytest_aosfarm.twins.aod:TWIN",
            ),
        )
    }
)


def module(name: str) -> Module:
    """The module called `name`; raises ConfigurationError that lists the known ones."""
    try:
        return MODULES[name]
    except KeyError:
        raise ConfigurationError(f"no module is called {name!r}; known: {', '.join(MODULES)}") from None
