"""Exports and imports on both stores: the same files of the same run, of the tenant's own runs alone."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from report_samples import a_report, a_test, with_faults

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.exports.formats import FORMATS, write
from pytest_aosfarm.exports.junit import xml
from pytest_aosfarm.exports.junit_import import record, survey
from pytest_aosfarm.exports.report import Report
from pytest_aosfarm.recording.secrets import Redactor
from pytest_aosfarm.recording.store import RunStore

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_aosfarm.recording.location import Database

NO_SECRETS = Redactor({})


def a_run() -> Report:
    first = a_test("a", outcome="failed", is_final=False, message="boom", properties={"n": 1, "text": "é"})
    again = a_test("a", attempt=2, cause="rerun", started_us=2_000)
    return a_report(
        first,
        again,
        a_test("b", outcome="crashed", worker="gw1", started_us=7_000, message="worker gw1 crashed"),
        a_test("c", outcome="other", raw_outcome="quarantined", started_us=9_000),
        outputs={("tests.test_a::b", 1): {"longrepr": "gone", "stdout": "printed\n"}},
        faults=with_faults(first, "status", "late") | with_faults(again, "status", told=7),
        errors=({"number": 1, "source": "worker", "message": "gw1 went down", "body": None},),
        worker_count=2,
    )


def texts(report: Report) -> dict[str, str]:
    found = {}
    for name in FORMATS:
        out = BytesIO()
        write(report, name, out)
        found[name] = out.getvalue().decode()
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "junit.xml"
    path.write_text("".join(xml(a_run())), encoding="utf-8")
    return path


def test_a_run_is_the_same_in_every_format_after_an_import(where: Database, file: Path) -> None:
    with RunStore(where, "acme", create=True) as store:
        assert record(survey([file]), store, NO_SECRETS).run_id == 1
        report = Report.load(store, 1)
        assert report is not None
        again = file.with_name("again.xml")
        again.write_text("".join(xml(report)), encoding="utf-8")
        assert record(survey([again]), store, NO_SECRETS).run_id == 2
        second = Report.load(store, 2)
        assert second is not None
        assert [{**test} for test in second.tests] == [{**test} for test in report.tests]
        assert [*map(second.outputs_of, second.tests)] == [*map(report.outputs_of, report.tests)]
        assert second.faults == report.faults
        before = [[{**one, "number": 0} for one in faults] for faults in a_run().faults.values()]
        assert [[{**one, "number": 0} for one in faults] for faults in report.faults.values()] == before
        counted = ("collected", "passed", "failed", "errors", "crashed", "flaky", "not_run", "status", "exit_code")
        assert [second.run[name] for name in counted] == [report.run[name] for name in counted]
        assert [report.run[name] for name in counted] == [3, 1, 0, 0, 1, 1, 0, "failed", 1]
        for name, text in texts(report).items():
            assert "quarantined" in text, name


def test_faults_of_several_files_are_all_kept(where: Database, file: Path) -> None:
    other = file.with_name("other.xml")
    other.write_text(file.read_text().replace("tests.test_a::", "tests.test_b::"))
    with RunStore(where, "acme", create=True) as store:
        run_id = record(survey([file, other]), store, NO_SECRETS).run_id
        found = [fault["number"] for faults in store.faults(run_id).values() for fault in faults]
        assert found == [1, 2, 3, 4, 5, 6]


def test_a_tenant_exports_its_own_runs_and_imports_for_itself(where: Database, file: Path) -> None:
    with RunStore(where, "acme", create=True) as store:
        record(survey([file]), store, NO_SECRETS)
    with RunStore(where, "other") as store:
        assert Report.load(store, 1) is None
        assert not record(survey([file]), store, NO_SECRETS).known
        report = Report.load(store, 1)
        assert report is not None
        assert "acme" not in "".join(texts(report).values())


def cut_off(*_: Any, **__: Any) -> None:
    raise RecordingError("gone")


@pytest.mark.parametrize("reaped", [False, True])
def test_an_import_that_was_cut_off_is_completed_by_the_next(
    where: Database, file: Path, monkeypatch: pytest.MonkeyPatch, reaped: bool
) -> None:
    with RunStore(where, "acme", create=True) as store:
        with monkeypatch.context() as patch:
            patch.setattr(store, "save", cut_off)
            with pytest.raises(RecordingError):
                record(survey([file]), store, NO_SECRETS)
        assert store.status(1) == "queued"
        if reaped:
            store.save(1, (), {"status": "lost"})
        assert record(survey([file]), store, NO_SECRETS).run_id == 1
        assert store.status(1) == "failed"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (r'"message":"a\u0000b\ud800","properties":{"\u0000":"\udfff"}', ("n", r"a\x00b\ud800")),
        ('"attempt":1234567890123456789012', ("s::t", None)),
        ('"call_us":-1', ("s::t", None)),
        ('"properties":{"a":{}}', ("s::t", None)),
        ('"faults":[1,{"kind":"\\u0000","status":1e9,"at_us":-1}],"faults_before":"x"', ("n", None)),
    ],
    ids=["text that no database holds", "a number that none holds", "less than no time", "a property in parts", "faults"],
)
def test_what_a_file_says_of_itself_cannot_break_the_store(where: Database, file: Path, fields: str, expected: Any) -> None:
    said = '"event":"attempt_finished","nodeid":"n","identity":"i","attempt":1,"phase":"call","started_us":0'
    case = f'<testcase name="t"><?aosfarm {{{said},"outcome":"passed",{fields}}}?></testcase>'
    file.write_text(f'<testsuite name="s">{case}</testsuite>')
    with RunStore(where, "acme", create=True) as store:
        record(survey([file]), store, NO_SECRETS)
        report = Report.load(store, 1)
        assert report is not None
        assert [(test["nodeid"], test["message"]) for test in report.tests] == [expected]
