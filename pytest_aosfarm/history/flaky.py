"""The tests of a branch that are broken or flaky, and why that is said of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, case, exists, not_, select

from pytest_aosfarm.history.aliases import settle
from pytest_aosfarm.history.runs import COMPLETE, default_branch
from pytest_aosfarm.history.stats import refresh
from pytest_aosfarm.history.verdict import BROKEN, HEALTHY
from pytest_aosfarm.recording.tables import farm_runs, farm_test_stats, farm_tests

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_aosfarm.history.runs import Row
    from pytest_aosfarm.recording.store import RunStore

__all__ = ("Unhealthy", "explain", "unhealthy")


class Unhealthy(NamedTuple):
    """The broken and flaky tests of a branch, the worst first: rows of farm_test_stats with identity and nodeid."""

    branch: str
    tests: list[Row]


def unhealthy(store: RunStore, branch: str | None = None, limit: int | None = None) -> Unhealthy:
    """Bring the statistics up to date and list whoever is not healthy on `branch`, by default the default one.

    A test that a later whole run of the same scenario no longer has is not listed: it was removed or renamed.
    """
    settle(store)
    refresh(store)
    stats, tests = farm_test_stats.c, farm_tests.c
    last, later = farm_runs.alias("last"), farm_runs.alias("later")
    with store.reading() as connection:
        branch = default_branch(connection, store.tenant) if branch is None else branch
        gone = exists(
            select(later.c.id).where(
                later.c.tenant_id == store.tenant,
                later.c.scenario_id == last.c.scenario_id,
                later.c.id > last.c.id,
                later.c.vcs_branch.is_not_distinct_from(last.c.vcs_branch),
                later.c.status.in_(COMPLETE),
                later.c.not_run == 0,
            )
        )
        found = (
            select(tests.identity, tests.nodeid, *(column for column in stats if column.name != "tenant_id"))
            .join(farm_tests, and_(tests.tenant_id == stats.tenant_id, tests.id == stats.test_id))
            .outerjoin(last, and_(last.c.tenant_id == stats.tenant_id, last.c.id == stats.updated_run_id))
            .where(stats.tenant_id == store.tenant, stats.branch == branch, stats.health != HEALTHY, not_(gone))
            .order_by(case((stats.health == BROKEN, 0), else_=1), stats.fail_streak.desc(), stats.flips.desc(), tests.nodeid)
            .limit(limit)
        )
        return Unhealthy(branch, [dict(row) for row in connection.execute(found).mappings()])


def explain(evidence: list[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each piece of evidence, with its runs, attempts, workers and commit."""
    for one in evidence:
        rule = one["rule"]
        yield _SAYS[rule](one) + (f", commit {one['sha'][:10]}" if one.get("sha") else "")


def _tried(one: Mapping[str, Any]) -> str:
    tries = zip(one["attempts"], one["outcomes"], one["workers"], strict=True)
    said = [f"attempt {number} {outcome}" + (f" on {worker}" if worker else "") for number, outcome, worker in tries]
    return f"run {one['run']}: {', '.join(said)}"


def _both(one: Mapping[str, Any]) -> str:
    if one["passed"] == one["failed"]:
        return f"run {one['passed']}: passed and failed, attempts {_list(one['attempts'])}"
    return f"same code, scenario, seed {one['seed']}: passed in run {one['passed']} and failed in run {one['failed']}"


def _list(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))


_SAYS: dict[str, Any] = {
    "S1": _tried,
    "S3": _tried,
    "S2": _both,
    "W": lambda one: f"changed {one['flips']} times in {one['steps'] + 1} runs, in runs {_list(one['runs'])}",
    "broken": lambda one: f"failed in {len(one['runs'])} of the last {one['of']} runs: {_list(one['runs'])}",
    "faults": lambda one: f"not held against it: failed under injected faults in runs {_list(one['runs'])}",
}
