"""What a run is compared with when nobody says with what."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import case, func, select

from pytest_aosfarm.history.runs import COMPLETE, NO_BRANCH, default_branch, run_of
from pytest_aosfarm.recording.status import LIVE
from pytest_aosfarm.recording.tables import farm_runs

if TYPE_CHECKING:
    from pytest_aosfarm.recording.store import RunStore

__all__ = ("Baseline", "baseline_of")


class Baseline(NamedTuple):
    """A run, and why it was chosen."""

    run_id: int
    reason: str


def baseline_of(store: RunStore, run_id: int) -> Baseline | None:
    """The run that `run_id` is compared with, always an earlier one that has ended; None for the first of its kind.

    The newest pinned run of its scenario, else the last that passed on the default branch, else the previous one; else
    the previous run of the same lab and scale. Of previous runs one that did all it was asked to do is preferred.
    Raises NotFoundError.
    """
    runs = farm_runs.c
    with store.reading() as connection:
        run = run_of(connection, store, run_id)
        main = default_branch(connection, store.tenant)
        earlier = select(runs.id).where(runs.tenant_id == store.tenant, runs.id < run_id, runs.status.not_in(LIVE))
        same = runs.scenario_id.is_not_distinct_from(run["scenario_id"])
        alike = runs.lab.is_not_distinct_from(run["lab"]) & (runs.scale == run["scale"])
        on_main = func.coalesce(runs.vcs_branch, NO_BRANCH) == main
        complete = case((runs.status.in_(COMPLETE), 0), else_=1)
        for reason, wanted in (
            ("pinned", earlier.where(same, runs.pinned)),
            (f"last passed on {main or 'no branch'}", earlier.where(same, runs.status == "passed", on_main)),
            ("previous of the same scenario", earlier.where(same).order_by(complete)),
            ("previous of the same lab and scale", earlier.where(alike).order_by(complete)),
        ):
            found = connection.execute(wanted.order_by(runs.id.desc()).limit(1)).scalar_one_or_none()
            if found is not None:
                return Baseline(found, reason)
    return None
