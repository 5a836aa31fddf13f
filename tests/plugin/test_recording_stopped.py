"""Runs that are killed, stopped or paused: what a worker had reported is never lost, and the exit code stays as it is."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from recorded_runs import (
    all_runs,
    counts,
    finish,
    only_run,
    outcomes,
    spools,
    start_pytest,
    status,
    wait_until,
)

from pytest_aosfarm.cli import main

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

SLOW = """
    import pathlib, time

    def test_first(): pass
    def test_second(): assert 0
    def test_long():
        pathlib.Path("reached").touch()
        while not pathlib.Path("go on").exists():
            time.sleep(0.02)
    def test_never(): pass
"""


@pytest.fixture
def slow_run(pytester: pytest.Pytester) -> Path:
    pytester.makepyfile(SLOW)
    return pytester.path


def start_slow_run(root: Path, *arguments: str) -> subprocess.Popen[str]:
    """A run that waits in its third test, when its first two results are in the spool."""
    process = start_pytest(root, "--farm-seed=1", *arguments)
    wait_until((root / "reached").exists)
    wait_until(lambda: spools(root)[0].read_text().count("attempt_finished") >= 2)
    return process


def test_a_worker_that_dies_is_a_crash_and_not_a_failure(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import os\ndef test_a(): pass\ndef test_b(): os._exit(1)\ndef test_c(): pass")
    result = pytester.runpytest("--farm-seed=1", "-n1")
    run = only_run(pytester.path)
    assert result.ret == 1
    assert (run["status"], run["exit_code"]) == ("failed", 1)
    assert counts(run) == {"collected": 3, "passed": 2, "crashed": 1}
    assert outcomes(run) == {"test_a": "passed", "test_b": "crashed", "test_c": "passed"}
    crash = next(test for test in run["tests"] if test["outcome"] == "crashed")
    assert "gw0" in crash["message"]
    assert crash["worker"] == "gw0"


@pytest.mark.parametrize(
    ("sent", "exit_code"), [(signal.SIGINT, 2), (signal.SIGTERM, 128 + signal.SIGTERM)], ids=["ctrl-c", "sigterm"]
)
def test_a_run_that_is_stopped_says_so(slow_run: Path, plugin_args: tuple[str, ...], sent: int, exit_code: int) -> None:
    process = start_slow_run(slow_run, *plugin_args)
    if sent == signal.SIGINT:
        # A terminal sends Ctrl-C to every process of the group, workers too; a CI system ends only the one it started.
        os.killpg(process.pid, sent)
    else:
        os.kill(process.pid, sent)
    out = finish(process)
    assert process.returncode == exit_code, out
    run = only_run(slow_run)
    assert (run["status"], run["exit_code"]) == ("interrupted", exit_code)
    assert outcomes(run).items() >= {"test_first": "passed", "test_second": "failed"}.items()
    assert run["not_run"] >= 1
    assert "recorded in .aosfarm" in out
    assert spools(slow_run) == []


@pytest.fixture
def locked(slow_run: Path) -> Iterator[tuple[subprocess.Popen[str], sqlite3.Connection]]:
    """A run in its third test, and somebody who holds the lock of its database."""
    process = start_slow_run(slow_run)
    wait_until(lambda: status(slow_run) == "running")
    with closing(sqlite3.connect(slow_run / ".aosfarm/farm.db", isolation_level=None, timeout=30)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield process, connection


@pytest.mark.parametrize("times", [pytest.param(1, marks=pytest.mark.slow), 2], ids=["once", "twice"])
def test_ctrl_c_waits_three_seconds_for_a_database_and_a_second_one_not_at_all(
    slow_run: Path, locked: tuple[subprocess.Popen[str], sqlite3.Connection], times: int, capsys: pytest.CaptureFixture[str]
) -> None:
    process, connection = locked
    process.send_signal(signal.SIGINT)
    wait_until(lambda: "run_finished" in spools(slow_run)[0].read_text())
    asked = time.monotonic()
    if times == 2:
        process.send_signal(signal.SIGINT)
    out = finish(process)
    waited = time.monotonic() - asked
    assert process.returncode == 2
    assert waited < 2 if times == 2 else 2 < waited < 8
    assert "Traceback" not in out
    assert f"/.aosfarm/farm.db: {'nobody waited for it' if times == 2 else 'it took too long'}" in out

    connection.execute("ROLLBACK")
    assert main(["recover"]) == 0
    assert "run 1, interrupted, " in capsys.readouterr().out
    assert outcomes(only_run(slow_run)).items() >= {"test_first": "passed", "test_second": "failed"}.items()


def test_what_a_killed_run_had_reported_is_recovered(
    slow_run: Path, plugin_args: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    process = start_slow_run(slow_run, *plugin_args)
    wait_until(lambda: status(slow_run) == "running")
    assert main(["recover"]) == 0
    assert "still goes on" in capsys.readouterr().out

    process.kill()
    process.wait()
    assert status(slow_run) == "suspect"
    reported = spools(slow_run)[0].read_text().count("attempt_finished")
    assert main(["recover"]) == 0
    assert f"run 1, lost, {reported} tests" in capsys.readouterr().out
    run = only_run(slow_run)
    assert (run["status"], run["status_reason"], run["exit_code"], run["finished_at"]) == (
        "lost",
        "its process died",
        None,
        None,
    )
    assert outcomes(run).items() >= {"test_first": "passed", "test_second": "failed"}.items()
    assert len(run["tests"]) == reported == 4 - run["not_run"]
    assert spools(slow_run) == []
    assert main(["recover"]) == 0
    assert only_run(slow_run) == run
    finish(process)


def test_the_next_run_recovers_what_a_killed_one_left_and_says_so(slow_run: Path) -> None:
    process = start_slow_run(slow_run)
    wait_until(lambda: status(slow_run) == "running")
    process.kill()
    finish(process)
    (slow_run / "go on").touch()
    out = finish(start_pytest(slow_run, "--farm-seed=1"))
    assert "recovered what earlier runs had left behind: 1 (lost)" in out
    later, killed = all_runs(slow_run)
    assert (killed["status"], killed["passed"], killed["failed"]) == ("lost", 1, 1)
    assert (later["status"], len(later["tests"])) == ("failed", 4)
    assert spools(slow_run) == []


def test_a_child_that_a_test_left_behind_does_not_keep_a_dead_run_alive(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    pytester.makepyfile(
        """
        import os, pathlib, time

        def test_daemon():
            child = os.fork()
            if not child:
                time.sleep(60)
                os._exit(0)
            pathlib.Path("child").write_text(str(child))

        def test_killed():
            os.kill(os.getpid(), 9)
        """
    )
    process = start_pytest(pytester.path, "--farm-seed=1", "-s")
    process.wait()
    child = int((pytester.path / "child").read_text())
    os.kill(child, 0)
    assert main(["recover"]) == 0
    os.kill(child, signal.SIGKILL)
    assert "lost, 1 tests" in capsys.readouterr().out
    assert outcomes(only_run(pytester.path)) == {"test_daemon": "passed"}
    finish(process)


def test_a_paused_run_may_be_lost_and_comes_back(slow_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    process = start_slow_run(slow_run)
    wait_until(lambda: status(slow_run) == "running")
    process.send_signal(signal.SIGSTOP)
    assert main(["reap"]) == 0
    assert capsys.readouterr().out == "nothing to reap\n"
    with closing(sqlite3.connect(slow_run / ".aosfarm/farm.db")) as connection, connection:
        connection.execute("UPDATE farm_runs SET heartbeat_at = '2026-01-01 00:00:00.000000'")
    assert status(slow_run) == "suspect"
    assert main(["reap"]) == 0
    assert capsys.readouterr().out == "run 1: lost, it gave no sign of life for 60 s\n"
    assert main(["recover"]) == 0
    assert "still goes on" in capsys.readouterr().out
    assert status(slow_run) == "lost"

    process.send_signal(signal.SIGCONT)
    (slow_run / "go on").touch()
    finish(process)
    run = only_run(slow_run)
    assert (run["status"], run["status_reason"], counts(run)) == ("failed", None, {"collected": 4, "passed": 3, "failed": 1})


def test_somebody_elses_sigterm_handler_stays(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import signal\nsignal.signal(signal.SIGTERM, lambda *_: print('mine'))")
    pytester.makepyfile("import os, signal\ndef test():\n    os.kill(os.getpid(), signal.SIGTERM)")
    result = pytester.runpytest_subprocess("--farm-seed=1", "-s")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*mine*"])
    assert only_run(pytester.path)["status"] == "passed"


def test_sigterm_ends_the_run_even_when_a_test_catches_whatever_is_raised(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os, signal, time

        def test_catches():
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(30)
            except BaseException:
                pass

        def test_never(): pass
        """
    )
    assert pytester.runpytest_subprocess("--farm-seed=1").ret == 128 + signal.SIGTERM
    run = only_run(pytester.path)
    assert (run["status"], run["status_reason"], run["exit_code"]) == ("interrupted", "SIGTERM", 143)
    assert (outcomes(run), run["not_run"]) == ({"test_catches": "passed"}, 1)


