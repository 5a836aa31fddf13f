"""Runs that end badly: what a worker had reported is never lost, and nobody's exit code changes."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from recorded_runs import all_runs, counts, finish, only_run, outcomes, spools, start_pytest, status, wait_until

# Imported here so that an inner session in this process finds these very modules, and what a test put into them.
from pytest_aosfarm.cli import main
from pytest_aosfarm.plugin import recorder
from pytest_aosfarm.recording import attempts, flusher, spool, store, writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SLOW = """
    import pathlib, time

    def test_first(): pass
    def test_second(): assert 0
    def test_long():
        pathlib.Path("reached").touch()
        time.sleep(60)
    def test_never(): pass
"""


@pytest.fixture
def slow_run(pytester: pytest.Pytester) -> Path:
    pytester.makepyfile(SLOW)
    return pytester.path


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
    process = start_pytest(slow_run, "--farm-seed=1", *plugin_args)
    wait_until((slow_run / "reached").exists)
    if "-n2" in plugin_args:
        # The other worker has sent up all of its results by the time the last of them is in the store's spool.
        wait_until(lambda: spools(slow_run)[0].read_text().count("attempt_finished") >= 2)
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


def test_somebody_elses_sigterm_handler_stays(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import signal\nsignal.signal(signal.SIGTERM, lambda *_: print('mine'))")
    pytester.makepyfile("import os, signal\ndef test():\n    os.kill(os.getpid(), signal.SIGTERM)")
    result = pytester.runpytest_subprocess("--farm-seed=1", "-s")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*mine*"])
    assert only_run(pytester.path)["status"] == "passed"


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


def test_what_a_killed_run_had_reported_is_recovered(slow_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    process = start_pytest(slow_run, "--farm-seed=1")
    wait_until((slow_run / "reached").exists)
    wait_until(lambda: status(slow_run) == "running")
    assert main(["recover"]) == 0
    assert "still goes on" in capsys.readouterr().out

    process.kill()
    finish(process)
    assert main(["recover"]) == 0
    assert "run 1, lost, 2 tests" in capsys.readouterr().out
    run = only_run(slow_run)
    assert (run["status"], run["exit_code"], run["finished_at"]) == ("lost", None, None)
    assert outcomes(run) == {"test_first": "passed", "test_second": "failed"}
    assert counts(run) == {"collected": 4, "passed": 1, "failed": 1, "not_run": 2}
    assert spools(slow_run) == []


def make_directory(path: Path) -> None:
    path.mkdir(parents=True)


def make_corrupt(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database at all" * 300)


def make_newer(path: Path) -> None:
    import sqlite3
    from contextlib import closing

    from pytest_aosfarm.recording.store import RunStore

    RunStore(path, "default", create=True).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize("kill", [make_directory, make_corrupt, make_newer])
@pytest.mark.parametrize("exit_code", [0, 1])
def test_a_dead_database_costs_one_line_and_no_result(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str], kill: Callable[[Path], None], exit_code: int
) -> None:
    database = pytester.path / ".aosfarm" / "farm.db"
    kill(database)
    before = database.read_bytes() if database.is_file() else None
    pytester.makepyfile(f"def test(): assert not {exit_code}")
    result = pytester.runpytest("--farm-seed=1")
    assert result.ret == exit_code
    result.stdout.fnmatch_lines(
        ["run not recorded: *farm.db*", "its results are kept in .aosfarm/spool/*`aosfarm recover`*"]
    )
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    if before is not None:
        assert database.read_bytes() == before

    assert main(["recover", "--db", "other.db"]) == 0
    (run,) = all_runs(pytester.path, "other.db")
    assert (run["status"], run["exit_code"], run["collected"]) == (("failed", 1, 1) if exit_code else ("passed", 0, 1))


def test_a_database_that_is_locked_for_a_while_loses_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.RunStore.__init__, "__kwdefaults__", {"create": False, "busy_seconds": 0.1})
    monkeypatch.setattr(writer, "BATCH_EVENTS", 1)
    monkeypatch.setattr(flusher, "FIRST_PAUSE", 0.1)
    pytester.makepyfile(
        """
        import sqlite3, time

        def test_a(): pass
        def test_lock():
            global held
            held = sqlite3.connect(".aosfarm/farm.db", isolation_level=None)
            held.execute("BEGIN IMMEDIATE")
        def test_b(): time.sleep(0.5)
        def test_unlock(): held.close()
        """
    )
    result = pytester.runpytest("--farm-seed=1")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["run 1 recorded in *"])
    assert (only_run(pytester.path)["status"], only_run(pytester.path)["passed"]) == ("passed", 4)
    assert spools(pytester.path) == []


@pytest.mark.parametrize("exit_code", [0, 1])
def test_where_nothing_can_be_written_the_run_goes_on(pytester: pytest.Pytester, exit_code: int) -> None:
    # A file in the place of the folder: what a read-only directory is to those who are not root.
    (pytester.path / ".aosfarm").write_text("in the way")
    pytester.makepyfile(f"def test(): assert not {exit_code}")
    result = pytester.runpytest("--farm-seed=1")
    assert result.ret == exit_code
    result.stdout.fnmatch_lines(["run not recorded: *", "nothing kept in the spool: *"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    assert (pytester.path / ".aosfarm").read_text() == "in the way"


@pytest.mark.parametrize("exit_code", [0, 1])
def test_on_a_full_disk_the_run_goes_on(pytester: pytest.Pytester, exit_code: int) -> None:
    # A limit on the size of files fails every longer write, as a full disk does.
    pytester.makeconftest(
        """
        import resource

        def pytest_collection_finish():
            resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))
        """
    )
    pytester.makepyfile(
        f"import pytest\n@pytest.mark.parametrize('n', range(300))\ndef test(n): assert not ({exit_code} and n == 7)"
    )
    result = pytester.runpytest_subprocess("--farm-seed=1", "-q", "--tb=no", "-p", "no:cacheprovider")
    assert result.ret == exit_code
    result.stdout.fnmatch_lines(["*run not recorded: *", "nothing kept in the spool: *"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


def test_a_full_spool_alone_loses_nothing_and_leaves_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool.SpoolWriter, "write", full)
    pytester.makepyfile("def test(): pass")
    result = pytester.runpytest("--farm-seed=1")
    assert result.ret == 0
    assert only_run(pytester.path)["status"] == "passed"
    result.stdout.fnmatch_lines(["run 1 recorded *", "nothing kept in the spool: *No space left*"])
    assert spools(pytester.path) == []


@pytest.mark.parametrize(
    ("owner", "name"), [(store.RunStore, "begin_run"), (attempts.Attempts, "add"), (recorder, "decide")]
)
def test_a_mistake_of_ours_is_one_line_and_nothing_more(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    def mistake(*_: object, **__: object) -> None:
        raise KeyError("ours")

    monkeypatch.setattr(owner, name, mistake)
    pytester.makepyfile("def test(): pass")
    result = pytester.runpytest("--farm-seed=1")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["recording failed inside, please report it: KeyError: 'ours'"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


def test_two_runs_in_one_directory_at_once_are_both_recorded(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pytest\n@pytest.mark.parametrize('n', range(250))\ndef test(n): pass")
    processes = [start_pytest(pytester.path, "--farm-seed=1", "-q") for _ in range(2)]
    for process in processes:
        out = finish(process, 120)
        assert process.returncode == 0, out
        assert "recorded in" in out
    runs = all_runs(pytester.path)
    assert [(run["status"], run["passed"], len(run["tests"])) for run in runs] == [("passed", 250, 250)] * 2
    assert spools(pytester.path) == []
