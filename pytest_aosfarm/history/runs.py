"""Recorded runs: which there are, one of them by its number, and which branch is the default one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select, update

from pytest_aosfarm.errors import NotFoundError
from pytest_aosfarm.recording.status import LIVE, SUSPECT
from pytest_aosfarm.recording.store import as_seen
from pytest_aosfarm.recording.tables import farm_runs, farm_scenarios

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from pytest_aosfarm.recording.store import RunStore

__all__ = (
    "COMPLETE",
    "CONDITIONS",
    "NO_BRANCH",
    "Row",
    "alike",
    "default_branch",
    "find_runs",
    "has_lab",
    "pin",
    "run_of",
    "scenario_of",
)

Row = dict[str, Any]

COMPLETE = ("passed", "failed")
"""The statuses of runs that did all they were asked to do."""

CONDITIONS = ("scale", "profile", "chaos", "data_tenant")
"""What decides the data and the faults that tests meet."""

NO_BRANCH = ""
"""The branch of runs that were under no version control."""

_USUAL_DEFAULTS = ("main", "master", "trunk", "default", "develop")
_BIG = 1 << 63

_runs = farm_runs.c


def run_of(connection: Connection, store: RunStore, run_id: int) -> Row:
    """One run as `RunStore.runs` gives it, with the `selection` of its scenario. Raises NotFoundError."""
    chosen = store.select_runs().add_columns(farm_scenarios.c.selection).where(_runs.id == run_id)
    found = connection.execute(chosen).mappings().one_or_none() if run_id < _BIG else None
    if found is None:
        raise NotFoundError(f"no run {run_id} of tenant {store.tenant} in {store.where}; `aosfarm runs` lists them")
    return as_seen(found)


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
        chosen = store.select_runs()
        if before is not None:
            chosen = chosen.where(_runs.id < min(before, _BIG - 1))
        if statuses:
            stored = {*statuses, *LIVE} if SUSPECT in statuses else set(statuses)
            chosen = chosen.where(_runs.status.in_(stored))
        if "lab" in asked:
            chosen = chosen.where(has_lab(asked["lab"]))
        if "branch" in asked:
            chosen = chosen.where(func.coalesce(_runs.vcs_branch, NO_BRANCH) == asked["branch"])
        if "scenario" in asked:
            chosen = chosen.where(_runs.scenario_id.in_(scenario_of(connection, store.tenant, asked["scenario"])))
        # Whether a live run is suspect, the database cannot say; but there are never many of them.
        counts_later = not {SUSPECT, *LIVE}.isdisjoint(statuses)
        found = connection.execute(chosen.order_by(_runs.id.desc()).limit(None if counts_later else limit))
        runs = [as_seen(row) for row in found.mappings()]
        return [run for run in runs if not statuses or run["status"] in statuses][:limit]


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
        run_of(connection, store, run_id)
        ours = and_(_runs.tenant_id == store.tenant, _runs.id == run_id)
        connection.execute(update(farm_runs).where(ours).values(pinned=pinned))


def has_lab(lab: str) -> Any:
    """Condition: the run was of this lab, alone or among others."""
    return or_(
        _runs.lab == lab,
        _runs.lab.startswith(f"{lab},", autoescape=True),
        _runs.lab.endswith(f",{lab}", autoescape=True),
        _runs.lab.contains(f",{lab},", autoescape=True),
    )
