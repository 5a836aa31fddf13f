"""Each attempt at a test is a row, the last one decides, and no way to spread or repeat tests loses or mixes any."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from recorded_runs import all_runs, counts, errors, only_run, outcomes, outputs, tries

if TYPE_CHECKING:
    from collections.abc import Callable

ONCE = """
    import os, pathlib, pytest

    def first_time(name):
        path = pathlib.Path(__file__).with_name(name)
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            return False
        return True
"""
RERUNS = ("-p", "pytest_rerunfailures", "--reruns=2")

slow = pytest.mark.slow


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Callable[[str], None]:
    """Write tests that may ask whether something happens for the first time."""

    def write(text: str) -> None:
        pytester.makepyfile(test_it=dedent(ONCE) + dedent(text))

    return write


def test_reruns_are_attempts_and_what_passes_in_the_end_is_flaky(
    pytester: pytest.Pytester, suite: Callable[[str], None], plugin_args: tuple[str, ...]
) -> None:
    suite(
        """
        @pytest.fixture
        def breaks_once():
            assert not first_time("setup")

        @pytest.fixture
        def leaks_once():
            yield
            assert not first_time("teardown")

        def test_ok(): pass
        def test_flaky(): assert not first_time("call")
        def test_broken(): assert 0
        def test_setup(breaks_once): pass
        def test_teardown(leaks_once): pass
        def test_subtests(subtests):
            with subtests.test("one"): assert not first_time("subtest")
        """
    )
    result = pytester.runpytest("--farm-seed=1", *RERUNS, *plugin_args)
    run = only_run(pytester.path)
    assert result.ret == 1
    assert (run["status"], counts(run)) == ("failed", {"collected": 6, "passed": 5, "failed": 1, "flaky": 4})
    twice = [(1, "other", "rerun", "first", False), (2, "passed", None, "rerun", True)]
    assert tries(run, "attempt", "outcome", "raw_outcome", "cause", "is_final") == {
        "test_ok": [(1, "passed", None, "first", True)],
        "test_flaky": twice,
        "test_broken": [
            (1, "other", "rerun", "first", False), (2, "other", "rerun", "rerun", False), (3, "failed", None, "rerun", True),
        ],
        "test_setup": twice,
        "test_teardown": twice,
        "test_subtests": twice,
    }  # fmt: skip
    assert {name: told[0] for name, told in tries(run, "phase", "error_type").items()} == {
        "test_ok": ("call", None),
        "test_flaky": ("call", "AssertionError"),
        "test_broken": ("call", "AssertionError"),
        "test_setup": ("setup", "AssertionError"),
        "test_teardown": ("teardown", "AssertionError"),
        "test_subtests": ("call", "AssertionError"),
    }


def test_a_plugin_that_reruns_without_a_word_of_its_own(pytester: pytest.Pytester, plugin_args: tuple[str, ...]) -> None:
    pytester.makeconftest(
        """
        import pytest
        from _pytest.runner import runtestprotocol

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item, nextitem):
            for _ in range(2):
                runtestprotocol(item, nextitem=nextitem, log=True)
            return True
        """
    )
    pytester.makepyfile("tries = []\ndef test_flaky():\n    tries.append(1)\n    assert len(tries) > 1")
    result = pytester.runpytest("--farm-seed=1", *plugin_args)
    run = only_run(pytester.path)
    assert tries(run, "outcome", "cause", "is_final") == {
        "test_flaky": [("failed", "first", False), ("passed", "rerun", True)]
    }
    assert counts(run) == {"collected": 1, "passed": 1, "flaky": 1}
    assert (run["status"], run["exit_code"]) == ("failed", result.ret)
    assert run["status_reason"] == "no test failed in the end, but the exit code is 1"


def test_a_plugin_that_keeps_a_failure_to_itself_and_makes_the_test_anew(
    pytester: pytest.Pytester, plugin_args: tuple[str, ...]
) -> None:
    # As the plugin flaky does.
    pytester.makeconftest(
        """
        import pytest
        from _pytest.runner import runtestprotocol

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item, nextitem):
            again = True
            while again:
                reports = runtestprotocol(item, nextitem=nextitem, log=False)
                again = any(report.failed for report in reports)
                for report in reports:
                    if not report.failed:
                        item.ihook.pytest_runtest_logreport(report=report)
            return True
        """
    )
    pytester.makepyfile("tries = []\ndef test_flaky():\n    tries.append(1)\n    assert len(tries) > 1")
    result = pytester.runpytest("--farm-seed=1", *plugin_args)
    run = only_run(pytester.path)
    assert tries(run, "outcome", "raw_outcome", "cause", "is_final") == {
        "test_flaky": [("other", "unreported", "first", False), ("passed", None, "rerun", True)]
    }
    assert counts(run) == {"collected": 1, "passed": 1, "flaky": 1}
    assert (run["status"], run["exit_code"]) == ("passed", result.ret)


@slow
@pytest.mark.parametrize("dist", ["load", "worksteal", "loadscope", "loadfile"])
def test_a_test_that_crashed_and_went_well_elsewhere_is_flaky(
    pytester: pytest.Pytester, suite: Callable[[str], None], dist: str
) -> None:
    suite(
        """
        def test_a(): pass
        def test_crash():
            if first_time("crash"): os._exit(1)
        def test_b(): pass
        """
    )
    pytester.runpytest("--farm-seed=1", "-n2", f"--dist={dist}", *RERUNS)
    run = only_run(pytester.path)
    assert counts(run) == {"collected": 3, "passed": 3, "flaky": 1}
    assert tries(run, "outcome", "cause", "is_final", "identity")["test_crash"] == [
        ("crashed", "first", False, "test_it::test_crash"),
        ("passed", "crash", True, "test_it::test_crash"),
    ]
    assert [(source, "went down" in message) for source, message in errors(pytester.path)] == [("worker", True)]


@slow
def test_a_test_whose_worker_dies_before_it_could_say_who_it_is(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os, pytest

        @pytest.fixture
        def deadly(): os._exit(1)

        class TestThing:
            @pytest.mark.parametrize("x", ["a::b"])
            def test_it(self, x, deadly): pass
        """
    )
    assert pytester.runpytest("--farm-seed=1", "-n1").ret == 1
    (test,) = only_run(pytester.path)["tests"]
    module = "test_a_test_whose_worker_dies_before_it_could_say_who_it_is"
    assert (test["outcome"], test["identity"]) == ("crashed", f"{module}::TestThing.test_it[a::b]")
    assert test["message"] == f"worker 'gw0' crashed while running '{test['nodeid']}'"


