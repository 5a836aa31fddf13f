"""How runs end: in one status with its reason and exit code, whoever wanted the end and wherever it was."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from recorded_runs import all_runs, counts, errors, finish, only_run, outcomes, spools, start_pytest, wait_until

# Imported here so that an inner session in this process finds this very class.
from pytest_aosfarm.recording.attempts import Attempts


def test_stopping_early_is_no_loss(pytester: pytest.Pytester, plugin_args: tuple[str, ...]) -> None:
    pytester.makepyfile("import pytest\n@pytest.mark.parametrize('n', range(30))\ndef test(n): assert 0")
    result = pytester.runpytest("--farm-seed=1", "-x", *plugin_args)
    run = only_run(pytester.path)
    assert run["status"] == "failed"
    assert run["exit_code"] == result.ret != 0
    assert run["collected"] == 30
    assert run["not_run"] == 30 - run["failed"] > 0
    assert run["status_reason"].startswith("stopping after ")


def test_a_test_that_left_no_result_makes_the_run_incomplete_and_exit_0_become_3(pytester: pytest.Pytester) -> None:
    # What xdist cannot send up ends its worker; if that was the last test, pytest alone says "passed" with exit code 0.
    pytester.makepyfile(
        """
        def test_a(): pass
        def test_b(): pass
        def test_z(record_property): record_property("object", object())
        """
    )
    result = pytester.runpytest_subprocess("--farm-seed=1", "-n1")
    run = only_run(pytester.path)
    assert result.ret == 3
    assert (run["status"], run["exit_code"]) == ("incomplete", 3)
    assert run["status_reason"] == "1 of 3 collected tests left no result"
    ((source, message),) = errors(pytester.path)
    assert source == "internal"
    assert "DumpError" in message
    assert counts(run) == {"collected": 3, "passed": 2, "not_run": 1}
    result.stdout.fnmatch_lines(["incomplete: 1 collected tests left no result"])


def test_lost_tests_do_not_hide_a_failure(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_a(): assert 0\ndef test_b(): pass")
    pytester.makeconftest("def pytest_runtest_protocol(item): return True if item.name == 'test_b' else None")
    result = pytester.runpytest("--farm-seed=1")
    run = only_run(pytester.path)
    assert result.ret == 1
    assert (run["status"], run["exit_code"], run["not_run"]) == ("incomplete", 1, 1)


def test_an_exit_code_that_changes_after_the_summary_is_the_one_recorded(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.hookimpl(wrapper=True, tryfirst=True)
        def pytest_sessionfinish(session):
            yield
            session.exitstatus = 9
        """
    )
    pytester.makepyfile("def test(): pass")
    assert pytester.runpytest("--farm-seed=1").ret == 9
    run = only_run(pytester.path)
    assert (run["status"], run["exit_code"]) == ("failed", 9)
    assert spools(pytester.path) == []


