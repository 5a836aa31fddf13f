"""The score: what a test's end says, how trials add up, and when the tests themselves are blind."""

from __future__ import annotations

import json
from fractions import Fraction

import httpx
import pytest
import tenacity
from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.chaos.effects import DoubleEffectError
from pytest_aosfarm.chaos.score import FAMILIES, Trial, Verdict, canary_verdict, score, verdict_of
from pytest_aosfarm.chaos.steady import Answer, SteadyStateError
from pytest_aosfarm.errors import ChaosError, ModuleError

SURVIVED, FAILED, CRASHED, HUNG, WRONG, DOUBLE, ITSELF = Verdict


def caused(error, cause):
    error.__cause__ = cause
    return error


def in_context(error, context):
    error.__context__ = context
    return error


def unsteady(phase):
    return SteadyStateError(phase, (Answer(phase, 0, true=False),), 1.0)


class Failed(BaseException):
    """As pytest.fail raises it."""


TIMED_OUT = httpx.ReadTimeout("timed out")
REQUEST = httpx.Request("GET", "https://aod/runs")
ENDS = {
    "green": (None, SURVIVED),
    "timeout of httpx": (TIMED_OUT, FAILED),
    "raise_for_status": (httpx.HTTPStatusError("503", request=REQUEST, response=httpx.Response(503)), FAILED),
    "module": (ModuleError("no answer"), FAILED),
    "raised from": (caused(RuntimeError("no payment"), TIMED_OUT), FAILED),
    "retries spent": (caused(tenacity.RetryError(tenacity.Future(3)), TIMED_OUT), FAILED),
    "raised in the handler": (in_context(KeyError("order"), TIMED_OUT), CRASHED),
    "no JSON": (json.JSONDecodeError("cut", "{", 1), CRASHED),
    "assertion": (AssertionError("42 != 41"), WRONG),
    "assertion in the handler": (in_context(AssertionError("42 != 41"), TIMED_OUT), WRONG),
    "pytest.fail": (Failed("DID NOT RAISE"), WRONG),
    "unsteady": (unsteady("during"), WRONG),
    "unsteady before": (unsteady("before"), ITSELF),
    "no chaos": (ChaosError("no fault fired"), ITSELF),
    "time limit": (TimeoutError(), HUNG),
    "pytest-timeout": (Failed("Timeout (>5.0s) from pytest-timeout."), HUNG),
    "twice": (DoubleEffectError("twice"), DOUBLE),
    "several": (ExceptionGroup("", [TIMED_OUT, ExceptionGroup("", [DoubleEffectError("twice"), KeyError("x")])]), DOUBLE),
}


@pytest.mark.parametrize(("error", "verdict"), ENDS.values(), ids=ENDS)
def test_what_the_end_of_a_test_says(error, verdict):
    assert verdict_of(error) is verdict


def trial(module, families, verdict=SURVIVED, control=None, test="t"):
    return Trial(test, module, families.split(), verdict, control)


TRIALS = [
    trial("finops", "timeout", DOUBLE, SURVIVED),
    trial("finops", "timeout", HUNG, SURVIVED),
    trial("finops", "status latency", WRONG, SURVIVED),
    trial("finops", "status"),
    trial("finops", "status", FAILED, WRONG),
    trial("finops", "", WRONG),
    trial("aod", "status"),
    trial("aod", "body", CRASHED, SURVIVED),
    trial("aod", "body", FAILED),
    trial("aod", "teapot"),
]


def test_the_table():
    made = score(TRIALS)
    lost = "aod body 1 crashed, 1 failed on the fault; finops latency 1 wrong answer; finops timeout 1 double effect, 1 hung"
    assert made.lines() == [
        "survived of judged  latency  timeout  status  body  teapot  all",
        "aod                       -        -     1/1   0/2     1/1  2/4",
        "finops                  0/1      0/2     1/2     -       -  1/4",
        f"not survived: {lost}; 1 more",
        "not judged: 1, red without faults, or chaos could not be had",
    ]
    assert made.cells["finops", "status"].score == Fraction(1, 2)
    assert made.modules["aod"].score == Fraction(1, 2)
    assert made.as_dict()["finops"]["families"]["status"] == {
        "survived": 1,
        "judged": 2,
        "verdicts": {"survived": 1, "wrong answer": 1, "the test itself": 1},
    }
    assert json.loads(json.dumps(made.as_dict())) == made.as_dict()


