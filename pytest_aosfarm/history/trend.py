"""How the runs of each scenario developed: pass rate, duration, flaky and broken tests, and who became slower."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, case, func, select

from pytest_aosfarm.history.aliases import settle
from pytest_aosfarm.history.pace import percentile_95
from pytest_aosfarm.history.runs import NO_BRANCH, default_branch, has_lab, scenario_of
from pytest_aosfarm.history.stats import refresh
from pytest_aosfarm.history.verdict import BROKEN, FLAKY
from pytest_aosfarm.recording.status import LIVE
from pytest_aosfarm.recording.tables import farm_run_tests, farm_runs, farm_scenarios, farm_test_stats, farm_tests
from pytest_aosfarm.recording.tally import BAD, COUNTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from pytest_aosfarm.recording.store import RunStore

__all__ = ("Mover", "Point", "Trend", "trends")

RUNS = 30
SCENARIOS = 10
MOVERS = 5

_CANDIDATES = 50
_ENOUGH_RUNS = 4
_RATIO, _MARGIN_US = 1.1, 10_000

_BAD_COUNTS = tuple(COUNTS[outcome] for outcome in BAD)

_runs, _one = farm_runs.c, farm_run_tests.c


class Point(NamedTuple):
    """One run: the share of its deciding results that passed (None without any), and how long it took."""

    run_id: int
    started_at: datetime
    status: str
    pass_rate: float | None
    bad: int
    flaky: int
    duration_ms: int | None


class Mover(NamedTuple):
    """A test whose passes take longer in the newer half of the runs: medians in microseconds."""

    identity: str
    nodeid: str
    then_us: int
    now_us: int


@dataclass(frozen=True, slots=True)
class Trend:
    """The last runs of a scenario on a branch, the oldest first; flaky and broken tests as of now."""

    scenario_id: int | None
    scenario: str | None
    selection: Mapping[str, Any]
    branch: str
    points: list[Point]
    duration_p50_ms: int | None
    duration_p95_ms: int | None
    flaky: int
    broken: int
    slower: list[Mover]


def trends(
    store: RunStore,
    *,
    scenario: str | None = None,
    lab: str | None = None,
    branch: str | None = None,
    runs: int = RUNS,
    scenarios: int = SCENARIOS,
) -> list[Trend]:
    """A trend for each scenario (or the one named), the one that ran last first, over its last runs that have ended.

    `branch` is the default one unless given. Brings the statistics up to date. Raises NotFoundError for a scenario that
    is not there.
    """
    settle(store)
    refresh(store)
    with store.reading() as connection:
        branch = default_branch(connection, store.tenant) if branch is None else branch
        wanted = [
            _runs.tenant_id == store.tenant, _runs.status.not_in(LIVE), func.coalesce(_runs.vcs_branch, NO_BRANCH) == branch,
        ]  # fmt: skip
        if scenario is not None:
            wanted.append(_runs.scenario_id.in_(scenario_of(connection, store.tenant, scenario)))
        if lab is not None:
            wanted.append(has_lab(lab))
        points: dict[int | None, list[Point]] = defaultdict(list)
        for scenario_id, point in _points(connection, wanted, runs):
            points[scenario_id].append(point)
        newest = sorted(points, key=lambda one: points[one][-1].run_id, reverse=True)[:scenarios]
        return [_trend(connection, store.tenant, one, branch, points[one]) for one in newest]


def _points(connection: Connection, wanted: Sequence[Any], runs: int) -> list[tuple[int | None, Point]]:
    place = func.row_number().over(partition_by=_runs.scenario_id, order_by=_runs.id.desc()).label("place")
    counts = (_runs[name] for name in ("passed", *_BAD_COUNTS))
    columns = (_runs.scenario_id, _runs.id, _runs.started_at, _runs.status, _runs.flaky, _runs.duration_ms)
    placed = select(*columns, *counts, place).where(*wanted).subquery()
    found = connection.execute(select(placed).where(placed.c.place <= runs).order_by(placed.c.id)).mappings()
    return [(row["scenario_id"], _point(row)) for row in found]


def _point(row: Mapping[Any, Any]) -> Point:
    bad = sum(row[name] for name in _BAD_COUNTS)
    decided = row["passed"] + bad
    rate = row["passed"] / decided if decided else None
    return Point(row["id"], row["started_at"], row["status"], rate, bad, row["flaky"], row["duration_ms"])


def _trend(connection: Connection, tenant: str, scenario_id: int | None, branch: str, points: list[Point]) -> Trend:
    scenarios = farm_scenarios.c
    about = select(scenarios.name, scenarios.selection).where(scenarios.tenant_id == tenant, scenarios.id == scenario_id)
    named = connection.execute(about).one_or_none()
    durations = sorted(one.duration_ms for one in points if one.duration_ms is not None)
    health = _health(connection, tenant, branch, points[-1].run_id)
    return Trend(
        scenario_id,
        named.name if named else None,
        named.selection if named else {},
        branch,
        points,
        round(median(durations)) if durations else None,
        percentile_95(durations) if durations else None,
        health.get(FLAKY, 0),
        health.get(BROKEN, 0),
        _slower(connection, tenant, [one.run_id for one in points]),
    )


def _health(connection: Connection, tenant: str, branch: str, run_id: int) -> dict[str, int]:
    """How many tests of a run are of each health on the branch."""
    stats = farm_test_stats.c
    of_run = select(_one.test_id).where(_one.tenant_id == tenant, _one.run_id == run_id)
    counted = select(stats.health, func.count()).where(stats.tenant_id == tenant, stats.branch == branch)
    return dict(connection.execute(counted.where(stats.test_id.in_(of_run)).group_by(stats.health)).all())


def _slower(connection: Connection, tenant: str, run_ids: Sequence[int]) -> list[Mover]:
    if len(run_ids) < _ENOUGH_RUNS:
        return []
    middle = run_ids[len(run_ids) // 2]
    passed = and_(_one.tenant_id == tenant, _one.run_id.in_(run_ids), _one.is_final, _one.outcome == "passed")
    newer = func.avg(case((_one.run_id >= middle, _one.call_us)))
    older = func.avg(case((_one.run_id < middle, _one.call_us)))
    # The database has means but no median: it names who may have moved, and their passes are looked at one by one.
    moved = select(_one.test_id).where(passed).group_by(_one.test_id).having(newer - older > _MARGIN_US)
    candidates = list(connection.execute(moved.order_by((newer - older).desc()).limit(_CANDIDATES)).scalars())
    passes: dict[int, tuple[list[int], list[int]]] = {one: ([], []) for one in candidates}
    wanted = select(_one.test_id, _one.run_id, _one.call_us).where(passed, _one.test_id.in_(candidates))
    for test_id, run_id, call_us in connection.execute(wanted):
        passes[test_id][run_id >= middle].append(call_us)
    medians = {one: (round(median(then)), round(median(now))) for one, (then, now) in passes.items()}
    slower = {one: both for one, both in medians.items() if both[1] > max(both[0] * _RATIO, both[0] + _MARGIN_US)}
    names = select(farm_tests.c.id, farm_tests.c.identity, farm_tests.c.nodeid)
    named = connection.execute(names.where(farm_tests.c.tenant_id == tenant, farm_tests.c.id.in_(slower)))
    movers = [Mover(identity, nodeid, *slower[test_id]) for test_id, identity, nodeid in named]
    return sorted(movers, key=lambda one: one.then_us - one.now_us)[:MOVERS]
