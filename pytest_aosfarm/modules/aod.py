"""The clients of AOD: one method an endpoint, and the verdict of every key of a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pytest_aosfarm.errors import ModuleError
from pytest_aosfarm.modules.client import AsyncModuleClient, BoundClient, ModuleClient
from pytest_aosfarm.modules.contracts import aod as contract
from pytest_aosfarm.modules.endpoint import Call, Steps, endpoint
from pytest_aosfarm.modules.progress import reported

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("AodClient", "AsyncAodClient")

ReplyT = TypeVar("ReplyT", bound=contract.Reply)

ALL_REJECTIONS = 100_000


class AodEndpoints(BoundClient):
    """What both clients of AOD (discovery) can ask."""

    name = "aod"
    title = "AOD"

    @endpoint
    def health(self) -> Call[contract.Health]:
        """GET /health."""
        return Call("GET", "/health", contract.Health)

    @endpoint
    def openapi(self) -> Steps[dict[str, Any]]:
        """GET /openapi.json, as a dict."""
        return dict((yield from Call("GET", "/openapi.json", contract.Reply)).model_extra or {})

    @endpoint
    def probe(self) -> Steps[None]:
        """Return if the address is an AOD; raise ModuleError in one line if not."""
        try:
            yield from Call("GET", "/health", contract.Health)
            openapi = yield from Call("GET", "/openapi.json", contract.Reply)
        except ModuleError as error:
            reason = str(error).splitlines()[0]
            raise ModuleError(f"no AOD at {self.address}: {reason}") from error
        paths = (openapi.model_extra or {}).get("paths")
        if not isinstance(paths, dict) or contract.FEED_PATH not in paths:
            raise ModuleError(
                f"no AOD at {self.address}: it is healthy, but its OpenAPI does not mention {contract.FEED_PATH}"
            )

    @endpoint
    def discover(self, snapshot: bytes | Mapping[str, Any]) -> Steps[contract.RunResponse]:
        """POST /api/runs/json: discover `snapshot` (a farm.v1 document, or its UTF-8 JSON) and wait for the run."""
        body = snapshot if isinstance(snapshot, bytes) else json.dumps(snapshot).encode()
        with reported(f"AOD is discovering a snapshot of {len(body) / 1e6:.1f} MB"):
            return (yield from Call("POST", "/api/runs/json", contract.RunResponse, body=body))

    @endpoint
    def run(self, run_id: str) -> Call[contract.RunDetail]:
        """GET /api/runs/{id}."""
        return Call("GET", f"/api/runs/{run_id}", contract.RunDetail)

    @endpoint
    def runs(self, tenant_id: str | None = None) -> Steps[list[contract.RunDetail]]:
        """GET /api/runs?tenant_id=: the runs of `tenant_id`, or of this client's own tenant; newest first."""
        params = {"tenant_id": tenant_id or self.tenant.id}
        return (yield from Call("GET", "/api/runs", contract.RunList, params=params)).root

    @endpoint
    def all_runs(self) -> Steps[list[contract.RunDetail]]:
        """GET /api/runs: the runs of every tenant; newest first."""
        return (yield from Call("GET", "/api/runs", contract.RunList)).root

    @endpoint
    def latest(self, tenant_id: str | None = None, *, snapshot_id: str | None = None) -> Call[contract.RunDetail]:
        """GET /api/runs/latest: the newest run of `tenant_id`, or of this client's own tenant."""
        params = {"tenant_id": tenant_id or self.tenant.id}
        if snapshot_id is not None:
            params["snapshot_id"] = snapshot_id
        return Call("GET", "/api/runs/latest", contract.RunDetail, params=params)

    @endpoint
    def assets(
        self, run_id: str, *, classification: Literal["shadow", "zombie"] | None = None
    ) -> Call[contract.Assets]:
        """GET /api/runs/{id}/assets."""
        params = {} if classification is None else {"classification": classification}
        return _of_run(run_id, "assets", contract.Assets, **params)

    @endpoint
    def classifications(self, run_id: str) -> Call[contract.Classifications]:
        """GET /api/runs/{id}/classifications."""
        return _of_run(run_id, "classifications", contract.Classifications)

    @endpoint
    def derived(self, run_id: str, *, activity_window_days: int = 90) -> Call[contract.Derived]:
        """GET /api/runs/{id}/derived."""
        return _of_run(run_id, "derived", contract.Derived, activity_window_days=activity_window_days)

    @endpoint
    def rejections(
        self, run_id: str, *, limit: int = ALL_REJECTIONS, offset: int = 0
    ) -> Call[contract.RejectionsPage]:
        """GET /api/runs/{id}/rejections: all of them, unless `limit` is smaller."""
        return _rejections(run_id, limit, offset)

    @endpoint
    def observations(self, run_id: str, *, limit: int = 100, offset: int = 0) -> Call[contract.ObservationsPage]:
        """GET /api/runs/{id}/observations."""
        return _of_run(run_id, "observations", contract.ObservationsPage, limit=limit, offset=offset)

    @endpoint
    def reconcile(self, run_id: str, *, activity_window_days: int = 90) -> Call[contract.Feed]:
        """POST /api/debug/aod-agent-reconcile: the authoritative feed."""
        return _feed(run_id, activity_window_days)

    @endpoint
    def reconcile_payload(self, run_id: str) -> Call[contract.ReconcilePayload]:
        """GET /api/runs/{id}/reconcile-payload."""
        return _of_run(run_id, "reconcile-payload", contract.ReconcilePayload)

    @endpoint
    def catalog(self, run_id: str) -> Call[contract.Catalog]:
        """GET /api/catalog: every admitted asset."""
        return Call("GET", "/api/catalog", contract.Catalog, params={"aod_discovery_id": run_id})

    @endpoint
    def verdicts(self, run_id: str) -> Steps[dict[str, str]]:
        """The verdict of every key of the run: the feed, and the complete rejection list (two requests)."""
        feed = yield from _feed(run_id)
        rejections = yield from _rejections(run_id)
        return contract.verdicts(feed, rejections.items)


class AodClient(AodEndpoints, ModuleClient):
    """AOD (discovery), as `tenant` sees it.

    Every method raises ModuleError's children: unreachable, too slow, wrong status, broken contract. `request` is the
    way to look at a reply that is meant to be an error.
    """


class AsyncAodClient(AodEndpoints, AsyncModuleClient):
    """AodClient with every method awaited: `await aod.verdicts(run_id)`."""


def _of_run(run_id: str, view: str, reply: type[ReplyT], **params: str | int) -> Call[ReplyT]:
    return Call("GET", f"/api/runs/{run_id}/{view}", reply, params=params)


def _feed(run_id: str, activity_window_days: int = 90) -> Call[contract.Feed]:
    request = contract.FeedRequest(aod_discovery_id=run_id, activity_window_days=activity_window_days)
    return Call("POST", contract.FEED_PATH, contract.Feed, body=request.model_dump_json())


def _rejections(run_id: str, limit: int = ALL_REJECTIONS, offset: int = 0) -> Call[contract.RejectionsPage]:
    return _of_run(run_id, "rejections", contract.RejectionsPage, limit=limit, offset=offset)
