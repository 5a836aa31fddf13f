"""Two runs compared, and what a run is compared with, on both stores."""

from __future__ import annotations

import pytest
from history_samples import Sampler
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_examples import examples

from pytest_aosfarm.errors import NotFoundError
from pytest_aosfarm.history.baseline import baseline_of
from pytest_aosfarm.history.compare import compare, compare_with_baseline
from pytest_aosfarm.history.runs import find_runs, pin
from pytest_aosfarm.recording.store import RunStore


def kinds(comparison):
    return {one.identity.partition("::")[2]: one.kind for one in comparison.changes}


def passed(seconds):
    return {"outcome": "passed", "call_us": round(seconds * 1e6)}


def test_every_way_a_test_can_differ(store, sample):
    other_error = {"outcome": "failed", "error_signature": "another"}
    base = sample.run(
        {
            "m::same": "passed", "m::breaks": "passed", "m::crashes": "passed", "m::mended": "failed", "m::stays": "failed",
            "m::other": "failed", "m::gone": "passed", "m::skips": "passed", "m::skips2": "failed", "m::xfails": "failed",
            "m::runs": "skipped", "m::xpasses": "xfailed", "m::slow": passed(0.2), "m::fast": passed(2),
            "m::little": passed(0.010), "m::steady": passed(1), "m::skipped_then": "skipped", "m::retried": "passed",
        }
    )  # fmt: skip
    run = sample.run(
        {
            "m::same": "passed", "m::breaks": "failed", "m::crashes": "crashed", "m::mended": ["failed", "passed"],
            "m::stays": "failed", "m::other": other_error, "m::fresh": "passed", "m::skips": "skipped",
            "m::skips2": "skipped", "m::xfails": "xfailed", "m::runs": "passed", "m::xpasses": "xpassed",
            "m::slow": passed(0.5), "m::fast": passed(0.5), "m::little": passed(0.090), "m::steady": passed(1.4),
            "m::skipped_then": "error", "m::retried": ["failed", "passed"],
        }
    )  # fmt: skip
    found = compare(store, run, base)
    assert kinds(found) == {
        "breaks": "newly_failing", "crashes": "newly_failing", "skipped_then": "newly_failing", "mended": "fixed",
        "stays": "still_failing", "other": "other_error", "fresh": "new", "gone": "removed", "skips": "became_skipped",
        "skips2": "became_skipped", "xfails": "became_xfailed", "runs": "unskipped", "xpasses": "changed", "slow": "slower",
        "fast": "faster",
    }  # fmt: skip
    (stays,) = found.of("still_failing")
    assert (stays.nodeid, stays.now, stays.then, stays.message) == ("m.py::stays", "failed", "failed", "it broke")
    assert found.headline().startswith("3 newly failing, 1 still failing, 1 failing with another error, 1 fixed, ")
    assert found.headline().endswith("worst m.py::slow +0.3 s")
    # The other way round every change has its counterpart.
    assert kinds(compare(store, base, run)) == {
        "breaks": "fixed", "crashes": "fixed", "skipped_then": "became_skipped", "mended": "newly_failing",
        "stays": "still_failing", "other": "other_error", "fresh": "removed", "gone": "new", "skips": "unskipped",
        "skips2": "newly_failing", "xfails": "newly_failing", "runs": "became_skipped", "xpasses": "became_xfailed",
        "slow": "faster", "fast": "slower",
    }  # fmt: skip
    same = compare(store, run, run)
    assert {one.kind for one in same.changes} == {"still_failing"}
    assert compare(store, base, base).differences == {}


@pytest.mark.parametrize(
    "columns",
    [
        {"status": "interrupted"},
        {"not_run": 3},
        {"not_run": None},
        {"status": "running"},
        {"status": "error"},
        {"selection": {"keyword": "same"}, "scenario": 2},
        {"lab": "dcl", "scenario": 2},
        {"deselected": 1},
    ],
    ids=str,
)
def test_what_did_not_run_is_not_called_removed_nor_new(store, sample, columns):
    first = sample.run({"m::same": "passed", "m::other": "passed"})
    part = sample.run({"m::same": "passed"}, **columns)
    assert kinds(compare(store, part, first)) == {"other": "not_run"}
    later = sample.run({"m::same": "passed", "m::other": "passed", "m::really": "passed"})
    assert kinds(compare(store, later, part)) == {"other": "not_run_before", "really": "new"}


