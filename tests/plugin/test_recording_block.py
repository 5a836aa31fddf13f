"""The block at the end of a run: at most eight lines, no wider than the terminal, and as few as were asked for."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.exports.words import grade_lines
from pytest_aosfarm.plugin.block import Block
from pytest_aosfarm.recording.location import Database

if TYPE_CHECKING:
    from pytest_aosfarm.recording.tally import Grades

names = st.text("abcdefghij-", min_size=1, max_size=12)
metrics = st.dictionaries(st.sampled_from(["precision", "recall", "f1", "missed"]), st.floats(0, 1) | st.integers(0, 1))
grades = st.dictionaries(st.sampled_from(["aod", "aam", "dcl", "e2e"]), st.dictionaries(names, metrics, max_size=9))


def ended(**values: Any) -> Any:
    """A run that has ended, as the block asks for it."""
    tenant = values.pop("tenant", "default")
    database = values.pop("database", Database(Path("/repo/.aosfarm/farm.db")))
    flaky = values.pop("flaky", [])
    writer = SimpleNamespace(
        database=database,
        database_problem=values.pop("problem", None),
        run_id=7,
        recovered=values.pop("recovered", []),
        started=SimpleNamespace(tenant=tenant),
        tally=SimpleNamespace(flaky=len(flaky)),
    )
    known: dict[str, Any] = {"status": "failed", "counts": "1 passed, 2 failed in 0.1 s", "grades": {}, "changes": None,
                             "faults": None}
    return SimpleNamespace(
        writer=writer, highlights=SimpleNamespace(flaky=flaky), address=lambda name: f"file:///{name}", **known | values
    )


def block(run: Any, width: int = 80, *, linked: bool = False) -> Block:
    link = (lambda text, address: f"[{text}]({address})") if linked else (lambda text, _address: text)
    return Block(run, width=width, start=Path("/repo"), link=link)


def texts(lines: list[tuple[str, dict[str, bool]]]) -> list[str]:
    return [text for text, _ in lines]


@given(grades, st.integers(60, 200), st.integers(0, 5))
def test_grades_take_no_more_lines_than_there_is_room_for_and_fit(value: Grades, width: int, room: int) -> None:
    lines = grade_lines(value, width=width, room=room)
    assert len(lines) <= min(4, room)
    assert all(len(line) <= width for line in lines)


def test_one_lab_is_a_table_of_its_verdicts() -> None:
    value: Grades = {"aod": {"clean": {"precision": 1.0, "recall": 0.5, "f1": 2 / 3}, "shadow": {"f1": 1}}}
    assert grade_lines(value, width=80) == [
        "aod        clean  shadow",
        "precision  1.000       -",
        "recall     0.500       -",
        "f1         0.667   1.000",
    ]
    assert grade_lines(value, width=24)[0] == "aod        clean  shadow"
    assert grade_lines(value, width=23)[0] == "aod        +2 more"
    assert grade_lines(value, width=80, room=3) == ["aod: lowest f1 0.667 (clean) of 2 graded"]


def test_several_labs_show_where_each_is_worst() -> None:
    value: Grades = {"aod": {"clean": {"f1": 1.0}, "shadow": {"f1": 0.25}}, "dcl": {"revenue": {"f1": 0.5}}}
    assert grade_lines(value, width=80) == [
        "aod: lowest f1 0.250 (shadow) of 2 graded",
        "dcl: lowest f1 0.500 (revenue) of 1 graded",
    ]


@given(
    grades,
    st.lists(st.text(min_size=1, max_size=60), max_size=5),
    st.none() | st.just(("#5", "3 newly failing, " * 9)),
    st.sampled_from([None, "gone"]),
    st.sampled_from([None, "12 faults in 5 tests (9 status, 3 latency)" * 3]),
    st.integers(60, 200),
    st.integers(0, 4),
)
def test_the_block_never_has_more_lines_than_there_is_room_for(
    value: Grades, flaky: list[str], changes: Any, problem: str | None, faults: str | None, width: int, warnings: int
) -> None:
    room = 7 - warnings
    run = ended(grades=value, flaky=flaky, changes=changes, problem=problem, faults=faults)
    lines = texts(block(run, width).full(room))
    assert 1 <= len(lines) <= room
    assert all(len(line) <= width and line.isprintable() for line in lines)
    assert len(block(run, width).two_lines()) <= 2


def test_what_was_recovered_is_said_even_when_all_passed() -> None:
    others = [SimpleNamespace(id=5, status="lost"), SimpleNamespace(id=6, status="passed")]
    run = ended(status="passed", recovered=others)
    assert not block(run).is_short
    assert texts(block(run).full(7))[1] == "recovered what earlier runs had left behind: 5 (lost), 6 (passed)"


def test_injected_faults_are_said_even_when_all_passed() -> None:
    run = ended(status="passed", faults="2 faults in 1 test (2 status)", changes=("#5", "1 fixed"))
    assert not block(run).is_short
    assert texts(block(run).full(7))[1:3] == ["chaos      2 faults in 1 test (2 status)", "vs #5      1 fixed"]


def test_all_that_there_is_to_say() -> None:
    run = ended(grades={"aod": {"a": {"f1": 0.5}}}, flaky=["t.py::a", "t.py::b"], changes=("#5", "1 fixed"), problem="x")
    assert texts(block(run).full(7)) == [
        "aod            a",
        "precision      -",
        "recall         -",
        "f1         0.500",
        "failed     1 passed, 2 failed in 0.1 s",
        "vs #5      1 fixed",
        "flaky      t.py::a, t.py::b",
    ]


def test_names_that_do_not_fit_are_counted_and_the_first_is_cut() -> None:
    run = ended(flaky=["tests/one.py::test_a", "tests/two.py::test_b", "tests/three.py::test_c"])
    for width, line in ((73, "flaky      tests/one.py::test_a, tests/two.py::test_b and 1 more"),
                        (50, "flaky      tests/one.py::test_a and 2 more"),
                        (38, "flaky      tests/one.py::t… and 2 more")):  # fmt: skip
        assert texts(block(run, width).full(7))[1] == line


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({}, "run 7 recorded in .aosfarm/farm.db (aosfarm show 7)"),
        ({"tenant": "acme co"}, "run 7 recorded in .aosfarm/farm.db (aosfarm show 7 --tenant 'acme co')"),
        ({"database": Database(Path("/repo/my runs"))}, "run 7 recorded in my runs (aosfarm show 7 --db 'my runs')"),
        ({"database": Database(url="postgresql://u:secret@h/d"), "tenant": "a"},
         "run 7 recorded in postgresql://h/d (aosfarm show 7 --db postgresql://h/d --tenant a)"),
    ],
)  # fmt: skip
def test_the_last_line_says_how_the_run_is_shown(values: dict[str, Any], line: str) -> None:
    assert texts(block(ended(**values)).full(7))[-1] == line


def test_links_go_to_the_database_and_the_files_of_flaky_tests_whatever_is_in_their_names() -> None:
    run = ended(flaky=["t.py::a\x1b[2J\n::error::x ##[error]y"])
    assert texts(block(run, linked=True).full(7))[1:] == [
        "flaky      [t.py::a [2J ::error::x ## [error]y](file:///t.py::a [2J ::error::x ## [error]y)",
        "run 7 recorded in [.aosfarm/farm.db](file:///repo/.aosfarm/farm.db) (aosfarm show 7)",
    ]


GRADED = """
    def test_grade(record_property):
        for subject in ("clean", "shadow", "zombie", "parked", "indeterminate", "rejected"):
            for metric in ("precision", "recall", "f1"):
                record_property(f"farm.grade.aod.{subject}.{metric}", 1.0)
