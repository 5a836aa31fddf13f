"""Every defect of the AOD twin changes exactly the answers that it says it changes; the healthy twin is the measure."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from twin_evidence import HEALTHY, SAMPLE, TENANT, snapshot, verdicts

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.modules.aod import AodClient
from pytest_aosfarm.modules.client import ModuleStatusError
from pytest_aosfarm.tenants import Tenant
from pytest_aosfarm.twins.aod.app import create_app
from pytest_aosfarm.twins.aod.defects import DEFECTS, anatomy
from pytest_aosfarm.twins.serve import defects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

CHANGED: dict[str, dict[str, str | None]] = {
    "admit-on-one-source": {
        "hawthorn.com": "shadow",
        "katsuras.com": "clean",
        "nutmeggy.com": "shadow",
        "tamarack.com": "shadow",
    },
    "admit-on-spend": {"tamarack.com": "shadow"},
    "admit-without-sso": {"katsuras.com": "clean"},
    "contracts-recur": {"quincess.com": "zombie"},
    "count-any-ci-type": {"redwoods.com": "clean"},
    "count-retired-cis": {"mahogany.com": "clean"},
    "count-unknown-sources": {"hawthorn.com": "shadow"},
    "drop-cloud-plane": {"drumlins.com": "rejected"},
    "drop-cmdb-plane": {
        "cedarama.com": "rejected",
        "elmgrove.com": "rejected",
        "gardenia.com": "rejected",
        "quincess.com": "rejected",
        "sequoias.com": "rejected",
        "wisteria.com": "rejected",
    },
    "drop-idp-plane": {
        "birchton.com": "rejected",
        "ironwood.com": "rejected",
        "junipero.com": "shadow",
        "laurelle.com": "rejected",
        "oleander.com": "shadow",
        "pinecone.com": "shadow",
        "viburnum.com": "shadow",
    },
    "ignore-exclusions": {"python.org": "shadow"},
    "ignore-finance": {"cedarama.com": "parked"},
    "ignore-logins": {"laurelle.com": "parked"},
    "ignore-vendor-siblings": {"junipero.com": "shadow"},
    "keep-subdomains": {"app.firtrees.com": "shadow", "firtrees.com": None},
    "lose-every-tenth-asset": {"laurelle.com": None, "wisteria.com": None},
    "merge-lookalikes": {"oleander.app": None, "pinecona.com": None},
    "one-offs-recur": {"sequoias.com": "zombie"},
    "only-sso-governs": {"viburnum.com": "shadow"},
    "order-dependent": {"wisteria.com": "parked"},
    "recency-off-by-one-day": {"gardenia.com": "clean"},
    "recency-without-boundary": {"firtrees.com": "rejected"},
    "strip-tld": {"oleander.app": "clean"},
    "substring-domains": {"alderway.com": "clean", "oleander.app": "clean"},
    "flag-everything": dict.fromkeys(HEALTHY, "shadow"),
    "flag-nothing": {
        key: "clean" if verdict == "shadow" else "unclassified"
        for key, verdict in HEALTHY.items()
        if verdict in ("shadow", "zombie", "parked")
    },
    "recency-by-wall-clock": {
        key: "rejected" if verdict == "shadow" and key != "drumlins.com" else "parked"
        for key, verdict in HEALTHY.items()
        if verdict in ("shadow", "clean")
    },
}
"""What each defect of discovery itself makes of SAMPLE, where that differs from HEALTHY; None is a key that vanished."""


def test_the_healthy_twin_is_right() -> None:
    assert verdicts(SAMPLE) == HEALTHY


@pytest.mark.parametrize("defect", CHANGED)
def test_a_defect_of_discovery_changes_these_verdicts_only(defect: str) -> None:
    changed = {key: verdict for key, verdict in CHANGED[defect].items() if HEALTHY.get(key) != verdict}
    expected = {key: verdict for key, verdict in (HEALTHY | changed).items() if verdict is not None}

    assert changed
    assert verdicts(SAMPLE, anatomy(defect)) == expected


class InThisProcess(httpx.BaseTransport):
    """Asks an ASGI application without a server; `test_twin_process.py` and `test_mutants.py` start real ones."""

    def __init__(self, app: FastAPI) -> None:
        self.app = httpx.ASGITransport(app)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def ask() -> httpx.Response:
            reply = await self.app.handle_async_request(request)
            return httpx.Response(reply.status_code, headers=reply.headers, content=await reply.aread())

        return asyncio.run(ask())


@contextmanager
def twin_with(defect: str) -> Iterator[AodClient]:
    with httpx.Client(transport=InThisProcess(create_app(anatomy(defect)))) as http:
        yield AodClient(http, "http://twin.test", Tenant("acme", TENANT, "acme-1"))


def test_accept_bad_input() -> None:
    bad = snapshot(ground_truth={"alderway.com": "shadow"})
    with twin_with("accept-bad-input") as aod:
        assert aod.discover(bad).status == "completed_no_assets"


def test_feeds_disagree() -> None:
    with twin_with("feeds-disagree") as aod:
        run = aod.discover(SAMPLE).aod_discovery_id
        feed = aod.reconcile(run)

        assert aod.verdicts(run) == HEALTHY
        assert aod.classifications(run).shadow_assets == feed.shadow_actual[1:]
        assert [asset.name for asset in aod.derived(run).zombie_assets] == feed.zombie_actual[1:]


def test_hide_rejections() -> None:
    with twin_with("hide-rejections") as aod:
        run = aod.discover(SAMPLE).aod_discovery_id

        assert [row.reason_code for row in aod.rejections(run).items] == ["iron_dome"]


def test_ignore_offset() -> None:
    with twin_with("ignore-offset") as aod:
        run = aod.discover(SAMPLE).aod_discovery_id

        assert aod.rejections(run, limit=2, offset=2).items == aod.rejections(run, limit=2).items


def test_serve_newest_run() -> None:
    with twin_with("serve-newest-run") as aod:
        run = aod.discover(SAMPLE).aod_discovery_id
        newer = aod.discover(snapshot(tenant="another")).aod_discovery_id

        assert aod.run(run).aod_discovery_id == newer
        with pytest.raises(ModuleStatusError):
            aod.run("run_000000000000")


def test_serve_other_tenant() -> None:
    with twin_with("serve-other-tenant") as aod:
        aod.discover(SAMPLE)
        other = aod.discover(snapshot(tenant="another")).aod_discovery_id

        assert aod.latest().aod_discovery_id == other
        assert [run.tenant_id for run in aod.runs()] == ["another", TENANT]


def test_unknown_run_200() -> None:
    with twin_with("unknown-run-200") as aod:
        assert aod.run("run_000000000000").counts.assets_admitted == 0
        assert aod.verdicts("run_000000000000") == {}


def test_unstable_repeat() -> None:
    with twin_with("unstable-repeat") as aod:
        first, second = (aod.verdicts(aod.discover(SAMPLE).aod_discovery_id) for _ in range(2))

        assert first == HEALTHY
        assert second == {key: verdict for key, verdict in HEALTHY.items() if key != "alderway.com"}


def test_every_defect_is_described_and_shown_to_change_something() -> None:
    shown = {*CHANGED, *(name.removeprefix("test_").replace("_", "-") for name in globals())}

    assert set(defects("aod")) <= shown
    assert all(line and not line.endswith(".") for line in defects("aod").values())
    assert list(DEFECTS) == sorted(DEFECTS)


def test_an_unknown_defect_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"no defect 'flag-all'.*flag-everything"):
        anatomy("flag-all")
