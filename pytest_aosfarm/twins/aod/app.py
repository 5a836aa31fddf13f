"""The HTTP face of the AOD twin. Multipart upload, handoff and fetching from a Farm are not part of it.

Endpoints are plain functions, so they run in threads and a long discovery does not keep others waiting. Bodies are
ready-made: the models named beside a route are for OpenAPI, nothing is validated a second time on the way out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from pytest_aosfarm.modules.contracts import aod as contract
from pytest_aosfarm.twins.aod import policy
from pytest_aosfarm.twins.aod.discovery import Discovery
from pytest_aosfarm.twins.aod.evidence import MalformedJSONError, RefusedError, read
from pytest_aosfarm.twins.aod.inventory import page
from pytest_aosfarm.twins.aod.runs import Run, RunStore
from pytest_aosfarm.twins.aod.views import Views

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_aosfarm.twins.aod.evidence import Evidence

__all__ = ("Anatomy", "create_app")


@dataclass(frozen=True, slots=True)
class Anatomy:
    """The kinds of parts a twin is made of; a defect is a twin with one of them replaced."""

    read: Callable[[bytes], Evidence] = read
    discovery: type[Discovery] = Discovery
    runs: type[RunStore] = RunStore
    views: type[Views] = Views


class Parts:
    """The parts of one living twin."""

    def __init__(self, anatomy: Anatomy) -> None:
        self.read = anatomy.read
        self.discovery = anatomy.discovery()
        self.runs = anatomy.runs()
        self.views = anatomy.views(self.discovery)

    def known(self, run_id: str) -> Run:
        """The run with this id; 404 if there is none."""
        run = self.runs.get(run_id)
        if run is None:
            raise HTTPException(404, f"Run {run_id} not found")
        return run


def create_app(anatomy: Anatomy | None = None) -> FastAPI:
    """An AOD with no runs yet; healthy unless another anatomy is given."""
    app = FastAPI(title="AOD (pytest-aosfarm twin)", version="1.0.0", docs_url=None, redoc_url=None)
    app.state.parts = Parts(anatomy or Anatomy())
    app.include_router(router)
    return app


# Dependencies are coroutines though they await nothing: FastAPI would send a plain function to a thread of its own.


async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


Twin = Annotated[Parts, Depends(_parts)]


async def _body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(_body)]
Limit = Annotated[int, Query(ge=1)]
Offset = Annotated[int, Query(ge=0)]
Days = Annotated[int, Query(ge=1)]

router = APIRouter()
_SNAPSHOT = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}


def _replies(model: Any, *errors: int) -> dict[int | str, dict[str, Any]]:
    return {200: {"model": model}, **{status: {"model": contract.ErrorDetail} for status in errors}}


@router.get("/health", responses=_replies(contract.Health))
def health() -> JSONResponse:
    """Say that the twin is up, at the root."""
    return JSONResponse({"status": "ok"})


@router.get("/api/health", responses=_replies(contract.Health))
def api_health() -> JSONResponse:
    """Say that the twin is up, under the API."""
    return JSONResponse({"status": "healthy", "version": "1.0.0"})


@router.post("/api/runs/json", responses=_replies(contract.RunResponse, 400), openapi_extra=_SNAPSHOT)
def discover(body: Body, twin: Twin) -> JSONResponse:
    """Discover a snapshot. `meta.entity_id` is not needed here; the reply leaves it null, the run's detail has it."""
    try:
        evidence = twin.read(body)
    except MalformedJSONError as error:
        problem = {"type": "json_invalid", "loc": ["body"], "msg": f"JSON decode error: {error}"}
        raise RequestValidationError([problem]) from error
    except RefusedError as error:
        raise HTTPException(400, str(error)) from error
    run = Run.of(evidence, twin.discovery.discover(evidence))
    twin.runs.add(run)
    return JSONResponse(twin.views.created(run))


