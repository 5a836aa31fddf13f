"""Recorded runs: which there are, one of them by its number, and which branch is the default one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select, update

from pytest_aosfarm.errors import NotFoundError
from pytest_aosfarm.recording.tables import farm_runs, farm_scenarios

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Select

    from pytest_aosfarm.recording.store import RunStore

__all__ = (
    "COMPLETE",
    "CONDITIONS",
    "LIVE",
    "NO_BRANCH",
    "Row",
    "alike",
    "default_branch",
    "find_runs",
    "pin",
    "run_of",
    "scenario_of",
    "selected",
)

Row = dict[str, Any]

LIVE = ("queued", "running")
COMPLETE = ("passed", "failed")
"""The statuses of runs that did all they were asked to do."""

CONDITIONS = ("scale", "profile", "chaos", "data_tenant")
"""What decides the data and the faults that tests meet."""

NO_BRANCH = ""
"""The branch of runs that were under no version control."""

_USUAL_DEFAULTS = ("main", "master", "trunk", "default", "develop")
_BIG = 1 << 63

_runs = farm_runs.c


def selected(tenant: str) -> Select[Any]:
    """Every column of the tenant's runs, with the name and the selection of each run's scenario."""
    scenarios = farm_scenarios.c
    joined = and_(scenarios.tenant_id == _runs.tenant_id, scenarios.id == _runs.scenario_id)
    chosen = select(farm_runs, scenarios.name.label("scenario"), scenarios.selection)
    return chosen.outerjoin(farm_scenarios, joined).where(_runs.tenant_id == tenant)


def run_of(connection: Connection, tenant: str, run_id: int) -> Row:
    """One run. Raises NotFoundError."""
    found = connection.execute(selected(tenant).where(_runs.id == run_id)).mappings().one_or_none()
    if found is None:
        raise NotFoundError(f"no run {run_id} of tenant {tenant}; `aosfarm runs` lists them")
    return dict(found)


def find_runs(
    store: RunStore,
    *,
    limit: int | None = None,
    before: int | None = None,
    statuses: tuple[str, ...] = (),
    wanted: Mapping[str, str | None] | None = None,
) -> list[Row]:
    """The newest runs first, at most `limit`, all with smaller numbers than `before`.

    `wanted` may hold `lab` (among others, perhaps), `branch` and `scenario` (name or number). Raises NotFoundError for a
    scenario that is not there.
    """
    asked = {name: value for name, value in (wanted or {}).items() if value is not None}
    with store.reading() as connection:
        chosen = selected(store.tenant)
        if before is not None:
            chosen = chosen.where(_runs.id < min(before, _BIG - 1))
        if statuses:
            chosen = chosen.where(_runs.status.in_(statuses))
        if "lab" in asked:
            chosen = chosen.where(_has_lab(asked["lab"]))
        if "branch" in asked:
            chosen = chosen.where(func.coalesce(_runs.vcs_branch, NO_BRANCH) == asked["branch"])
        if "scenario" in asked:
            chosen = chosen.where(_runs.scenario_id.in_(scenario_of(connection, store.tenant, asked["scenario"])))
        found = connection.execute(chosen.order_by(_runs.id.desc()).limit(limit))
        return [dict(row) for row in found.mappings()]


def scenario_of(connection: Connection, tenant: str, name: str) -> list[int]:
    """The numbers of the scenarios that have this name or number. Raises NotFoundError."""
    scenarios = farm_scenarios.c
    number = int(name) if name.isdecimal() and int(name) < _BIG else -1
    named = or_(scenarios.name == name, scenarios.id == number)
    found = list(connection.execute(select(scenarios.id).where(scenarios.tenant_id == tenant, named)).scalars())
    if not found:
        names = select(scenarios.name).where(scenarios.tenant_id == tenant).distinct().order_by(scenarios.name).limit(10)
        known = ", ".join(connection.execute(names).scalars()) or "none"
        raise NotFoundError(f"no scenario {name!r} of tenant {tenant}; there are: {known}")
    return found


def alike(run: Row) -> Any:
    """Condition: under the same conditions as `run`, whatever was selected. Only then are results comparable."""
    same = (_runs[name].is_not_distinct_from(run[name]) for name in CONDITIONS)
    return and_(*same)


def default_branch(connection: Connection, tenant: str) -> str:
    """main, or whatever else usually is the default and has runs; else the branch with most of them."""
    branch = func.coalesce(_runs.vcs_branch, NO_BRANCH)
    counted = select(branch, func.count()).where(_runs.tenant_id == tenant).group_by(branch)
    counts: dict[str, int] = dict(connection.execute(counted).all())
    usual = next((name for name in _USUAL_DEFAULTS if name in counts), None)
    return usual or max(counts, key=lambda name: (counts[name], name), default=NO_BRANCH)


def pin(store: RunStore, run_id: int, *, pinned: bool) -> None:
    """Keep a run for ever, as what later ones are compared with; or no longer. Raises NotFoundError."""
    with store.writing() as connection:
        run_of(connection, store.tenant, run_id)
        ours = and_(_runs.tenant_id == store.tenant, _runs.id == run_id)
        connection.execute(update(farm_runs).where(ours).values(pinned=pinned))


def _has_lab(lab: str) -> Any:
    return or_(
        _runs.lab == lab,
        _runs.lab.startswith(f"{lab},", autoescape=True),
        _runs.lab.endswith(f",{lab}", autoescape=True),
        _runs.lab.contains(f",{lab},", autoescape=True),
    )
