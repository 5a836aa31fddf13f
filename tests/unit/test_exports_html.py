"""The HTML report: whole without a network, safe whatever tests print, small however many there are."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_examples import examples
from report_samples import a_report, a_test, with_faults

from benchmarks.browser import find_browser
from benchmarks.run_reports import large_report
from pytest_aosfarm.exports.html import write_html
from pytest_aosfarm.exports.html.markup import coloured, data_block, el, plain, visible
from pytest_aosfarm.exports.html.parts import kind_of
from pytest_aosfarm.history.compare import Change, Comparison
from pytest_aosfarm.recording.events import OUTCOMES

INTERACTIVE = {"a", "button", "input", "select", "summary", "textarea"}
HOSTILE = "</script><img src=x onerror=alert(1)><!--\u2028\x00\ud800\u202e\x1b[31m'\"&amp;]]>"


class Page(HTMLParser):
    """Every tag with its attributes, and the text outside style and script."""

    def __init__(self, source):
        super().__init__()
        self.source, self.tags, self.inline, self._inside = source, [], [], False
        self.words = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside = tag in {"style", "script"}
        if self._inside:
            self.inline.append([tag, dict(attrs), ""])

    def handle_endtag(self, _tag):
        self._inside = False

    def handle_data(self, data):
        if self._inside:
            self.inline[-1][2] += data
        else:
            self.words += data

    def rows(self):
        (block,) = [text for _, attributes, text in self.inline if attributes.get("id") == "rows"]
        return json.loads(block)

    def having(self, **wanted):
        wanted = {name.replace("_", "-"): value for name, value in wanted.items()}
        return [tag for tag, attributes in self.tags if wanted.items() <= attributes.items()]


def page(report, comparison=None):
    out = io.StringIO()
    write_html(report, out, comparison)
    out.getvalue().encode()
    return Page(out.getvalue())


def a_failure(name="test_bad", **columns):
    known = {"error_type": "KeyError", "error_signature": "aa", "error_location": "src/x.py:7", "message": "KeyError: 'k'"}
    return a_test(name, outcome="failed", **known | columns)


def full_report(text="words"):
    """A run with `text` wherever somebody else's text may stand."""
    attempts = (
        a_failure(
            nodeid=f"tests/{text}.py::{text}", message=text, error_type=text, error_location=text, properties={text: text}
        ),
        a_test("flaky", outcome="failed", is_final=False, message=text),
        a_test("flaky", attempt=2, cause="rerun"),
        a_test("skipped", outcome="skipped", message=text, variant=text, worker=text),
    )
    outputs = {
        (attempts[0]["identity"], 1): dict.fromkeys(("longrepr", "stdout", "stderr", "log"), text),
        (attempts[1]["identity"], 1): {"longrepr": text},
    }
    faults = with_faults(attempts[0], text) | with_faults(attempts[1], text)
    for one, in faults.values():
        one |= {"module": text, "method": text, "path": text, "observed": text, "rule": text}
    return a_report(
        *attempts, outputs=outputs, errors=({"source": "worker", "message": text, "body": text},), vcs_branch=text,
        faults=faults, arguments=[text], environment={text: {text: text}}, rootdir=text, grades={text: {text: {text: text}}},
    )  # fmt: skip


def test_the_essentials_stand_on_the_page_without_the_script() -> None:
    attempts = (
        a_failure(),
        a_test("test_good"),
        a_test("shaky", outcome="crashed", is_final=False),
        a_test("shaky", attempt=2),
    )
    outputs = {(attempts[0]["identity"], 1): {"longrepr": ">   {}['k']", "stdout": "printed"}}
    errors = ({"source": "worker", "message": "gw1 was lost", "body": None},)
    said = page(a_report(*attempts, outputs=outputs, errors=errors, lab="aod", grades={"aod": {"shadow": {"f1": 0.875}}}))
    for words in (
        *("failed", "Run 7", "aod", "small", "42", "main", "c0ffee", "pytest --farm-seed=42"),
        *("1 test, 1 kind", "KeyError: 'k'", "src/x.py:7", ">   {}['k']", "printed", "tests/test_a.py::test_bad"),
        *("gw1 was lost", "0.875", "tests/test_a.py::shaky", "passed at attempt 2", "3.11.9", "JavaScript"),
    ):
        assert words in said.words
    assert said.having(data_testid="count-failed", href="#outcome=failed")


