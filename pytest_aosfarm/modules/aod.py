"""The client of AOD: one method an endpoint, and the verdict of every key of a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pytest_aosfarm.errors import ModuleError
from pytest_aosfarm.modules.client import ModuleClient
from pytest_aosfarm.modules.contracts import aod as contract
from pytest_aosfarm.modules.progress import reported

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("AodClient",)

ReplyT = TypeVar("ReplyT", bound=contract.Reply)


class AodClient(ModuleClient):
    """AOD (discovery), as `tenant` sees it.

    Every method raises ModuleError's children: unreachable, too slow, wrong status, broken contract. `request` is the
    way to look at a reply that is meant to be an error.
    """

    title = "AOD"

    def health(self) -> contract.Health:
        """GET /health."""
        return self.call("GET", "/health", contract.Health)

    def openapi(self) -> dict[str, Any]:
        """GET /openapi.json, as a dict."""
        return dict(self.call("GET", "/openapi.json", contract.Reply).model_extra or {})

    def probe(self) -> None:
        """Return if the address is an AOD; raise ModuleError in one line if not."""
        try:
            self.health()
            paths = self.openapi().get("paths")
        except ModuleError as error:
            reason = str(error).splitlines()[0]
            raise ModuleError(f"no AOD at {self.address}: {reason}") from error
        if not isinstance(paths, dict) or contract.FEED_PATH not in paths:
            raise ModuleError(
                f"no AOD at {self.address}: it is healthy, but its OpenAPI does not mention {contract.FEED_PATH}"
            )

    def discover(self, snapshot: bytes | Mapping[str, Any]) -> contract.RunResponse:
        """POST /api/runs/json: discover `snapshot` (a farm.v1 document, or its UTF-8 JSON) and wait for the run."""
        body = snapshot if isinstance(snapshot, bytes) else json.dumps(snapshot).encode()
        with reported(f"AOD is discovering a snapshot of {len(body) / 1e6:.1f} MB"):
            return self.call(
                "POST",
                "/api/runs/json",
                contract.RunResponse,
                content=body,
                headers={"content-type": "application/json"},
            )

    def run(self, run_id: str) -> contract.RunDetail:
        """GET /api/runs/{id}."""
        return self.call("GET", f"/api/runs/{run_id}", contract.RunDetail)

    def runs(self, tenant_id: str | None = None) -> list[contract.RunDetail]:
        """GET /api/runs?tenant_id=: the runs of `tenant_id`, or of this client's own tenant; newest first."""
        params = {"tenant_id": tenant_id or self.tenant.id}
        return self.call("GET", "/api/runs", contract.RunList, params=params).root

    def all_runs(self) -> list[contract.RunDetail]:
        """GET /api/runs: the runs of every tenant; newest first."""
        return self.call("GET", "/api/runs", contract.RunList).root

    def latest(self, tenant_id: str | None = None, *, snapshot_id: str | None = None) -> contract.RunDetail:
        """GET /api/runs/latest: the newest run of `tenant_id`, or of this client's own tenant."""
        params = {"tenant_id": tenant_id or self.tenant.id}
        if snapshot_id is not None:
            params["snapshot_id"] = snapshot_id
        return self.call("GET", "/api/runs/latest", contract.RunDetail, params=params)

    def assets(
        self, run_id: str, *, classification: Literal["shadow", "zombie"] | None = None
    ) -> contract.Assets:
        """GET /api/runs/{id}/assets."""
        params = {} if classification is None else {"classification": classification}
        return self._of_run(run_id, "assets", contract.Assets, params)

    def classifications(self, run_id: str) -> contract.Classifications:
        """GET /api/runs/{id}/classifications."""
        return self._of_run(run_id, "classifications", contract.Classifications)

    def derived(self, run_id: str, *, activity_window_days: int = 90) -> contract.Derived:
        """GET /api/runs/{id}/derived."""
        return self._of_run(run_id, "derived", contract.Derived, {"activity_window_days": activity_window_days})

    def rejections(self, run_id: str, *, limit: int = 100_000, offset: int = 0) -> contract.RejectionsPage:
        """GET /api/runs/{id}/rejections: all of them, unless `limit` is smaller."""
        return self._of_run(run_id, "rejections", contract.RejectionsPage, {"limit": limit, "offset": offset})

    def observations(self, run_id: str, *, limit: int = 100, offset: int = 0) -> contract.ObservationsPage:
        """GET /api/runs/{id}/observations."""
        return self._of_run(run_id, "observations", contract.ObservationsPage, {"limit": limit, "offset": offset})

    def reconcile(self, run_id: str, *, activity_window_days: int = 90) -> contract.Feed:
        """POST /api/debug/aod-agent-reconcile: the authoritative feed."""
        request = contract.FeedRequest(aod_discovery_id=run_id, activity_window_days=activity_window_days)
        return self.call("POST", contract.FEED_PATH, contract.Feed, json=request.model_dump())

    def reconcile_payload(self, run_id: str) -> contract.ReconcilePayload:
        """GET /api/runs/{id}/reconcile-payload."""
        return self._of_run(run_id, "reconcile-payload", contract.ReconcilePayload)

    def catalog(self, run_id: str) -> contract.Catalog:
        """GET /api/catalog: every admitted asset."""
        return self.call("GET", "/api/catalog", contract.Catalog, params={"aod_discovery_id": run_id})

    def verdicts(self, run_id: str) -> dict[str, str]:
        """The verdict of every key of the run: the feed, and the complete rejection list (two requests)."""
        return contract.verdicts(self.reconcile(run_id), self.rejections(run_id).items)

    def _of_run(
        self, run_id: str, view: str, reply: type[ReplyT], params: Mapping[str, str | int] | None = None
    ) -> ReplyT:
        return self.call("GET", f"/api/runs/{run_id}/{view}", reply, params=params)
