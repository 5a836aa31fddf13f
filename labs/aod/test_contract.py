"""The contract of each endpoint: what a good request gets, and what an unknown run or a missing parameter gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .tiny import KEY, tiny

if TYPE_CHECKING:
    from pytest_aosfarm import AodClient, Tenant

    from .conftest import Discovered

pytestmark = pytest.mark.lab("aod")

OF_A_RUN = (
    "",
    "/assets",
    "/classifications",
    "/derived",
    "/observations",
    "/rejections",
    "/reconcile-payload",
)
UNKNOWN_RUN = "run_000000000000"


@pytest.mark.parametrize("path", ["/health", "/api/health"])
def test_health(aod: AodClient, path: str) -> None:
    reply = aod.request("GET", path)
    assert reply.status_code == 200
    assert reply.json()["status"] in {"ok", "healthy"}


def test_openapi_lists_the_endpoints_in_use(aod: AodClient) -> None:
    paths = aod.openapi()["paths"]
    wanted = {f"/api/runs/{{id}}{view}" for view in OF_A_RUN}
    wanted |= {"/api/runs", "/api/runs/json", "/api/runs/latest", "/api/catalog", "/api/debug/aod-agent-reconcile"}
    assert not wanted - {_with_plain_id(path) for path in paths}


def _with_plain_id(path: str) -> str:
    """The path with whatever its run parameter is called written as {id}."""
    return "/".join("{id}" if part.startswith("{") else part for part in path.split("/"))


def test_a_run_is_reported_alike_by_reply_detail_list_and_latest(aod: AodClient, tenant: Tenant) -> None:
    reply = aod.discover(tiny(tenant))
    detail = aod.run(reply.aod_discovery_id)
    assert reply.status == detail.status == "completed_with_results"
    assert reply.counts == detail.counts
    assert (detail.tenant_id, detail.entity_id) == (tenant.id, tenant.entity_id)
    assert aod.latest() == detail
    assert aod.runs() == [detail]
    assert detail in aod.all_runs()


def test_a_tiny_snapshot_by_hand(aod: AodClient, tenant: Tenant) -> None:
    assert aod.verdicts(aod.discover(tiny(tenant)).aod_discovery_id) == {KEY: "shadow"}


def test_assets_and_catalog_hold_the_same_assets(shared: Discovered) -> None:
    assets = shared.client.assets(shared.run_id)
    catalog = shared.client.catalog(shared.run_id)
    assert sorted(asset.asset_id for asset in assets.assets) == sorted(asset.asset_id for asset in catalog.assets)
    assert assets.count == len(assets.assets)


def test_observations_come_in_pages(shared: Discovered) -> None:
    first = shared.client.observations(shared.run_id, limit=10)
    second = shared.client.observations(shared.run_id, limit=10, offset=10)
    assert first.count == second.count == len(first.items) == 10
    assert first.total == second.total
    assert not [item for item in first.items if item in second.items]


@pytest.mark.parametrize("view", OF_A_RUN)
def test_an_unknown_run_is_not_found(aod: AodClient, view: str) -> None:
    reply = aod.request("GET", f"/api/runs/{UNKNOWN_RUN}{view}")
    assert reply.status_code == 404, reply.text
    assert "detail" in reply.json()


def test_an_unknown_run_has_no_verdicts_and_no_catalog(aod: AodClient) -> None:
    body = {"aod_discovery_id": UNKNOWN_RUN, "activity_window_days": 90}
    assert aod.request("POST", "/api/debug/aod-agent-reconcile", json=body).status_code == 404
    assert aod.request("GET", "/api/catalog", params={"aod_discovery_id": UNKNOWN_RUN}).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/runs/latest"), ("GET", "/api/catalog"), ("POST", "/api/debug/aod-agent-reconcile")],
)
def test_a_missing_parameter_is_named(aod: AodClient, method: str, path: str) -> None:
    reply = aod.request(method, path, **({"json": {}} if method == "POST" else {}))
    assert reply.status_code == 422, reply.text
    assert any(word in reply.text for word in ("tenant_id", "aod_discovery_id"))
