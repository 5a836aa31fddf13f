"""What formats are written from: attempts gathered to tests, times, and texts that are asked for one by one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from report_samples import STARTED, a_report, a_test

from pytest_aosfarm.exports.report import Report


def shape(report: Report) -> list[tuple[str, int, list[int], bool]]:
    return [
        (
            case.final["nodeid"].rpartition("::")[2],
            case.final["attempt"],
            [one["attempt"] for one in case.earlier],
            case.is_flaky,
        )
        for case in report.cases()
    ]


def test_attempts_are_gathered_under_the_one_that_decides() -> None:
    report = a_report(
        a_test("a", outcome="other", raw_outcome="rerun", is_final=False),
        a_test("b"),
        a_test("a", attempt=2, outcome="crashed", is_final=False, cause="rerun"),
        a_test("a", attempt=3, cause="crash"),
        a_test("c", outcome="other", is_final=False),
        a_test("c", attempt=2, outcome="failed", cause="rerun"),
    )
    assert shape(report) == [("b", 1, [], False), ("a", 3, [1, 2], True), ("c", 2, [1], False)]


def test_a_test_per_worker_and_a_test_asked_for_twice_are_cases_of_their_own() -> None:
    report = a_report(
        a_test("a", variant="gw0", cause="each"),
        a_test("a", attempt=2, variant="gw1", cause="each", outcome="failed"),
        a_test("b"),
        a_test("b", attempt=2, cause="repeat"),
    )
    assert shape(report) == [("a", 1, [], False), ("a", 2, [], False), ("b", 1, [], False), ("b", 2, [], False)]


def test_attempts_without_one_that_decides_are_a_case_still() -> None:
    report = a_report(a_test("a", is_final=False), a_test("a", attempt=2, is_final=False, outcome="crashed"))
    assert shape(report) == [("a", 2, [1], False)]


def test_a_run_whose_end_nobody_saw_lasted_until_its_last_attempt_ended() -> None:
    tests = a_test("a", started_us=5_000), a_test("b", started_us=1_000, call_us=10_000)
    assert a_report(*tests).duration_us == 11_150
    assert a_report(*tests, duration_ms=70).duration_us == 70_000
    assert a_report().duration_us == 0
    report = a_report(*tests)
    assert report.started_at(report.tests[0]) == STARTED + timedelta(milliseconds=5)


class Kept:
    """A store with one run."""

    def run(self, run_id: int) -> dict[str, Any] | None:
        return {**a_report().run, "tests": [a_test(outcome="failed"), a_test("quiet")]} if run_id == 7 else None

    def outputs_of(self, run_id: int, test_id: int, attempt: int) -> dict[str, str]:
        return {"stdout": f"{run_id} {attempt}"} if test_id == a_test()["test_id"] else {"asked": "in vain"}

    def faults(self, run_id: int) -> dict[tuple[int, int], list[dict[str, Any]]]:
        return {(a_test()["test_id"], 1): [{"number": run_id}]}

    def errors(self, run_id: int) -> list[dict[str, Any]]:
        return [{"number": 1, "source": "worker", "message": f"of {run_id}", "body": None}]


def test_a_run_is_loaded_and_its_texts_are_asked_for_one_by_one() -> None:
    report = Report.load(Kept(), 7)
    assert report is not None
    assert report.run["id"] == 7
    assert [*map(report.faults_of, report.tests)] == [[{"number": 7}], ()]
    assert [test["nodeid"] for test in report.tests] == ["tests/test_a.py::test_one", "tests/test_a.py::quiet"]
    assert [report.outputs_of(test) for test in report.tests] == [{"stdout": "7 1"}, {}]
    assert [error["message"] for error in report.errors] == ["of 7"]
    assert Report.load(Kept(), 8) is None
