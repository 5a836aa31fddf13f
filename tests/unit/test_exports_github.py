"""What GitHub is told: no text of a test can become a command, an element or Markdown, and nothing is too long."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_examples import examples
from report_samples import a_report, a_test

from pytest_aosfarm.exports.faults import faults_in_words
from pytest_aosfarm.exports.github import RunView, error_commands, summary
from pytest_aosfarm.exports.highlights import KEPT, Failure, Highlights
from pytest_aosfarm.exports.words import counts_in_words, duration_in_words
from pytest_aosfarm.recording.events import OUTCOMES, AttemptFinished
from pytest_aosfarm.recording.tally import Tally

hard = [
    "::error::x", "</code></pre></details><script>x</script>", "| a | b |", "`*_[x](javascript:y)~~", "\x1b[31m\u202e",
    "$$x$$", "a\n\n# b\r\n::set-output", "@team :tada: www.evil.example http://x", "%0A::x", "<!--", "&lt;", "##[error]x",
    "\\",
]  # fmt: skip
texts = st.text(max_size=40) | st.sampled_from(hard)
failures = st.builds(
    Failure, nodeid=texts.filter(bool), outcome=st.sampled_from(["failed", "error", "crashed"]), phase=st.just("call"),
    message=st.none() | texts, location=st.none() | st.builds("{}:{}".format, texts, st.integers(1, 99)), trace=texts,
)  # fmt: skip


def view(**values: Any) -> RunView:
    known: dict[str, Any] = {
        "title": "AOS-Farm run 7", "status": "failed", "reason": None, "counts": "2 failed in 1 s", "facts": {"seed": "1"},
        "grades": {}, "failures": [], "failed": 0, "flaky": [], "flaky_count": 0,
    }  # fmt: skip
    return RunView(**known | values)


def visible(text: str) -> str:
    """What may be shown of a text: of control and format characters, line ends alone."""
    return re.sub(r"[^\r\n]", lambda one: one[0] if one[0].isprintable() else " ", text)


def read_back(text: str) -> str:
    for written, meant in (("%0A", "\n"), ("%0D", "\r"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(written, meant)
    return text


@given(st.lists(failures, max_size=12))
def test_a_command_is_one_line_and_says_what_was_meant(found: list[Failure]) -> None:
    commands = list(error_commands(found, lambda path: path))
    assert len(commands) == min(10, len(found))
    for command, failure in zip(commands, found, strict=False):
        assert command.isprintable()
        match = re.fullmatch(r"::error file=([^:,]*),line=(\d+),title=([^:,]*)::([^\r\n]*)", command)
        assert match is not None
        assert read_back(match[4]) == visible(failure.message or failure.outcome)
        assert read_back(match[3]) == visible(f"{failure.outcome}: {failure.nodeid}")


def test_a_command_points_to_where_the_test_failed() -> None:
    one = Failure("tests/a.py::t", "failed", "call", "boom", "src/x.py:12", "")
    two = Failure("tests/a.py::t", "crashed", "call", None, None, "")
    assert list(error_commands([one, two], lambda path: f"sub/{path}")) == [
        "::error file=sub/src/x.py,line=12,title=failed%3A tests/a.py%3A%3At::boom",
        "::error file=sub/tests/a.py,line=1,title=crashed%3A tests/a.py%3A%3At::crashed",
    ]


runs = st.builds(
    view, title=texts, status=st.sampled_from(["passed", "failed", "interrupted"]), reason=st.none() | texts,
    facts=st.dictionaries(texts, texts, max_size=2), failures=st.lists(failures, max_size=4), failed=st.integers(0, 99),
    flaky=st.lists(texts, max_size=3), flaky_count=st.integers(0, 9), against=st.none() | texts,
    faults=st.none() | texts,
    newly_failing=st.lists(st.tuples(texts, st.none() | texts), max_size=3),
    grades=st.dictionaries(texts, st.dictionaries(texts, st.just({"f1": 0.5}), max_size=2), max_size=2),
)  # fmt: skip
TAGS = {"code", "/code", "pre", "/pre", "details", "/details", "summary", "/summary"}


@given(runs)
@settings(max_examples=examples(200))
def test_no_text_becomes_an_element_or_markdown(run: RunView) -> None:
    written = summary(run)
    assert set(re.findall(r"<(/?[^>]*)>", written)) <= TAGS
    assert written.count("<pre>") == written.count("\n</pre>") == written.count("<details>") == len(run.failures)
    outside = re.sub(r"<pre>\n.*?\n</pre>", "", written, flags=re.DOTALL)
    for line in outside.splitlines():
        assert not line.startswith("::")
        # Of what means something in Markdown, only what we wrote ourselves is left.
        ours = r"^## [^:]*:|^\| |( \|)? \|$| \| |---:?|^\*\*|\*\*$|^- |&#\d+;|</?\w+>"
        assert not re.search(r"[*_`\[\]~|\\$@:<>#!]", re.sub(ours, "", line))


@given(runs)
def test_names_are_read_as_they_are(run: RunView) -> None:
    written = summary(run)
    shown = [unescape(code) for code in re.findall(r"<code>(.*?)</code>", written)]
    for failure in run.failures:
        unseen = "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
        assert " ".join(re.sub(unseen, " ", failure.nodeid).split()) in shown


@given(runs, st.integers(0, 3000))
def test_a_summary_is_never_longer_than_it_may_be(run: RunView, limit: int) -> None:
    written = summary(run, limit)
    assert len(written.encode()) <= limit or not written
    whole = summary(run)
    assert written == whole or not written or written.endswith("<!-- cut: GitHub takes no more -->\n")
    assert written.count("<pre>") == written.count("</pre>")


def test_a_summary_of_many_failures_is_short() -> None:
    many = [Failure(f"t.py::t{n}", "failed", "call", "m", None, "E  x\n" * 800) for n in range(100)]
    newly = [(f"t.py::t{n}", "m" * 2000) for n in range(5000)]
    written = summary(view(failures=many, failed=12_345, flaky=["t.py::f"] * 100, flaky_count=300, newly_failing=newly))
    assert written.count("<details>") == 20
    assert "and 12325 more" in written
    assert "and 4950 more" in written
    assert "and 250 more" in written
    assert len(written.encode()) < 200_000


# --- what is kept of a run while it goes on --------------------------------------------------------------------------


@st.composite
def attempts(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = []
    for number in range(draw(st.integers(0, 6))):
        count = draw(st.integers(1, 3))
        for attempt in range(1, count + 1):
            final = attempt == count
            outcome = draw(st.sampled_from([*OUTCOMES, "other"]))
            found.append(a_test(f"t{number}", attempt=attempt, is_final=final, outcome=outcome))
    return found


def as_events(tests: list[dict[str, Any]]) -> list[AttemptFinished]:
    fields = AttemptFinished.__dataclass_fields__
    before: dict[str, dict[str, Any]] = {}
    events = []
    for test in tests:
        event = AttemptFinished(**{name: value for name, value in test.items() if name in fields and name != "properties"})
        if (earlier := before.get(test["identity"])) is not None:
            event.replaces, event.replaced_outcome = earlier["attempt"], earlier["outcome"]
        before[test["identity"]] = test
        events.append(event)
    return events


@given(attempts())
def test_highlights_are_those_of_the_finished_run(tests: list[dict[str, Any]]) -> None:
    highlights = Highlights()
    for event in as_events(tests):
        highlights.add(event)
    cases = a_report(*tests).cases()
    assert highlights.flaky == [case.final["nodeid"] for case in cases if case.is_flaky]
    bad = [case.final["nodeid"] for case in cases if case.final["outcome"] in {"failed", "error", "crashed"}]
    assert [failure.nodeid for failure in highlights.failures] == bad


def test_highlights_stay_small_however_much_fails() -> None:
    highlights = Highlights()
    for number in range(3 * KEPT):
        test = a_test(f"t{number}", outcome="failed")
        (event,) = as_events([test])
        event.outputs = {"longrepr": "x" * 100_000}
        highlights.add(event)
    assert len(highlights.failures) == KEPT
    assert all(len(failure.trace) <= 4000 for failure in highlights.failures)


def test_faults_in_words() -> None:
    tally = Tally()
    assert faults_in_words(tally) is None
    for number, (kinds, told) in enumerate([(["late"], 1), (["status", "status", "\x1b[31m"], 3), (["late"], 1_001)]):
        tally.add(AttemptFinished(
            nodeid="n", identity=f"t{number}", attempt=1, outcome="passed", phase="call", started_us=0,
            properties={"farm.faults": told}, faults=tuple({"kind": kind, "at_us": 0} for kind in kinds),
        ))  # fmt: skip
    expected = "1,005 faults in 3 tests (2 late, 2 status, 1  [31m, 1,000 not recorded)"
    assert faults_in_words(tally) == expected
    assert f"**Chaos: {' '.join(expected.split())}**\n" in unescape(summary(view(faults=expected)))
    assert "Chaos" not in summary(view())


def test_counts_and_durations_in_words() -> None:
    counts = {"passed": 3, "failed": 0, "errors": 2, "flaky": 1, "not_run": 4, "deselected": 5, "collected": 9}
    others = dict.fromkeys(("skipped", "xfailed", "xpassed", "crashed"), 0)
    assert counts_in_words(others | counts) == "3 passed, 2 errors, 1 flaky, 4 not run, 5 deselected"
    assert counts_in_words(others | dict.fromkeys(counts, 0)) == "nothing ran"
    assert [duration_in_words(seconds) for seconds in (0, 0.004, 0.5, 9.994, 50.66, 59.6, 200, 7500)] == [
        "0.00 s", "0.00 s", "0.50 s", "9.99 s", "50.7 s", "1 min 0 s", "3 min 20 s", "2 h 5 min"
    ]  # fmt: skip
