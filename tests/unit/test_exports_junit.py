"""JUnit XML: valid whatever a run holds, and read back by our own import as it was."""

from __future__ import annotations

from collections import Counter
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_examples import examples
from junit_rules import miscounted, violations
from report_samples import STARTED, a_report, a_test

from pytest_aosfarm.exports.junit import xml
from pytest_aosfarm.exports.junit_parse import parse
from pytest_aosfarm.exports.junit_read import Reading
from pytest_aosfarm.recording.events import OUTCOMES, AttemptFinished, ErrorSeen

if TYPE_CHECKING:
    from pytest_aosfarm.exports.report import Report

hard = ["]]>", "?>", "<x>&amp;", "\x1b[31mred\x00", "a\r\nb", "\ufffe", '"\'', "\t x "]
texts = st.text(max_size=40) | st.sampled_from(hard)
kept = texts.filter(lambda text: not any("\ud800" <= letter <= "\udfff" or letter == "\0" for letter in text))
names = st.builds("tests/test_{}.py::{}{}".format, st.sampled_from("ab"), st.sampled_from(["Tx::", ""]), kept.filter(bool))


@st.composite
def runs(draw: st.DrawFn) -> Report:
    tests: list[dict[str, Any]] = []
    outputs = {}
    for number, nodeid in enumerate(draw(st.lists(names, max_size=5, unique=True))):
        identity = draw(st.sampled_from([f"tests.test_a::t{number}", f"farm-id {number}"]))
        attempts = draw(st.integers(1, 3))
        for attempt in range(1, attempts + 1):
            final = attempt == attempts
            outcome = draw(st.sampled_from(OUTCOMES if final else ("failed", "error", "crashed")) | st.just("other"))
            test = a_test(
                identity=identity,
                nodeid=nodeid,
                attempt=attempt,
                outcome=outcome,
                raw_outcome=draw(kept.filter(bool)) if outcome == "other" else None,
                phase=draw(st.sampled_from(["setup", "call", "teardown"])),
                is_final=final,
                cause="first" if attempt == 1 else "rerun",
                worker=draw(st.sampled_from([None, "gw0"])),
                message=draw(st.none() | kept),
                error_type=draw(st.none() | kept),
                started_us=draw(st.integers(0, 10**9)),
                call_us=draw(st.integers(0, 10**9)),
                properties=draw(st.dictionaries(kept, st.none() | st.booleans() | st.integers(), max_size=1)),
            )
            tests.append(test)
            if outcome in {"failed", "error", "crashed"}:
                outputs[identity, attempt] = draw(
                    st.dictionaries(st.sampled_from(["longrepr", "stdout", "stderr", "log"]), texts, max_size=4)
                )
    errors = [{"source": source, "message": draw(kept), "body": draw(st.none() | kept)} for source in draw(st.sets(
        st.sampled_from(["internal", "worker", "recording"])
    ))]  # fmt: skip
    return a_report(*tests, outputs=outputs, errors=tuple(errors), owner_host=draw(st.none() | texts))


def read(document: str) -> list[AttemptFinished | ErrorSeen]:
    found = parse(BytesIO(document.encode("utf-8", "strict")), "junit.xml")
    return list(Reading(STARTED, Counter()).events(found))


@given(runs())
@settings(max_examples=examples(40))
def test_whatever_a_run_holds_the_document_is_valid_and_its_counts_hold(report: Report) -> None:
    document = "".join(xml(report))
    assert list(violations(document)) == []
    assert list(miscounted(document)) == []


@given(runs())
@settings(max_examples=examples(40))
def test_an_import_says_of_every_attempt_what_the_export_was_told(report: Report) -> None:
    events = read("".join(xml(report)))
    attempts = {(event.identity, event.attempt): event for event in events if isinstance(event, AttemptFinished)}
    replaced = {(event.identity, event.replaces) for event in attempts.values()}
    assert attempts.keys() == {(test["identity"], test["attempt"]) for test in report.tests}
    for test in report.tests:
        key = test["identity"], test["attempt"]
        again = {name: getattr(attempts[key], name) for name in test if hasattr(attempts[key], name)}
        told = {name: value for name, value in test.items() if name in again}
        assert again == told
        assert (key not in replaced) == test["is_final"]
    errors = sorted((e.source, e.message, e.body) for e in events if isinstance(e, ErrorSeen))
    assert errors == sorted((e["source"], e["message"], e["body"]) for e in report.errors)


