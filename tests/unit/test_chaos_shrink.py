"""The faults that are left suffice, none of them can be left out, and few runs are made to find them."""

from __future__ import annotations

from itertools import combinations
from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.chaos.shrink import Trial, shrink


def shrunk(n, fails, injected=lambda part: part):
    """What is left of n faults, and the parts that were tried."""
    tried = []

    def run(part):
        tried.append(tuple(part))
        return Trial(fails(part), injected(part))

    result = shrink(range(n), run)
    assert result.runs == len(tried) == len(set(tried))
    assert all(list(part) == sorted(part) and 0 < len(part) < n for part in tried)
    return result.faults, tried


def is_minimal(left, fails):
    return fails(left) and not any(fails(left[:i] + left[i + 1 :]) for i in range(len(left)))


@st.composite
def needed(draw):
    """How many faults there are, and sets of them of which each suffices."""
    n = draw(st.integers(1, 12))
    return n, draw(st.lists(st.sets(st.integers(0, n - 1), min_size=1), min_size=1, max_size=4))


@given(needed())
def test_one_of_several_sets_that_suffice_is_found(of):
    n, sets = of

    def fails(part):
        return any(one <= set(part) for one in sets)

    left, tried = shrunk(n, fails)
    assert set(left) in sets
    assert is_minimal(left, fails)
    assert len(tried) <= n * n + 3 * n


@given(st.integers(1, 9), st.binary(min_size=64, max_size=64))
def test_where_more_faults_may_do_less_it_is_minimal_all_the_same(n, bits):
    def fails(part):
        number = sum(1 << i for i in part)
        return bool(number) and (len(part) == n or bool(bits[number >> 3] >> (number & 7) & 1))

    left, tried = shrunk(n, fails)
    assert is_minimal(left, fails)
    assert len(tried) <= n * n + 3 * n


@given(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=8), st.data())
def test_faults_that_another_one_calls_forth_are_left_out_with_it(n, pairs, data):
    """A fault that comes only after an earlier one: without that, the test does not make the call that it was for."""
    after = {late: early for early, late in pairs if early < late < n}
    wanted = data.draw(st.sets(st.integers(0, n - 1), min_size=1, max_size=3))

    def injected(part):
        came = []
        for i in part:
            if i not in after or after[i] in came:
                came.append(i)
        return came

    def fails(part):
        return wanted <= set(injected(part))

    left, tried = shrunk(n, fails, injected)
    assert is_minimal(left, fails)
    assert injected(left) == list(left)
    for earlier, later in combinations(tried, 2):
        assert not set(injected(earlier)) <= set(later) <= set(earlier), "the later run must be the same as the earlier"


@pytest.mark.parametrize("k", [1, 2, 3])
def test_few_runs_for_few_needed_of_many(k):
    n = 12
    most = max(len(shrunk(n, set(wanted).issubset)[1]) for wanted in combinations(range(n), k))

    assert most <= k * ceil(log2(n) + 2)


def test_of_one_fault_or_none_nothing_is_tried():
    assert shrunk(1, bool) == ((0,), [])
    assert shrunk(0, bool) == ((), [])
