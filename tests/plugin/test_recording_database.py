"""Where a run is recorded: the usual file, another one, or one line that says why not."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from recorded_runs import all_runs


@pytest.mark.parametrize("where", ["option", "environment", "ini"])
def test_the_database_may_be_elsewhere(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    pytester.makepyfile("def test(): pass")
    arguments = []
    if where == "option":
        arguments = ["--farm-db=sqlite:///here.db"]
    elif where == "environment":
        monkeypatch.setenv("AOSFARM_DB", "here.db")
    else:
        arguments = ["--farm-seed=1"]
        pytester.makeini("[pytest]\nfarm_db = here.db")
    result = pytester.runpytest(*arguments)
    assert result.ret == 0
    (run,) = all_runs(pytester.path, "here.db")
    assert run["status"] == "passed"
    result.stdout.fnmatch_lines(["run 1 recorded in here.db (aosfarm show 1 --db here.db)"])


def test_another_kind_of_database_is_one_line_before_any_test(
    pytester: pytest.Pytester, plugin_args: tuple[str, ...]
) -> None:
    pytester.makepyfile("def test(): pass")
    result = pytester.runpytest("--farm-db=mysql://me:secret@host/db", *plugin_args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: aosfarm: *'mysql'*sqlite:///PATH*"])
    assert "secret" not in result.stdout.str() + result.stderr.str()
    assert not (pytester.path / ".aosfarm").exists()


def test_the_file_says_which_schema_it_has(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test(): pass")
    pytester.runpytest("--farm-seed=1")
    with closing(sqlite3.connect(pytester.path / ".aosfarm/farm.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
