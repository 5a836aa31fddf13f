"""Events of a tenant for the tests of events and incidents, made once for each scale and seed."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from pytest_aosfarm.synthetic.assets import Assets
from pytest_aosfarm.synthetic.events import Events
from pytest_aosfarm.synthetic.names import Names
from pytest_aosfarm.synthetic.scale import SCALES

ANCHOR = datetime(2026, 1, 15, 12, tzinfo=UTC)
TABLES = ("logs", "network_flows", "auth_events")


@cache
def estate(scale="small", seed=1, tenant="acme", anchor=ANCHOR):
    """The assets and the events."""
    rows = SCALES[scale]
    assets = Assets(rows, seed, tenant, Names(seed, tenant))
    return assets, Events(rows, seed, tenant, assets, anchor)


def events(scale="small", seed=1, tenant="acme"):
    return estate(scale, seed, tenant)[1]


@cache
def small_rows(seed=1):
    """All rows of the three small tables, by name."""
    return {name: list(getattr(events("small", seed), name)) for name in TABLES}


def moment(text):
    """A timestamp as its row writes it, in seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()
