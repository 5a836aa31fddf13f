"""Steady states: when the probe is asked, what its answers come to, and what is said when they are not good enough."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.chaos.clock import RealClock
from pytest_aosfarm.chaos.steady import SteadyStateError, steady_state
from pytest_aosfarm.errors import ChaosError


class Clock:
    """Time that passes by hand; who waits in it ticks, as the scope of a test does."""

    def __init__(self):
        self.us = 77_000_000
        self.ticks = []

    def recorded_us(self):
        return self.us

    def wait(self, seconds):
        self.us += round(seconds * 1_000_000)
        for tick in self.ticks:
            tick()


@pytest.fixture
def clock():
    return Clock()


def answering(*answers):
    """A probe that gives these answers, and the last one ever after; an exception is raised."""
    left = list(answers)

    def probe():
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return probe


def run(clock, probe, *waits, every="5s", **arguments):
    steady = steady_state(probe, every=every, clock=clock, **arguments)
    clock.ticks.append(steady.tick)
    with steady:
        for seconds in waits:
            clock.wait(seconds)
    return steady


def asked(steady):
    return [(answer.phase, answer.at_us / 1_000_000) for answer in steady.answers]


def test_it_is_asked_before_every_so_often_and_after(clock):
    steady = run(clock, answering(True), 1, 4, 3, 12, 4.9, 0.1)
    during = [("during", 5.0), ("during", 20.0), ("during", 25.0)]
    assert asked(steady) == [("before", 0.0), *during, ("after", 25.0)]
    assert asked(run(clock, answering(True), 5, before=False, after=False)) == [("during", 5.0)]
    clock.wait(100)
    assert len(steady.answers) == 5


def test_what_is_not_steady_before_is_not_blamed_on_chaos(clock):
    entered = []
    with (
        pytest.raises(SteadyStateError) as caught,
        steady_state(answering(ConnectionError("refused")), every=1, clock=clock),
    ):
        entered.append(True)
    assert entered == []
    assert caught.value.phase == "before"
    assert str(caught.value) == (
        "the steady state did not hold before the block: 0 of 1 answers were true, and a share of 1 is needed;"
        " not true at 0 s (ConnectionError: refused);"
        " nothing was injected yet, so chaos is not to blame: look at the system, or at the probe"
    )


def test_in_the_block_the_share_of_true_answers_counts(clock):
    answers = [True, True, 0, ValueError("no JSON"), *[True] * 8]
    with pytest.raises(SteadyStateError) as caught:
        run(clock, answering(*answers), *[5] * 10, tolerance=0.9)
    assert caught.value.phase == "during"
    assert str(caught.value) == (
        "the steady state did not hold during the block: 8 of 10 answers were true, and a share of 0.9 is needed;"
        " not true at 10 s, 15 s (ValueError: no JSON);"
        " the system does not stand these faults: mend it, or lower the tolerance"
    )
    run(clock, answering(*answers), *[5] * 10, tolerance=0.8)


def test_eight_answers_that_were_not_true_are_shown_and_the_others_counted(clock):
    for wrong, end in ((8, "8 s; the"), (10, "8 s and 2 more; the")):
        with pytest.raises(SteadyStateError, match=rf"0 of {wrong} answers .*, {end} system does not stand"):
            run(clock, answering(True, False), *[1] * wrong, every=1)


def test_what_does_not_recover_is_said_to(clock):
    with pytest.raises(SteadyStateError, match=r"hold after the block: 0 of 1 .* not true at 1 s; .* did not recover"):
        run(clock, answering(True, None), 1)


def test_the_error_of_the_block_goes_first_and_takes_a_note_along(clock):
    steady = steady_state(answering(True, False), every=1, clock=clock)
    clock.ticks.append(steady.tick)

    def block():
        clock.wait(1.5)
        raise KeyError("order")

    with pytest.raises(KeyError) as caught, steady:
        block()
    (note,) = caught.value.__notes__
    assert note.startswith("the steady state did not hold during the block: 0 of 1 answers")


def test_a_state_that_was_never_looked_at_holds_nothing(clock):
    said = "never looked at in the block, which took 2 s; it is looked at every 5 s: make that shorter"
    with pytest.raises(ChaosError, match=said) as caught:
        run(clock, answering(True), 2, after=False)
    assert not isinstance(caught.value, SteadyStateError)


def test_what_the_probe_does_asks_nothing(clock):
    def probe():
        clock.wait(7)
        return True

    assert [phase for phase, _ in asked(run(clock, probe, 5, 3))] == ["before", "during", "during", "after"]


def test_a_probe_that_is_async_is_refused(clock):
    async def probe():
        return False

    with pytest.raises(TypeError, match="is async, and what it gives always true"):
        run(clock, probe)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"every": "5 parsecs"}, "is no duration"),
        ({"every": 0}, "cannot be looked at every 0 s"),
        ({"every": 1, "tolerance": 0}, "is no share"),
        ({"every": 1, "tolerance": 99}, "is no share"),
        ({"every": 1, "tolerance": float("nan")}, "is no share"),
    ],
)
def test_wrong_arguments_are_refused_at_once(clock, arguments, said):
    with pytest.raises(ValueError, match=said):
        steady_state(answering(True), clock=clock, **arguments)


def test_real_time_will_do():
    with steady_state(answering(True), every="1us", clock=RealClock()) as steady:
        steady.tick()
    assert [answer.phase for answer in steady.answers][::2] == ["before", "after"]


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 100))
def test_the_share_is_exact(answers, per_cent):
    clock = Clock()
    probe, waits, arguments = answering(True, *answers, True), [1] * len(answers), {"every": 1, "tolerance": per_cent / 100}
    if sum(answers) * 100 >= per_cent * len(answers):
        run(clock, probe, *waits, **arguments)
        return
    with pytest.raises(SteadyStateError) as caught:
        run(clock, probe, *waits, **arguments)
    assert [answer.true for answer in caught.value.answers] == answers
