"""What is kept of a run's surroundings and of what went wrong, the same with and without workers, and no secrets."""

from __future__ import annotations

import os
import subprocess
from textwrap import dedent
from typing import Any

import pytest
from recorded_runs import all_runs, only_run, outputs

BROKEN = """
    import logging, sys
    import pytest
    from helper import deep

    @pytest.fixture
    def noisy():
        print("made")
        yield
        print("gone")

    def test_ok():
        print("nobody wants to know")

    def test_deep(noisy):
        print("out")
        print("err", file=sys.stderr)
        logging.getLogger().warning("logged")
        deep({})

    def test_assert(): assert 1 == 2
    def test_other_number(): assert 1 == 3

    @pytest.fixture
    def missing(nothing): pass
    def test_fixture(missing): pass

    def test_text(): pytest.fail("only text", pytrace=False)
    def test_long(): raise ValueError("x" * 200_000)
"""
HELPER = "import json\n\ndef deep(value):\n    return json.loads(value)\n"


def by_name(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {test["nodeid"].rpartition("::")[2]: test for test in run["tests"]}


def test_what_went_wrong(pytester: pytest.Pytester, plugin_args: tuple[str, ...]) -> None:
    folder = pytester.mkdir("sub")
    (folder / "helper.py").write_text(HELPER)
    (folder / "test_it.py").write_text(dedent(BROKEN))
    pytester.makeini("[pytest]")
    assert pytester.runpytest("--farm-seed=1", *plugin_args).ret == 1
    tests = by_name(only_run(pytester.path))

    kinds = {name: (test["error_type"], test["error_location"]) for name, test in tests.items()}
    del kinds["test_text"]  # pytest 9.0 keeps less of it
    assert kinds == {
        "test_ok": (None, None),
        "test_deep": ("TypeError", "sub/helper.py:4"),
        "test_assert": ("AssertionError", "sub/test_it.py:21"),
        "test_other_number": ("AssertionError", "sub/test_it.py:22"),
        "test_fixture": (None, None),
        "test_long": ("ValueError", "sub/test_it.py:29"),
    }
    signatures = {name: test["error_signature"] for name, test in tests.items()}
    assert signatures["test_ok"] is None
    assert signatures["test_assert"] == signatures["test_other_number"]
    assert len(set(signatures.values())) == len(signatures) - 1

    assert outputs(pytester.path, tests["test_ok"]) == {}
    deep = outputs(pytester.path, tests["test_deep"])
    assert deep.keys() == {"longrepr", "stdout", "stderr", "log"}
    assert "the JSON object must be str" in deep["longrepr"]
    assert deep["stdout"] == "-- setup --\nmade\n\n-- call --\nout\n\n-- teardown --\ngone\n"
    assert (deep["stderr"], "logged" in deep["log"]) == ("err\n", True)
    assert outputs(pytester.path, tests["test_text"]) == {"longrepr": "only text"}
    assert "fixture 'nothing' not found" in outputs(pytester.path, tests["test_fixture"])["longrepr"]
    long = outputs(pytester.path, tests["test_long"])["longrepr"]
    assert len(long) <= 1 << 16
    assert "characters and this line left out" in long
    assert len(tests["test_long"]["message"]) == 2000


def test_a_report_that_cannot_be_read_is_a_result_all_the_same(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        class Odd:
            reprcrash = property(lambda self: 1 / 0)
            def toterminal(self, out): out.line("odd")
            def __str__(self): return "odd"

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(item, call):
            report = yield
            if report.failed:
                report.longrepr = Odd()
            return report
        """
    )
    pytester.makepyfile("def test(): assert 0")
    result = pytester.runpytest("--farm-seed=1", "-p", "no:terminal")
    assert result.ret == 1
    (test,) = only_run(pytester.path)["tests"]
    assert test["outcome"] == "failed"
    assert test["message"].startswith("its report cannot be read: ZeroDivisionError")


def test_a_run_says_what_it_was_asked_and_on_what_it_ran(
    pytester: pytest.Pytester, plugin_args: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = pytester.mkdir("sub")
    (folder / "test_it.py").write_text("def test_a(): pass\ndef test_b(): pass")
    pytester.makeini("[pytest]")
    monkeypatch.chdir(folder)
    arguments = ["--farm-seed=1", "test_it.py::test_a", "-k", "a or b", "-m", "not slow", *plugin_args]
    assert pytester.runpytest(*arguments).ret == 0
    run = only_run(pytester.path)
    workers = "-n2" in plugin_args
    assert (run["dist"], run["worker_count"]) == (("load", 2) if workers else (None, 0))
    assert [argument for argument in run["arguments"] if "basetemp" not in argument] == arguments
    assert run["rootdir"] == str(pytester.path)
    assert run["environment"]["pytest"] == pytest.__version__
    assert run["environment"].keys() == {"python", "os", "pytest", "plugins"}
    assert run["owner_pid"] == os.getpid()
    assert run["owner_token"]
    assert (run["vcs_sha"], run["vcs_dirty"]) == (None, None)
    assert (run["tenant_id"], run["data_tenant"]) == ("default", None)


def test_runs_of_the_same_selection_are_of_one_scenario(
    pytester: pytest.Pytester, plugin_args: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = pytester.mkdir("sub")
    (folder / "test_it.py").write_text("def test_a(): pass\ndef test_b(): pass")
    pytester.makeini("[pytest]")
    pytester.runpytest("--farm-seed=1", "sub", *plugin_args)
    monkeypatch.chdir(folder)
    pytester.runpytest("--farm-seed=2", ".", *plugin_args)
    pytester.runpytest("--farm-seed=1", "-k", "a", *plugin_args)
    last, second, first = (run["scenario_id"] for run in all_runs(pytester.path))
    assert first == second != last


def test_a_checkout_in_a_ci_job(
    pytester: pytest.Pytester, plugin_args: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(test_it="def test(): pass")
    config = ("-c", "user.name=me", "-c", "user.email=me@example.com")
    for command in (["init", "-q", "-b", "main"], ["add", "test_it.py"], [*config, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], check=True, cwd=pytester.path)
    (pytester.path / "test_it.py").write_text("def test(): assert True")
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("CI_JOB_URL", "https://me:hidden-word@gitlab.example/jobs/1")
    monkeypatch.setenv("CI_MERGE_REQUEST_IID", "12")
    pytester.runpytest("--farm-seed=1", *plugin_args)
    run = only_run(pytester.path)
    sha = subprocess.run(["git", "rev-parse", "HEAD"], check=True, cwd=pytester.path, capture_output=True, text=True).stdout
    assert (run["vcs_branch"], run["vcs_sha"], run["vcs_dirty"]) == ("main", sha.strip(), True)
    assert (run["ci_provider"], run["ci_url"], run["vcs_change"]) == ("gitlab", "https://***@gitlab.example/jobs/1", "12")


def test_names_are_the_same_where_the_farm_is_used_late(pytester: pytest.Pytester, plugin_args: tuple[str, ...]) -> None:
    package = pytester.mkpydir("shop")
    (package / "test_it.py").write_text(
        dedent(
            """
            import pytest

            class TestOne:
                class TestTwo:
                    @pytest.mark.parametrize("x", ["a::b", "c[d]"])
                    def test_deep(self, x): pass

            def test_last(record_property): record_property("farm.lab", "aod")
            """
        )
    )
    pytester.runpytest(*plugin_args)
    pytester.runpytest("--farm-seed=1", *plugin_args)
    named, unnamed = (sorted(test["identity"] for test in run["tests"]) for run in all_runs(pytester.path))
    assert named == unnamed
    assert "shop.test_it::TestOne.TestTwo.test_deep[a::b]" in named