EACH = """
    import os, pytest

    worker = os.environ["PYTEST_XDIST_WORKER"]

    def test_a(): pass
    def test_b(): assert worker == "gw1"
    def test_c(): pass
"""


@slow
def test_every_worker_gives_a_result_under_dist_each(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(EACH)
    assert pytester.runpytest("--farm-seed=1", "-n2", "--dist=each").ret == 1
    run = only_run(pytester.path)
    assert (run["dist"], run["worker_count"]) == ("each", 2)
    assert counts(run) == {"collected": 6, "passed": 5, "failed": 1}
    for name, rows in tries(run, "attempt", "cause", "is_final").items():
        assert rows == [(1, "first", True), (2, "each", True)], name
    variants = {(test["nodeid"][-1], test["variant"]): test["outcome"] for test in run["tests"]}
    assert variants.pop(("b", "gw0")) == "failed"
    assert variants == dict.fromkeys([("a", "gw0"), ("c", "gw0"), *((name, "gw1") for name in "abc")], "passed")
    assert all(test["worker"] == test["variant"] for test in run["tests"])


@slow
def test_a_test_that_one_worker_loses_under_dist_each_is_noticed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_a(): pass\ndef test_b(): pass")
    pytester.makeconftest(
        """
        import os

        def pytest_runtest_protocol(item):
            return True if (item.name, os.environ["PYTEST_XDIST_WORKER"]) == ("test_b", "gw1") else None
        """
    )
    result = pytester.runpytest_subprocess("--farm-seed=1", "-n2", "--dist=each")
    run = only_run(pytester.path)
    assert result.ret == 3
    assert (run["status"], run["status_reason"]) == ("incomplete", "1 of 4 collected tests left no result")


@slow
def test_a_worker_that_takes_over_under_dist_each_is_no_third_variant_of_what_was_done(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os

        def test_a(): pass
        def test_b():
            if os.environ["PYTEST_XDIST_WORKER"] == "gw0": os._exit(1)
        def test_c(): pass
        """
    )
    assert pytester.runpytest("--farm-seed=1", "-n2", "--dist=each").ret == 1
    run = only_run(pytester.path)
    assert (run["status"], counts(run)) == ("failed", {"collected": 6, "passed": 5, "crashed": 1})


@slow
@pytest.mark.parametrize("dist", ["loadgroup", "loadscope", "loadfile", "worksteal"])
def test_every_way_to_spread_tests_is_complete_and_names_are_the_same(pytester: pytest.Pytester, dist: str) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.xdist_group("g@h")
        @pytest.mark.parametrize("n", ["a@b", "c", "d]e"])
        def test(n): pass

        @pytest.mark.parametrize("n", ["x@y"])
        def test_free(n): pass
        """
    )
    assert pytester.runpytest("--farm-seed=1", "-n2", f"--dist={dist}").ret == 0
    assert pytester.runpytest("--farm-seed=1", "--farm-db=plain.db").ret == 0
    spread = only_run(pytester.path)
    assert (spread["status"], counts(spread)) == ("passed", {"collected": 4, "passed": 4})
    (plain,) = all_runs(pytester.path, "plain.db")
    names = [sorted((test["nodeid"], test["identity"]) for test in run["tests"]) for run in (spread, plain)]
    assert names[0] == names[1]


def test_the_same_test_asked_for_twice_is_not_lost(pytester: pytest.Pytester, plugin_args: tuple[str, ...]) -> None:
    pytester.makepyfile(test_it="tries = []\ndef test():\n    tries.append(1)\n    assert len(tries) > 1")
    result = pytester.runpytest("--farm-seed=1", "--keep-duplicates", "test_it.py", "test_it.py", *plugin_args)
    run = only_run(pytester.path)
    assert result.ret == 1
    assert tries(run, "cause", "is_final") == {"test": [("first", True), ("repeat", True)]}
    assert (run["status"], run["collected"], run["not_run"], run["flaky"]) == ("failed", 2, 0, 0)


def test_two_tests_of_one_identity_are_two_rows_and_not_flaky(
    pytester: pytest.Pytester, plugin_args: tuple[str, ...]
) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.farm_id("same")
        def test_a(): assert 0

        @pytest.mark.farm_id("same")
        def test_b(): pass
        """
    )
    assert pytester.runpytest("--farm-seed=1", *plugin_args).ret == 1
    run = only_run(pytester.path)
    assert counts(run) == {"collected": 2, "passed": 1, "failed": 1}
    assert {test["identity"] for test in run["tests"]} == {"same"}
    assert sorted((test["attempt"], test["cause"], test["is_final"]) for test in run["tests"]) == [
        (1, "first", True), (2, "repeat", True),
    ]  # fmt: skip
    assert {test["outcome"] for test in run["tests"]} == {"passed", "failed"}


SUBTESTS = """
    import unittest
    import pytest

    def test_broken(subtests):
        for i in range(4):
            with subtests.test(i=i):
                print("in", i)
                assert i % 2
        print("afterwards")

    def test_quiet(subtests):
        with subtests.test("skipped"): pytest.skip("no")
        with subtests.test("expected"): pytest.xfail("known")

    def test_own(subtests):
        with subtests.test("one"): assert 0
        raise ValueError("its own")

    def test_skipped_later(subtests):
        with subtests.test("one"): assert 0
        pytest.skip("later")

    class TestUnit(unittest.TestCase):
        def test_unit(self):
            for i in range(2):
                with self.subTest(i=i): self.assertEqual(i, 0)
"""


OF_SUBTESTS = {
    "test_broken": "failed", "test_quiet": "passed", "test_own": "failed", "test_skipped_later": "failed",
    "test_unit": "failed",
}  # fmt: skip


def test_a_failed_subtest_fails_its_test_without_a_terminal_too(pytester: pytest.Pytester) -> None:
    # It is pytest's terminal that makes the report of such a test a failure.
    pytester.makepyfile(test_it=SUBTESTS)
    assert pytester.runpytest("--farm-seed=1", "-p", "no:terminal").ret == 1
    assert outcomes(only_run(pytester.path)) == OF_SUBTESTS


def test_a_failed_subtest_fails_its_test(pytester: pytest.Pytester, plugin_args: tuple[str, ...]) -> None:
    pytester.makepyfile(test_it=SUBTESTS)
    result = pytester.runpytest("--farm-seed=1", *plugin_args)
    run = only_run(pytester.path)
    assert result.ret == 1
    assert outcomes(run) == OF_SUBTESTS
    tests = {test["nodeid"].rpartition("::")[2]: test for test in run["tests"]}
    broken = tests["test_broken"]
    assert broken["message"].startswith("2 failed subtests: assert (0 % 2)")
    assert (broken["error_type"], broken["error_location"]) == ("AssertionError", "test_it.py:8")
    assert (tests["test_own"]["message"], tests["test_own"]["error_type"]) == ("ValueError: its own", "ValueError")
    assert tests["test_unit"]["message"].startswith("1 failed subtest: AssertionError: 1 != 0")
    kept = outputs(pytester.path, broken)
    assert kept["longrepr"].count("assert i % 2") == 2
    assert "in 0" in kept["stdout"]
    assert "afterwards" in kept["stdout"]
