"""The AOD twin over real HTTP: endpoints, error codes, tenants, and the twenty runs it keeps."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from twin_evidence import HEALTHY, SAMPLE, TENANT, ci, idp, seen, snapshot, spend

from pytest_aosfarm.modules.aod import AodClient
from pytest_aosfarm.modules.client import ModuleStatusError
from pytest_aosfarm.modules.contracts import aod as contract
from pytest_aosfarm.modules.pools import open_pool
from pytest_aosfarm.tenants import Tenant
from pytest_aosfarm.twins.aod.policy import BANNED_KEYS
from pytest_aosfarm.twins.process import TwinProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from twin_evidence import Json

UNKNOWN = "run_000000000000"


@pytest.fixture(scope="module")
def aod() -> Iterator[AodClient]:
    with TwinProcess.start("aod") as twin, open_pool() as pool:
        yield AodClient(pool, twin.url, Tenant("acme", TENANT, "acme-1"))


@pytest.fixture
def run(aod: AodClient) -> contract.RunResponse:
    return aod.discover(SAMPLE)


def test_it_is_an_aod(aod: AodClient) -> None:
    aod.probe()
    assert aod.health().status == "ok"
    assert aod.request("GET", "/api/health").json()["status"] == "healthy"


def test_openapi_names_what_is_served_and_nothing_else(aod: AodClient) -> None:
    assert set(aod.openapi()["paths"]) == {
        "/health",
        "/api/health",
        "/api/runs",
        "/api/runs/json",
        "/api/runs/latest",
        "/api/runs/{run_id}",
        *(
            f"/api/runs/{{run_id}}/{view}"
            for view in (
                *("assets", "classifications", "derived", "observations"),
                *("rejections", "policy", "reconcile-payload"),
            )
        ),
        "/api/catalog",
        "/api/debug/aod-agent-reconcile",
    }


def test_a_run_has_its_counts(run: contract.RunResponse) -> None:
    assert re.fullmatch(contract.RUN_ID_PATTERN, run.aod_discovery_id)
    assert (run.status, run.tenant_id, run.entity_id) == ("completed_with_results", TENANT, None)
    admitted = sum(verdict != "rejected" for verdict in HEALTHY.values())
    assert run.counts.observations_in == len(SAMPLE["planes"]["discovery"]["observations"])
    assert run.counts.candidates_out == len(HEALTHY)
    assert run.counts.assets_admitted == admitted
    assert run.counts.iron_dome_rejected == 1
    assert run.counts.rejected == len(HEALTHY) - admitted + 1


def test_the_detail_has_what_the_first_reply_leaves_out(aod: AodClient, run: contract.RunResponse) -> None:
    detail = aod.run(run.aod_discovery_id)

    assert detail.entity_id == "acme-1"
    assert detail.counts == run.counts
    assert detail.input_meta["created_at"].startswith("2020-06-01T12:00")
    assert detail.completed_at == detail.started_at


def test_verdicts_over_http(aod: AodClient, run: contract.RunResponse) -> None:
    assert aod.verdicts(run.aod_discovery_id) == HEALTHY


def test_every_reply_agrees_with_the_feed(aod: AodClient, run: contract.RunResponse) -> None:
    run_id = run.aod_discovery_id
    shadow, zombie, parked = (
        {key for key, verdict in HEALTHY.items() if verdict == wanted}
        for wanted in ("shadow", "zombie", "parked")
    )
    key_of = {asset.asset_id: asset.identifiers.domains[0] for asset in aod.catalog(run_id).assets}
    feed, payload, derived = aod.reconcile(run_id), aod.reconcile_payload(run_id), aod.derived(run_id)
    classes = aod.classifications(run_id)

    assert set(feed.shadow_actual) == set(classes.shadow_assets) == set(payload.shadow_asset_keys) == shadow
    assert {asset.name for asset in derived.shadow_assets} == shadow
    assert set(feed.zombie_actual) == set(classes.zombie_assets) == set(payload.zombie_asset_keys) == zombie
    assert {asset.name for asset in derived.zombie_assets} == zombie
    assert set(payload.parked_asset_keys) == parked
    assert feed.summary["parked_actual_count"] == len(parked)
    assert derived.indeterminate_count == 1
    assert {key for key, item in payload.asset_summaries.items() if item.is_parked} == parked
    assert {key: item.aod_decision for key, item in payload.asset_summaries.items()} == feed.admission_actual
    listed_shadow = aod.assets(run_id, classification="shadow").assets
    listed_zombie = aod.assets(run_id, classification="zombie").assets
    assert {key_of[asset.asset_id] for asset in listed_shadow} == shadow
    assert {key_of[asset.asset_id] for asset in listed_zombie} == zombie
    assert {asset.asset_id for asset in aod.assets(run_id).assets} == set(key_of)


def test_reason_codes_and_lenses_tell_what_governs(aod: AodClient, run: contract.RunResponse) -> None:
    feed = aod.reconcile(run.aod_discovery_id)
    lenses = {asset.identifiers.domains[0]: asset.lens_coverage for asset in aod.catalog(run.aod_discovery_id).assets}
    codes = {key: set(found) for key, found in feed.actual_reason_codes.items()}

    assert {"HAS_IDP", "NO_CMDB", "RECENT_ACTIVITY"} <= codes["birchton.com"]
    assert {"NO_IDP", "HAS_CMDB", "STALE_ACTIVITY", "HAS_ONGOING_FINANCE"} <= codes["cedarama.com"]
    assert {"NO_IDP", "VENDOR_GOVERNED"} <= codes["junipero.com"]
    assert {"NO_ACTIVITY_TIMESTAMPS", "NO_ONGOING_FINANCE"} <= codes["elmgrove.com"]
    assert "NO_CMDB" in codes["mahogany.com"]
    assert (lenses["birchton.com"].idp, lenses["birchton.com"].cmdb) == (True, False)
    assert (lenses["junipero.com"].idp, lenses["junipero.com"].vendor_governed) == (False, True)
    assert lenses["drumlins.com"].cloud


def test_another_window_gives_other_verdicts_to_the_same_assets(aod: AodClient, run: contract.RunResponse) -> None:
    wide = aod.reconcile(run.aod_discovery_id, activity_window_days=365)

    assert "drumlins.com" in wide.shadow_actual
    assert aod.derived(run.aod_discovery_id, activity_window_days=365).zombie_count == 0


def test_rejections_say_why(aod: AodClient, run: contract.RunResponse) -> None:
    rows = {row.entity_key: row for row in aod.rejections(run.aod_discovery_id).items}

    assert rows["entity:tamarack.com"].reason_detail == "No admission criteria satisfied"
    assert "infrastructure" in str(rows["entity:python.org"].reason_detail)
    (dropped,) = [row for row in rows.values() if row.reason_code == contract.DROPPED_OBSERVATION]
    assert dropped.entity_name == "seen intranet.local"
    assert aod.reconcile(run.aod_discovery_id).admission_actual["seen intranet.local"] == "rejected"


def test_rejections_are_paged_in_the_order_of_their_names(aod: AodClient, run: contract.RunResponse) -> None:
    whole = aod.rejections(run.aod_discovery_id)
    pages = [aod.rejections(run.aod_discovery_id, limit=2, offset=at) for at in range(0, whole.total, 2)]

    assert [row for page in pages for row in page.items] == whole.items
    assert {page.total for page in pages} == {whole.total} == {len(whole.items)}
    assert [row.entity_name for row in whole.items] == sorted(row.entity_name for row in whole.items)


def test_the_feed_shows_a_thousand_rejections_and_the_list_all(aod: AodClient) -> None:
    many = snapshot([item for n in range(1100) for item in seen(f"lonely{n:04}.com", "dns")])
    run_id = aod.discover(many).aod_discovery_id

    assert len(aod.reconcile(run_id).admission_actual) == contract.FEED_REJECTION_LIMIT
    assert aod.verdicts(run_id) == {f"lonely{n:04}.com": "rejected" for n in range(1100)}
    assert aod.request("GET", f"/api/runs/{run_id}/rejections").json()["count"] == 100
    assert aod.observations(run_id).count == 100
    assert aod.observations(run_id).total == 1100


def test_the_policy_is_shown(aod: AodClient, run: contract.RunResponse) -> None:
    policy = aod.request("GET", f"/api/runs/{run.aod_discovery_id}/policy").json()["policy"]

    assert "python.org" in policy["exclusions"]["dev_build_infrastructure"]


def test_tenants_have_their_own_runs(aod: AodClient) -> None:
    mine = aod.discover(snapshot(seen("alderway.com", "dns", "edr"), snapshot_id="one")).aod_discovery_id
    theirs = aod.discover(snapshot(seen("alderway.com", "dns"), tenant="elsewhere")).aod_discovery_id

    assert aod.verdicts(mine) == {"alderway.com": "shadow"}
    assert aod.verdicts(theirs) == {"alderway.com": "rejected"}
    assert aod.latest().aod_discovery_id == mine
    assert aod.latest("elsewhere").aod_discovery_id == theirs
    assert [run.aod_discovery_id for run in aod.runs("elsewhere")] == [theirs]
    assert aod.latest(snapshot_id="one").aod_discovery_id == mine
    assert [run.aod_discovery_id for run in aod.all_runs()][:2] == [theirs, mine]
    assert aod.runs("nobody") == []


def test_the_newest_twenty_runs_are_kept(aod: AodClient, run: contract.RunResponse) -> None:
    kept = [aod.discover(snapshot(tenant=f"tenant-{n}")).aod_discovery_id for n in range(20)]

    assert [item.aod_discovery_id for item in aod.all_runs()] == kept[::-1]
    with pytest.raises(ModuleStatusError, match="404"):
        aod.run(run.aod_discovery_id)


def test_the_same_snapshot_again_has_the_same_verdicts_and_other_ids(aod: AodClient) -> None:
    first, second = (aod.discover(SAMPLE).aod_discovery_id for _ in range(2))

    assert aod.verdicts(first) == aod.verdicts(second)
    ids = [{asset.asset_id for asset in aod.catalog(run_id).assets} for run_id in (first, second)]
    assert ids[0].isdisjoint(ids[1])


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/assets",
        "/classifications",
        "/derived",
        "/observations",
        "/rejections",
        "/policy",
        "/reconcile-payload",
    ],
)
def test_an_unknown_run_is_404(aod: AodClient, path: str) -> None:
    reply = aod.request("GET", f"/api/runs/{UNKNOWN}{path}")

    assert reply.status_code == 404
    assert contract.ErrorDetail.model_validate_json(reply.content).detail == f"Run {UNKNOWN} not found"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/runs/latest", None, 422),
        ("GET", "/api/runs/latest?tenant_id=nobody", None, 404),
        ("GET", "/api/catalog", None, 422),
        ("GET", f"/api/catalog?aod_discovery_id={UNKNOWN}", None, 404),
        ("POST", contract.FEED_PATH, {}, 422),
        ("POST", contract.FEED_PATH, {"aod_discovery_id": UNKNOWN}, 404),
        ("POST", "/api/runs/json", [], 422),
        ("POST", "/api/runs/json", "text", 422),
        ("GET", "/api/nothing", None, 404),
        ("POST", "/api/runs", {}, 405),
    ],
)
def test_error_codes(aod: AodClient, method: str, path: str, body: Any, status: int) -> None:
    reply = aod.request(method, path, **({} if body is None else {"json": body}))

    assert reply.status_code == status
    assert "detail" in reply.json()


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 200_000], ids=["empty", "cut", "bytes", "deep"])
def test_a_body_that_is_no_json_is_422(aod: AodClient, body: Any) -> None:
    reply = aod.request("POST", "/api/runs/json", content=body, headers={"content-type": "application/json"})

    assert reply.status_code == 422
    assert reply.json()["detail"][0]["type"] == "json_invalid"


def refusal(aod: AodClient, document: Json) -> str:
    reply = aod.request("POST", "/api/runs/json", json=document)
    assert reply.status_code == 400, reply.text
    return str(reply.json()["detail"])


@pytest.mark.parametrize("banned", sorted(BANNED_KEYS))
@pytest.mark.parametrize("spell", [str, str.upper], ids=["lower", "upper"])
def test_a_key_that_tells_the_answer_refuses_the_snapshot(aod: AodClient, banned: str, spell: Callable[[str], str]) -> None:
    key = spell(banned)
    inside_meta = snapshot()
    inside_meta["meta"][key] = []
    deep = snapshot([{**seen("alderway.com", "dns")[0], "raw": {"a": [{"b": {key: None}}]}}])

    for document in (snapshot() | {key: 1}, inside_meta, deep):
        assert refusal(aod, document).startswith("INVALID_INPUT_CONTRACT")
        assert key in refusal(aod, document)


def test_a_banned_word_as_a_value_is_no_key(aod: AodClient) -> None:
    assert aod.discover(snapshot(seen("alderway.com", "dns", observed_name="ground_truth"))).status


def snapshot_with(field: str, value: object) -> Json:
    document = snapshot()
    document["meta"][field] = value
    return document


@pytest.mark.parametrize("field", ["tenant_id", "schema_version"])
@pytest.mark.parametrize("value", [None, ""])
def test_tenant_and_schema_version_are_needed(aod: AodClient, field: str, value: str | None) -> None:
    assert refusal(aod, snapshot_with(field, value)) == (
        f"INVALID_INPUT_CONTRACT: INVALID_SNAPSHOT: missing meta.{field}"
    )


def test_the_entity_is_not_needed_here(aod: AodClient) -> None:
    run = aod.discover(snapshot(entity_id=None))

    assert aod.run(run.aod_discovery_id).entity_id is None


BAD_SCALARS = {
    "amount": (snapshot(transactions=[spend("X", amount="abc")]), "planes.finance.transactions[0].amount"),
    "flag": (snapshot(transactions=[spend("X", is_recurring="maybe")]), "transactions[0].is_recurring"),
    "time": (snapshot(seen("alderway.com", "dns", observed_at="yesterday")), "observations[0].observed_at"),
    "null source": (snapshot(seen("alderway.com", "dns", source=None)), "observations[0].source"),
    "number for text": (snapshot(objects=[idp(None, name=7)]), "idp.objects[0].name"),
    "list for text": (snapshot(cis=[ci(["alderway.com"])]), "cmdb.cis[0].external_ref"),
    "created_at": (snapshot(created_at="soon"), "meta.created_at"),
}


@pytest.mark.parametrize(("document", "where"), BAD_SCALARS.values(), ids=BAD_SCALARS)
def test_a_value_of_the_wrong_type_refuses_the_snapshot(aod: AodClient, document: Json, where: str) -> None:
    detail = refusal(aod, document)

    assert detail.startswith("INVALID_SNAPSHOT: ")
    assert where in detail


def test_a_bad_scalar_is_refused_in_a_plane_that_decides_nothing(aod: AodClient) -> None:
    document = snapshot()
    document["planes"]["network"]["proxy"] = [{"proxy_id": "p", "domain": "a.com", "bytes_transferred": "lots"}]

    assert "planes.network.proxy[0].bytes_transferred" in refusal(aod, document)


@pytest.mark.parametrize("wrong", ["text", 7, None, {}, [1, "x", None, []]], ids=repr)
def test_a_wrong_container_is_an_empty_one(aod: AodClient, wrong: Any) -> None:
    inside = snapshot(cis=[ci("alderway.com")])
    inside["planes"]["discovery"]["observations"] = wrong
    around = snapshot() | {"planes": wrong}
    plane = snapshot()
    plane["planes"]["idp"] = wrong

    for document in (inside, around, plane):
        run = aod.discover(document)
        assert (run.status, run.counts.observations_in) == ("completed_no_assets", 0)


def test_a_record_without_what_it_needs_is_dropped(aod: AodClient) -> None:
    good = seen("alderway.com", "dns", "proxy")
    document = snapshot(good)
    document["planes"]["discovery"]["observations"] += [
        {**good[0], "domain": "birchton.com"},
        {**good[0], "observation_id": "x", "observed_name": None, "domain": "birchton.com"},
        {"observation_id": "y", "domain": "birchton.com"},
    ]
    run = aod.discover(document)

    assert run.counts.observations_in == 2
    assert aod.verdicts(run.aod_discovery_id) == {"alderway.com": "shadow"}


def test_other_spellings_of_fields_are_read(aod: AodClient) -> None:
    document = snapshot()
    document["planes"]["discovery"]["observations"] = [
        {
            "observation_id": "1",
            "name": "n",
            "uri": "https://alderway.com/x",
            "source": "dns",
            "observedAt": "2020-01-01T00:00:00Z",
            "vendor": "V",
        }
    ]
    document["planes"]["idp"]["objects"] = [
        {"idp_id": "1", "name": "n", "domain": "alderway.com", "has_sso": 1, "lastLogin": "2020-05-01T00:00:00Z"}
    ]

    assert aod.verdicts(aod.discover(document).aod_discovery_id) == {"alderway.com": "clean"}


def test_discoveries_at_the_same_time_do_not_mix(aod: AodClient) -> None:
    def discover(number: int) -> bool:
        key = f"concurrent{number:03}.com"
        run_id = aod.discover(snapshot(seen(key, "dns", "edr"), tenant=f"t{number}")).aod_discovery_id
        return aod.verdicts(run_id) == {key: "shadow"}

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(discover, range(12)))
