"""What a run that has just ended is told of its baseline, as plain data: the process that asks has no database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_aosfarm.history.compare import compare_with_baseline

if TYPE_CHECKING:
    from pytest_aosfarm.recording.store import RunStore

__all__ = ("since_baseline",)


def since_baseline(store: RunStore, run_id: int) -> dict[str, Any] | None:
    """`base`, its number, `headline`, None when nothing has changed, and `newly_failing`, pairs of node id and message.

    None when the run has no baseline. Raises NotFoundError.
    """
    found = compare_with_baseline(store, run_id)
    if found is None:
        return None
    return {
        "base": found.base["id"],
        "headline": found.headline() if found.changes else None,
        "newly_failing": [(one.nodeid, one.message) for one in found.of("newly_failing")],
    }
