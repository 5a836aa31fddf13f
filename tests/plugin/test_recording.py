"""What a run leaves in the store: status, counts, one row per attempt, grades; the same three ways."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from recorded_runs import all_runs, counts, only_run, outcomes, spools

from pytest_aosfarm.cli import main

EVERY_OUTCOME = """
    import pytest

    @pytest.fixture
    def broken():
        raise ValueError("no luck")

    @pytest.fixture
    def leaking():
        yield
        raise ValueError("leak")

    def test_pass(): pass
    def test_fail(): assert 1 == 2
    def test_setup_error(broken): pass
    def test_teardown_error(leaking): pass
    def test_fail_and_leak(leaking): assert 0
    def test_skip(): pytest.skip("not today")
    @pytest.mark.skip(reason="marked")
    def test_marked_skip(): pass
    @pytest.mark.xfail(reason="known")
    def test_xfail(): assert 0
    @pytest.mark.xfail
    def test_xpass(): pass
    @pytest.mark.xfail(strict=True)
    def test_strict(): pass
    def test_subtests(subtests):
        for i in range(3):
            with subtests.test(i=i): assert i != 1
    @pytest.mark.parametrize("x", [1, 2])
    def test_many(x): pass
    def test_unwanted(): pass
"""


def test_every_outcome_is_counted_once_per_test(pytester: pytest.Pytester, plugin_args: tuple[str, ...]) -> None:
    pytester.makepyfile(EVERY_OUTCOME)
    before = datetime.now(UTC)
    result = pytester.runpytest("--farm-seed=7", "-k", "not unwanted", *plugin_args)

    assert result.ret == 1
    run = only_run(pytester.path)
    assert (run["status"], run["exit_code"], run["seed"], run["scale"]) == ("failed", 1, 7, "small")
    assert before <= run["started_at"] <= run["finished_at"] <= datetime.now(UTC)
    assert counts(run) == {
        "collected": 13, "deselected": 1, "passed": 3, "failed": 4, "errors": 2, "skipped": 2, "xfailed": 1,
        "xpassed": 1,
    }  # fmt: skip
    assert outcomes(run) == {
        "test_pass": "passed", "test_fail": "failed", "test_setup_error": "error", "test_teardown_error": "error",
        "test_fail_and_leak": "failed", "test_skip": "skipped", "test_marked_skip": "skipped", "test_xfail": "xfailed",
        "test_xpass": "xpassed", "test_strict": "failed", "test_subtests": "failed", "test_many[1]": "passed",
        "test_many[2]": "passed",
    }  # fmt: skip
    tests = {test["nodeid"].rpartition("::")[2]: test for test in run["tests"]}
    assert "assert 1 == 2" in tests["test_fail"]["message"]
    assert (tests["test_setup_error"]["phase"], tests["test_teardown_error"]["phase"]) == ("setup", "teardown")
    assert tests["test_xfail"]["message"] == "known"
    assert "not today" in tests["test_skip"]["message"]
    assert {test["worker"] for test in run["tests"]} <= ({"gw0", "gw1"} if "-n2" in plugin_args else {None})
    assert run["environment"]["pytest"] == pytest.__version__
    assert spools(pytester.path) == []
    assert (pytester.path / ".aosfarm/.gitignore").read_text() == "*\n"
    result.stdout.fnmatch_lines(["*AOS-Farm*", "failed     3 passed, 4 failed, 2 errors, 2 skipped, *1 deselected in *"])
    result.stdout.fnmatch_lines(["run 1 recorded in .aosfarm*farm.db (aosfarm show 1)"])


def test_a_file_that_cannot_be_collected_is_an_error_of_the_run(
    pytester: pytest.Pytester, plugin_args: tuple[str, ...]
) -> None:
    pytester.makepyfile(test_good="def test(): pass", test_bad="import no_such_module_anywhere")
    result = pytester.runpytest("--farm-seed=1", *plugin_args)
    run = only_run(pytester.path)
    assert (run["status"], run["exit_code"]) == ("error", result.ret)
    assert run["errors"] == 1
    (bad,) = (test for test in run["tests"] if test["outcome"] == "error")
    assert (bad["nodeid"], bad["phase"]) == ("test_bad.py", "collect")
    assert "no_such_module_anywhere" in bad["message"]


def test_a_file_that_is_skipped_as_a_whole_is_one_skip(pytester: pytest.Pytester, plugin_args: tuple[str, ...]) -> None:
    pytester.makepyfile("import pytest\npytest.skip('later', allow_module_level=True)")
    result = pytester.runpytest("--farm-seed=1", *plugin_args)
    run = only_run(pytester.path)
    assert counts(run) == {"skipped": 1}
    assert (run["status"], run["exit_code"]) == ("error", result.ret)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_run_that_never_mentions_the_farm_leaves_no_trace(pytester: pytest.Pytester, plugin_args: tuple[str, ...]) -> None:
    pytester.makepyfile("def test(record_property): record_property('mine', 1)")
    result = pytester.runpytest("-p", "no:cacheprovider", *plugin_args)
    assert result.ret == 0
    assert not (pytester.path / ".aosfarm").exists()
    result.stdout.no_fnmatch_line("*AOS-Farm*")


def test_the_first_farm_property_makes_the_run_and_what_came_before_is_in_it(
    pytester: pytest.Pytester, plugin_args: tuple[str, ...]
) -> None:
    pytester.makepyfile(
        """
        import time

        def test_early(): time.sleep(0.3)
        def test_farm(record_property): record_property("farm.lab", "aod")
        def test_late(): assert 0
        def test_out(): pass
        """
    )
    result = pytester.runpytest("-k", "not out", *plugin_args)
    assert result.ret == 1
    run = only_run(pytester.path)
    assert counts(run) == {"collected": 3, "deselected": 1, "passed": 2, "failed": 1}
    assert (run["status"], run["lab"]) == ("failed", "aod")
    assert all(test["started_us"] >= 0 for test in run["tests"])


@pytest.mark.parametrize("option", ["--collect-only", "--no-farm-record", "--fixtures", "--setup-plan"])
def test_what_runs_no_tests_or_wants_no_record_leaves_no_trace(pytester: pytest.Pytester, option: str) -> None:
    pytester.makepyfile("def test(record_property): record_property('farm.lab', 'aod')")
    assert pytester.runpytest("-p", "no:cacheprovider", "--farm-seed=1", option).ret == 0
    assert not (pytester.path / ".aosfarm").exists()


GRADING = """
    import pytest

    @pytest.mark.parametrize("n", range(6))
    def test_grade(n, record_property):
        record_property("farm.grade.aod.shadow.f1", 0.9 + n / 100)
        record_property(f"farm.grade.aod.zombie.f{n}", n)
        record_property("farm.lab", "aod")
        record_property("mine", "kept")
