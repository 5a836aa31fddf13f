"""Retention: what is old goes, a little at a time, so that test runs may write in between."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, exists, func, select

from pytest_aosfarm.history.parts import parts
from pytest_aosfarm.history.runs import NO_BRANCH, default_branch
from pytest_aosfarm.recording.status import LIVE
from pytest_aosfarm.recording.tables import farm_errors, farm_faults, farm_run_test_output, farm_run_tests, farm_runs
from pytest_aosfarm.recording.tally import BAD

if TYPE_CHECKING:
    from sqlalchemy import Column, ColumnElement, Connection, Table

    from pytest_aosfarm.recording.store import RunStore

__all__ = ("Retention", "prune")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long things are kept, in days. Results also stay while among the last `results_runs` of their scenario.

    With `before` everything older than that moment goes, whatever the periods say. Pinned runs, and the run that the
    next ones of their scenario are compared with, are kept for ever with all they have; so are live runs. The last
    failure of each test keeps its result and output as long as its run is kept.
    """

    runs: int = 365
    results: int = 180
    results_runs: int = 500
    outputs: int = 30
    faults: int = 90
    before: datetime | None = None

    def limit(self, days: int, now: datetime) -> datetime:
        """The moment before which a run started whose things go."""
        if self.before is not None:
            return self.before
        # More days than the calendar has: nothing is as old.
        return now - min(timedelta(days=days), now - FIRST)


FIRST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which runs lose which of their rows, and (run -> tests) the last failures, which stay while their run does."""

    runs: set[int]
    tables: dict[Table, set[int]]
    last_failures: dict[int, set[int]]


_runs = farm_runs.c


def prune(
    store: RunStore, retention: Retention | None = None, *, now: datetime | None = None, dry_run: bool = False
) -> dict[str, int]:
    """Delete what is past its time, some 500 rows in a transaction; how many rows that were, by table.

    With `dry_run` it only counts. What is known of a test (its names, its statistics) stays.
    """
    with store.reading() as connection:
        plan = _plan(connection, store.tenant, retention or Retention(), now or datetime.now(UTC))
    gone = dict.fromkeys((*(table.name for table in _TABLES), farm_runs.name), 0)
    for table, run_ids in plan.tables.items():
        key = table.c["test_id" if "test_id" in table.primary_key.columns else "number"]
        for run_id in sorted(run_ids):
            keep = plan.last_failures.get(run_id, set()) if key.name == "test_id" and run_id not in plan.runs else set()
            gone[table.name] += _prune_rows(store, key, run_id, keep, dry_run=dry_run)
    for run_id in sorted(plan.runs):
        ours = and_(_runs.tenant_id == store.tenant, _runs.id == run_id)
        gone[farm_runs.name] += _delete(store, farm_runs, run_id, ours, dry_run=dry_run)
    return gone


def _plan(connection: Connection, tenant: str, retention: Retention, now: datetime) -> _Plan:
    found = select(_runs.id, _runs.scenario_id, _runs.started_at, _runs.pinned | _runs.status.in_(LIVE))
    found = found.where(_runs.tenant_id == tenant).order_by(_runs.id.desc())
    baselines = _baselines(connection, tenant)
    seen: Counter[int | None] = Counter()
    old: dict[Table | None, set[int]] = {None: set(), **{table: set() for table in _TABLES}}
    for run_id, scenario, started_at, is_kept in connection.execute(found):
        seen[scenario] += 1
        if is_kept or run_id in baselines:
            continue
        is_among_last = retention.before is None and seen[scenario] <= retention.results_runs
        if started_at < retention.limit(retention.runs, now):
            old[None].add(run_id)
        if started_at < retention.limit(retention.results, now) and not is_among_last:
            old[farm_run_tests].add(run_id)
        if started_at < retention.limit(retention.outputs, now):
            old[farm_run_test_output].add(run_id)
        if started_at < retention.limit(retention.faults, now):
            old[farm_faults].add(run_id)
    gone = old[None]
    return _Plan(
        runs=gone,
        tables={table: (old[table] | gone) & _with_rows(connection, tenant, table) for table in _TABLES},
        last_failures=_last_failures(connection, tenant),
    )


_TABLES = (farm_faults, farm_run_test_output, farm_errors, farm_run_tests)


def _baselines(connection: Connection, tenant: str) -> set[int]:
    """Of each scenario the last run that passed on the default branch."""
    main = default_branch(connection, tenant)
    passed = select(func.max(_runs.id)).where(
        _runs.tenant_id == tenant, _runs.status == "passed", func.coalesce(_runs.vcs_branch, NO_BRANCH) == main
    )
    return set(connection.execute(passed.group_by(_runs.scenario_id)).scalars())


def _with_rows(connection: Connection, tenant: str, table: Table) -> set[int]:
    """The runs that have rows in a table."""
    some = exists(select(table.c.run_id).where(table.c.tenant_id == tenant, table.c.run_id == _runs.id))
    return set(connection.execute(select(_runs.id).where(_runs.tenant_id == tenant, some)).scalars())


def _last_failures(connection: Connection, tenant: str) -> dict[int, set[int]]:
    one = farm_run_tests.c
    # That it did not pass follows from the rest, but SQLite needs to be told to use the index of bad results.
    failed = select(func.max(one.run_id), one.test_id).where(
        one.tenant_id == tenant, one.outcome != "passed", one.outcome.in_(BAD)
    )
    found: dict[int, set[int]] = defaultdict(set)
    for run_id, test_id in connection.execute(failed.group_by(one.test_id)):
        found[run_id].add(test_id)
    return found


def _prune_rows(store: RunStore, key: Column[Any], run_id: int, keep: set[int], *, dry_run: bool) -> int:
    """Delete a run's rows, but for those of the tests in `keep`; a transaction for each 500 values of the key."""
    table = key.table
    of_run = and_(table.c.tenant_id == store.tenant, table.c.run_id == run_id)
    with store.reading() as connection:
        keys = sorted(set(connection.execute(select(key).where(of_run)).scalars()) - keep)
    return sum(_delete(store, table, run_id, and_(of_run, key.in_(part)), dry_run=dry_run) for part in parts(keys))


def _delete(store: RunStore, table: Table, run_id: int, where: ColumnElement[bool], *, dry_run: bool) -> int:
    """Delete rows of a run, unless it was pinned or has come back to life since the plan was made."""
    kept = exists(
        select(_runs.id).where(_runs.tenant_id == store.tenant, _runs.id == run_id, _runs.pinned | _runs.status.in_(LIVE))
    )
    if dry_run:
        with store.reading() as connection:
            return connection.execute(select(func.count()).select_from(table).where(where, ~kept)).scalar_one()
    with store.writing() as connection:
        return connection.execute(delete(table).where(where, ~kept)).rowcount
