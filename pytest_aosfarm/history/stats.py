"""What farm_test_stats says of each test and branch, brought up to date by whoever reads it."""

from __future__ import annotations

import operator
from collections import defaultdict
from functools import reduce
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, cast, func, or_, select, text, update

from pytest_aosfarm.errors import ReadOnlyError
from pytest_aosfarm.history.pace import pace_of
from pytest_aosfarm.history.parts import parts
from pytest_aosfarm.history.runs import NO_BRANCH, default_branch
from pytest_aosfarm.history.verdict import HEALTHY, Verdict, judge
from pytest_aosfarm.history.windows import windows
from pytest_aosfarm.recording.status import LIVE
from pytest_aosfarm.recording.tables import farm_run_tests, farm_runs, farm_test_stats, farm_tests
from pytest_aosfarm.recording.tally import COUNTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Connection

    from pytest_aosfarm.history.runs import Row
    from pytest_aosfarm.history.windows import Window
    from pytest_aosfarm.recording.store import RunStore

__all__ = ("refresh", "stats_of", "unjudged", "write_stats")

_ATTEMPTS = 3

_runs = farm_runs.c
_counts = [cast(_runs[name], Text) for name in COUNTS.values()]
_state: ColumnElement[str] = reduce(operator.add, [_runs.status, *("/" + count for count in _counts)])
"""What a run has come to. It changes when a late result or another end is recorded."""


def refresh(store: RunStore) -> int:
    """Judge anew the tests of the runs that ended since, or changed since they were judged; how many runs that were.

    Readers may do it at once: each computes without a lock, and writes only if no run has changed meanwhile. Where the
    store may only be read, all stays as it is.
    """
    for attempt in range(_ATTEMPTS):
        with store.reading() as connection:
            stale = _stale(connection, store.tenant)
            if not stale:
                return 0
            rows = _rows(connection, store.tenant, stale)
        try:
            with store.writing() as connection:
                _lock(connection, store)
                now_stale = _stale(connection, store.tenant)
                if now_stale != stale:
                    if attempt < _ATTEMPTS - 1:
                        continue
                    stale, rows = now_stale, _rows(connection, store.tenant, now_stale)
                write_stats(connection, store, rows)
                for run_id, (_, state) in stale.items():
                    ours = (_runs.tenant_id == store.tenant) & (_runs.id == run_id)
                    connection.execute(update(farm_runs).where(ours).values(judged=state))
                return len(stale)
        except ReadOnlyError:
            return 0
    return 0


def unjudged(store: RunStore) -> int:
    """How many ended runs the statistics leave out: some, where a role that may only read has looked first."""
    with store.reading() as connection:
        return len(_stale(connection, store.tenant))


def stats_of(connection: Connection, tenant: str, branch: str, first_runs: Mapping[int, int]) -> list[Row]:
    """Rows of farm_test_stats for these tests (id -> the first run it was ever in) on a branch."""
    is_default = branch == default_branch(connection, tenant)
    found = windows(connection, tenant, branch, first_runs)
    return [_row(tenant, branch, window, default=is_default) for window in found]


def write_stats(connection: Connection, store: RunStore, rows: list[Row]) -> None:
    """Put rows of farm_test_stats in the place of what is there."""
    insert = store.upsert(farm_test_stats)
    keys = farm_test_stats.primary_key.columns.keys()
    others = {name: insert.excluded[name] for name in farm_test_stats.c.keys() if name not in keys}  # noqa: SIM118
    insert = insert.on_conflict_do_update(index_elements=keys, set_=others)
    for part in parts(rows):
        connection.execute(insert, part)


def _stale(connection: Connection, tenant: str) -> dict[int, tuple[str, str]]:
    """Branch and state of the runs that farm_test_stats does not hold as they are now."""
    changed = or_(_runs.judged.is_(None), _runs.judged != _state)
    found = select(_runs.id, func.coalesce(_runs.vcs_branch, NO_BRANCH), _state)
    found = found.where(_runs.tenant_id == tenant, _runs.status.not_in(LIVE), changed)
    return {run_id: (branch, state) for run_id, branch, state in connection.execute(found)}


def _rows(connection: Connection, tenant: str, stale: Mapping[int, tuple[str, str]]) -> list[Row]:
    run_ids: dict[str, list[int]] = defaultdict(list)
    for run_id, (branch, _) in stale.items():
        run_ids[branch].append(run_id)
    return [
        row
        for branch, ids in run_ids.items()
        for row in stats_of(connection, tenant, branch, _tests_in(connection, tenant, ids))
    ]


def _tests_in(connection: Connection, tenant: str, run_ids: list[int]) -> dict[int, int]:
    """The tests of these runs: id -> the first run it was ever in."""
    found: dict[int, int] = {}
    one, tests = farm_run_tests.c, farm_tests.c
    for part in parts(run_ids):
        ids = select(one.test_id).where(one.tenant_id == tenant, one.run_id.in_(part))
        wanted = select(tests.id, tests.first_run_id).where(tests.tenant_id == tenant, tests.id.in_(ids))
        found |= dict(connection.execute(wanted).all())
    return found


def _row(tenant: str, branch: str, window: Window, *, default: bool) -> Row:
    if window.results:
        verdict = judge(window.results, default_branch=default)
    else:
        passes = len(window.runs)
        verdict = Verdict(HEALTHY, runs=passes, passes=passes, pass_streak=passes)
    pace = pace_of(window.passes_us)
    numbers = ("runs", "passes", "fails", "flips", "flip_rate", "pass_streak", "fail_streak", "last_fail_run_id")
    row: dict[str, Any] = {name: getattr(verdict, name) for name in (*numbers, "health", "evidence")}
    return row | {
        "tenant_id": tenant,
        "branch": branch,
        "test_id": window.test_id,
        "p50_us": pace and pace.p50_us,
        "p95_us": pace and pace.p95_us,
        "mad_us": pace and pace.mad_us,
        "updated_run_id": window.runs[-1],
    }


def _lock(connection: Connection, store: RunStore) -> None:
    """One reader at a time writes statistics; SQLite has only one writer anyway."""
    if store.dialect == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:what))"), {"what": f"aosfarm stats {store.tenant}"})
