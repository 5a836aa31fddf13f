"""JUnit XML as Jenkins' junit-10.xsd and Surefire have it: valid by both, retries as rerunFailure and flakyFailure.

What JUnit has no words for (identity, a worker's crash, an unexpected pass, faults) stands beside each test in processing
instructions `<?aosfarm {an event}?>`, which schemas and readers pass over and our own import reads back.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.exports.faults import faults_told
from pytest_aosfarm.exports.report import duration_us
from pytest_aosfarm.recording.events import OTHER, AttemptFinished, ErrorSeen, encode
from pytest_aosfarm.recording.faults import FIELDS
from pytest_aosfarm.recording.properties import FAULTS
from pytest_aosfarm.recording.tally import BAD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_aosfarm.exports.report import Case, Report, Row
    from pytest_aosfarm.recording.events import Event
    from pytest_aosfarm.recording.faults import Fault

__all__ = ("INSTRUCTION", "RUN_PROPERTIES", "SUITE", "property_text", "xml")

SUITE = "aosfarm"
INSTRUCTION = "aosfarm"
"""The target of our processing instructions."""

RUN_PROPERTIES = {
    "farm.run_uuid": "uuid", "farm.run": "id", "farm.status": "status", "farm.seed": "seed", "farm.scale": "scale",
    "farm.profile": "profile", "farm.anchor": "anchor", "farm.lab": "lab", "farm.chaos": "chaos",
    "farm.data_tenant": "data_tenant", "farm.workers": "worker_count", "farm.vcs_branch": "vcs_branch",
    "farm.vcs_sha": "vcs_sha", "farm.ci_url": "ci_url",
}  # fmt: skip
"""Property of the test suite -> column of the run."""

_IN_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_IN_ATTRIBUTE = _IN_TEXT | str.maketrans({'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})

# What XML 1.0 cannot hold, not even as a reference.
_ILLEGAL = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml(report: Report) -> Iterator[str]:
    """The document in pieces: what comes before the tests, each test, the end."""
    cases = [(case, _elements(case)) for case in report.cases()]
    run = report.run
    first = [elements[0][0] for _, elements in cases if elements]
    internal = [error for error in report.errors if error["source"] == "internal"]
    sums = {
        "tests": len(cases) + len(internal),
        "failures": first.count("failure"),
        "errors": first.count("error") + len(internal),
    }
    time = f"{report.duration_us / 1e6:.3f}"
    yield '<?xml version="1.0" encoding="utf-8"?>\n'
    yield f"<testsuites{_attributes({'name': SUITE, **sums, 'time': time})}>\n"
    about = {
        "name": SUITE, **sums, "skipped": first.count("skipped"), "time": time,
        "timestamp": run["started_at"].isoformat(), "hostname": run["owner_host"],
    }  # fmt: skip
    yield f"<testsuite{_attributes(about)}>\n<properties>\n"
    for name, column in RUN_PROPERTIES.items():
        if run[column] is not None:
            yield f"<property{_attributes({'name': name, 'value': property_text(run[column])})}/>\n"
    if faults := sum(map(faults_told, report.tests)):
        yield f"<property{_attributes({'name': FAULTS, 'value': faults})}/>\n"
    yield "</properties>\n"
    for case, elements in cases:
        yield _testcase(report, case, elements)
    for error in report.errors:
        yield _error(error)
    yield "</testsuite>\n</testsuites>\n"


def property_text(value: object) -> str:
    """A value of a property as text; a time is ISO 8601."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _elements(case: Case) -> list[tuple[str, Row]]:
    """What stands in a test's element, as Surefire orders it, each with the attempt that it is about."""
    final = case.final
    wrong = [one for one in case.earlier if one["outcome"] in (*BAD, OTHER)]
    if final["outcome"] in BAD:
        first, *again = [*wrong, final]
        return [(_kind(first).lower(), first), *((f"rerun{_kind(one)}", one) for one in again)]
    left_out = [("skipped", final)] if final["outcome"] in {"skipped", "xfailed", OTHER} else []
    return [*left_out, *((f"flaky{_kind(one)}", one) for one in wrong)]


def _kind(test: Row) -> str:
    return "Failure" if test["phase"] == "call" and test["outcome"] != "crashed" else "Error"