"""


def said(result: pytest.RunResult) -> list[str]:
    """The lines of the block, without how long it took."""
    lines = [re.sub(r"in [\d.]+ s", "in N s", line) for line in result.outlines]
    starts = [number for number, line in enumerate(lines) if "AOS-Farm" in line]
    found = lines[starts[0] : starts[0] + 9] if starts else []
    return [line for line in found if not re.match(r"=+ [^A]|FAILED|\d+ failed", line)]


def test_the_whole_block_of_a_graded_run_is_at_most_eight_lines(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(GRADED)
    assert said(pytester.runpytest("--farm-seed=1")) == [
        "=================================== AOS-Farm ===================================",
        "aod        clean  indeterminate  parked  rejected  shadow  zombie",
        *(f"{name:9}  1.000          1.000   1.000     1.000   1.000   1.000" for name in ("precision", "recall", "f1")),
        "passed     1 passed in N s",
        "run 1 recorded in .aosfarm/farm.db (aosfarm show 1)",
    ]


RECORDED = "run 1 recorded in .aosfarm/farm.db (aosfarm show 1)"


def test_two_lines_are_enough_when_all_passed(pytester: pytest.Pytester, plugin_args: tuple[str, ...]) -> None:
    pytester.makepyfile("def test_a(): pass\ndef test_b(): pass")
    workers = " on 2 workers" if "-n2" in plugin_args else ""
    assert said(pytester.runpytest("--farm-seed=1", *plugin_args)) == [f"AOS-Farm: 2 passed in N s{workers}", RECORDED]


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (("--farm-report=short",), ["AOS-Farm: failed, 1 failed in N s", RECORDED]),
        (("-q",), ["AOS-Farm: failed, 1 failed in N s", RECORDED]),
        (("--farm-report=full",), [f"{' AOS-Farm ':=^80}", "failed     1 failed in N s", RECORDED]),
        (("--farm-report=off",), []),
        (("-qq",), []),
    ],
    ids=" ".join,
)
def test_as_much_as_was_asked_for(pytester: pytest.Pytester, arguments: tuple[str, ...], lines: list[str]) -> None:
    pytester.makepyfile("def test_a(): assert 0")
    result = pytester.runpytest("--farm-seed=1", *arguments)
    assert said(result) == lines
    assert (pytester.path / ".aosfarm/farm.db").is_file()


def test_lost_results_are_told_even_when_nothing_else_is(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_a(): assert 0")
    pytester.mkdir("taken.db")
    lines = said(pytester.runpytest("--farm-db=taken.db", "-qq", "--farm-report=off"))
    assert lines[0] == f"{' AOS-Farm ':=^80}"
    assert lines[1].startswith("run not recorded: ")
    assert "`aosfarm recover` imports them" in lines[2]


def on_a_terminal(root: Path, **variables: str) -> str:
    """What pytest writes when its output is a terminal."""
    ours, theirs = pty.openpty()
    clean = {name: text for name, text in os.environ.items() if name in {"PATH", "HOME", "PYTEST_ADDOPTS"}}
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--farm-seed=1", "-p", "no:cacheprovider"],
        cwd=root, stdout=theirs, stderr=theirs, env={**clean, "TERM": "xterm", **variables},
    )  # fmt: skip
    os.close(theirs)
    written = b""
    # At the end of the process Linux says EIO.
    try:
        while piece := os.read(ours, 4096):
            written += piece
    except OSError:
        pass
    os.close(ours)
    process.wait(timeout=30)
    return written.decode()


@pytest.mark.slow
def test_hyperlinks_are_for_terminals_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_a(): pass")
    link = f"\x1b]8;;{(pytester.path / '.aosfarm/farm.db').as_uri()}\x1b\\.aosfarm/farm.db\x1b]8;;\x1b\\"
    assert f"run 1 recorded in {link} (aosfarm show 1)" in on_a_terminal(pytester.path)
    assert "\x1b]8" not in on_a_terminal(pytester.path, GITHUB_ACTIONS="true")
    assert "\x1b]8" not in str(pytester.runpytest("--farm-seed=1", "--color=yes").stdout)


RERUNS = """
    import pytest
    from _pytest.runner import runtestprotocol

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(item, nextitem):
        "What pytest-rerunfailures does."
        for last in (False, True):
            for report in runtestprotocol(item, nextitem=nextitem, log=False):
                if report.failed and not last:
                    report.outcome = "rerun"
                    item.ihook.pytest_runtest_logreport(report=report)
                    break
                item.ihook.pytest_runtest_logreport(report=report)
            else:
                return True
        return True