"""


def test_grades_are_the_same_however_tests_are_spread(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(GRADING)
    for arguments in ([], ["-n0"], ["-n2"]):
        pytester.runpytest("--farm-seed=1", *arguments)
    runs = all_runs(pytester.path)
    assert len(runs) == 3
    assert [run["grades"] for run in runs] == [runs[0]["grades"]] * 3
    assert runs[0]["grades"] == {"aod": {"shadow": {"f1": 0.9 + 5 / 100}, "zombie": {f"f{n}": n for n in range(6)}}}
    assert {test["properties"]["mine"] for run in runs for test in run["tests"]} == {"kept"}


def test_another_plugins_word_for_an_outcome_is_kept(pytester: pytest.Pytester, plugin_args: tuple[str, ...]) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(item, call):
            report = yield
            if call.when == "call" and item.name == "test_odd":
                report.outcome = "quarantined"
            return report

        def pytest_report_teststatus(report):
            if report.outcome == "quarantined":
                return "quarantined", "Q", "QUARANTINED"
        """
    )
    pytester.makepyfile("def test_odd(): pass\ndef test_even(): pass")
    result = pytester.runpytest("--farm-seed=1", *plugin_args)
    run = only_run(pytester.path)
    assert result.ret == 0
    assert outcomes(run) == {"test_odd": "other", "test_even": "passed"}
    assert (run["status"], counts(run)) == ("passed", {"collected": 2, "passed": 1})


def test_without_a_terminal_the_run_is_recorded_all_the_same(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test(): pass")
    assert pytester.runpytest("--farm-seed=1", "-p", "no:terminal").ret == 0
    assert only_run(pytester.path)["status"] == "passed"


def test_names_and_texts_that_utf8_does_not_know_are_recorded(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        r"""
        import pytest

        @pytest.mark.parametrize("x", [1], ids=["é\x00☃"])
        def test(x, record_property):
            record_property("odd", "\ud800")
            pytest.fail("\udc80 and \x00", pytrace=False)
        """
    )
    pytester.runpytest("--farm-seed=1", "-p", "no:terminal")
    (test,) = only_run(pytester.path)["tests"]
    assert test["outcome"] == "failed"
    assert test["properties"]["odd"] == "\\ud800"
    assert "\\udc80" in test["message"]


def test_the_command_line_tells_of_the_run(pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    pytester.makepyfile(EVERY_OUTCOME)
    pytester.runpytest("--farm-seed=5")
    capsys.readouterr()
    assert main(["runs", "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)
    assert run["started_at"].endswith("+00:00")
    del run["started_at"]
    expected = {
        "id": 1, "status": "failed", "exit_code": 1, "lab": None, "scale": "small", "seed": 5,
        "scenario": "tests small typical",
        "collected": 14,
        "passed": 4, "failed": 4, "errors": 2, "skipped": 2, "xfailed": 1, "xpassed": 1, "crashed": 0,
    }  # fmt: skip
    assert run.items() >= expected.items()
    assert main(["show", "1"]) == 0
    lines = pytest.LineMatcher(capsys.readouterr().out.splitlines())
    lines.fnmatch_lines(["status * failed", "failed * *::test_fail * assert 1 == 2"])