def test_of_many_modules_the_worst_are_shown_and_the_table_keeps_to_eight_lines():
    trials = [trial(f"m{number}", "status", WRONG if number % 2 else SURVIVED) for number in range(9)]
    lines = score([*trials, trial("m1", "body", WRONG, WRONG)]).lines()
    assert len(lines) == 8
    assert [line.split()[0] for line in lines[1:5]] == ["m1", "m3", "m5", "m7"]
    assert lines[5].split() == ["5", "more", "5/5"]


def test_up_to_five_modules_and_three_names_are_all_shown():
    five = [trial(f"m{number}", "status", WRONG if number < 3 else SURVIVED) for number in range(5)]
    assert [line.split()[0] for line in score(five).lines()] == ["survived", "m0", "m1", "m2", "m3", "m4", "not"]
    assert score(five).lines()[-1].count(";") == 2
    assert "(a, b, c): assert" in str(canary_verdict([trial("aod", "status", test=name) for name in "abc"]))


def test_a_module_that_was_not_judged_is_not_among_the_worst():
    trials = [trial("a", "body", WRONG, WRONG), *(trial(f"m{number}", "body") for number in range(5))]
    assert [line.split()[0] for line in score(trials).lines()[1:6]] == ["m0", "m1", "m2", "m3", "2"]


def test_without_trials_there_is_nothing_to_show():
    assert score([]).lines() == []
    assert score([trial("aod", "", WRONG)]).as_dict() == {}
    (cell,) = score([trial("aod", "body", WRONG, WRONG)]).cells.values()
    assert (cell.score, str(cell)) == (None, "-")


def test_who_survives_the_canary_is_blind():
    green = [trial("aod", "status", test=name) for name in "abcd"]
    assert canary_verdict(green) == (
        "oracle blind: 4 tests stayed green under the preset canary, which none may survive (a, b, c, 1 more):"
        " assert what the module must have said"
    )
    assert canary_verdict([*green, trial("aod", "status", FAILED, SURVIVED)]) is None
    assert "oracle blind: 1 test stayed" in str(canary_verdict([green[0], trial("aod", "status", FAILED, FAILED)]))
    for nothing in ([], [trial("aod", "", FAILED)], [trial("aod", "status", FAILED, FAILED)]):
        assert "oracle not tried: the preset canary injected nothing" in str(canary_verdict(nothing))


TRIAL = st.builds(
    Trial,
    st.sampled_from("ab"),
    st.sampled_from(["aod", "aam", "dcl", "finops", "revops", "other"]),
    st.frozensets(st.sampled_from([*FAMILIES, "other"]), max_size=3),
    st.sampled_from(Verdict),
    st.none() | st.sampled_from(Verdict),
)


@given(st.lists(TRIAL, max_size=30))
def test_the_order_of_trials_does_not_matter_and_nothing_gets_lost(trials):
    made, other = score(trials), score(reversed(trials))
    assert made == other
    assert (made.lines(), [*made.as_dict()]) == (other.lines(), [*other.as_dict()])
    assert len(made.lines()) <= 8
    assert canary_verdict(trials) == canary_verdict([*reversed(trials)])
    assert sum(sum(cell.counts.values()) for cell in made.modules.values()) == sum(bool(one.families) for one in trials)
    assert sum(sum(cell.counts.values()) for cell in made.cells.values()) == sum(len(one.families) for one in trials)
    for cell in [*made.cells.values(), *made.modules.values()]:
        assert cell.score is None or 0 <= cell.score <= 1
        assert (cell.judged == cell.survived) == (not cell.lost)
