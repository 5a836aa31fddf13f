"""The process that owns the database: whoever dies, is stopped, forks or waits for children, no result is lost by it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from recorded_runs import (
    counts,
    database_processes,
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

SLOW = """
    import pathlib, time

    def test_first(): pass
    def test_second(): assert 0
    def test_long():
        pathlib.Path("reached").touch()
        while not pathlib.Path("go on").exists():
            time.sleep(0.02)
    def test_last(): pass
"""


def start_slow_run(root: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """A run that waits in its third test until it may go on."""
    process = start_pytest(root, "--farm-seed=1", *arguments, **environment)
    wait_until((root / "reached").exists)
    return process


def go_on(root: Path, process: subprocess.Popen[str]) -> str:
    """Let the run go on; all it wrote."""
    (root / "go on").touch()
    return finish(process)


@pytest.mark.parametrize("sent", [signal.SIGKILL, pytest.param(signal.SIGSEGV, marks=pytest.mark.slow)])
def test_when_it_is_killed_another_one_takes_over(
    pytester: pytest.Pytester, plugin_args: tuple[str, ...], sent: int
) -> None:
    pytester.makepyfile(SLOW)
    process = start_slow_run(pytester.path, *plugin_args)
    wait_until(lambda: status(pytester.path) == "running")
    (first,) = database_processes(pytester.path)
    os.kill(first, sent)
    out = go_on(pytester.path, process)
    assert process.returncode == 1, out
    assert "run 1 recorded in .aosfarm/farm.db" in out
    run = only_run(pytester.path)
    assert (run["status"], counts(run)) == ("failed", {"collected": 4, "passed": 3, "failed": 1})
    assert len(run["tests"]) == 4
    assert spools(pytester.path) == []
    wait_until(lambda: not database_processes(pytester.path))


@pytest.mark.slow
def test_without_a_spool_the_next_one_is_told_everything_again(pytester: pytest.Pytester) -> None:
    (pytester.path / ".aosfarm").write_text("in the way")
    pytester.makepyfile(SLOW)
    process = start_slow_run(pytester.path, "--farm-db=here.db")
    wait_until((pytester.path / "here.db").exists)
    os.kill(database_processes(pytester.path)[0], signal.SIGKILL)
    out = go_on(pytester.path, process)
    assert "nothing kept in the spool: " in out
    assert main(["show", "1", "--db", "here.db", "--json"]) == 0
    assert "run 1 recorded in here.db" in out


@pytest.mark.parametrize(
    ("conftest", "said"),
    [
        ("process.PROGRAM = 'raise SystemExit(\"boom\")'", "the process that writes to the database has ended: boom"),
        pytest.param(
            "import sys; sys.executable = '/nowhere'",
            "no process that writes to the database could be started: *nowhere*",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_one_that_never_works_costs_one_line_and_no_result(
    pytester: pytest.Pytester, conftest: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytester.makeconftest(f"from pytest_aosfarm.recording import process\n{conftest}")
    pytester.makepyfile("def test_a(): pass\ndef test_b(): assert 0")
    result = pytester.runpytest_subprocess("--farm-seed=1")
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"run not recorded: {said}", "its results are kept in *; `aosfarm recover` imports them"])
    assert main(["recover"]) == 0
    assert "run 1, failed, 2 tests" in capsys.readouterr().out


@pytest.mark.slow
def test_one_that_hangs_is_not_waited_for_for_ever(pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    pytester.makeconftest("from pytest_aosfarm.recording import writer\nwriter.END_SECONDS = 0.3")
    pytester.makepyfile(SLOW)
    process = start_slow_run(pytester.path)
    wait_until(lambda: status(pytester.path) == "running")
    (hung,) = database_processes(pytester.path)
    os.kill(hung, signal.SIGSTOP)
    out = go_on(pytester.path, process)
    os.kill(hung, signal.SIGCONT)
    assert process.returncode == 1
    assert "farm.db: it took too long" in out
    wait_until(lambda: not database_processes(pytester.path))
    assert main(["recover"]) == 0
    assert outcomes(only_run(pytester.path))["test_last"] == "passed"


def test_when_the_run_is_killed_it_writes_what_the_spool_holds_and_goes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SLOW)
    process = start_slow_run(pytester.path)
    process.kill()
    wait_until(lambda: not database_processes(pytester.path))
    run = only_run(pytester.path)
    assert (run["status"], outcomes(run)) == ("suspect", {"test_first": "passed", "test_second": "failed"})
    assert len(spools(pytester.path)) == 1
    assert main(["reap"]) == 0
    assert status(pytester.path) == "lost"
    finish(process)


FORKS = """
    import ctypes, os, pathlib, time

    def test_leaves_a_child():
        child = {fork}
        if not child:
            with os.scandir("/proc/self/fd") as found:
                pathlib.Path("open").write_text(str([os.readlink(one) for one in found if os.path.islink(one)]))
            time.sleep(60)
            os._exit(0)
        while not pathlib.Path("open").exists():
            time.sleep(0.02)
        pathlib.Path("child").write_text(str(child))
        pathlib.Path("reached").touch()
        while not pathlib.Path("go on").exists():
            time.sleep(0.02)