def _testcase(report: Report, case: Case, elements: list[tuple[str, Row]]) -> str:
    final = case.final
    names = _names(final["nodeid"])
    attributes = {"classname": ".".join(names[:-1]) or None, "name": names[-1], "time": f"{duration_us(final) / 1e6:.3f}"}
    own = elements[0][1] if elements and not elements[0][0].startswith("flaky") else final
    content = "".join(
        _again(tag, test, report.outputs_of(test)) if tag.startswith(("rerun", "flaky")) else _once(tag, test, report)
        for tag, test in elements
    )
    told = "".join(_told(event) for event in _events(report, case))
    return f"<testcase{_attributes(attributes)}>{told}{content}{_printed(report.outputs_of(own))}</testcase>\n"


def _names(nodeid: str) -> list[str]:
    """The dotted path of the file, the classes and the name, as pytest's own JUnit XML takes a node id apart."""
    place, bracket, parameters = nodeid.partition("[")
    path, *names = place.split("::")
    parts = [path.removesuffix(".py").replace("/", "."), *names]
    parts[-1] += bracket + parameters
    return parts


def _once(tag: str, test: Row, report: Report) -> str:
    text = report.outputs_of(test).get("longrepr")
    return f"<{tag}{_attributes({'type': _type(test), 'message': test['message']})}>{_text(text)}</{tag}>"


def _again(tag: str, test: Row, outputs: Mapping[str, str]) -> str:
    attributes = _attributes({"message": test["message"], "type": _type(test)})
    trace = f"<stackTrace>{_text(outputs.get('longrepr'))}</stackTrace>"
    return f"<{tag}{attributes}>{trace}{_printed(outputs)}</{tag}>"


def _type(test: Row) -> str:
    words = {"xfailed": "pytest.xfail", "skipped": "pytest.skip"}
    outcome: str = test["outcome"]
    return test["error_type"] or test["raw_outcome"] or words.get(outcome, outcome)


def _printed(outputs: Mapping[str, str]) -> str:
    out, err, log = (outputs.get(kind) for kind in ("stdout", "stderr", "log"))
    if log:
        out = f"{out or ''}{' Captured Log ':-^80}\n{log}"
    return "".join(
        f"<{tag}>{_text(text)}</{tag}>" for tag, text in (("system-out", out), ("system-err", err)) if text is not None
    )


def _error(error: Mapping[str, Any]) -> str:
    """What went wrong in pytest itself is an error for every reader; a worker that was lost, or our own trouble, is not."""
    told = _told(ErrorSeen(source=error["source"], message=error["message"], body=error["body"]))
    text = _text(error["body"] or error["message"])
    if error["source"] == "internal":
        about = _attributes({"type": "internal", "message": error["message"]})
        return f'<testcase classname="pytest" name="internal" time="0.000">{told}<error{about}>{text}</error></testcase>\n'
    return f"{told}<system-err>{text}</system-err>\n"


def _events(report: Report, case: Case) -> Iterator[AttemptFinished]:
    before: dict[str, Any] = {}
    for test in (*case.earlier, case.final):
        columns = {name: test[name] for name in AttemptFinished.__dataclass_fields__ if name in test}
        faults = tuple(_fault(test, one) for one in report.faults_of(test))
        yield AttemptFinished(**columns | before | {"properties": test["properties"] or {}, "faults": faults})
        before = {"replaces": test["attempt"], "replaced_outcome": test["outcome"]}


def _fault(test: Row, row: Row) -> Fault:
    """As an event has it, which counts the time from the start of the attempt."""
    known = {name: row[name] for name in FIELDS if row[name] is not None}
    return known | {"at_us": row["at_us"] - test["started_us"]}


def _told(event: Event) -> str:
    event_without_an_end = encode(event).replace(">", "\\u003e")
    return f"<?{INSTRUCTION} {event_without_an_end}?>"


def _attributes(values: Mapping[str, object]) -> str:
    texts = {name: _legal(str(value)).translate(_IN_ATTRIBUTE) for name, value in values.items() if value is not None}
    return "".join(f' {name}="{text}"' for name, text in texts.items())


def _text(text: str | None) -> str:
    return _legal(text or "").translate(_IN_TEXT)


def _legal(text: str) -> str:
    """The text with every character that XML cannot hold written as #x1B, as pytest does."""
    return _ILLEGAL.sub(lambda found: f"#x{ord(found[0]):02X}", text)