def test_a_file_that_was_skipped_or_could_not_be_collected(store, sample):
    tests = {"a::one": "passed", "a::two": "passed", "b::one": "passed"}
    whole = sample.run(tests)
    skipped = {"outcome": "skipped", "phase": "collect", "nodeid": "a.py"}
    part = sample.run({"a.py": skipped, "b::one": "passed"})
    assert [(one.nodeid, one.kind) for one in compare(store, part, whole).changes] == [
        ("a.py::one", "became_skipped"),
        ("a.py::two", "became_skipped"),
    ]
    assert {one.kind for one in compare(store, whole, part).changes} == {"unskipped"}
    broken = {"outcome": "error", "phase": "collect", "nodeid": "a.py"}
    wrong = sample.run({"a.py": broken, "b::one": "passed"}, status="error")
    found = compare(store, wrong, whole)
    assert {one.nodeid: one.kind for one in found.changes} == {
        "a.py": "newly_failing", "a.py::one": "not_run", "a.py::two": "not_run",
    }  # fmt: skip
    assert {one.nodeid: one.kind for one in compare(store, whole, wrong).changes} == {
        "a.py": "fixed", "a.py::one": "not_run_before", "a.py::two": "not_run_before",
    }  # fmt: skip


def test_of_several_workers_the_worst_result_counts(store, sample):
    def each(*outcomes):
        return [{"outcome": one, "variant": f"gw{n}", "is_final": True} for n, one in enumerate(outcomes)]

    base = sample.run({"m::a": each("passed", "passed"), "m::b": each("failed", "passed"), "m::c": each("passed", "failed")})
    run = sample.run({"m::a": each("passed", "failed"), "m::b": each("passed", "passed"), "m::c": each("failed", "passed")})
    assert kinds(compare(store, run, base)) == {"a": "newly_failing", "b": "fixed", "c": "still_failing"}


def test_slow_and_fast_are_measured_against_what_is_usual(store, sample):
    for seconds in (1.0, 1.1, 0.9, 1.0, 1.05, 1.0):
        sample.run({"m::usual": passed(seconds), "m::jumps": passed(seconds * (1 + (seconds > 1)))})
    quick = sample.run({"m::usual": passed(0.5), "m::jumps": passed(1)})
    run = sample.run({"m::usual": passed(1.0), "m::jumps": passed(2.0)})
    # Twice as slow as the run before, but that one was out of the usual; or no slower than it sometimes is.
    assert kinds(compare(store, run, quick)) == {"jumps": "slower"}
    slow = sample.run({"m::usual": passed(2.0)})
    (one,) = compare(store, slow, quick).of("slower")
    assert one.usual is not None
    assert (one.usual.p50_us, one.usual.passes) == (1_000_000, 7)
    assert one.usual.mad_us == 50_000


def test_runs_under_other_conditions_are_not_timed_and_say_so(store, sample):
    base = sample.run({"m::a": passed(1)}, scale="small", seed=1)
    run = sample.run({"m::a": passed(9)}, scale="large", scenario=2, seed=2, chaos="storm", environment={"python": "3.12"})
    found = compare(store, run, base)
    assert found.changes == []
    assert found.pace_not_compared == "scale, chaos not the same"
    assert found.differences == {
        "scenario": ("s1", "s2"), "scale": ("small", "large"), "chaos": (None, "storm"), "seed": (1, 2),
        "vcs_sha": ("sha1", "sha2"), "environment.python": ("3.11", "3.12"),
    }  # fmt: skip


def test_who_is_not_there_or_was_pruned_is_said(store, sample):
    run = sample.run({"m::a": "passed"})
    empty = sample.run({})
    pruned = sample.run({}, passed=5)
    with pytest.raises(NotFoundError, match="no run 99"):
        compare(store, run, 99)
    with pytest.raises(NotFoundError, match=f"results of run {pruned} were pruned"):
        compare(store, run, pruned)
    assert kinds(compare(store, run, empty)) == {"a": "new"}


