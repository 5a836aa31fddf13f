"""What the AOD tests share: one discovered run, and a module client that nobody else disturbs meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_aosfarm import AodClient, Farm, Snapshot


@dataclass(slots=True)
class Discovered:
    """A snapshot that AOD has discovered: what was planted, and the run that says what AOD made of it."""

    client: AodClient
    planted: Snapshot
    run_id: str


@pytest.fixture
def aod(aod: AodClient, farm: Farm) -> Iterator[AodClient]:
    """AOD for this test's tenant; a live instance is held alone, since it keeps only the newest runs of all tenants."""
    with farm.exclusive("aod"):
        yield aod


@pytest.fixture(scope="session")
def shared_run_ids() -> dict[str, str]:
    """The shared run by base URL, remembered between tests."""
    return {}


@pytest.fixture
def shared(farm: Farm, shared_run_ids: dict[str, str]) -> Iterator[Discovered]:
    """The enterprise `lab:aod`, discovered once per process and again only if AOD has dropped the run."""
    tenant = farm.tenant("lab:aod")
    planted = farm.dataset(tenant).snapshot()
    client = farm.module("aod", tenant)
    with farm.exclusive("aod"):
        run_id = shared_run_ids.get(client.base_url)
        if run_id is None or client.request("GET", f"/api/runs/{run_id}").status_code == 404:
            run_id = client.discover(planted.body(tenant)).aod_discovery_id
            shared_run_ids[client.base_url] = run_id
        yield Discovered(client, planted, run_id)
