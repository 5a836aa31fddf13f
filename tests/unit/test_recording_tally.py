"""Sums of a run do not depend on the order in which workers report, and say how the run ended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.recording.events import AttemptFinished, RunCollected, Scalar
from pytest_aosfarm.recording.status import Ending, decide, has_lost_tests
from pytest_aosfarm.recording.tally import Tally


def finished(
    name: str, outcome: str = "passed", *, attempt: int = 1, phase: str = "call", **properties: Scalar
) -> AttemptFinished:
    return AttemptFinished(
        nodeid=name,
        attempt=attempt,
        identity=name,
        outcome=outcome,
        phase=phase,
        worker=None,
        started_us=0,
        properties={f"farm.{key.replace('__', '.')}": value for key, value in properties.items()},
    )


def tally_of(*events: AttemptFinished | RunCollected) -> Tally:
    tally = Tally()
    for event in events:
        tally.add(event)
    return tally


EVENTS = [
    RunCollected(collected=6, deselected=2),
    finished("a", lab="aod,e2e", grade__aod__shadow__f1=0.5),
    finished("b", "failed", lab="dcl", grade__aod__shadow__f1=0.75, grade__aod__zombie__recall=1),
    finished("c", "other", grade__dcl__x__f1=0.1),
    finished("c", "passed", attempt=2, grade__dcl__x__f1=0.9),
    finished("d", "xfailed", grade__short=1, grade__aod__alone=2),
    finished("e.py", "error", phase="collect"),
]


@given(st.permutations(EVENTS))
def test_the_order_of_events_never_matters(events: list[AttemptFinished | RunCollected]) -> None:
    tally = tally_of(*events)
    assert tally.counts() == {
        "collected": 6, "deselected": 2, "passed": 2, "failed": 1, "errors": 1, "skipped": 0,
        "xfailed": 1, "xpassed": 0, "crashed": 0, "not_run": 2,
    }  # fmt: skip
    assert tally.labs == ("aod", "dcl", "e2e")
    # "b" comes after "a" by name, and attempt 2 after attempt 1; a grade without subject and metric is none.
    assert tally.grades() == {"aod": {"shadow": {"f1": 0.75}, "zombie": {"recall": 1}}, "dcl": {"x": {"f1": 0.9}}}


def test_before_collection_nobody_knows_what_did_not_run() -> None:
    tally = tally_of(finished("a"))
    assert tally.counts()["collected"] is None
    assert tally.not_run is None


ONE_OF_TWO = [RunCollected(collected=2, deselected=0), finished("a")]
ALL = [RunCollected(collected=1, deselected=0), finished("a")]


@pytest.mark.parametrize(
    ("events", "exit_code", "ending", "status"),
    [
        (ALL, 0, Ending(), "passed"),
        (ALL, 1, Ending(), "failed"),  # another plugin's veto
        (ALL, 5, Ending(), "error"),
        (ALL, 4, Ending(), "error"),
        (ALL, 3, Ending(), "error"),
        (ALL, 2, Ending(interrupted=True), "interrupted"),
        (ALL, 0, Ending(interrupted=True), "interrupted"),  # pytest.exit(returncode=0)
        (ONE_OF_TWO, 0, Ending(), "incomplete"),
        (ONE_OF_TWO, 1, Ending(), "incomplete"),
        (ONE_OF_TWO, 2, Ending(interrupted=True), "interrupted"),
        (ONE_OF_TWO, 0, Ending(stopped=True), "passed"),
        (ONE_OF_TWO, 3, Ending(), "error"),
        ([*ONE_OF_TWO, finished("b", "crashed")], 1, Ending(), "failed"),
        ([*ONE_OF_TWO, finished("b", "error", phase="setup")], 1, Ending(), "failed"),
        ([*ONE_OF_TWO, finished("f.py", "error", phase="collect")], 2, Ending(stopped=True), "error"),
    ],
)
def test_how_a_run_ended(events: list[AttemptFinished | RunCollected], exit_code: int, ending: Ending, status: str) -> None:
    tally = tally_of(*events)
    lost = has_lost_tests(ending, exit_code, tally)
    assert decide(ending, exit_code, tally, lost_tests=lost) == status