def test_another_tenants_runs_are_not_there(store, sample):
    sample.run({"m::a": "passed"})
    with RunStore(store.where, "you", create=True) as other:
        mine = Sampler(other).run({"m::a": "failed"})
        Sampler(other).run({"m::a": "failed"})
        with pytest.raises(NotFoundError):
            compare(store, mine, 2)
        assert baseline_of(other, 2) == (1, "previous of the same scenario")
        assert [run["id"] for run in find_runs(store)] == [1]


def test_the_baseline_is_pinned_else_green_on_main_else_the_previous(store, sample):
    ok, bad = {"m::a": "passed"}, {"m::a": "failed"}
    other = sample.run(ok, scenario=2)
    assert baseline_of(store, other) is None
    assert compare_with_baseline(store, other) is None
    first = sample.run(bad)
    assert baseline_of(store, first) == (other, "previous of the same lab and scale")
    cut = sample.run(ok, status="interrupted")
    assert baseline_of(store, cut) == (first, "previous of the same scenario")
    second = sample.run(bad)
    assert baseline_of(store, second) == (first, "previous of the same scenario")
    green = sample.run(ok)
    sample.run(ok, vcs_branch="topic")
    sample.run(ok, status="running")
    last = sample.run(bad, vcs_branch="topic")
    assert baseline_of(store, last) == (green, "last passed on main")
    pin(store, first, pinned=True)
    assert baseline_of(store, last) == (first, "pinned")
    found = compare_with_baseline(store, last)
    assert found is not None
    assert (found.base["id"], found.chosen) == (first, "pinned")
    pin(store, first, pinned=False)
    assert baseline_of(store, last) == (green, "last passed on main")
    with pytest.raises(NotFoundError):
        pin(store, 99, pinned=True)


def test_runs_are_found_by_what_they_are_and_in_pages(store, sample):
    for number in range(1, 8):
        lab, branch = "aod,dcl" if number % 2 else "aod", "topic" if number > 5 else "main"
        sample.run({}, scenario=1 + number % 2, lab=lab, vcs_branch=branch)
    sample.run({}, status="running", vcs_branch=None)

    def ids(**wanted):
        return [run["id"] for run in find_runs(store, **wanted)]

    assert ids() == [8, 7, 6, 5, 4, 3, 2, 1]
    assert ids(limit=3) == [8, 7, 6]
    assert ids(limit=3, before=6) == [5, 4, 3]
    assert ids(before=1 << 70, limit=1) == [8]
    assert ids(statuses=("suspect",)) == [8]
    assert ids(statuses=("running",)) == []
    assert ids(wanted={"lab": "dcl", "branch": None}) == [7, 5, 3, 1]
    assert ids(wanted={"branch": "topic"}) == [7, 6]
    assert ids(wanted={"branch": ""}) == [8]
    assert ids(wanted={"scenario": "s2"}) == ids(wanted={"scenario": "2"}) == [7, 5, 3, 1]
    with pytest.raises(NotFoundError, match="there are: s1, s2"):
        ids(wanted={"scenario": "nothing"})


OUTCOMES = st.sampled_from(["passed", "passed", "failed", "error", "crashed", "skipped", "xfailed", "xpassed"])
TESTS = st.dictionaries(st.sampled_from([f"m::t{n}" for n in range(6)]), OUTCOMES, min_size=1)
BAD = {"failed", "error", "crashed"}


def naive_kind(now, then):
    if then is None:
        return "new"
    if now is None:
        return "removed"
    if now in BAD:
        return "still_failing" if then in BAD else "newly_failing"
    if now == then:
        return None
    if now in {"skipped", "xfailed"}:
        return f"became_{now}"
    return "fixed" if then in BAD else "unskipped" if then == "skipped" else "changed"


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TESTS, TESTS)
def test_any_two_runs_are_told_apart_as_by_hand(store, sample, before, after):
    base, run = sample.run(before), sample.run(after)
    expected = {name: naive_kind(after.get(name), before.get(name)) for name in {**before, **after}}
    found = compare(store, run, base)
    assert {one.identity: one.kind for one in found.changes} == {name: kind for name, kind in expected.items() if kind}
    assert all((one.now, one.then) == (after.get(one.identity), before.get(one.identity)) for one in found.changes)
