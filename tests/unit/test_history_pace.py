"""What is slower or faster than usual."""

from __future__ import annotations

from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.history.pace import Pace, is_faster, is_slower, pace_of

MS = 1000


def test_the_pace_is_of_the_last_twenty_passes():
    assert pace_of([]) is None
    assert pace_of([7]) == (7, 7, 0, 1)
    assert pace_of([10**9, *range(1, 21)]) == (10, 19, 5, 20)


def test_slower_takes_all_three_and_the_other_run():
    usual = Pace(p50_us=1000 * MS, p95_us=0, mad_us=100 * MS, passes=20)
    assert is_slower(1600 * MS, 1000 * MS, usual)
    assert not is_slower(1500 * MS, 1000 * MS, usual)
    assert not is_slower(1600 * MS, 1600 * MS, usual)
    assert not is_slower(1600 * MS, 1000 * MS, usual._replace(mad_us=250 * MS))
    assert not is_slower(110 * MS, 20 * MS, usual._replace(p50_us=20 * MS))
    assert not is_slower(1600 * MS, 500 * MS, usual._replace(p50_us=1550 * MS))
    assert is_slower(1600 * MS, 500 * MS, usual._replace(p50_us=1550 * MS, passes=4))


def test_without_history_the_ratio_and_the_margin_remain():
    assert is_slower(200 * MS, 90 * MS, None)
    assert not is_slower(180 * MS, 90 * MS, None)
    assert not is_slower(1400 * MS, 1000 * MS, None)
    assert is_faster(90 * MS, 200 * MS, None)


durations = st.integers(0, 10**8)


@given(st.lists(durations, min_size=1, max_size=40))
def test_pace_is_what_statistics_say(values):
    pace = pace_of(values)
    last = values[-20:]
    assert pace is not None
    assert pace.p50_us == round(median(last))
    assert sum(one <= pace.p95_us for one in last) >= 0.95 * len(last)
    assert pace.p95_us in last


@given(durations, durations, st.none() | st.builds(Pace, durations, durations, durations, st.integers(1, 20)))
def test_nothing_is_slower_and_faster_at_once(now, then, usual):
    assert not (is_slower(now, then, usual) and is_faster(now, then, usual))
    assert not is_slower(then, then, usual)
