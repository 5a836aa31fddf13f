"""The statistics of tests, brought up to date by readers, on both stores."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select, update

from pytest_aosfarm.errors import NotFoundError
from pytest_aosfarm.history import stats, windows
from pytest_aosfarm.history.flaky import unhealthy
from pytest_aosfarm.history.stats import refresh
from pytest_aosfarm.history.tests import history_of
from pytest_aosfarm.history.trend import trends
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.recording.tables import farm_runs, farm_test_stats, farm_tests, identity_id

P, F = "passed", "failed"


def kept(store):
    """Rows of farm_test_stats by identity and branch."""
    one = farm_test_stats.c
    with store.reading() as connection:
        rows = connection.execute(
            select(farm_tests.c.identity, farm_test_stats)
            .join(farm_tests, (farm_tests.c.id == one.test_id) & (farm_tests.c.tenant_id == one.tenant_id))
            .where(one.tenant_id == store.tenant)
        ).mappings()
        return {(row["identity"], row["branch"]): dict(row) for row in rows}


def names(found):
    return [(test["identity"], test["health"]) for test in found.tests]


def computed_anew(store):
    with store.writing() as connection:
        connection.execute(farm_test_stats.delete().where(farm_test_stats.c.tenant_id == store.tenant))
        connection.execute(update(farm_runs).where(farm_runs.c.tenant_id == store.tenant).values(judged=None))
    refresh(store)
    return kept(store)


def test_statistics_follow_the_runs_and_twice_is_once(store, sample):
    assert refresh(store) == 0
    for seconds in (1, 3, 2):
        sample.run({"m::a": {"outcome": P, "call_us": seconds * 1_000_000}, "m::b": "skipped"})
    assert refresh(store) == 3
    first = kept(store)
    assert refresh(store) == 0
    assert kept(store) == first
    one = first["m::a", "main"]
    assert (one["runs"], one["passes"], one["fails"], one["pass_streak"], one["health"]) == (3, 3, 0, 3, "healthy")
    assert (one["p50_us"], one["p95_us"], one["mad_us"]) == (2_000_000, 3_000_000, 1_000_000)
    assert (one["evidence"], one["last_fail_run_id"], one["updated_run_id"]) == ([], None, 3)
    skipped = first["m::b", "main"]
    assert (skipped["runs"], skipped["p50_us"], skipped["updated_run_id"]) == (0, None, 3)
    sample.run({"m::a": F})
    assert refresh(store) == 1
    one = kept(store)["m::a", "main"]
    assert (one["runs"], one["fails"], one["fail_streak"], one["last_fail_run_id"], one["flips"]) == (4, 1, 1, 4, 1)
    assert one["flip_rate"] == pytest.approx(1 / 3)
    assert kept(store) == computed_anew(store)


def test_branches_are_judged_apart(store, sample):
    for number in range(8):
        sample.run({"m::a": P if number % 2 else F}, vcs_branch=("main", "topic")[number >= 4])
    sample.run({"m::a": P}, vcs_branch=None)
    found = unhealthy(store)
    assert (found.branch, names(found)) == ("main", [("m::a", "flaky")])
    assert [one["rule"] for one in found.tests[0]["evidence"]] == ["W"]
    assert names(unhealthy(store, "topic")) == []
    assert {branch for _, branch in kept(store)} == {"main", "topic", ""}


def test_a_run_that_is_recovered_late_or_comes_back_is_judged(store, sample):
    sample.run({"m::a": F}, id=1)
    sample.run({"m::a": F}, id=3)
    assert names(unhealthy(store)) == []
    sample.run({"m::a": F}, id=2)
    assert refresh(store) == 1
    assert names(unhealthy(store)) == [("m::a", "broken")]
    assert kept(store) == computed_anew(store)
    sample.run({"m::b": P}, id=4, status="lost")
    refresh(store)
    with store.writing() as connection:
        ours = (farm_runs.c.tenant_id == store.tenant) & (farm_runs.c.id == 4)
        connection.execute(update(farm_runs).where(ours).values(status="running"))
    assert refresh(store) == 0
    with store.writing() as connection:
        connection.execute(update(farm_runs).where(ours).values(status="passed"))
    assert refresh(store) == 1
    assert kept(store) == computed_anew(store)


def test_a_run_that_goes_on_is_not_judged_yet(store, sample):
    for status in ("passed", "queued", "running"):
        sample.run({"m::a": F}, status=status)
    assert refresh(store) == 1
    assert kept(store)["m::a", "main"]["fails"] == 1


def test_readers_at_once_do_not_disturb_each_other(store, sample):
    for number in range(12):
        sample.run({f"m::t{n}": F if (n + number) % 7 == 0 else P for n in range(20)})
    barrier = Barrier(4)

    def read(_number):
        with RunStore(store.where, "me") as reader:
            barrier.wait()
            return unhealthy(reader)

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(read, range(4)))
    assert all(one == found[0] for one in found)
    assert kept(store) == computed_anew(store)


def test_what_changed_while_it_was_computed_is_computed_again(store, sample, monkeypatch):
    sample.run({"m::a": F})
    looked: list[int] = []
    real = windows.windows

    def interrupted(*arguments):
        found = list(real(*arguments))
        if len(looked) < 2:
            looked.append(sample.run({"m::a": F}))
        return found

    monkeypatch.setattr(stats, "windows", interrupted)
    refresh(store)
    assert looked == [2, 3]
    assert names(unhealthy(store)) == [("m::a", "broken")]


def test_tests_that_seldom_run_are_followed_far_back(store, sample, monkeypatch):
    monkeypatch.setattr(windows, "_FIRST_RUNS", 4)
    for number in range(40):
        tests = {"m::daily": P} | ({"m::nightly": F if number == 0 else P} if number % 10 == 0 else {})
        sample.run(tests)
    refresh(store)
    nightly = kept(store)["m::nightly", "main"]
    assert (nightly["runs"], nightly["fails"], nightly["last_fail_run_id"], nightly["updated_run_id"]) == (4, 1, 1, 31)
    assert kept(store)["m::daily", "main"]["runs"] == 30


def test_failures_under_faults_are_set_apart(store, sample):
    for _ in range(3):
        sample.run({"m::a": F, "m::b": F}, chaos="storm", faults=["m::a"])
    assert names(unhealthy(store)) == [("m::b", "broken")]
    assert kept(store)["m::a", "main"]["evidence"] == [{"rule": "faults", "runs": [1, 2, 3]}]


def test_who_was_removed_is_no_longer_listed(store, sample):
    for _ in range(3):
        sample.run({"m::gone": F, "m::there": F})
    assert len(unhealthy(store).tests) == 2
    sample.run({"m::there": F}, not_run=1)
    sample.run({"m::there": F}, scenario=2)
    sample.run({"m::there": F}, vcs_branch="topic")
    assert len(unhealthy(store).tests) == 2
    sample.run({"m::there": F})
    assert names(unhealthy(store)) == [("m::there", "broken")]
    assert unhealthy(store, limit=0).tests == []


def test_the_pace_is_of_runs_under_the_present_conditions(store, sample):
    for scale, micros in (("small", 10), ("large", 1000), ("large", 2000), ("small", 30)):
        sample.run({"m::a": {"outcome": P, "call_us": micros}}, scale=scale, scenario=1 + (scale == "large"))
    refresh(store)
    assert kept(store)["m::a", "main"]["p50_us"] == 20


def test_trends_are_of_each_scenario_and_branch(store, sample):
    for number in range(6):
        slow = {"outcome": P, "call_us": 50_000 * (1 + 9 * (number >= 3))}
        sample.run({"m::slow": slow, "m::bad": F}, duration_ms=1000 * (number + 1), flaky=number % 2)
    sample.run({"m::other": P}, scenario=2, lab="dcl", duration_ms=None)
    sample.run({"m::slow": F}, vcs_branch="topic")
    sample.run({}, status="running")
    second, first = trends(store)
    assert (first.scenario, first.branch, [point.run_id for point in first.points]) == ("s1", "main", [1, 2, 3, 4, 5, 6])
    assert [point.flaky for point in first.points] == [0, 1, 0, 1, 0, 1]
    assert {(point.pass_rate, point.bad, point.status) for point in first.points} == {(0.5, 1, "failed")}
    assert (first.duration_p50_ms, first.duration_p95_ms, first.flaky, first.broken) == (3500, 6000, 0, 1)
    assert [(one.identity, one.then_us, one.now_us) for one in first.slower] == [("m::slow", 50_000, 500_000)]
    assert (second.scenario, second.duration_p50_ms, second.slower) == ("s2", None, [])
    assert trends(store, scenario="s2") == trends(store, lab="dcl") == [second]
    (short,) = trends(store, scenario="s1", runs=2)
    assert [point.run_id for point in short.points] == [5, 6]
    (topic,) = trends(store, branch="topic")
    assert [point.pass_rate for point in topic.points] == [0.0]
    assert trends(store, branch="nobody") == []
    with pytest.raises(NotFoundError):
        trends(store, scenario="s9")


def test_one_test_through_its_runs(store, sample):
    for number in range(60):
        sample.run({"m::a": [F, P] if number % 2 else P, "m::b": P}, vcs_sha=f"c{number}")
    found = history_of(store, "m::a")
    assert (found.test["id"], found.test["nodeid"]) == (identity_id("m::a"), "m.py::a")
    assert [one["run_id"] for one in found.results] == list(range(60, 10, -1))
    assert {(one["run_id"] % 2, one["attempt"]) for one in found.results} == {(0, 2), (1, 1)}
    assert (found.results[0]["vcs_sha"], found.results[0]["run_status"]) == ("c59", "passed")
    assert history_of(store, "m.py::a", 3).results == found.results[:3]
    with pytest.raises(NotFoundError, match="perhaps m::a, m::b"):
        history_of(store, "m::")