def element(document: str, name: str) -> ET.Element:
    (found,) = (case for case in ET.fromstring(document).iter("testcase") if case.get("name") == name)
    return found


def test_a_retried_test_looks_as_surefire_writes_it() -> None:
    report = a_report(
        a_test("flaky", outcome="failed", is_final=False, message="first", error_type="ValueError"),
        a_test("flaky", attempt=2, cause="rerun"),
        a_test("bad", outcome="failed", is_final=False, message="one"),
        a_test("bad", attempt=2, outcome="crashed", is_final=False, message="two"),
        a_test("bad", attempt=3, outcome="failed", message="three"),
        outputs={
            ("tests.test_a::flaky", 1): {"longrepr": "E  first", "stdout": "out", "stderr": "err", "log": "INFO x"},
            ("tests.test_a::bad", 1): {"longrepr": "E  one", "stdout": "of one"},
        },
    )
    document = "".join(xml(report))
    flaky, bad = element(document, "flaky"), element(document, "bad")
    assert [(child.tag, child.attrib) for child in flaky] == [("flakyFailure", {"type": "ValueError", "message": "first"})]
    assert [(child.tag, child.text) for child in flaky[0]] == [
        ("stackTrace", "E  first"), ("system-out", f"out{' Captured Log ':-^80}\nINFO x"), ("system-err", "err")
    ]  # fmt: skip
    assert [(child.tag, child.get("message"), child.text) for child in bad] == [
        ("failure", "one", "E  one"), ("rerunError", "two", None), ("rerunFailure", "three", None),
        ("system-out", None, "of one"),
    ]  # fmt: skip
    assert list(violations(document)) == []
    suite = ET.fromstring(document)[0]
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["2", "1", "0", "0"]


def test_names_are_those_of_pytests_own_xml_and_the_run_is_in_the_properties() -> None:
    report = a_report(
        a_test(nodeid="tests/deep/test_x.py::TestA::test_y[a/b.py::c]"),
        a_test("skipped", outcome="xfailed", message="known"),
        a_test("odd", outcome="other", raw_outcome="quarantined"),
        lab="aod",
        ci_url="https://ci.example/7",
    )
    document = "".join(xml(report))
    assert element(document, "test_y[a/b.py::c]").get("classname") == "tests.deep.test_x.TestA"
    assert element(document, "skipped")[0].attrib == {"type": "pytest.xfail", "message": "known"}
    assert element(document, "odd")[0].attrib == {"type": "quarantined"}
    properties = {one.get("name"): one.get("value") for one in ET.fromstring(document).iter("property")}
    assert properties == {
        "farm.run_uuid": report.run["uuid"], "farm.run": "7", "farm.status": "passed", "farm.seed": "42",
        "farm.scale": "small", "farm.profile": "typical", "farm.anchor": "2026-01-15T12:00:00+00:00", "farm.lab": "aod",
        "farm.workers": "0", "farm.vcs_branch": "main", "farm.vcs_sha": "c0ffee", "farm.ci_url": "https://ci.example/7",
    }  # fmt: skip


@pytest.mark.parametrize(
    "damage",
    [
        "{}", "nonsense", '{"event":"attempt_finished"}', '{"event":"error_seen","source":1,"message":"x"}',
        '{"event":"attempt_finished","nodeid":"n","identity":"i","attempt":"1","outcome":"passed","phase":"call","started_us":0}',
        '{"event":"attempt_finished","nodeid":"n","identity":"i","attempt":1,"outcome":"great","phase":"call","started_us":0}',
        '{"event":"run_started","version":99}',
    ],
)  # fmt: skip
def test_a_damaged_instruction_is_passed_over_and_the_elements_count(damage: str) -> None:
    case = f'<testcase classname="a.B" name="c"><?aosfarm {damage}?><failure message="no"/></testcase>'
    (event,) = read(f'<testsuite name="s">{case}</testsuite>')
    assert isinstance(event, AttemptFinished)
    assert (event.identity, event.outcome, event.message) == ("a::B.c", "failed", "no")
