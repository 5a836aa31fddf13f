"""Does our discovery find what was planted?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aosfarm import explain, grade

if TYPE_CHECKING:
    from pytest_aosfarm import AodClient, Assets, Snapshot, Tenant


def test_discovery_is_right(aod: AodClient, tenant: Tenant, discovery_snapshot: Snapshot) -> None:
    run = aod.discover(discovery_snapshot.body(tenant))
    result = grade(discovery_snapshot.verdicts, aod.verdicts(run.aod_discovery_id))
    assert result.classes["shadow"].recall >= 0.95, explain(result.misses, discovery_snapshot)
    assert result.classes["shadow"].precision >= 0.95, explain(result.misses, discovery_snapshot)


def test_what_the_company_knows_is_discovered(
    aod: AodClient, tenant: Tenant, synthetic_assets: Assets, discovery_snapshot: Snapshot
) -> None:
    run = aod.discover(discovery_snapshot.body(tenant))
    known = {application["domain"] for application in synthetic_assets.applications}
    assert known <= aod.verdicts(run.aod_discovery_id).keys()


def test_runs_belong_to_the_tenant(aod: AodClient, tenant: Tenant, discovery_snapshot: Snapshot) -> None:
    aod.discover(discovery_snapshot.body(tenant))
    assert {run.tenant_id for run in aod.runs()} == {tenant.id}
