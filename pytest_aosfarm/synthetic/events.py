"""What happens in a tenant's estate during the four weeks before the anchor: logs, network flows, authentication."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic.actors import Employees, Running
from pytest_aosfarm.synthetic.auth import AuthEvents
from pytest_aosfarm.synthetic.clock import Clock
from pytest_aosfarm.synthetic.flows import NetworkFlows
from pytest_aosfarm.synthetic.logs import Logs

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_aosfarm.synthetic.assets import Assets
    from pytest_aosfarm.synthetic.incidents import Incident
    from pytest_aosfarm.synthetic.scale import Scale
    from pytest_aosfarm.synthetic.table import Table

__all__ = ("Events",)


class Events:
    """The three event tables of one tenant. `anchor` is an aware datetime; no event is later."""

    def __init__(self, scale: Scale, seed: int, tenant_key: str, assets: Assets, anchor: datetime) -> None:
        running = Running(assets, seed, tenant_key)
        self.employees = Employees(len(assets.services), seed, tenant_key, assets.services.names)
        self.logs = Logs(scale.logs, seed, tenant_key, self.employees, running, Clock(scale.logs, anchor))
        self.network_flows = NetworkFlows(
            scale.network_flows, seed, tenant_key, running, Clock(scale.network_flows, anchor)
        )  # fmt: skip
        self.auth_events = AuthEvents(
            scale.auth_events, seed, tenant_key, self.employees, assets.applications, Clock(scale.auth_events, anchor)
        )  # fmt: skip

    @cached_property
    def incidents(self) -> tuple[Incident, ...]:
        """The answer key: everything planted in the three tables."""
        return (*self.auth_events.incidents(), *self.network_flows.incidents(), *self.logs.incidents())

    @property
    def tables(self) -> tuple[Table, ...]:
        """The three event tables."""
        return self.logs, self.network_flows, self.auth_events

    def __repr__(self) -> str:
        return f"<events: {', '.join(f'{len(table):,} {table.name}' for table in self.tables)}>"
