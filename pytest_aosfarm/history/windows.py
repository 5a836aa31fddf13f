"""The recent results of many tests at once, as far back as each of them needs."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from pytest_aosfarm.history.pace import PASSES
from pytest_aosfarm.history.parts import AT_ONCE, parts
from pytest_aosfarm.history.runs import CONDITIONS, NO_BRANCH
from pytest_aosfarm.history.verdict import WINDOW, Attempt, Result, RunFacts
from pytest_aosfarm.recording.status import LIVE
from pytest_aosfarm.recording.tables import farm_faults, farm_run_tests, farm_runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

__all__ = ("Window", "windows")

_FIRST_RUNS = WINDOW + 10


class _Row(NamedTuple):
    test_id: int
    run_id: int
    attempt: int
    outcome: str
    is_final: bool
    variant: str | None
    worker: str | None
    call_us: int


class Window(NamedTuple):
    """A test's results of at most 30 runs, and its last passes in microseconds under the present conditions; oldest first.

    `results` is empty when every run passed at the first attempt; `runs` are the numbers of the runs.
    """

    test_id: int
    runs: list[int]
    results: list[Result]
    passes_us: list[int]


def windows(connection: Connection, tenant: str, branch: str, first_runs: Mapping[int, int]) -> Iterator[Window]:
    """The windows of the tests in `first_runs` (id -> the first run it was ever in) over the ended runs of a branch."""
    facts = _facts(connection, tenant, branch)
    run_ids = list(facts)
    rows: dict[int, list[_Row]] = {test_id: [] for test_id in first_runs}
    faulted: set[tuple[int, int, int]] = set()
    wanting, start, size = set(first_runs), 0, _FIRST_RUNS
    while wanting and start < len(run_ids):
        part = run_ids[start : start + size]
        for row in _rows(connection, tenant, part, wanting):
            rows[row.test_id].append(row)
        faulted |= _faulted(connection, tenant, part)
        wanting = {one for one in wanting if len({row.run_id for row in rows[one]}) < WINDOW and first_runs[one] < part[-1]}
        start, size = start + size, size * 2
    for test_id, found in rows.items():
        if found:
            yield _window(test_id, found, facts, faulted)


def _facts(connection: Connection, tenant: str, branch: str) -> dict[int, RunFacts]:
    """The ended runs of a branch, the newest first."""
    runs = farm_runs.c
    columns = (runs.vcs_sha, runs.vcs_dirty, runs.scenario_id, runs.seed, runs.environment_hash)
    ended = select(runs.id, *columns, *(runs[name] for name in CONDITIONS)).where(
        runs.tenant_id == tenant, runs.status.not_in(LIVE), func.coalesce(runs.vcs_branch, NO_BRANCH) == branch
    )
    found = connection.execute(ended.order_by(runs.id.desc()))
    return {
        run_id: RunFacts(run_id, sha, dirty, scenario, seed, environment, tuple(conditions))
        for run_id, sha, dirty, scenario, seed, environment, *conditions in found
    }


def _rows(connection: Connection, tenant: str, run_ids: Sequence[int], tests: set[int]) -> Iterator[_Row]:
    """The results of these tests in these runs; of each test the newest run first, its attempts in order."""
    one = farm_run_tests.c
    wanted = select(*(one[name] for name in _Row._fields)).where(one.tenant_id == tenant, one.run_id.in_(run_ids))
    wanted = wanted.order_by(one.run_id.desc(), one.test_id, one.attempt)
    if len(run_ids) <= _FIRST_RUNS and len(tests) > AT_ONCE:
        yield from (row for found in connection.execute(wanted) if (row := _Row(*found)).test_id in tests)
        return
    for ids in parts(sorted(tests)):
        some = wanted.where(one.test_id.in_(ids))
        yield from (_Row(*found) for found in connection.execute(some))


def _faulted(connection: Connection, tenant: str, run_ids: Sequence[int]) -> set[tuple[int, int, int]]:
    """(run, test, attempt) of those that had faults injected, whether or not the module got the requests."""
    one = farm_faults.c
    found = select(one.run_id, one.test_id, one.attempt).distinct()
    found = found.where(one.tenant_id == tenant, one.run_id.in_(run_ids), one.test_id.is_not(None))
    return {(run, test, attempt or 1) for run, test, attempt in connection.execute(found)}


def _window(
    test_id: int, rows: Sequence[_Row], facts: Mapping[int, RunFacts], faulted: set[tuple[int, int, int]]
) -> Window:
    present = facts[rows[0].run_id].conditions
    passes = [
        row.call_us
        for row in rows
        if row.outcome == "passed" and row.is_final and facts[row.run_id].conditions == present
    ]
    by_run = [(run_id, tuple(group)) for run_id, group in groupby(rows, attrgetter("run_id"))][:WINDOW]
    by_run.reverse()
    results = []
    if not all(row.outcome == "passed" and row.is_final for row in rows):
        results = [Result(facts[run_id], _attempts(group, faulted)) for run_id, group in by_run]
    return Window(test_id, [run_id for run_id, _ in by_run], results, passes[:PASSES][::-1])


def _attempts(rows: Sequence[_Row], faulted: set[tuple[int, int, int]]) -> tuple[Attempt, ...]:
    return tuple(
        Attempt(
            row.attempt,
            row.outcome,
            row.is_final,
            row.variant,
            row.worker,
            faulted=(row.run_id, row.test_id, row.attempt) in faulted,
        )
        for row in rows
    )