def test_a_session_that_fails_to_start_does_not_stay_running(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("def pytest_sessionstart(session): raise RuntimeError('boom')")
    assert pytester.runpytest("--farm-seed=1").ret == 3
    run = only_run(pytester.path)
    assert (run["status"], run["exit_code"]) == ("error", 3)


EXITS = {
    "test": ("import pytest\ndef test_a(): pass\ndef test_b(): pytest.exit('enough'{code})\ndef test_c(): pass", ""),
    "fixture": (
        """
        import pytest

        @pytest.fixture
        def ends(): pytest.exit('enough'{code})

        def test_a(): pass
        def test_b(ends): pass
        def test_c(): pass
        """,
        "",
    ),
    "hook of a test": (
        "def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass",
        """
        import pytest

        def pytest_runtest_setup(item):
            if item.name == "test_b": pytest.exit('enough'{code})
        """,
    ),
    "collection": (
        "def test_a(): pass",
        "import pytest\ndef pytest_collection_modifyitems(): pytest.exit('enough'{code})",
    ),
    "start": ("def test_a(): pass", "import pytest\ndef pytest_sessionstart(): pytest.exit('enough'{code})"),
}


@pytest.mark.parametrize("code", [None, *(pytest.param(code, marks=pytest.mark.slow) for code in (0, 7))])
@pytest.mark.parametrize("where", EXITS)
def test_pytest_exit_is_an_interruption(
    pytester: pytest.Pytester, plugin_args: tuple[str, ...], where: str, code: int | None
) -> None:
    test, conftest = (text.replace("{code}", "" if code is None else f", returncode={code}") for text in EXITS[where])
    pytester.makepyfile(test)
    pytester.makeconftest(conftest)
    result = pytester.runpytest("--farm-seed=1", *plugin_args)
    run = only_run(pytester.path)
    assert (run["status"], run["exit_code"]) == ("interrupted", result.ret)
    assert run["status_reason"].startswith("pytest.exit: enough")
    # What xdist makes of an exit in a worker, a crash of the test, did not happen.
    assert not {"crashed", "failed", "error"} & set(outcomes(run).values())
    if "-n2" not in plugin_args:
        assert result.ret == (pytest.ExitCode.INTERRUPTED if code is None else code)
    elif where != "start":
        assert "(gw" in run["status_reason"]
    if where in {"test", "fixture", "hook of a test"}:
        assert run["collected"] == 3
        assert outcomes(run)["test_a"] == "passed"
        assert "test_b" not in outcomes(run)


def test_an_interrupt_raised_by_a_test_is_one(pytester: pytest.Pytester, plugin_args: tuple[str, ...]) -> None:
    pytester.makepyfile("def test_a(): pass\ndef test_b(): raise KeyboardInterrupt\ndef test_c(): pass")
    result = pytester.runpytest_subprocess("--farm-seed=1", *plugin_args)
    run = only_run(pytester.path)
    assert (run["status"], run["exit_code"], result.ret) == ("interrupted", 2, 2)
    assert run["status_reason"].startswith("Ctrl-C")
    assert "test_b" not in outcomes(run)


def test_ctrl_c_twice(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pathlib, time, pytest

        @pytest.fixture(scope="session")
        def slow_to_end():
            yield
            pathlib.Path("ending").touch()
            time.sleep(30)

        def test_a(slow_to_end): pass
        def test_b(slow_to_end):
            pathlib.Path("reached").touch()
            time.sleep(30)
        """
    )
    process = start_pytest(pytester.path, "--farm-seed=1")
    for mark in ("reached", "ending"):
        wait_until((pytester.path / mark).exists)
        os.kill(process.pid, signal.SIGINT)
    out = finish(process)
    run = only_run(pytester.path)
    assert (run["status"], run["status_reason"], run["exit_code"]) == ("interrupted", "Ctrl-C", 130), out
    assert process.returncode == -signal.SIGINT
    assert counts(run) == {"collected": 2, "passed": 1, "not_run": 1}
    assert spools(pytester.path) == []


def test_internal_errors_are_kept_and_the_block_still_shows(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("def pytest_runtestloop(session): raise RuntimeError('boom')")
    pytester.makepyfile("def test(): pass")
    result = pytester.runpytest("--farm-seed=1")
    run = only_run(pytester.path)
    assert result.ret == 3
    assert (run["status"], run["exit_code"], run["not_run"]) == ("error", 3, 1)
    assert run["status_reason"] == "internal error: RuntimeError: boom"
    assert errors(pytester.path) == [("internal", "RuntimeError: boom")]
    result.stdout.fnmatch_lines(["run 1 recorded in *"])


@pytest.mark.parametrize("name", ["add", "close"])
def test_a_mistake_of_ours_is_kept_too(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def mistake(*_: object) -> None:
        raise KeyError("ours")

    monkeypatch.setattr(Attempts, name, mistake)
    pytester.makepyfile("def test(): pass")
    assert pytester.runpytest("--farm-seed=1").ret == 0
    assert errors(pytester.path) == [("recording", "KeyError: 'ours'")]


@pytest.mark.parametrize(
    ("text", "arguments", "reason"),
    [
        ("import nowhere", (), "1 file could not be collected"),
        ("def test(): pass", ("-k", "nothing"), "nothing to run"),
        ("x = 1", (), "nothing to run"),
    ],
)
def test_a_run_that_could_not_do_its_work_is_an_error(
    pytester: pytest.Pytester, plugin_args: tuple[str, ...], text: str, arguments: tuple[str, ...], reason: str
) -> None:
    pytester.makepyfile(text)
    result = pytester.runpytest("--farm-seed=1", *arguments, *plugin_args)
    run = only_run(pytester.path)
    assert (run["status"], run["status_reason"], run["exit_code"]) == ("error", reason, result.ret)


def test_what_was_left_out_on_purpose_is_not_lost(pytester: pytest.Pytester, plugin_args: tuple[str, ...]) -> None:
    pytester.makepyfile(test_it="def test_a(): pass\ndef test_b(): assert 0\ndef test_c(): assert 0\ndef test_d(): pass")
    for arguments, expected in (
        (["--deselect=test_it.py::test_a"], {"collected": 3, "deselected": 1, "passed": 1, "failed": 2}),
        (["-k", "a or b"], {"collected": 2, "deselected": 2, "passed": 1, "failed": 1}),
        (["--lf"], {"collected": 2, "failed": 2}),
        (["--maxfail=2"], {"collected": 4, "failed": 2}),
        (["--sw"], {"collected": 4}),
    ):
        pytester.runpytest("--farm-seed=1", *arguments, *plugin_args)
        run = all_runs(pytester.path)[0]
        assert run["status"] == "failed"
        assert expected.items() <= counts(run).items(), arguments


def test_a_run_is_queued_until_it_is_known_what_it_will_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="from recorded_runs import status\ndef test(): assert status(HERE) == 'running'")
    pytester.makeconftest(
        f"""
        import builtins, pathlib, sys, time

        sys.path.insert(0, {str(Path(__file__).parents[1])!r})
        builtins.HERE = pathlib.Path(__file__).parent

        def pytest_collection(session):
            from recorded_runs import status, wait_until
            wait_until(lambda: status(builtins.HERE) == "queued")

        def pytest_runtest_setup():
            from recorded_runs import status, wait_until
            wait_until(lambda: status(builtins.HERE) == "running")
        """
    )
    assert pytester.runpytest_subprocess("--farm-seed=1").ret == 0
    assert only_run(pytester.path)["status"] == "passed"
