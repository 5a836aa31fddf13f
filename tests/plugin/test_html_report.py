"""`--farm-html` leaves the run as one file, whole or not at all, and never changes what a run says."""

from __future__ import annotations

import re
import shlex
from html import unescape

import pytest

SUITE = """
    def test_good(): pass
    def test_bad():
        print("printed before")
        assert {"a": 1} == {"a": 2}
"""


def test_a_run_leaves_its_report(pytester: pytest.Pytester, plugin_args: tuple[str, ...]) -> None:
    pytester.makepyfile(SUITE)
    result = pytester.runpytest("--farm-html=out/report.html", *plugin_args)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    path = pytester.path / "out/report.html"
    result.stdout.fnmatch_lines([f"HTML report: {path.as_uri()}"])
    page = path.read_text(encoding="utf-8")
    for words in ("Run 1", "test_a_run_leaves_its_report.py::test_bad", "printed before", "--farm-html=out/report.html"):
        assert words in page
    assert [one.name for one in path.parent.iterdir()] == ["report.html"]


def test_what_failed_with_faults_is_replayed_by_the_line_of_the_report(pytester, suite, plugin_args) -> None:
    suite(
        """
        import pytest

        @pytest.mark.chaos("shop", fault="503", rate=0.5)
        def test_orders(shop):
            assert [shop.get(f"/{n}").status_code for n in range(8)] == []
        """
    )
    red = pytester.runpytest("--farm-html=report.html", "--farm-chaos-seed=5", *plugin_args)
    told = [line for line in red.outlines if line.startswith("call ")]
    assert 0 < len(told) < 8

    page = unescape((pytester.path / "report.html").read_text(encoding="utf-8"))
    (line,) = re.findall(r"<code>(pytest [^<]*--farm-replay=[^<]*)</code>", page)
    again = pytester.runpytest(*shlex.split(line)[1:], *plugin_args)
    assert [line for line in again.outlines if line.startswith("call ")] == told


@pytest.mark.parametrize("farm", [True, False], ids=["uses the Farm", "does not"])
def test_asked_for_in_an_ini_file_only_runs_that_use_the_farm_leave_one(pytester: pytest.Pytester, farm: bool) -> None:
    pytester.makeini("[pytest]\nfarm_html = report.html")
    pytester.makepyfile(f"def test({'tenant' if farm else ''}): pass")
    below = pytester.mkdir("below")
    result = pytester.runpytest(f"--rootdir={pytester.path}", f"-c={pytester.path / 'tox.ini'}", pytester.path)
    assert result.ret == 0
    assert (pytester.path / "report.html").exists() is farm
    assert not list(below.iterdir())


def test_without_the_database_there_is_none_and_a_line_says_so(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SUITE)
    pytester.mkdir("taken.db")
    result = pytester.runpytest("--farm-html=report.html", "--farm-db=taken.db")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["no HTML report: *aosfarm recover*"])
    assert not (pytester.path / "report.html").exists()


def test_what_cannot_be_written_is_one_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test(): pass")
    pytester.mkdir("report.html")
    result = pytester.runpytest("--farm-html=report.html")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["no HTML report: *report.html is there and is no file*"])


def test_it_needs_the_record(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test(): pass")
    result = pytester.runpytest("--farm-html=report.html", "--no-farm-record")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: aosfarm: html 'report.html' (from option --farm-html) *--no-farm-record*"])


def test_it_shows_what_changed_since_the_baseline(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SUITE.replace('"a": 2', '"a": 1'))
    pytester.runpytest("--farm-html=first.html")
    pytester.makepyfile(SUITE)
    pytester.runpytest("--farm-html=second.html")
    first, second = ((pytester.path / name).read_text(encoding="utf-8") for name in ("first.html", "second.html"))
    assert "Compared with" not in first
    assert "Compared with run 1" in second
    assert "1 newly failing" in second
