"""A tenant's synthetic enterprise at one scale: nothing is computed, nor even loaded, until it is touched."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from operator import index
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.synthetic.scale import scale_named
from pytest_aosfarm.synthetic.shapes import PROFILES

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.assets import Assets
    from pytest_aosfarm.synthetic.business import Business
    from pytest_aosfarm.synthetic.events import Events
    from pytest_aosfarm.synthetic.snapshot import Snapshot
    from pytest_aosfarm.synthetic.table import Table

__all__ = ("ANCHOR", "Dataset")

ANCHOR = datetime(2026, 1, 15, 12, tzinfo=UTC)
"""The "now" of data for which nobody chose one."""

_YEARS = range(10, 9_997)
"""Of anchors; the data reaches some years back and ahead."""


class Dataset:
    """All data of one tenant, a pure function of the five arguments.

    `anchor` is the "now" of the data, an aware datetime; timestamps are distances from it. `profile` says how messy the
    discovery evidence is: clean, typical or messy. Raises ConfigurationError for an unknown scale or profile, a naive
    anchor or one outside the years 10 to 9996, or a key that is no text.
    """

    def __init__(
        self, tenant_key: str, *, seed: int, scale: str, anchor: datetime, profile: str = "typical"
    ) -> None:
        if profile not in PROFILES:
            raise ConfigurationError(f"profile {profile!r} is not one of {', '.join(PROFILES)}")
        try:
            tenant_key.encode()
        except UnicodeEncodeError:
            raise ConfigurationError(f"tenant key {tenant_key!r} is no text that UTF-8 can write") from None
        self.tenant_key = tenant_key
        self.seed = index(seed)  # one with a point would name other data
        self.scale = scale_named(scale)
        self.anchor = _in_utc(anchor)
        self.profile = profile

    def __getstate__(self) -> dict[str, Any]:
        """What makes it, and nothing computed: a copy, in this process or another, computes for itself."""
        return {name: vars(self)[name] for name in ("tenant_key", "seed", "scale", "anchor", "profile")}

    def __repr__(self) -> str:
        return f"<dataset of {self.tenant_key!r}: seed {self.seed}, {self.scale.name}, {self.profile}>"

    @cached_property
    def assets(self) -> Assets:
        """The estate: applications, services, databases, hosts."""
        from pytest_aosfarm.synthetic.assets import Assets
        from pytest_aosfarm.synthetic.names import Names

        return Assets(self.scale, self.seed, self.tenant_key, Names(self.seed, self.tenant_key))

    @cached_property
    def business(self) -> Business:
        """What the tenant sells: customers, subscriptions, invoices, transactions."""
        from pytest_aosfarm.synthetic.business import Business

        return Business(self.scale, self.seed, self.tenant_key, self.anchor)

    @cached_property
    def events(self) -> Events:
        """What happened in the four weeks before the anchor: logs, network flows, authentication."""
        from pytest_aosfarm.synthetic.events import Events

        return Events(self.scale, self.seed, self.tenant_key, self.assets, self.anchor)

    @cached_property
    def tables(self) -> dict[str, Table]:
        """Every table of the enterprise by name."""
        groups = self.assets.tables, self.business.tables, self.events.tables
        return {table.name: table for tables in groups for table in tables}

    @cached_property
    def answer_keys(self) -> dict[str, Table]:
        """The tables that tell what was planted in others, and in what three systems hold of the customers, by name."""
        return {table.name: table for table in self.business.answer_keys}

    def table(self, name: str) -> Table:
        """The table or answer key called `name`. Raises ConfigurationError naming the valid ones."""
        every = self.tables | self.answer_keys
        if name not in every:
            raise ConfigurationError(f"table {name!r} is not one of {', '.join(every)}")
        return every[name]

    def snapshot(self) -> Snapshot:
        """The discovery evidence and what was planted in it; made once, then kept."""
        return self._snapshot

    @cached_property
    def _snapshot(self) -> Snapshot:
        from pytest_aosfarm.synthetic.snapshot import make_snapshot

        return make_snapshot(
            self.assets, seed=self.seed, tenant_key=self.tenant_key, anchor=self.anchor, profile=self.profile
        )


def _in_utc(anchor: datetime) -> datetime:
    if anchor.tzinfo is None:
        raise ConfigurationError(f"anchor {anchor.isoformat()} has no UTC offset: add one, such as +00:00")
    if anchor.year not in _YEARS:
        raise ConfigurationError(f"anchor {anchor.isoformat()} is not in the years {_YEARS[0]} to {_YEARS[-1]}")
    return anchor.astimezone(UTC)
