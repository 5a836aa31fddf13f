"""Retention: what goes, what stays, and that nothing goes at once, on both stores."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from history_samples import Sampler
from sqlalchemy import func, select, update

from pytest_aosfarm.history import parts
from pytest_aosfarm.history.prune import Retention, prune
from pytest_aosfarm.history.runs import pin
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.recording.tables import farm_faults, farm_run_test_output, farm_run_tests, farm_runs, farm_tests

NOW = datetime(2026, 11, 25, tzinfo=UTC)
P = "passed"
F = {"outcome": "failed", "output": b"traceback"}


def days_ago(days):
    return NOW - timedelta(days=days)


def left(store, table):
    """How many rows each run has in a table."""
    run = table.c.id if table is farm_runs else table.c.run_id
    with store.reading() as connection:
        counted = select(run, func.count()).where(table.c.tenant_id == store.tenant).group_by(run)
        return dict(connection.execute(counted).all())


def test_each_kind_of_rows_has_its_time(store, sample):
    for days in (400, 200, 100, 40, 10):
        sample.run({"m::a": F, "m::b": P}, started_at=days_ago(days), faults=["m::a"], vcs_branch="topic")
    sample.run({"m::a": F, "m::b": P}, started_at=days_ago(1), vcs_branch="topic")
    expected = {"farm_faults": 3, "farm_run_test_output": 4, "farm_errors": 0, "farm_run_tests": 4, "farm_runs": 1}
    few = Retention(results_runs=2)
    dry = prune(store, few, now=NOW, dry_run=True)
    assert {name: dry.get(name, 0) for name in expected} == expected
    assert len(left(store, farm_runs)) == 6
    gone = prune(store, few, now=NOW)
    assert {name: gone.get(name, 0) for name in expected} == expected
    assert left(store, farm_runs) == dict.fromkeys((2, 3, 4, 5, 6), 1)
    assert left(store, farm_run_tests) == dict.fromkeys((3, 4, 5, 6), 2)
    assert left(store, farm_run_test_output) == {5: 1, 6: 1}
    assert left(store, farm_faults) == {4: 1, 5: 1}
    assert not any(prune(store, few, now=NOW).values())


def test_results_stay_while_among_the_last_of_their_scenario(store, sample):
    for scenario in (1, 1, 1, 2):
        sample.run({"m::a": P}, started_at=days_ago(200), scenario=scenario, vcs_branch="topic")
    sample.run({"m::a": P}, scenario=3, vcs_branch="main")
    prune(store, Retention(results_runs=2), now=NOW)
    assert left(store, farm_run_tests) == {2: 1, 3: 1, 4: 1, 5: 1}


def test_the_last_failure_of_a_test_is_kept_while_its_run_is(store, sample):
    sample.run({"m::a": F, "m::b": F, "m::c": P}, started_at=days_ago(360), vcs_branch="topic")
    sample.run({"m::a": F, "m::b": P}, started_at=days_ago(300), vcs_branch="topic")
    sample.run({"m::a": P, "m::b": P}, started_at=days_ago(200), vcs_branch="topic")
    prune(store, Retention(results_runs=1), now=NOW)
    assert left(store, farm_run_test_output) == {1: 1, 2: 1}
    assert left(store, farm_run_tests) == {1: 1, 2: 1, 3: 2}
    prune(store, Retention(results_runs=1), now=NOW + timedelta(days=30))
    assert left(store, farm_run_test_output) == {2: 1}
    assert left(store, farm_runs) == {2: 1, 3: 1}


def test_pinned_runs_baselines_and_live_runs_are_kept_with_all_they_have(store, sample):
    first = sample.run({"m::a": F}, faults=["m::a"], started_at=days_ago(900))
    pinned = sample.run({"m::a": F}, faults=["m::a"], started_at=days_ago(800))
    sample.run({"m::a": P}, started_at=days_ago(700))
    green = sample.run({"m::a": P}, started_at=days_ago(600))
    live = sample.run({"m::a": P}, started_at=days_ago(500), status="running", vcs_branch="topic")
    sample.run({"m::a": F}, started_at=days_ago(1))
    pin(store, pinned, pinned=True)
    prune(store, Retention(before=NOW + timedelta(days=1)), now=NOW)
    assert left(store, farm_runs) == dict.fromkeys((pinned, green, live), 1)
    assert left(store, farm_run_test_output) == {pinned: 1}
    assert left(store, farm_faults) == {pinned: 1}
    pin(store, pinned, pinned=False)
    prune(store, now=NOW)
    assert left(store, farm_runs) == dict.fromkeys((green, live), 1)
    assert first not in left(store, farm_run_tests)


def test_before_a_day_everything_goes(store, sample):
    for days in (5, 3, 1):
        sample.run({"m::a": F}, started_at=days_ago(days))
    prune(store, Retention(before=days_ago(2)), now=NOW)
    assert left(store, farm_runs) == {3: 1}
    with store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(farm_tests)).scalar_one() == 1


def test_it_goes_a_little_at_a_time_and_looks_again(store, sample, monkeypatch):
    monkeypatch.setattr(parts, "AT_ONCE", 10)
    sample.run({f"m::t{n}": P for n in range(35)}, started_at=days_ago(400), vcs_branch="topic")
    sample.run({"m::t0": P}, started_at=days_ago(400), vcs_branch="topic")
    sample.run({"m::t0": P}, started_at=days_ago(1))
    transactions: Counter[str] = Counter()
    real = store.writing

    def counted():
        transactions["written"] += 1
        if transactions["written"] == 3:
            # Its owner was only asleep.
            ours = (farm_runs.c.tenant_id == store.tenant) & (farm_runs.c.id == 1)
            with real() as connection:
                connection.execute(update(farm_runs).where(ours).values(status="running"))
        return real()

    monkeypatch.setattr(store, "writing", counted)
    gone = prune(store, now=NOW)
    assert gone["farm_run_tests"] == 21
    assert left(store, farm_runs) == {1: 1, 3: 1}
    assert left(store, farm_run_tests) == {1: 15, 3: 1}


def test_another_tenants_runs_are_left_alone(store, sample):
    sample.run({"m::a": F}, started_at=days_ago(900), vcs_branch="topic")
    with RunStore(store.where, "you") as other:
        Sampler(other).run({"m::a": F}, started_at=days_ago(900), vcs_branch="topic")
        prune(store, now=NOW)
        assert left(store, farm_runs) == {}
        assert left(other, farm_runs) == left(other, farm_run_tests) == left(other, farm_run_test_output) == {1: 1}
