"""What must not change a verdict: a second run, time gone by, order, repeats, neighbours."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pytest_aosfarm import explain, grade

from .tiny import observation

if TYPE_CHECKING:
    from pytest_aosfarm import AodClient, Farm, Snapshot, Tenant

pytestmark = pytest.mark.lab("aod")


def verdicts(aod: AodClient, document: bytes | dict[str, Any]) -> dict[str, str]:
    """Discover `document` and read back every verdict at once."""
    return aod.verdicts(aod.discover(document).aod_discovery_id)


def assert_as_planted(said: dict[str, str], snapshot: Snapshot) -> None:
    """Fail with an explanation of every verdict that is not the planted one."""
    result = grade(snapshot.verdicts, said)
    assert result.perfect, f"{result}\n{explain(result.misses, snapshot)}"


def test_the_same_snapshot_twice(aod: AodClient, tenant: Tenant, discovery_snapshot: Snapshot) -> None:
    body = discovery_snapshot.body(tenant)
    first, second = aod.discover(body).aod_discovery_id, aod.discover(body).aod_discovery_id
    assert first != second
    assert aod.verdicts(second) == aod.verdicts(first)
    assert_as_planted(aod.verdicts(second), discovery_snapshot)


def test_a_snapshot_made_120_days_ago(aod: AodClient, farm: Farm, tenant: Tenant) -> None:
    anchor = farm.settings.anchor - timedelta(days=120)
    snapshot = farm.dataset(tenant, anchor=anchor).snapshot()
    assert_as_planted(verdicts(aod, snapshot.body(tenant)), snapshot)


def test_the_order_of_records(aod: AodClient, tenant: Tenant, discovery_snapshot: Snapshot) -> None:
    document = copy.deepcopy(discovery_snapshot.document(tenant))
    for lists in document["planes"].values():
        for records in lists.values():
            records.reverse()
    assert_as_planted(verdicts(aod, document), discovery_snapshot)


def test_records_that_come_twice(aod: AodClient, tenant: Tenant, discovery_snapshot: Snapshot) -> None:
    document = copy.deepcopy(discovery_snapshot.document(tenant))
    observations = document["planes"]["discovery"]["observations"]
    observations += [{**record, "observation_id": f"{record['observation_id']}-again"} for record in observations[::3]]
    assert_as_planted(verdicts(aod, document), discovery_snapshot)


def test_neighbours_that_have_nothing_to_do_with_it(
    aod: AodClient, tenant: Tenant, discovery_snapshot: Snapshot
) -> None:
    document = copy.deepcopy(discovery_snapshot.document(tenant))
    strangers = [f"{first}{second}tonubo.org" for first in ("xu", "xa", "xi") for second in ("ve", "vo", "va")]
    document["planes"]["discovery"]["observations"] += [
        observation(source, domain=domain, at=document["meta"]["created_at"]) | {"observation_id": f"obs-{source}-{domain}"}
        for domain in strangers
        for source in ("browser", "casb")
    ]
    said = verdicts(aod, document)
    assert [said.pop(domain) for domain in strangers] == ["shadow"] * len(strangers)
    assert_as_planted(said, discovery_snapshot)
