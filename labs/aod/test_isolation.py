"""Two companies that use the same systems: what AOD says of one never depends on, or shows, the other."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest

from pytest_aosfarm import grade

if TYPE_CHECKING:
    from pytest_aosfarm import AodClient, Farm, Snapshot, Tenant

pytestmark = pytest.mark.lab("aod")


def test_the_same_domains_in_two_tenants(
    aod: AodClient, farm: Farm, tenant: Tenant, discovery_snapshot: Snapshot
) -> None:
    other = farm.tenant(f"{tenant.key} (neighbour)")
    theirs = copy.deepcopy(discovery_snapshot.document(other))
    theirs["planes"]["idp"]["objects"].clear()
    theirs["planes"]["cmdb"]["cis"].clear()

    own_run = aod.discover(discovery_snapshot.body(tenant)).aod_discovery_id
    neighbour = farm.module("aod", other)
    other_run = neighbour.discover(theirs).aod_discovery_id

    assert grade(discovery_snapshot.verdicts, aod.verdicts(own_run)).perfect
    said_of_other = neighbour.verdicts(other_run)
    assert said_of_other.keys() == discovery_snapshot.truth.keys()
    assert not {"clean", "zombie"} & set(said_of_other.values()), "without IdP and CMDB nothing is governed"


def test_each_tenant_sees_its_own_runs(aod: AodClient, farm: Farm, tenant: Tenant, discovery_snapshot: Snapshot) -> None:
    other = farm.tenant(f"{tenant.key} (neighbour)")
    neighbour = farm.module("aod", other)
    own_run = aod.discover(discovery_snapshot.body(tenant)).aod_discovery_id
    other_run = neighbour.discover(discovery_snapshot.body(other)).aod_discovery_id

    assert [run.aod_discovery_id for run in aod.runs()] == [own_run]
    assert [run.aod_discovery_id for run in neighbour.runs()] == [other_run]
    assert (aod.latest().aod_discovery_id, neighbour.latest().aod_discovery_id) == (own_run, other_run)
    assert (aod.run(own_run).tenant_id, neighbour.run(other_run).tenant_id) == (tenant.id, other.id)
    assert aod.reconcile_payload(own_run).tenant_id == tenant.id


def test_a_tenant_that_never_ran_has_no_runs(farm: Farm, aod: AodClient, tenant: Tenant) -> None:
    nobody = farm.tenant(f"{tenant.key} (nobody)")
    assert farm.module("aod", nobody).runs() == []
    reply = aod.request("GET", "/api/runs/latest", params={"tenant_id": nobody.id})
    assert reply.status_code == 404, reply.text
