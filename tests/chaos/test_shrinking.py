"""Of the faults of a red run those are found that bring its bug to light, in few runs: for callers with a planted bug."""

from __future__ import annotations

from functools import cache
from itertools import islice
from statistics import quantiles

import pytest
from chaos import bugs_of_retries, bugs_of_state
from chaos.planted_bugs import BUGS, MOST_FAULTS, Bench

from pytest_aosfarm.chaos.shrink import Shrunk, shrink


@pytest.fixture(scope="module")
def red_runs():
    """A red run of every caller, and what runs it again; the same run is made once for all tests."""
    bench = Bench()
    return [(name, faults, cache(run)) for name, bug in BUGS.items() for faults, run in islice(bench.red_runs(bug), 1)]


def measured(red_runs, shrink):
    """What is wrong with what is left of the red runs, by bug, and how many runs each shrinking took."""
    wrong, runs = {}, []
    for name, faults, run in red_runs:
        shrunk = shrink(faults, lambda part, run=run: run(tuple(part)))
        runs.append(shrunk.runs)
        left = shrunk.faults
        if not run(left).failed:
            wrong[name] = f"{left} do not suffice"
        elif any(run(left[:i] + left[i + 1 :]).failed for i in range(len(left))):
            wrong[name] = f"{left} are too many"
        elif len(left) != BUGS[name].needs:
            wrong[name] = f"{left} are {len(left)}, and {BUGS[name].needs} are known to do"
    return wrong, runs


def check(red_runs):
    wrong, runs = measured(red_runs, shrink)

    assert wrong == {}
    assert quantiles(runs, n=20)[-1] <= 14, "the 95th percentile; 30 were promised"
    assert max(runs) <= 18, "the most for 3 of 12, if more faults never do less"


def test_the_faults_that_are_needed_are_found_in_few_runs(red_runs):
    assert [name for name, *_ in red_runs] == list(BUGS)
    check(red_runs)


@pytest.mark.slow
def test_they_are_found_whichever_faults_come():
    bench = Bench()
    red_runs = [(name, *red_run) for name, bug in BUGS.items() for red_run in islice(bench.red_runs(bug), 12)]

    assert len(red_runs) == 12 * len(BUGS)
    assert 10 <= max(len(faults) for _, faults, _ in red_runs) <= MOST_FAULTS
    check(red_runs)


def everything(faults, run):
    return Shrunk(tuple(faults), 0)


def one_too_few(faults, run):
    return Shrunk(shrink(faults, run).faults[1:], 0)


def one_too_many(faults, run):
    left = shrink(faults, run).faults
    return Shrunk(tuple(one for one in faults if one in left or one == next(one for one in faults if one not in left)), 0)


@pytest.mark.parametrize("broken", [everything, one_too_few, one_too_many])
def test_what_is_wrong_is_seen_in_every_bug(red_runs, broken):
    assert set(measured(red_runs, broken)[0]) == set(BUGS)


def test_there_are_many_bugs_of_every_size():
    callers = [bug.caller.__module__ for bug in BUGS.values()]

    assert len(callers) >= 20
    assert set(callers) == {bugs_of_retries.__name__, bugs_of_state.__name__}
    assert {bug.needs for bug in BUGS.values()} == {1, 2, 3}
