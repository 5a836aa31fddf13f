"""Where nothing can be written the run goes on, and says in one line what was not kept."""

from __future__ import annotations

import pytest
from recorded_runs import all_runs, finish, only_run, spools, start_pytest

# Imported here so that an inner session in this process finds these very modules, and what a test put into them.
from pytest_aosfarm.plugin import recorder
from pytest_aosfarm.recording import attempts, spool, store


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


LIMIT = """
    import resource

    {when}resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))
"""
"""A limit on the size of files fails every longer write, as a full disk does."""

MANY = "import pytest\n@pytest.mark.parametrize('n', range(300))\ndef test(n): assert not ({exit_code} and n == 7)"


@pytest.mark.parametrize("exit_code", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_on_a_full_disk_the_run_goes_on(pytester: pytest.Pytester, exit_code: int) -> None:
    pytester.makeconftest(LIMIT.format(when=""))
    pytester.makepyfile(MANY.format(exit_code=exit_code))
    result = pytester.runpytest_subprocess("--farm-seed=1", "-q", "--tb=no", "-p", "no:cacheprovider")
    assert result.ret == exit_code
    result.stdout.fnmatch_lines(["*run not recorded: *", "nothing kept in the spool: *"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


def test_what_the_spool_cannot_take_midway_goes_to_the_database_all_the_same(pytester: pytest.Pytester) -> None:
    # The process that writes to the database has started before, and has no limit.
    pytester.makeconftest(LIMIT.format(when="def pytest_collection_finish(): "))
    pytester.makepyfile(MANY.format(exit_code=0))
    result = pytester.runpytest_subprocess("--farm-seed=1", "-q", "-p", "no:cacheprovider")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["run 1 recorded *", "nothing kept in the spool: *"])
    run = only_run(pytester.path)
    assert (run["status"], run["passed"], len(run["tests"])) == ("passed", 300, 300)
    assert spools(pytester.path) == []


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


def test_what_tests_replace_for_a_while_costs_no_result(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os, select, socket, subprocess, time
        from unittest.mock import Mock

        def test_clock(monkeypatch):
            for name in ("monotonic", "time", "sleep"):
                monkeypatch.setattr(time, name, Mock(side_effect=KeyError("ours")))

        def test_processes(monkeypatch):
            monkeypatch.setattr(subprocess, "Popen", Mock(side_effect=KeyError("ours")))
            monkeypatch.setattr(socket, "socket", Mock(side_effect=KeyError("ours")))
            monkeypatch.setattr(select, "poll", Mock(side_effect=KeyError("ours")))

        def test_end(): pass
        """
    )
    result = pytester.runpytest_subprocess("--farm-seed=1", "-p", "no:cacheprovider")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["run 1 recorded in *"])
    result.stdout.no_fnmatch_line("*failed inside*")
    assert (only_run(pytester.path)["status"], only_run(pytester.path)["passed"]) == ("passed", 3)
    assert spools(pytester.path) == []


def test_a_spool_that_a_test_deleted_is_not_named_as_a_place_to_recover_from(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import shutil\ndef test(): shutil.rmtree('.aosfarm')")
    result = pytester.runpytest("--farm-seed=1", "--farm-db=/proc/nowhere/farm.db")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["run not recorded: *"])
    result.stdout.no_fnmatch_line("*its results are kept in*")