def test_no_byte_comes_from_elsewhere() -> None:
    said = page(full_report())
    assert {tag for tag, _ in said.tags}.isdisjoint(
        {"link", "img", "iframe", "object", "embed", "base", "form", "audio", "video"}
    )
    for tag, attributes in said.tags:
        assert not [name for name in attributes if name in {"src", "srcset", "style", "action"} or name.startswith("on")], (
            tag
        )
        assert attributes.get("href", "#").startswith("#")
    code = "".join(text for _, _, text in said.inline)
    for word in (
        "fetch(",
        "XMLHttpRequest",
        "import(",
        "Blob",
        "eval(",
        "innerHTML",
        "insertAdjacentHTML",
        "document.write",
        "url(",
        "@import",
    ):
        assert word not in code


def test_only_this_style_and_this_script_are_allowed() -> None:
    said = page(full_report())
    (policy,) = [
        attributes["content"] for _, attributes in said.tags if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    (style,) = [text for tag, _, text in said.inline if tag == "style"]
    (script,) = [text for tag, attributes, text in said.inline if tag == "script" and "type" not in attributes]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    assert policy.split("; ") == [
        *("default-src 'none'", f"style-src 'sha256-{hashes[0]}'", f"script-src 'sha256-{hashes[1]}'"),
        *("base-uri 'none'", "form-action 'none'"),
    ]
    order = [tag for tag, attributes in said.tags if tag in {"style", "script"} or "http-equiv" in attributes]
    assert order == ["meta", "style", "script", "script"]


@given(st.text(st.sampled_from(HOSTILE) | st.characters(), min_size=1, max_size=40))
@settings(max_examples=examples(40), deadline=None)
def test_no_text_changes_the_elements_of_the_page(text) -> None:
    text = f"x{text}x".replace("::", "")
    harmless, hostile = page(full_report()), page(full_report(text))
    without_colours = [tag for tag, attributes in hostile.tags if not (attributes.get("class") or "").startswith("ansi-")]
    assert without_colours == [tag for tag, _ in harmless.tags]
    data = hostile.rows()
    names = {f"{data['files'][file]}::{name}" for file, name in zip(data["file"], data["name"], strict=True)}
    assert plain(f"tests/{text}.py::{text}") in names


def test_a_hostile_text_can_be_read() -> None:
    said = page(full_report(f"x{HOSTILE}"))
    assert "</script><img src=x onerror=alert(1)><!--\\u2028␀\\ud800\\u202e'\"&amp;]]>" in said.words


@given(st.text(st.sampled_from("\x1b[]0123456789;mK\n") | st.characters(), max_size=60))
def test_colours_add_elements_but_no_text(text) -> None:
    assert Page(f"<b>{coloured(text)}</b>").words == plain(text)
    assert visible(plain(text)) == plain(text)


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("\x1b[31mred\x1b[0m calm", '<span class="ansi-red">red</span> calm'),
        (
            "\x1b[1;92mok\x1b[22m on\x1b[39m off",
            '<span class="ansi-green ansi-bold">ok</span><span class="ansi-green"> on</span> off',
        ),
        ("\x1b[38;5;31mpalette\x1b[48;2;1;31;3m", "palette"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\x1b[2K", "link"),
        ("a\r\nb\x07", "a\nb␇"),
        ("<\x1b[31m<", '&lt;<span class="ansi-red">&lt;</span>'),
    ],
)
def test_terminal_output_keeps_its_colours(text, markup) -> None:
    assert coloured(text) == markup


@given(
    st.recursive(
        st.none() | st.integers() | st.text(st.characters()),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_data_block_is_read_as_it_was_written(value) -> None:
    block = data_block(value)
    assert json.loads(block) == value
    assert not re.search(r"[<>&\u2028\u2029]|[^\x00-\x7f]", block)


def test_an_element_escapes_what_is_no_markup_yet() -> None:
    assert el("p", "a<b", el("i", 1200), [None, ["&"]], title='"', hidden=True, id=None) == (
        '<p title="&quot;" hidden>a&lt;b<i>1,200</i>&amp;</p>'
    )
    assert el("pre", "\nx") == "<pre>\n\nx</pre>"


def test_everything_that_can_be_operated_has_a_test_id() -> None:
    said = page(full_report())
    nameless = [(tag, attributes) for tag, attributes in said.tags if tag in INTERACTIVE and "data-testid" not in attributes]
    assert not nameless


def test_every_outcome_and_status_has_a_shape() -> None:
    shapes = page(a_report()).source
    words = (*OUTCOMES, "rerun", "queued", "running", "interrupted", "incomplete", "suspect", "lost")
    assert all(f'id="i-{kind_of(word)}"' in shapes for word in words)
    assert len({kind_of(word) for word in OUTCOMES}) == len(OUTCOMES)


def test_rows_are_columns_with_the_deciding_attempt_last() -> None:
    data = page(
        a_report(
            a_test("b", worker="gw1", started_us=5),
            a_test("a", outcome="other", raw_outcome="rerun", is_final=False, worker="gw0", message="first"),
            a_test("a", attempt=2, started_us=9, worker="gw1", properties={"farm.lab": "aod"}, data_tenant="t"),
            a_test(nodeid="tests/broken.py", identity="tests/broken.py", outcome="error", phase="collect"),
        )
    ).rows()
    named = [
        (data["files"][file], name, data["outcomes"][outcome], data["workers"][worker])
        for file, name, outcome, worker in zip(data["file"], data["name"], data["outcome"], data["worker"], strict=True)
    ]
    assert named == [
        ("tests/broken.py", "", "error", "main"),
        ("tests/test_a.py", "b", "passed", "gw1"),
        ("tests/test_a.py", "a", "rerun", "gw0"),
        ("tests/test_a.py", "a", "passed", "gw1"),
    ]
    assert data["earlier"] == [2]
    assert data["start"] == [0, 5, 0, 9]
    assert data["notes"]["2"] == {"message": "first"}
    assert data["notes"]["3"] == {"tenant": "t", "properties": [["farm.lab", "aod"]]}
    assert data["notes"]["0"] == {"card": "failure-1", "phase": "collect"}


def test_failures_that_look_alike_are_one_group_the_largest_first() -> None:
    alike = [a_failure(f"alike_{number}", error_signature="bb", message="late") for number in range(7)]
    said = page(a_report(a_failure("alone"), *alike))
    assert "8 tests, 2 kinds" in said.words
    assert said.words.index("alike_0") < said.words.index("alone")
    assert "Show 2 more tests that failed in this way" in said.words
    assert len(said.having(open=None)) == 1


def test_the_command_repeats_seed_and_anchor_of_the_run() -> None:
    anchor = "--farm-anchor=2026-01-15T12:00:00+00:00"
    assert f"pytest -k 'a b' --farm-seed=42 {anchor}" in page(a_report(arguments=["-k", "a b", "--farm-seed=random"])).words
    assert f"pytest -x --farm-seed=42 {anchor}" in page(a_report(arguments=["--farm-seed", "random", "-x"])).words
    assert f"pytest --farm-seed=0x2a {anchor}" in page(a_report(arguments=["--farm-seed=0x2a"])).words


def test_injected_faults_are_with_what_failed_and_are_few() -> None:
    bad, flaky = a_failure("bad"), a_test("flaky", outcome="failed", is_final=False)
    faults = with_faults(bad, *["<b>"] * 12, told=15) | with_faults(flaky, "status")
    said = page(a_report(bad, flaky, a_test("flaky", attempt=2), faults=faults))
    assert len(said.having(data_testid="faults")) == 2
    assert said.words.count("GET aod /api/runs") == 11
    assert "0.001 s<b> 2.5 sGET aod /api/runs--" in said.words
    assert "and 5 faults more" in said.words
    assert not page(a_report(a_failure("bad"))).having(data_testid="faults")


def test_a_failed_test_can_be_run_alone_on_the_same_data() -> None:
    said = page(a_report(a_failure("bad[a b]"), a_failure("x" * 5000), scale="large", data_tenant="acme"))
    data = "--farm-scale=large --farm-profile=typical --farm-tenant=acme --farm-seed=42"
    assert f"pytest 'tests/test_a.py::bad[a b]' {data} --farm-anchor=2026-01-15T12:00:00+00:00" in said.words
    assert len(said.having(data_testid="copy-test")) == 1
    assert "x" * 1001 not in said.words


def test_lanes_tell_busy_and_idle_time() -> None:
    said = page(
        a_report(
            a_test("a", worker="gw10", started_us=0, setup_us=0, call_us=1_000_000, teardown_us=0),
            a_test("b", worker="gw2", started_us=0, setup_us=0, call_us=250_000, teardown_us=0),
            a_test("c", worker="gw2", started_us=750_000, setup_us=0, call_us=250_000, teardown_us=0),
        )
    )
    assert "2 workers, busy 75 % of 1.00 s" in said.words
    assert "gw22500 ms50 %0.0 ms500 ms0.0 ms" in said.words
    assert said.words.index("gw2") < said.words.index("gw10")


def test_a_ci_link_is_a_link_only_to_the_web() -> None:
    assert page(a_report(ci_url="https://ci.example.com/1", ci_provider="x")).having(href="https://ci.example.com/1")
    assert "javascript:" not in page(a_report(ci_url="javascript:alert(1)")).source


def change(kind, name, now, then, now_us=None, then_us=None):
    return Change(kind, name, f"tests/test_a.py::{name}", now, then, now_us, then_us)


def test_beside_its_baseline_a_run_shows_what_changed() -> None:
    changes = [
        change("newly_failing", "test_bad", "failed", "passed"),
        change("other_error", "still_bad", "error", "failed"),
        change("fixed", "was_bad", "passed", "crashed"),
        change("slower", "slow", "passed", "passed", 3_000_000, 1_000_000),
        change("removed", "gone", None, "passed"),
    ]
    report = a_report(a_failure())
    differences = {"seed": (1, 42), "vcs_sha": (None, "c0ffee")}
    comparison = Comparison({}, {"id": 5, "status": "passed"}, "last passed on main", differences, changes)
    said = page(report, comparison)
    for words in (
        *(
            "Compared with run 5",
            "1 newly failing, 1 failing with another error, 1 fixed, 1 removed, 1 slower",
            "last passed on main",
        ),
        *("1.00 s → 3.00 s (x 3.0)", "Settings that differ: 2", "c0ffee"),
    ):
        assert words in said.words
    assert said.having(href="#failure-1", data_testid="changed-test")


@pytest.mark.parametrize("status", ["queued", "running", "suspect", "lost", "error", "interrupted", "incomplete"])
def test_a_run_without_tests_is_a_page_too(status) -> None:
    said = page(a_report(status=status, exit_code=None, grades=None, environment=None, arguments=None, status_reason="why"))
    assert status in said.words
    assert "why" in said.words
    assert said.rows()["file"] == []
    assert "Failures" not in said.words


def test_ten_thousand_tests_are_less_than_6_mb() -> None:
    said = page(large_report(10_000, 200))
    assert len(said.source.encode()) < 6_000_000
    data = said.rows()
    assert len(data["file"]) - len(data["earlier"]) == 10_000
    assert len(said.having(data_testid="failure")) == 200


@pytest.mark.slow
def test_even_if_each_of_them_fails_and_prints_64_kib() -> None:
    attempts = [
        a_failure(f"test_{number}", error_signature=str(number % 1000), message="m" * 2000) for number in range(10_000)
    ]
    outputs = {(one["identity"], 1): {"longrepr": "begins " + "x" * 65_000 + " ends"} for one in attempts}
    said = page(a_report(*attempts, outputs=outputs))
    assert len(said.source.encode()) < 8_000_000
    assert "9,500 more failures are in the list of tests" in said.words
    assert "characters left out here" in said.words


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node, only to read the script")
def test_the_script_is_javascript(tmp_path) -> None:
    script = tmp_path / "report.js"
    (text,) = [text for tag, attributes, text in page(a_report()).inline if tag == "script" and "type" not in attributes]
    script.write_text(text, encoding="utf-8")
    subprocess.run(["node", "--check", script], check=True)


def test_without_a_browser_the_benchmark_claims_nothing(monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match=r"no browser: looked for chromium.*nothing was measured"):
        find_browser()
