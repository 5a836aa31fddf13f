"""Runs whose process went away: shown as suspect as soon as that may be so, and stored as lost when it is certain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from pytest_aosfarm.recording.engine import database_clock
from pytest_aosfarm.recording.owner import PREFIX, is_alive, owner_of
from pytest_aosfarm.recording.status import LIVE, LOST, SUSPECT
from pytest_aosfarm.recording.tables import farm_runs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from pytest_aosfarm.recording.store import RunStore

__all__ = ("Reaped", "reap", "seen_status")

SUSPECT_SECONDS = 15.0
"""A live run whose last heartbeat is older than this is suspect; it beats every 5 s."""

LOST_SECONDS = 60.0
"""A live run whose last heartbeat is older than this may be stored as lost."""

_DEAD, _SILENT = "its process died", "it gave no sign of life for {:.0f} s"


@dataclass(frozen=True, slots=True)
class Reaped:
    """A run that was stored as lost, and why."""

    id: int
    uuid: str
    reason: str


def seen_status(run: Mapping[str, Any], now: datetime) -> str:
    """The status of a run as it is to be shown: a live one is `suspect` without a heartbeat, or when its owner is dead.

    `run` holds the columns of `farm_runs`; `now` is the database's own time.
    """
    status = str(run["status"])
    if status not in LIVE:
        return status
    late = now - (run["heartbeat_at"] or run["started_at"]) > timedelta(seconds=SUSPECT_SECONDS)
    return SUSPECT if late or _is_dead(run) else status


def reap(store: RunStore, *, after: float = LOST_SECONDS) -> list[Reaped]:
    """Store as lost every live run of the tenant that has been silent for `after` seconds, or whose owner is dead.

    Whoever ends or beats in the meantime stays as it is, and a run may come back from `lost`: its owner just goes on
    writing. Raises RecordingError.
    """
    runs = farm_runs.c
    live = (runs.tenant_id == store.tenant) & runs.status.in_(LIVE)
    silent = func.coalesce(runs.heartbeat_at, runs.started_at) < database_clock(store.dialect, ago=after)
    with store.reading() as connection:
        owner = [column for column in runs if column.name.startswith(PREFIX)]
        chosen = select(runs.id, silent.label("silent"), *owner).where(live)
        found = [{**run} for run in connection.execute(chosen).mappings()]
    reaped = []
    for run in found:
        dead = _is_dead(run)
        if not (dead or run["silent"]):
            continue
        condition: ColumnElement[bool] = runs.owner_token == run["owner_token"] if dead else silent
        reason = _DEAD if dead else _SILENT.format(after)
        lost = update(farm_runs).where(live, runs.id == run["id"], condition).values(status=LOST, status_reason=reason)
        with store.writing() as connection:
            uuid = connection.execute(lost.returning(runs.uuid)).scalar_one_or_none()
        if uuid is not None:
            reaped.append(Reaped(run["id"], uuid, reason))
    return reaped


def _is_dead(run: Mapping[str, Any]) -> bool:
    owner = owner_of(run.__getitem__)
    return owner is not None and is_alive(owner) is False
