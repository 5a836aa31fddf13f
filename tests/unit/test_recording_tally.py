"""Sums of a run do not depend on the order in which workers report, and say how the run ended."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.recording.events import AttemptFinished, RunCollected, Scalar
from pytest_aosfarm.recording.status import Ending, decide, has_lost_tests, reason_for
from pytest_aosfarm.recording.tally import COUNTS, Tally


def finished(
    name: str,
    outcome: str = "passed",
    *,
    attempt: int = 1,
    phase: str = "call",
    replaces: tuple[int, str] | None = None,
    **properties: Scalar,
) -> AttemptFinished:
    return AttemptFinished(
        nodeid=name,
        attempt=attempt,
        identity=name,
        outcome=outcome,
        phase=phase,
        replaces=replaces[0] if replaces else None,
        replaced_outcome=replaces[1] if replaces else None,
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
    finished("c", "failed", attempt=2, replaces=(1, "other")),
    finished("c", "passed", attempt=3, replaces=(2, "failed"), grade__dcl__x__f1=0.9),
    finished("c", "passed", attempt=4, replaces=(3, "passed")),
    finished("d", "xfailed", grade__short=1, grade__aod__alone=2),
    finished("e.py", "error", phase="collect"),
]


@given(st.permutations(EVENTS))
def test_the_order_of_events_never_matters(events: list[AttemptFinished | RunCollected]) -> None:
    tally = tally_of(*events)
    assert tally.counts() == {
        "collected": 6, "deselected": 2, "passed": 2, "failed": 1, "errors": 1, "skipped": 0,
        "xfailed": 1, "xpassed": 0, "crashed": 0, "flaky": 1, "not_run": 2,
    }  # fmt: skip
    assert tally.labs == ("aod", "dcl", "e2e")
    # "b" comes after "a" by name, and attempt 3 after attempt 1; a grade without subject and metric is none.
    assert tally.grades() == {"aod": {"shadow": {"f1": 0.75}, "zombie": {"recall": 1}}, "dcl": {"x": {"f1": 0.9}}}


@pytest.mark.parametrize(
    ("outcomes", "flaky"),
    [
        (["passed", "passed"], 0),
        (["failed", "failed"], 0),
        (["failed", "passed"], 1),
        (["error", "passed"], 1),
        (["crashed", "passed"], 1),
        (["other", "other", "passed"], 1),
        (["failed", "passed", "passed"], 1),
        (["failed", "passed", "failed"], 0),
        (["skipped", "passed"], 0),
        (["failed", "skipped"], 0),
    ],
)
def test_only_the_last_attempt_counts_and_flaky_is_what_passed_in_the_end(outcomes: list[str], flaky: int) -> None:
    tries = [
        finished("a", outcome, attempt=number, replaces=(number - 1, before) if before else None)
        for number, (before, outcome) in enumerate(pairwise(["", *outcomes]), start=1)
    ]
    tally = tally_of(RunCollected(collected=2, deselected=0), *tries)
    counts = tally.counts()
    assert counts.pop("flaky") == tally.flaky == flaky
    assert {name: count for name, count in counts.items() if count} == {
        "collected": 2, "not_run": 1, **({COUNTS[outcomes[-1]]: 1} if outcomes[-1] in COUNTS else {}),
    }  # fmt: skip


def test_two_tests_of_one_identity_both_count_and_neither_is_flaky() -> None:
    both = [finished("a", "failed"), finished("a", attempt=2)]
    tally = tally_of(RunCollected(collected=2, deselected=0), *both)
    assert (tally.counts()["failed"], tally.counts()["passed"], tally.not_run, tally.flaky) == (1, 1, 0, 0)
    tally.add(finished("a", attempt=3, replaces=(1, "failed")))
    assert (tally.counts()["failed"], tally.counts()["passed"], tally.not_run, tally.flaky) == (0, 2, 0, 1)


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
        (ONE_OF_TWO, 3, Ending(interrupted=True), "interrupted"),  # what xdist makes of pytest.exit(returncode=7)
        ([*ONE_OF_TWO, finished("b", "crashed")], 1, Ending(), "failed"),
        ([*ONE_OF_TWO, finished("b", "error", phase="setup")], 1, Ending(), "failed"),
        ([*ONE_OF_TWO, finished("f.py", "error", phase="collect")], 2, Ending(stopped=True), "error"),
    ],
)
def test_how_a_run_ended(events: list[AttemptFinished | RunCollected], exit_code: int, ending: Ending, status: str) -> None:
    tally = tally_of(*events)
    lost = has_lost_tests(ending, exit_code, tally)
    assert decide(ending, exit_code, tally, lost_tests=lost) == status


@pytest.mark.parametrize(
    ("events", "exit_code", "ending", "reason"),
    [
        (ALL, 0, Ending(), None),
        ([RunCollected(collected=1, deselected=0), finished("a", "failed")], 1, Ending(), None),
        (ALL, 1, Ending(), "no test failed in the end, but the exit code is 1"),
        (ALL, 5, Ending(), "nothing to run"),
        (ONE_OF_TWO, 0, Ending(), "1 of 2 collected tests left no result"),
        (ALL, 2, Ending(interrupted=True, reason="Ctrl-C"), "Ctrl-C"),
        (ALL, 1, Ending(stopped=True, reason="stopping after 1 failures"), "stopping after 1 failures"),
    ],
)
def test_why_a_run_ended_so(
    events: list[AttemptFinished | RunCollected], exit_code: int, ending: Ending, reason: str | None
) -> None:
    tally = tally_of(*events)
    lost = has_lost_tests(ending, exit_code, tally)
    status = decide(ending, exit_code, tally, lost_tests=lost)
    assert reason_for(status, ending, exit_code, tally) == reason


def test_the_first_who_wanted_the_end_is_the_reason() -> None:
    ending = Ending()
    ending.stop("stopping after 1 failures")
    ending.interrupt("Ctrl-C")
    ending.interrupt("pytest.exit: enough")
    ending.stop("more")
    assert (ending.interrupted, ending.stopped, ending.reason) == (True, True, "Ctrl-C")
