"""One outcome per attempt, whatever the phases said and in whatever order workers sent them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.recording.attempts import Attempts

if TYPE_CHECKING:
    from pytest_aosfarm.recording.events import AttemptFinished


@dataclass
class Report:
    when: str | None
    outcome: str
    nodeid: str = "t.py::test"
    duration: float = 0.25
    start: float = 1_000_000.0
    longrepr: Any = None
    user_properties: list[Any] = field(default_factory=list)
    sections: list[tuple[str, str]] = field(default_factory=list)


class XfailReport(Report):
    wasxfail = "known"


def fold(*reports: Report) -> list[AttemptFinished]:
    attempts = Attempts()
    return [done for report in reports for done in attempts.add(report, None)] + attempts.close()


def outcomes(*reports: Report) -> list[str]:
    return [done.outcome for done in fold(*reports)]


PASS, DONE = Report("setup", "passed"), Report("teardown", "passed")


@pytest.mark.parametrize(
    ("reports", "outcome", "phase"),
    [
        ([PASS, Report("call", "passed"), DONE], "passed", "call"),
        ([PASS, Report("call", "failed"), DONE], "failed", "call"),
        ([PASS, Report("call", "skipped"), DONE], "skipped", "call"),
        ([PASS, XfailReport("call", "skipped"), DONE], "xfailed", "call"),
        ([PASS, XfailReport("call", "passed"), DONE], "xpassed", "call"),
        ([Report("setup", "failed"), DONE], "error", "setup"),
        ([Report("setup", "skipped"), DONE], "skipped", "setup"),
        ([XfailReport("setup", "skipped"), DONE], "xfailed", "setup"),
        ([PASS, Report("call", "passed"), Report("teardown", "failed")], "error", "teardown"),
        ([PASS, Report("call", "skipped"), Report("teardown", "failed")], "error", "teardown"),
        ([PASS, Report("call", "failed"), Report("teardown", "failed")], "failed", "call"),
        ([Report("setup", "failed"), Report("teardown", "failed")], "error", "setup"),
        ([PASS, Report("call", "passed"), Report("teardown", "skipped")], "passed", "call"),
        ([PASS, Report("???", "failed")], "crashed", "call"),
        ([Report("???", "failed")], "crashed", "call"),
        ([PASS, Report("call", "quarantined"), DONE], "other", "call"),
        ([PASS, DONE], "other", "teardown"),
        ([DONE], "other", "teardown"),
    ],
)
def test_the_phases_of_a_test_give_one_outcome(reports: list[Report], outcome: str, phase: str) -> None:
    (done,) = fold(*reports)
    assert (done.outcome, done.phase, done.attempt) == (outcome, phase, 1)


@pytest.mark.parametrize(
    ("nodeid", "name"),
    [
        ("t.py::a@g", "t.py::a"), ("t.py::a[x@y]", "t.py::a[x@y]"), ("t.py::a[x@y]@g", "t.py::a[x@y]"),
        ("v@2/t.py::a", "v@2/t.py::a"), ("v@2/t.py::a@g", "v@2/t.py::a"), ("t.py::a", "t.py::a"),
    ],
)  # fmt: skip
def test_only_the_group_is_taken_off_a_node_id(nodeid: str, name: str) -> None:
    attempts = Attempts(dist="loadgroup")
    reports = [Report(when, "passed", nodeid) for when in ("setup", "call", "teardown")]
    assert [done.nodeid for report in reports for done in attempts.add(report, "gw0")] == [name]


def test_attempts_of_a_rerunning_plugin_are_told_apart() -> None:
    # pytest-rerunfailures: no teardown report after a failed try.
    rerun = fold(PASS, Report("call", "rerun"), PASS, Report("call", "passed"), DONE)
    assert [(done.attempt, done.raw_outcome or done.outcome) for done in rerun] == [(1, "rerun"), (2, "passed")]
    # pytest-retry: the call phase alone is repeated.
    retried = fold(PASS, Report("call", "retried"), Report("call", "failed"), DONE)
    assert [(done.attempt, done.raw_outcome or done.outcome) for done in retried] == [(1, "retried"), (2, "failed")]
    # flaky: a call that failed and is made anew is not reported at all.
    hidden = fold(PASS, DONE, PASS, Report("call", "passed"), DONE)
    assert [(done.attempt, done.raw_outcome or done.outcome) for done in hidden] == [(1, "unreported"), (2, "passed")]


def test_a_test_that_fails_and_leaks_keeps_both_errors() -> None:
    (done,) = fold(PASS, Report("call", "failed", longrepr="broke"), Report("teardown", "failed", longrepr="leaked"))
    assert (done.outcome, done.message, done.outputs) == ("failed", "broke", {"longrepr": "broke\n\nleaked"})


def test_a_test_cut_off_in_the_middle_has_a_result_only_if_it_had_one() -> None:
    assert outcomes(PASS) == []
    assert outcomes(PASS, Report("call", "failed")) == ["failed"]
    assert outcomes(Report("setup", "failed")) == ["error"]


@given(st.permutations(list(itertools.chain.from_iterable([f"gw{n}"] * 3 for n in range(3)))))
def test_workers_that_talk_across_each_other_do_not_mix(order: list[str]) -> None:
    script = {f"gw{n}": iter([PASS, Report("call", call), DONE]) for n, call in enumerate(["passed", "failed", "skipped"])}
    attempts = Attempts()
    done = [one for worker in order for one in attempts.add(next(script[worker]), worker)]
    assert {one.worker: one.outcome for one in done} == {"gw0": "passed", "gw1": "failed", "gw2": "skipped"}
    assert sorted(one.attempt for one in done) == [1, 2, 3]


def test_durations_and_properties_are_kept_and_odd_ones_made_harmless() -> None:
    odd = [("a", 1), ("b", float("nan")), ("c", object), ("d", "x\0\ud800"), "no pair"]
    ours = [("farm.identity", "id"), ("farm.tenant", "me")]
    last = Report("teardown", "passed", duration=0.001, user_properties=odd + ours)
    (done,) = fold(PASS, Report("call", "passed", duration=1.5), last)
    assert (done.setup_us, done.call_us, done.teardown_us) == (250_000, 1_500_000, 1_000)
    assert done.properties == {"a": 1, "b": "nan", "c": "<class 'object'>", "d": "x\\x00\\ud800"}
    assert (done.identity, done.data_tenant) == ("id", "me")


def test_the_message_is_the_head_of_the_error_or_the_reason() -> None:
    crash = SimpleNamespace(reprcrash=SimpleNamespace(message="AssertionError: 1 == 2", path="/t.py", lineno=3))
    assert fold(PASS, Report("call", "failed", longrepr=crash), DONE)[0].message == "AssertionError: 1 == 2"
    assert fold(Report("setup", "skipped", longrepr=("f.py", 3, "Skipped: why")), DONE)[0].message == "Skipped: why"
    assert fold(PASS, XfailReport("call", "skipped"), DONE)[0].message == "known"
    (long,) = fold(PASS, Report("call", "failed", longrepr="x" * 100_000), DONE)
    assert long.message == "x" * 2000
