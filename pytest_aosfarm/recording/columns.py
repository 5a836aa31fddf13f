"""The columns of a run that change while it goes on, from what it has added up to so far."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_aosfarm.recording.status import QUEUED, RUNNING

if TYPE_CHECKING:
    from pytest_aosfarm.recording.events import RunFinished, RunStarted
    from pytest_aosfarm.recording.tally import Tally

__all__ = ("run_columns",)


def run_columns(started: RunStarted, tally: Tally, finished: RunFinished | None) -> dict[str, object]:
    """Values by column of `farm_runs`. A run is queued until it is known what it is going to run."""
    columns: dict[str, object] = {
        **tally.counts(),
        "lab": ",".join(started.labs or tally.labs) or None,
        "grades": tally.grades(),
    }
    if finished is None:
        # A run that was taken for lost, and is not, has no reason any more.
        return columns | {"status": QUEUED if tally.collected is None else RUNNING, "status_reason": None}
    ended = finished.finished_at
    if finished.vcs_dirty is not None:
        columns["vcs_dirty"] = finished.vcs_dirty
    return columns | {
        "status": finished.status,
        "status_reason": finished.reason,
        "exit_code": finished.exit_code,
        "finished_at": ended,
        "duration_ms": None if ended is None else (ended - started.started_at) // timedelta(milliseconds=1),
    }