@router.get("/api/runs", responses=_replies(contract.RunList))
def list_runs(twin: Twin, tenant_id: str | None = None) -> JSONResponse:
    """List runs, newest first; of every tenant unless one is named."""
    found = twin.runs.newest_first() if tenant_id is None else twin.runs.of_tenant(tenant_id)
    return JSONResponse([twin.views.detail(run) for run in found])


@router.get("/api/runs/latest", responses=_replies(contract.RunDetail, 404))
def latest(twin: Twin, tenant_id: str, snapshot_id: str | None = None) -> JSONResponse:
    """Show the newest run of a tenant."""
    found = twin.runs.of_tenant(tenant_id, snapshot_id)
    if not found:
        raise HTTPException(404, f"No run found for tenant {tenant_id}")
    return JSONResponse(twin.views.detail(found[0]))


@router.get("/api/runs/{run_id}", responses=_replies(contract.RunDetail, 404))
def detail(twin: Twin, run_id: str) -> JSONResponse:
    """Show a run."""
    return JSONResponse(twin.views.detail(twin.known(run_id)))


@router.get("/api/runs/{run_id}/assets", responses=_replies(contract.Assets, 404))
def assets(twin: Twin, run_id: str, classification: str | None = None) -> JSONResponse:
    """List admitted assets, or the shadow or zombie ones."""
    return JSONResponse(twin.views.assets(twin.known(run_id), classification))


@router.get("/api/runs/{run_id}/classifications", responses=_replies(contract.Classifications, 404))
def classifications(twin: Twin, run_id: str) -> JSONResponse:
    """Name the shadow and zombie keys."""
    return JSONResponse(twin.views.classifications(twin.known(run_id)))


@router.get("/api/runs/{run_id}/derived", responses=_replies(contract.Derived, 404))
def derived(twin: Twin, run_id: str, activity_window_days: Days = policy.WINDOW_DAYS) -> JSONResponse:
    """Show the shadow and zombie assets."""
    return JSONResponse(twin.views.derived(twin.known(run_id), activity_window_days))


@router.get("/api/runs/{run_id}/observations", responses=_replies(contract.ObservationsPage, 404))
def observations(twin: Twin, run_id: str, limit: Limit = policy.PAGE_SIZE, offset: Offset = 0) -> JSONResponse:
    """Page through the stored observations."""
    run = twin.known(run_id)
    return JSONResponse(page(run, run.observations, limit, offset))


@router.get("/api/runs/{run_id}/rejections", responses=_replies(contract.RejectionsPage, 404))
def rejections(twin: Twin, run_id: str, limit: Limit = policy.PAGE_SIZE, offset: Offset = 0) -> JSONResponse:
    """Page through what was not admitted."""
    return JSONResponse(twin.views.rejections(twin.known(run_id), limit, offset))


@router.get("/api/runs/{run_id}/policy", responses={404: {"model": contract.ErrorDetail}})
def run_policy(twin: Twin, run_id: str) -> JSONResponse:
    """Show the policy that a run was judged by."""
    run = twin.known(run_id)
    return JSONResponse({"aod_discovery_id": run.id, "policy": policy.as_document()})


@router.get("/api/runs/{run_id}/reconcile-payload", responses=_replies(contract.ReconcilePayload, 404))
def reconcile_payload(twin: Twin, run_id: str) -> JSONResponse:
    """Show what would be sent to the Farm."""
    return JSONResponse(twin.views.reconcile_payload(twin.known(run_id)))


@router.get("/api/catalog", responses=_replies(contract.Catalog, 404))
def catalog(twin: Twin, aod_discovery_id: str, provisioning_status: str | None = None) -> JSONResponse:
    """List admitted assets with their identifiers."""
    return JSONResponse(twin.views.catalog(twin.known(aod_discovery_id), provisioning_status))


@router.post(contract.FEED_PATH, responses=_replies(contract.Feed, 404))
def feed(request: contract.FeedRequest, twin: Twin) -> JSONResponse:
    """Show every verdict: the authoritative feed."""
    return JSONResponse(twin.views.feed(twin.known(request.aod_discovery_id), request.activity_window_days))