def test_a_child_forked_by_a_test_dies_of_sigterm_as_ever_and_the_handler_is_gone_afterwards(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        """
        import os, signal, time

        def test():
            child = os.fork()
            if not child:
                time.sleep(30)
                os._exit(0)
            time.sleep(0.1)
            os.kill(child, signal.SIGTERM)
            _, status = os.waitpid(child, 0)
            assert os.WTERMSIG(status) == signal.SIGTERM
        """
    )
    before = signal.getsignal(signal.SIGTERM)
    assert pytester.runpytest("--farm-seed=1").ret == 0
    assert signal.getsignal(signal.SIGTERM) is before
    assert only_run(pytester.path)["status"] == "passed"


def test_a_test_that_forks_does_so_beside_no_thread_of_ours(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import os, threading

        seen = []
        # What is registered first is called last before a fork.
        os.register_at_fork(before=lambda: seen.append([one.name for one in threading.enumerate()]))
        """
    )
    pytester.makepyfile(
        """
        import os, time
        import pytest
        from conftest import seen

        @pytest.mark.parametrize("n", range(20))
        def test_fork(n):
            if not n:
                deadline = time.monotonic() + 10
                while not os.path.exists(".aosfarm/farm.db") and time.monotonic() < deadline:
                    time.sleep(0.01)
            child = os.fork()
            if not child:
                os._exit(0)
            os.waitpid(child, 0)

        def test_nobody_was_there():
            assert seen == [["MainThread"]] * 20
        """
    )
    result = pytester.runpytest_subprocess("--farm-seed=1", "-p", "no:cacheprovider")
    assert result.ret == 0
    run = only_run(pytester.path)
    assert (run["status"], counts(run)) == ("passed", {"collected": 21, "passed": 21})


@pytest.mark.parametrize(
    "leaves",
    [
        "return",
        pytest.param("raise SystemExit(0)", marks=pytest.mark.slow),
        pytest.param("raise KeyboardInterrupt", marks=pytest.mark.slow),
    ],
)
def test_a_child_that_goes_on_with_the_tests_records_nothing(pytester: pytest.Pytester, leaves: str) -> None:
    pytester.makepyfile(
        f"""
        import os

        def test_fork():
            child = os.fork()
            if not child:
                {leaves}
            os.waitpid(child, 0)
            assert os.listdir(".aosfarm/spool")
            lines = open(".aosfarm/spool/" + os.listdir(".aosfarm/spool")[0]).read()
            assert "test_after" not in lines and "run_finished" not in lines

        def test_after(): pass
        """
    )
    result = pytester.runpytest_subprocess("--farm-seed=1")
    assert result.ret == 0
    run = only_run(pytester.path)
    assert (run["status"], counts(run)) == ("passed", {"collected": 2, "passed": 2})
    assert result.stdout.str().count("run 1 recorded in") == 1