"""


def test_flaky_tests_are_named_and_the_run_is_compared_with_the_one_before(
    pytester: pytest.Pytester, plugin_args: tuple[str, ...]
) -> None:
    pytester.makeconftest(RERUNS)
    flaky = "tries = []\ndef test_flaky():\n    tries.append(1)\n    assert len(tries) > 1\n"
    workers = " on 2 workers" if "-n2" in plugin_args else ""
    pytester.makepyfile(test_it=f"{flaky}def test_a(): assert 0\ndef test_b(): pass\ndef test_c(): assert 0")
    assert said(pytester.runpytest("--farm-seed=1", *plugin_args))[1:] == [
        f"failed     2 passed, 2 failed, 1 flaky in N s{workers}", "flaky      test_it.py::test_flaky", RECORDED
    ]  # fmt: skip
    pytester.makepyfile(test_it=f"{flaky}def test_a(): pass\ndef test_b(): assert 0\ndef test_c(): assert 0")
    assert said(pytester.runpytest("--farm-seed=1", *plugin_args))[1:] == [
        f"failed     2 passed, 2 failed, 1 flaky in N s{workers}",
        "vs #1      1 newly failing, 1 still failing, 1 fixed",
        "flaky      test_it.py::test_flaky",
        RECORDED.replace("1", "2"),
    ]


@pytest.mark.slow
def test_a_comparison_that_cannot_be_made_is_left_out(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("from pytest_aosfarm.history import compare\ncompare.compare_with_baseline = None")
    pytester.makepyfile("def test_a(): pass")
    for run in (1, 2):
        result = pytester.runpytest_subprocess("--farm-seed=1")
        assert result.ret == 0
        assert said(result) == ["AOS-Farm: 1 passed in N s", RECORDED.replace("1", str(run))]
