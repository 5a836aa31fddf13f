"""Hypothesis draws the faults of a test, and what it finds is told and replayed like any other."""

from __future__ import annotations

import shlex


def test_the_faults_that_matter_are_found_and_replay(pytester, suite, plugin_args):
    suite(
        """
        from hypothesis import Phase, given, settings, strategies as st
        from pytest_aosfarm import fault_schedules

        @settings(max_examples=200, deadline=None, database=None, derandomize=True, phases=[Phase.generate, Phase.shrink])
        @given(schedule=fault_schedules("503"))
        def test_two(shop, chaos, schedule):
            with chaos.following(schedule):
                bad = [n for n in range(4) if not shop.get(f"/{n}").is_success]
                assert not {1, 3} <= set(bad)

        @settings(max_examples=5, deadline=None, database=None)
        @given(n=st.integers(0, 3), schedule=fault_schedules(routes="/never"))
        def test_green(shop, chaos, schedule, n):
            with chaos.following(schedule):
                assert shop.get(f"/{n}").is_success
        """
    )
    result = pytester.runpytest(*plugin_args)

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*Faults: 503 into call 1 of GET /1, 503 into call 1 of GET /3; again with --farm-replay=AC1:*"]
    )
    result.stdout.fnmatch_lines(["*passes without faults, fails again with the same ones: chaos is to blame"])
    (replay,) = (line for line in result.outlines if line.startswith("replay: pytest "))
    again = pytester.runpytest(*plugin_args, *shlex.split(replay)[2:])
    again.assert_outcomes(failed=1)
    assert len([line for line in again.outlines if line.startswith("call ")]) == 2