"""


@pytest.mark.parametrize(
    "fork",
    [
        "os.fork()",
        # Python does not hear of it, so that the child keeps the socket open.
        pytest.param("ctypes.CDLL(None).fork()", marks=pytest.mark.slow),
    ],
)
def test_a_child_that_outlives_a_killed_run_does_not_keep_it(pytester: pytest.Pytester, fork: str) -> None:
    pytester.makepyfile(FORKS.format(fork=fork))
    process = start_slow_run(pytester.path, "-s")
    child = int((pytester.path / "child").read_text())
    wait_until(lambda: database_processes(pytester.path))
    process.kill()
    process.wait()
    wait_until(lambda: not database_processes(pytester.path))
    left_open = (pytester.path / "open").read_text()
    assert ("socket:" in left_open, ".aosfarm" in left_open) == ((False, False) if fork == "os.fork()" else (True, True))
    os.kill(child, signal.SIGKILL)
    finish(process)


def test_a_suite_that_waits_for_all_its_children_meets_its_own_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os

        def test_wait():
            child = os.fork()
            if not child:
                os._exit(7)
            found = []
            while True:
                try:
                    found.append(os.wait())
                except ChildProcessError:
                    break
            assert [(pid, os.waitstatus_to_exitcode(status)) for pid, status in found] == [(child, 7)]
        """
    )
    result = pytester.runpytest_subprocess("--farm-seed=1")
    assert result.ret == 0
    assert only_run(pytester.path)["status"] == "passed"


@pytest.mark.parametrize(
    "sent",
    [signal.SIGINT, *(pytest.param(one, marks=pytest.mark.slow) for one in (signal.SIGTERM, signal.SIGHUP))],
)
def test_it_is_deaf_to_what_ends_the_run(pytester: pytest.Pytester, sent: signal.Signals) -> None:
    pytester.makepyfile(SLOW)
    process = start_slow_run(pytester.path)
    wait_until(lambda: status(pytester.path) == "running")
    before = database_processes(pytester.path)
    os.kill(before[0], sent)
    os.killpg(process.pid, signal.SIGINT)
    out = finish(process)
    assert (process.returncode, "run 1 recorded in" in out) == (2, True)
    run = only_run(pytester.path)
    assert (run["status"], run["passed"], run["failed"]) == ("interrupted", 1, 1)


def test_a_password_is_neither_in_its_arguments_nor_in_its_environment(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SLOW)
    process = start_slow_run(pytester.path, AOSFARM_DB="postgresql://me:hush-hush@127.0.0.1:1/runs")
    (ours,) = database_processes(pytester.path)
    proc = Path(f"/proc/{ours}")
    seen = proc.joinpath("cmdline").read_bytes() + proc.joinpath("environ").read_bytes()
    assert b"hush-hush" in Path(f"/proc/{process.pid}/environ").read_bytes()
    assert b"PATH=" in seen
    assert b"hush" not in seen + spools(pytester.path)[0].read_bytes()
    out = go_on(pytester.path, process)
    assert "run not recorded: postgresql://127.0.0.1:1/runs" in out
    assert "hush" not in out


def test_no_other_program_is_started(pytester: pytest.Pytester, plugin_args: tuple[str, ...]) -> None:
    pytester.makeconftest("""
        import pathlib, sys

        def note(event, arguments):
            if event == "subprocess.Popen":
                with pathlib.Path("programs").open("a") as programs:
                    print(arguments[0], file=programs)

        sys.addaudithook(note)
    """)
    pytester.makepyfile("def test_one(): pass")
    seen = pytester.path / "programs"

    def programs(option: str) -> set[str]:
        seen.write_text("")
        assert pytester.runpytest_subprocess(option, *plugin_args).ret == 0
        return {*seen.read_text().split()}

    # xdist starts one, too.
    others = programs("--no-farm-record")
    assert programs("--farm-seed=1") == {*others, sys.executable}
