"""Imports of other runners' JUnit XML: each of their dialects, safely, in any size, once."""

from __future__ import annotations

import tracemalloc
from collections import Counter, deque
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import STARTED, a_report, a_test

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.exports.jsonl import lines
from pytest_aosfarm.exports.junit import xml
from pytest_aosfarm.exports.junit_import import record, survey
from pytest_aosfarm.exports.junit_parse import parse
from pytest_aosfarm.exports.junit_read import Reading, micros
from pytest_aosfarm.exports.report import Report
from pytest_aosfarm.recording.events import AttemptFinished
from pytest_aosfarm.recording.secrets import Redactor
from pytest_aosfarm.recording.store import RunStore

if TYPE_CHECKING:
    from pathlib import Path

NO_SECRETS = Redactor({})
ENCODING, UTF8 = "its encoding cannot be read:", "write it in UTF-8"
DOCTYPE = "it declares a document type; that is not needed for JUnit XML, and not read for safety"


def read(document: str | bytes) -> list[AttemptFinished]:
    content = document if isinstance(document, bytes) else document.encode()
    events = list(Reading(STARTED, Counter()).events(parse(BytesIO(content), "junit.xml")))
    return [event for event in events if isinstance(event, AttemptFinished)]


def imported(folder: Path, *documents: str) -> Report:
    files = []
    for number, document in enumerate(documents):
        files.append(folder / f"{number}.xml")
        files[-1].write_text(document, encoding="utf-8")
    with RunStore(folder / "farm.db", "default", create=True) as store:
        report = Report.load(store, record(survey(files), store, NO_SECRETS).run_id)
        assert report is not None
        kept = {(test["identity"], test["attempt"]): store.outputs_of(report.run["id"], test["test_id"], test["attempt"])
                for test in report.tests}  # fmt: skip
    return Report(report.run, report.tests, report.errors, lambda test: kept[test["identity"], test["attempt"]])


def seen(events: list[AttemptFinished]) -> list[tuple[Any, ...]]:
    return [(event.identity, event.attempt, event.outcome, event.cause, event.replaces) for event in events]


