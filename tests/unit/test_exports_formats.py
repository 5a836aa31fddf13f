"""CTRF, CSV and JSON Lines: what programs and spreadsheets read of a run, whatever its texts are."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_examples import examples
from report_samples import STARTED, a_report, a_test, with_faults

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.exports.formats import FORMATS, write
from pytest_aosfarm.recording.events import OUTCOMES

if TYPE_CHECKING:
    from pytest_aosfarm.exports.report import Report

texts = st.text(max_size=30)


def written(report: Report, name: str) -> str:
    out = BytesIO()
    write(report, name, out)
    return out.getvalue().decode()


def flaky_run(**columns: Any) -> Report:
    return a_report(
        a_test("a", outcome="other", raw_outcome="rerun", is_final=False, message="boom", worker="gw1"),
        a_test("a", attempt=2, cause="rerun", started_us=5_000_000),
        a_test("TestB::b[x::y]", outcome="failed", message="assert 0", error_type="AssertionError", properties={"k": 1}),
        a_test("c", outcome="xfailed", message="known"),
        a_test("d", outcome="xpassed"),
        a_test("e", outcome="other", raw_outcome="quarantined"),
        a_test("f", outcome="crashed"),
        outputs={("tests.test_a::a", 1): {"longrepr": "E boom", "stdout": "x\ny\n", "stderr": "", "log": "INFO"}},
        **columns,
    )


def test_faults_are_with_the_attempt_that_met_them() -> None:
    first = a_test("a", outcome="failed", is_final=False)
    report = a_report(first, a_test("a", attempt=2, started_us=9_000), faults=with_faults(first, "status", "late"))
    (test,) = json.loads(written(report, "ctrf"))["results"]["tests"]
    (earlier,) = test["retryAttempts"]
    assert [fault["kind"] for fault in earlier["extra"]["faults"]] == ["status", "late"]
    assert "faults" not in test["extra"]
    _, *tests = map(json.loads, written(report, "jsonl").splitlines())
    assert [[fault["at_us"] for fault in one["faults"]] for one in tests] == [[1_000, 2_000], []]
    assert '<property name="farm.faults" value="2"/>' in written(report, "junit")
    assert "farm.faults" not in written(flaky_run(), "junit")


# --- CTRF: the rules of its schema, by where in the document they hold -----------------------------------------------

WHOLE, TEXT, FLAG, THING, ANY_ITEMS = int, str, bool, dict, list
ATTEMPT = {
    "attempt": WHOLE, "status": TEXT, "duration": WHOLE, "message": TEXT, "trace": TEXT, "stdout": ANY_ITEMS,
    "stderr": ANY_ITEMS, "start": WHOLE, "stop": WHOLE, "extra": THING,
}  # fmt: skip
FIELDS: dict[str, tuple[set[str], dict[str, type]]] = {
    "document": ({"results", "reportFormat", "specVersion"}, {
        "reportFormat": TEXT, "specVersion": TEXT, "reportId": TEXT, "runId": TEXT, "timestamp": TEXT, "generatedBy": TEXT,
        "extra": THING, "results": THING,
    }),
    "results": ({"tool", "summary", "tests"}, {
        "tool": THING, "summary": THING, "tests": ANY_ITEMS, "environment": THING, "extra": THING,
    }),
    "tool": ({"name"}, {"name": TEXT, "version": TEXT, "extra": THING}),
    "summary": ({"tests", "passed", "failed", "skipped", "pending", "other", "start", "stop"}, dict.fromkeys(
        ("tests", "passed", "failed", "skipped", "pending", "other", "flaky", "suites", "start", "stop", "duration"), WHOLE
    )),
    "environment": (set(), {
        "reportName": TEXT, "buildUrl": TEXT, "commit": TEXT, "branchName": TEXT, "osPlatform": TEXT, "healthy": FLAG,
        "extra": THING,
    }),
    "test": ({"name", "status", "duration"}, {
        **{name: kind for name, kind in ATTEMPT.items() if name != "attempt"}, "testId": TEXT, "executionId": TEXT,
        "name": TEXT, "rawStatus": TEXT, "suite": ANY_ITEMS, "filePath": TEXT, "threadId": TEXT, "flaky": FLAG,
        "retries": WHOLE, "retryAttempts": ANY_ITEMS,
    }),
    "attempt": ({"attempt", "status"}, ATTEMPT),
}  # fmt: skip
"""Object -> the fields it must have, and the kinds of those it may have."""


def check(kind: str, value: dict[str, Any]) -> None:
    needed, allowed = FIELDS[kind]
    assert needed <= value.keys() <= allowed.keys()
    assert all(type(one) is allowed[name] for name, one in value.items())


def check_ctrf(document: dict[str, Any]) -> None:
    results = document["results"]
    for kind, value in {"document": document, "results": results, **results}.items():
        if kind in FIELDS:
            check(kind, value)
    assert document["reportFormat"] == "CTRF"
    assert UUID(document["reportId"]) != UUID(document["runId"])
    for test in results["tests"]:
        check("test", test)
        assert test["name"]
        assert test.get("retryAttempts", [1])
        assert test["suite"]
        for attempt in [test, *test.get("retryAttempts", [])]:
            assert attempt["status"] in {"passed", "failed", "skipped", "pending", "other"}
            assert attempt["duration"] >= 0
            assert all(type(line) is str for kind in ("stdout", "stderr") for line in attempt.get(kind, []))
        for attempt in test.get("retryAttempts", []):
            check("attempt", attempt)
    statuses = [test["status"] for test in results["tests"]]
    assert results["summary"]["tests"] == len(statuses)
    for status in ("passed", "failed", "skipped", "pending", "other"):
        assert results["summary"][status] == statuses.count(status)


def test_ctrf_says_what_is_known() -> None:
    document = json.loads(written(flaky_run(duration_ms=9_000, lab="aod", ci_url="https://ci.example/7"), "ctrf"))
    check_ctrf(document)
    results = document["results"]
    tests = {test["name"].partition("::")[2]: test for test in results["tests"]}
    assert {name: (test["status"], test["rawStatus"]) for name, test in tests.items()} == {
        "a": ("passed", "passed"), "TestB::b[x::y]": ("failed", "failed"), "c": ("skipped", "xfailed"),
        "d": ("passed", "xpassed"), "e": ("other", "quarantined"), "f": ("failed", "crashed"),
    }  # fmt: skip
    flaky = tests["a"]
    (attempt,) = flaky["retryAttempts"]
    assert (flaky["flaky"], flaky["retries"], results["summary"]["flaky"]) == (True, 1, 1)
    assert (attempt["attempt"], attempt["status"], attempt["message"], attempt["trace"]) == (1, "failed", "boom", "E boom")
    assert (attempt["stdout"], attempt["stderr"], attempt["extra"]["log"]) == (["x", "y"], [], "INFO")
    assert attempt["extra"]["rawStatus"] == "rerun"
    start = round(STARTED.timestamp() * 1000)
    assert (flaky["start"], flaky["stop"], flaky["duration"]) == (start + 5000, start + 5002, 2)
    assert (results["summary"]["start"], results["summary"]["stop"]) == (start, start + 9000)
    assert tests["TestB::b[x::y]"]["suite"] == ["tests/test_a.py", "TestB"]
    assert tests["TestB::b[x::y]"]["extra"]["error_type"] == "AssertionError"
    environment = results["environment"]
    assert (environment["commit"], environment["branchName"], environment["buildUrl"], environment["healthy"]) == (
        "c0ffee", "main", "https://ci.example/7", False,
    )  # fmt: skip
    assert {"seed": 42, "scale": "small", "lab": "aod"}.items() <= environment["extra"].items()


@st.composite
def runs(draw: st.DrawFn) -> Report:
    tests = []
    for number in range(draw(st.integers(0, 4))):
        attempts = draw(st.integers(1, 2))
        tests += [
            a_test(
                nodeid=draw(texts.filter(bool)),
                identity=f"t{number}",
                attempt=attempt,
                is_final=attempt == attempts,
                outcome=draw(st.sampled_from([*OUTCOMES, "other"])),
                raw_outcome=draw(st.none() | texts),
                message=draw(st.none() | texts),
                worker=draw(st.none() | texts),
                properties=draw(st.none() | st.dictionaries(texts, texts, max_size=2)),
            )
            for attempt in range(1, attempts + 1)
        ]
    outputs = {("t0", 1): draw(st.dictionaries(st.sampled_from(["longrepr", "stdout", "log"]), texts))}
    return a_report(*tests, outputs=outputs, errors=({"number": 1, "source": "worker", "message": "m", "body": None},))


@given(runs())
@settings(max_examples=examples(50))
def test_every_run_is_valid_ctrf(report: Report) -> None:
    check_ctrf(json.loads(written(report, "ctrf")))


# --- JSON Lines ------------------------------------------------------------------------------------------------------


@given(runs())
@settings(max_examples=examples(50))
def test_json_lines_lose_nothing_but_the_key_to_the_run(report: Report) -> None:
    first, *lines = [json.loads(line) for line in written(report, "jsonl").splitlines()]
    assert (first.pop("type"), first.pop("version")) == ("run", 1)
    times = {name: value for name, value in report.run.items() if isinstance(value, datetime)}
    assert {name: datetime.fromisoformat(first.pop(name)) for name in times} == times
    assert first == {name: value for name, value in report.run.items() if name not in {*times, "owner_token"}}
    tests = [{"type": "test", **test, "outputs": report.outputs_of(test), "faults": []} for test in report.tests]
    assert lines == [*tests, *({"type": "error", **error} for error in report.errors)]


# --- CSV -------------------------------------------------------------------------------------------------------------


@given(runs())
@settings(max_examples=examples(50))
def test_csv_is_a_row_per_attempt_whatever_stands_in_it(report: Report) -> None:
    text = written(report, "csv")
    assert "\r\n" in text
    rows = list(csv.DictReader(StringIO(text, newline=""), strict=True))
    assert len(rows) == len(report.tests)
    for row, test in zip(rows, report.tests, strict=True):
        assert None not in row
        assert row["nodeid"].removeprefix("'") == test["nodeid"].removeprefix("'")
        assert int(row["attempt"]) == test["attempt"]
        assert json.loads(row["properties"] or "{}") == (test["properties"] or {})
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())


@pytest.mark.parametrize(
    ("message", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"), ("-1 != 2", "'-1 != 2"), ("\uff1d1", "'\uff1d1"), ("@x", "'@x"), ("a=b", "a=b"),
        ('say "a, b"\r\nnext', 'say "a, b"\r\nnext'), (None, ""),
    ],
)  # fmt: skip
def test_csv_never_holds_what_a_spreadsheet_would_calculate(message: str | None, cell: str) -> None:
    (row,) = csv.DictReader(StringIO(written(a_report(a_test(message=message)), "csv"), newline=""))
    assert row["message"] == cell


def test_csv_gives_times_and_numbers_as_such() -> None:
    report = a_report(a_test(started_us=1_500_000, properties={"é": [1]}))
    (row,) = csv.DictReader(StringIO(written(report, "csv"), newline=""))
    assert datetime.fromisoformat(row["started_at"]) == STARTED + timedelta(seconds=1.5)
    assert (row["seconds"], row["is_final"], row["setup_us"], row["run"]) == ("0.002150", "1", "100", "7")
    assert row["properties"] == '{"é": [1]}'


def test_an_unknown_format_is_named_with_those_that_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"format 'pdf' is not one of ctrf, junit, csv, jsonl"):
        written(a_report(), "pdf")


@pytest.mark.parametrize("name", FORMATS)
def test_a_run_without_tests_can_be_written(name: str) -> None:
    assert written(a_report(), name)
