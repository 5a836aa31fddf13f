"""The input contract: what AOD refuses, what it quietly leaves out, and that it says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .tiny import KEY, observation, tiny

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_aosfarm import AodClient, Tenant

pytestmark = pytest.mark.lab("aod")

GROUND_TRUTH_KEYS = (
    "is_shadow_it", "shadowScenario", "shadowReasons", "shadow_scenario", "shadow_reasons", "inCMDB", "in_cmdb",
    "rulesTriggered", "rules_triggered", "conflictTypes", "conflict_types", "sourcePresence", "source_presence",
    "parked_reason", "ground_truth", "groundTruth",
)  # fmt: skip

PLACES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "document": lambda document: document,
    "meta": lambda document: document["meta"],
    "planes": lambda document: document["planes"],
    "record": lambda document: document["planes"]["discovery"]["observations"][0],
    "deep": lambda document: (
        document["planes"]["discovery"]["observations"][1].setdefault("raw", {"list": [[{}]]})["list"][0][0]
    ),
}


def refused(aod: AodClient, document: Any, status: int = 400) -> str:
    """Post `document`, which must get `status`; return the body."""
    reply = aod.request("POST", "/api/runs/json", json=document)
    assert reply.status_code == status, f"{reply.status_code}: {reply.text[:300]}"
    assert "detail" in reply.json()
    return reply.text


@pytest.mark.parametrize("name", GROUND_TRUTH_KEYS)
@pytest.mark.parametrize("spell", [str, str.upper, str.swapcase], ids=["as-is", "upper", "swapped"])
def test_ground_truth_is_refused(aod: AodClient, tenant: Tenant, name: str, spell: Callable[[str], str]) -> None:
    document = tiny(tenant)
    PLACES["record"](document)[spell(name)] = None
    assert "INVALID_INPUT_CONTRACT" in refused(aod, document)


@pytest.mark.parametrize("place", PLACES)
def test_ground_truth_is_refused_at_any_depth(aod: AodClient, tenant: Tenant, place: str) -> None:
    document = tiny(tenant)
    PLACES[place](document)["Ground_Truth"] = {"verdict": "shadow"}
    assert "INVALID_INPUT_CONTRACT" in refused(aod, document)


def test_a_refused_snapshot_leaves_no_run(aod: AodClient, tenant: Tenant) -> None:
    document = tiny(tenant)
    document["ground_truth"] = 1
    refused(aod, document)
    assert not [run for run in aod.runs() if run.status.startswith("completed")]


def test_ground_truth_words_as_values_are_no_offence(aod: AodClient, tenant: Tenant) -> None:
    document = tiny(tenant)
    document["planes"]["discovery"]["observations"][0]["raw"] = {"note": "ground_truth", "in_cmdb_export": True}
    assert aod.verdicts(aod.discover(document).aod_discovery_id) == {KEY: "shadow"}


def test_a_snapshot_needs_a_tenant(aod: AodClient, tenant: Tenant) -> None:
    document = tiny(tenant)
    del document["meta"]["tenant_id"]
    assert "tenant" in refused(aod, document).lower()


def test_a_snapshot_without_entity_is_discovered_and_says_none(aod: AodClient, tenant: Tenant) -> None:
    document = tiny(tenant)
    del document["meta"]["entity_id"]
    run_id = aod.discover(document).aod_discovery_id
    assert aod.run(run_id).entity_id is None
    assert aod.verdicts(run_id) == {KEY: "shadow"}


@pytest.mark.parametrize(
    "container", ["a string", 7, {"a": 1}, None, True], ids=["text", "number", "object", "null", "bool"]
)
def test_a_wrong_container_is_empty(aod: AodClient, tenant: Tenant, container: object) -> None:
    document = tiny(tenant)
    document["planes"]["discovery"]["observations"] = container
    reply = aod.discover(document)
    assert (reply.status, reply.counts.observations_in) == ("completed_no_assets", 0)
    assert aod.verdicts(reply.aod_discovery_id) == {}


@pytest.mark.parametrize("missing", ["observation_id", "observed_name"])
def test_a_record_without_a_needed_field_is_dropped(aod: AodClient, tenant: Tenant, missing: str) -> None:
    document = tiny(tenant)
    del document["planes"]["discovery"]["observations"][1][missing]
    assert aod.verdicts(aod.discover(document).aod_discovery_id) == {KEY: "rejected"}, "one source is left"


def test_a_bad_amount_fails_the_snapshot(aod: AodClient, tenant: Tenant) -> None:
    document = tiny(tenant)
    document["planes"]["finance"]["transactions"] = [
        {"txn_id": "t-1", "vendor_name": "Tinisolu", "amount": "abc", "currency": "USD", "is_recurring": True}
    ]
    refused(aod, document)


def test_a_null_source_fails_the_snapshot(aod: AodClient, tenant: Tenant) -> None:
    document = tiny(tenant)
    document["planes"]["discovery"]["observations"][0]["source"] = None
    refused(aod, document)


@pytest.mark.parametrize("body", [b"", b"{", b'"snapshot"', b"[1, 2]"], ids=["nothing", "torn", "text", "list"])
def test_what_is_no_document_is_a_client_error(aod: AodClient, body: bytes) -> None:
    reply = aod.request("POST", "/api/runs/json", content=body, headers={"content-type": "application/json"})
    assert 400 <= reply.status_code < 500, reply.text


def test_an_empty_snapshot_completes_without_assets(aod: AodClient, tenant: Tenant) -> None:
    document = tiny(tenant)
    document["planes"] = {}
    reply = aod.discover(document)
    assert reply.status == "completed_no_assets"
    assert aod.verdicts(reply.aod_discovery_id) == {}


def test_an_observation_without_a_public_domain_is_dropped_and_listed(aod: AodClient, tenant: Tenant) -> None:
    document = tiny(tenant)
    document["planes"]["discovery"]["observations"].append(
        {"observation_id": "obs-intranet", "observed_name": "Intranet", "hostname": "intranet", "source": "dns"}
    )
    run_id = aod.discover(document).aod_discovery_id
    rows = [row for row in aod.rejections(run_id).items if row.reason_code == "iron_dome"]
    assert [(row.entity_key, row.entity_name) for row in rows] == [("obs-intranet", "Intranet")]
    assert aod.verdicts(run_id) == {KEY: "shadow"}


def test_a_huge_snapshot_of_one_system_is_one_asset(aod: AodClient, tenant: Tenant) -> None:
    document = tiny(tenant)
    sources = ("browser", "casb", "proxy", "edr")
    document["planes"]["discovery"]["observations"] = [observation(sources[n % 4], number=n) for n in range(20_000)]
    reply = aod.discover(document)
    assert (reply.counts.observations_in, reply.counts.assets_admitted) == (20_000, 1)
    assert aod.verdicts(reply.aod_discovery_id) == {KEY: "shadow"}