def test_what_pytest_itself_writes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        import pytest

        @pytest.fixture
        def broken(): raise ValueError("no luck")

        class TestIt:
            def test_pass(self): pass
            @pytest.mark.parametrize("x", ["a::b"])
            def test_fail(self, x):
                print("printed")
                assert x == 2

        def test_error(broken): pass
        def test_skip(): pytest.skip("not today")
        @pytest.mark.xfail(reason="known")
        def test_xfail(): assert 0
        """,
        test_uncollectable="import no_such_module_anywhere",
    )
    for family in ("xunit1", "xunit2"):
        options = ("--continue-on-collection-errors", "-o", f"junit_family={family}", "-o", "junit_logging=all")
        pytester.runpytest("-p", "no:xdist", "--junitxml=junit.xml", *options)
        events = read((pytester.path / "junit.xml").read_bytes())
        assert [(event.nodeid, event.identity, event.outcome, event.phase) for event in events] == [
            ("test_uncollectable.py", "test_uncollectable.py", "error", "collect"),
            ("test_it.py::TestIt::test_pass", "test_it::TestIt.test_pass", "passed", "call"),
            ("test_it.py::TestIt::test_fail[a::b]", "test_it::TestIt.test_fail[a::b]", "failed", "call"),
            ("test_it.py::test_error", "test_it::test_error", "error", "setup"),
            ("test_it.py::test_skip", "test_it::test_skip", "skipped", "call"),
            ("test_it.py::test_xfail", "test_it::test_xfail", "xfailed", "call"),
        ]
        failed = events[2]
        assert "assert 'a::b' == 2" in (failed.message or "")
        assert "x = 'a::b'" in failed.outputs["longrepr"]
        assert "printed" in failed.outputs["stdout"]
        assert (events[4].message, events[5].message) == ("not today", "known")


def test_what_surefire_writes() -> None:
    events = read(
        """<?xml version="1.0" encoding="UTF-8"?>
        <testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" name="com.acme.FooTest" time="1,234.5" tests="4"
            errors="1" skipped="0" failures="1">
          <properties><property name="java.home" value="/opt/java"/></properties>
          <testcase name="passes" classname="com.acme.FooTest" time="1,200.5"/>
          <testcase name="flaky" classname="com.acme.FooTest" time="0.002">
            <flakyFailure message="once" type="java.lang.AssertionError"><stackTrace><![CDATA[at x < y]]></stackTrace>
              <system-out>first try</system-out></flakyFailure>
          </testcase>
          <testcase name="fails" classname="com.acme.FooTest" time="0">
            <failure message="one" type="A">trace one</failure>
            <rerunError message="two" type="B">trace two<system-err>oh</system-err></rerunError>
            <system-out>out of one</system-out>
          </testcase>
          <testcase name="errs" classname="com.acme.FooTest" time="0"><error type="E"><![CDATA[boom]]></error></testcase>
        </testsuite>"""
    )
    assert seen(events) == [
        ("com.acme::FooTest.passes", 1, "passed", "first", None),
        ("com.acme::FooTest.flaky", 1, "failed", "first", None),
        ("com.acme::FooTest.flaky", 2, "passed", "rerun", 1),
        ("com.acme::FooTest.fails", 1, "failed", "first", None),
        ("com.acme::FooTest.fails", 2, "error", "rerun", 1),
        ("com.acme::FooTest.errs", 1, "error", "first", None),
    ]
    assert events[0].nodeid == "com.acme.FooTest::passes"
    assert [(event.started_us, event.call_us) for event in events[:3]] == [
        (0, 1_200_500_000), (1_200_500_000, 0), (1_200_500_000, 2_000)
    ]  # fmt: skip
    assert events[1].outputs == {"longrepr": "at x < y", "stdout": "first try"}
    assert events[3].outputs == {"longrepr": "trace one", "stdout": "out of one"}
    assert events[4].outputs == {"longrepr": "trace two", "stderr": "oh"}
    assert (events[4].error_type, events[5].message) == ("B", "boom")


def test_an_identity_that_says_nothing_is_none() -> None:
    names = {
        identity: read(
            f"""<testsuite><testcase name="x" classname="a.b">
              <properties><property name="farm.identity" value="{identity}"/></properties></testcase></testsuite>"""
        )[0].identity
        for identity in ("", "mine")
    }
    assert names == {"": "a.b::x", "mine": "mine"}


def test_what_jest_googletest_and_others_write() -> None:
    events = read(
        """<testsuites name="jest tests" tests="9"><testsuite name="outer"><testsuite name="Inner list" timestamp="nonsense">
          <testcase classname="Button renders" name="Button renders a label" time="0.003" file="src/button.test.js"/>
          <testcase name="of no class" time="0,5"/>
          <testcase name="of no class" time="NaN"/>
          <testcase name="off" status="notrun"/><testcase name="left out" result="suppressed"/>
          <testcase name="both"><skipped/><error message="e"/><failure>f</failure></testcase>
          <testcase classname="a.b.test_c.TestD" name=""/>
        </testsuite></testsuite></testsuites>"""
    )
    assert [(event.identity, event.outcome, event.call_us) for event in events] == [
        ("Button renders::Button renders a label", "passed", 3_000),
        ("outer::Inner list.of no class", "passed", 500_000), ("outer::Inner list.of no class", "passed", 0),
        ("outer::Inner list.off", "skipped", 0), ("outer::Inner list.left out", "skipped", 0),
        ("outer::Inner list.both", "failed", 0), ("a.b.test_c::TestD.unnamed", "passed", 0),
    ]  # fmt: skip
    assert [(event.attempt, event.cause, event.replaces) for event in events[1:3]] == [
        (1, "first", None), (2, "repeat", None)
    ]  # fmt: skip
    assert events[0].nodeid == "src/button.test.js::Button renders a label"
    assert (events[5].message, events[5].outputs) == ("f", {"longrepr": "f"})


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("0.5", 500_000), ("1,234.5", 1_234_500_000), ("0,25", 250_000), (" 3 ", 3_000_000), (None, 0), ("", 0), ("-1", 0),
        ("1e400", 0), ("soon", 0), ("9" * 300, 10 * 366 * 86_400_000_000), ("0.0000004", 0),
    ],
)  # fmt: skip
def test_times_are_read_however_they_are_written(text: str | None, microseconds: int) -> None:
    assert micros(text) == microseconds


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "empty, not even an XML element is in it"),
        (b"<testsuites><testsuite>", "no well-formed XML: no element found: line 1, column 23"),
        (b"<testsuite></testsuites>", "no well-formed XML: mismatched tag: line 1, column 13"),
        (b"\x89PNG\r\n", "no well-formed XML: not well-formed (invalid token): line 1, column 0"),
        (b"<html><body/></html>", "no JUnit XML: it begins with <html>, not with <testsuites> or <testsuite>"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><testsuite/>', DOCTYPE),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><testsuite/>', DOCTYPE),
        (b"<testsuite>&unknown;</testsuite>", "no well-formed XML: undefined entity: line 1, column 11"),
        (b'<?xml version="1.0" encoding="big5"?><testsuite/>', f"{ENCODING} multi-byte encodings are not supported; {UTF8}"),
        (b'<?xml version="1.0" encoding="klingon"?><testsuite/>', f"{ENCODING} unknown encoding: klingon; {UTF8}"),
    ],
)  # fmt: skip
def test_what_is_no_junit_xml_is_one_clear_line(tmp_path: Path, content: bytes, problem: str) -> None:
    good, bad = tmp_path / "good.xml", tmp_path / "junit.xml"
    good.write_text('<testsuite name="s"><testcase name="t"/></testsuite>')
    bad.write_bytes(content)
    with pytest.raises(RecordingError) as error:
        survey([good, bad])
    assert str(error.value) == f"{bad}: {problem}"


def test_what_cannot_be_read_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"nowhere\.xml: no such file$"):
        survey([tmp_path / "nowhere.xml"])
    with pytest.raises(RecordingError, match="no regular file, and it must be read twice"):
        survey([tmp_path])


def test_files_are_one_run_and_the_same_one_every_time(tmp_path: Path) -> None:
    case = '<testcase classname="m" name="t" time="1"/>'
    one = f'<testsuite name="a" timestamp="2026-11-25T10:00:00" time="2.5">{case}</testsuite>'
    two = one.replace('name="a"', 'name="b"').replace("10:00:00", "10:00:05+00:00").replace("<testcase", "<testcase ")
    report = imported(tmp_path, one, two)
    assert [(test["identity"], test["attempt"], test["cause"], test["started_us"]) for test in report.tests] == [
        ("m::t", 1, "first", 0),
        ("m::t", 2, "repeat", 5_000_000),
    ]
    run = report.run
    assert (run["status"], run["exit_code"], run["collected"], run["passed"], run["not_run"]) == ("passed", 0, 2, 2, 0)
    assert (run["started_at"].isoformat(), run["duration_ms"]) == ("2026-11-25T10:00:00+00:00", 7500)
    assert run["status_reason"] == "imported from 0.xml, 1.xml"
    with RunStore(tmp_path / "farm.db", "default") as store:
        again = record(survey([tmp_path / "1.xml", tmp_path / "0.xml"]), store, NO_SECRETS)
        assert (again.run_id, again.known, len(store.runs())) == (run["id"], True, 1)
        assert record(survey([tmp_path / "1.xml"]), store, NO_SECRETS).run_id == run["id"] + 1


def test_an_export_is_recorded_as_the_run_was(tmp_path: Path) -> None:
    report = a_report(
        a_test("a", outcome="failed", is_final=False, message="m", properties={"farm.grade.aod.shadow.f1": 0.5}),
        a_test("a", attempt=2, cause="rerun", properties={"x": 1}),
        a_test("b", outcome="crashed", worker="gw1", started_us=7, message="worker died", properties={}),
        a_test("c", outcome="xpassed", properties={}),
        outputs={("tests.test_a::b", 1): {"longrepr": "gone", "stdout": "x"}},
        errors=({"source": "worker", "message": "gw1", "body": None},),
        lab="aod", status="interrupted", worker_count=2,
    )  # fmt: skip
    again = imported(tmp_path, "".join(xml(report)))
    same = set(report.tests[0]) - {"test_id"}
    by_key = {(test["identity"], test["attempt"]): test for test in again.tests}
    for test in report.tests:
        other = by_key[test["identity"], test["attempt"]]
        assert {name: other[name] for name in same} == {name: test[name] for name in same}
    assert again.outputs_of(by_key["tests.test_a::b", 1]) == {"longrepr": "gone", "stdout": "x"}
    assert [(error["source"], error["message"]) for error in again.errors] == [("worker", "gw1")]
    kept = ("status", "lab", "seed", "scale", "profile", "anchor", "worker_count", "vcs_branch", "vcs_sha", "started_at")
    assert {name: again.run[name] for name in kept} == {name: report.run[name] for name in kept}
    assert again.run["uuid"] != report.run["uuid"]


def test_no_secret_of_a_file_reaches_the_store(tmp_path: Path) -> None:
    secret = "hunter2hunter2"
    (tmp_path / "junit.xml").write_text(
        f"""<testsuite name="at postgresql://u:{secret}@h/d"><properties>
          <property name="farm.ci_url" value="https://u:{secret}@ci/7"/>
          <property name="farm.lab" value="{secret}"/></properties>
          <testcase classname="m" name="t[{secret}]" file="{secret}.py"><properties>
            <property name="x" value="{secret}"/><property name="api_token" value="12345678"/></properties>
            <failure type="{secret}" message="password={secret}">at {secret}</failure><system-out>{secret}</system-out>
          </testcase>
          <testcase name="u">
            <?aosfarm {{"event":"attempt_finished","nodeid":"n","identity":"n","attempt":1,"outcome":"passed","phase":"call",
              "started_us":0,"faults":[{{"kind":"late","path":"/{secret}","observed":"password={secret}"}}]}}?>
            <?aosfarm {{"event":"error_seen","source":"worker","message":"{secret}","body":"{secret}"}}?></testcase>
        </testsuite>"""
    )
    with RunStore(tmp_path / "farm.db", "default", create=True) as store:
        record(survey([tmp_path / "junit.xml"]), store, Redactor({"DB_PASSWORD": secret}))
        report = Report.load(store, 1)
        assert report is not None
        everything = "".join(lines(report))
    assert '"path": "/***"' in everything
    assert secret not in everything
    assert "12345678" not in everything


def test_a_file_without_tests_is_a_run_without_tests(tmp_path: Path) -> None:
    run = imported(tmp_path, "<testsuites/>").run
    assert (run["status"], run["exit_code"], run["collected"]) == ("error", 5, 0)


def test_what_went_wrong_with_a_suite_as_a_whole_is_a_result_and_the_next_test_keeps_its_own(tmp_path: Path) -> None:
    report = imported(
        tmp_path,
        '<testsuite name="s"><failure message="no set-up"/><error>gone</error><skipped/>'
        '<testcase classname="m" name="a"><system-out>said</system-out><failure/></testcase>'
        '<testcase classname="m" name="b"/></testsuite>',
    )
    assert {(test["identity"], test["outcome"], test["message"]) for test in report.tests} == {
        ("s", "failed", "no set-up"), ("s", "error", "gone"), ("m::a", "failed", None), ("m::b", "passed", None),
    }  # fmt: skip
    (own,) = (test for test in report.tests if test["identity"] == "m::a")
    assert (report.run["status"], report.outputs_of(own)) == ("failed", {"stdout": "said"})


@pytest.mark.parametrize(("figures", "seed"), [("0" * 18 + "7", 7), (f"{2**63}", 0), ("9" * 5000, 0), ("seven", 0)])
def test_a_number_that_no_column_holds_is_no_reason_to_refuse_the_file(tmp_path: Path, figures: str, seed: int) -> None:
    said = "".join(f'<property name="farm.{name}" value="{figures}"/>' for name in ("seed", "workers"))
    run = imported(tmp_path, f'<testsuite name="s"><properties>{said}</properties><testcase name="t"/></testsuite>').run
    assert (run["status"], run["seed"], run["worker_count"]) == ("passed", seed, 0)


def test_a_huge_file_is_read_in_little_memory() -> None:
    def content() -> bytes:
        case = b'<testcase classname="a.b" name="t%d" time="0.1"><failure>' + b"x" * 100_000 + b"</failure></testcase>"
        many = b"".join(case % number for number in range(100))
        long = b'<testcase classname="a.b" name="long"><failure>head' + b"y" * 5_000_000 + b"tail</failure></testcase>"
        return b'<testsuite name="s">' + many + long + b"</testsuite>"

    file = BytesIO(content())
    tracemalloc.start()
    (last,) = deque(Reading(STARTED, Counter()).events(parse(file, "junit.xml")), maxlen=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(last, AttemptFinished)
    trace = last.outputs["longrepr"]
    assert (trace[:4], trace[-4:]) == ("head", "tail")
    assert len(trace) < 2**20
    assert peak < 4_000_000


tags = st.sampled_from(
    ["testsuites", "testsuite", "testcase", "failure", "rerunError", "flakyError", "skipped", "system-out", "property", "x"]
)
trees = st.recursive(
    st.builds("<{0} name='{1}' time='{1}'>{1}</{0}>".format, tags, st.sampled_from(["", "1", "A.b"])),
    lambda inner: st.builds("<{0} classname='T.x'>{1}</{0}>".format, tags, st.lists(inner, max_size=3).map("".join)),
    max_leaves=8,
)


@given(trees)
def test_elements_in_any_order_give_sound_events(document: str) -> None:
    events = read(f"<testsuites>{document}</testsuites>")
    assert all(event.identity and event.nodeid for event in events)
    assert len({(event.identity, event.attempt) for event in events}) == len(events)
