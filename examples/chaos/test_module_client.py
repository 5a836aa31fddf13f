"""A module's client: the embedded AOD is real, and the way to it is not to be relied on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from pytest_aosfarm import ModuleError

if TYPE_CHECKING:
    from pytest_aosfarm import AodClient, Chaos, Snapshot, Tenant


def is_up(aod: AodClient, attempts: int = 3) -> bool:
    """The code under test: whether AOD answers, asked again if it does not."""
    for attempt in range(attempts):
        try:
            aod.health()
        except ModuleError:
            time.sleep(2**attempt)
        else:
            return True
    return False


@pytest.mark.chaos("aod", fault=["503", "closed"], route="GET /health", first=2)
def test_two_failures_are_survived(aod: AodClient) -> None:
    assert is_up(aod)


def test_an_outage_is_told(aod: AodClient, chaos: Chaos) -> None:
    with chaos.preset("blackout", "aod"):
        assert not is_up(aod)
    assert is_up(aod)


def test_a_run_whose_reply_is_lost_has_been_made(
    aod: AodClient, tenant: Tenant, discovery_snapshot: Snapshot, chaos: Chaos
) -> None:
    with chaos.on("aod", fault="read_timeout delivered", method="POST"), pytest.raises(ModuleError):
        aod.discover(discovery_snapshot.body(tenant))
    assert len(aod.runs()) == 1  # look before you send it again
