"""A database that is away, dies, or is another one when it comes back costs no result and changes no exit code."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from recorded_runs import all_runs, only_run, spools

# Imported here so that an inner session in this process finds these very modules, and what a test put into them.
from pytest_aosfarm.cli import main
from pytest_aosfarm.recording import flusher, serving, store
from pytest_aosfarm.recording.location import Database
from pytest_aosfarm.recording.schema import upgrade
from pytest_aosfarm.recording.store import RunStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tools.postgres import Postgres


def make_directory(path: Path) -> None:
    path.mkdir(parents=True)


def make_corrupt(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database at all" * 300)


def make_newer(path: Path) -> None:
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


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every result is a batch, nobody waits long for a lock, and a database that was away is asked again soon."""
    monkeypatch.setattr(store.RunStore.__init__, "__kwdefaults__", {"create": False, "busy_seconds": 0.1})
    monkeypatch.setattr(serving, "BATCH_EVENTS", 1)
    monkeypatch.setattr(flusher, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(flusher, "LAST_PAUSE", 0.1)
    monkeypatch.setattr(flusher, "BATCH_SECONDS", 0.1)


# What a test of the inner run does to the database, and undoes later: hold its lock; put another file in its place; take
# it away; make it unreadable.
TROUBLES = {
    "locked": (
        "held = sqlite3.connect(DB, isolation_level=None); held.execute('BEGIN IMMEDIATE')",
        "held.close()",
    ),
    "replaced": ("os.replace(DB, DB + '.old'); os.remove(DB + '-wal')", ""),
    "deleted": ("shutil.rmtree('.aosfarm/db'); os.mkdir('.aosfarm/db')", ""),
    "unreadable": ("os.rename(DB, DB + '.old'); os.mkdir(DB)", "os.rmdir(DB); os.rename(DB + '.old', DB)"),
    "overwritten": ("pathlib.Path(DB).write_bytes(b'no database' * 9999)", "os.remove(DB); os.remove(DB + '-wal')"),
}


@pytest.mark.parametrize(
    "trouble", [pytest.param(one, marks=() if one in {"locked", "deleted"} else pytest.mark.slow) for one in TROUBLES]
)
def test_a_database_that_dies_midway_and_comes_back_loses_nothing(
    pytester: pytest.Pytester, impatient: None, trouble: str
) -> None:
    do, undo = TROUBLES[trouble]
    pytester.makepyfile(
        f"""
        import os, pathlib, shutil, sqlite3, time

        DB = ".aosfarm/db/farm.db"

        def test_a(): pass
        def test_trouble():
            global held
            time.sleep(0.3)
            {do}
        def test_b(): assert 0
        def test_c(): time.sleep(0.3)
        def test_undo():
            {undo or "pass"}
        """
    )
    result = pytester.runpytest("--farm-seed=1", "--farm-db=.aosfarm/db/farm.db")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["run 1 recorded in .aosfarm/db/farm.db *"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    (run,) = all_runs(pytester.path, ".aosfarm/db/farm.db")
    assert (run["status"], run["passed"], run["failed"], len(run["tests"])) == ("failed", 4, 1, 5)
    assert spools(pytester.path) == []


def test_a_database_that_dies_and_stays_away_costs_one_line_and_no_result(
    pytester: pytest.Pytester, impatient: None, capsys: pytest.CaptureFixture[str]
) -> None:
    pytester.makepyfile(
        """
        import os, time

        DB = ".aosfarm/farm.db"

        def test_a(): pass
        def test_trouble():
            time.sleep(0.3)
            os.rename(DB, DB + ".old")
            os.mkdir(DB)
        def test_b(): pass
        """
    )
    result = pytester.runpytest("--farm-seed=1")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["run not recorded: *farm.db*", "its results are kept in *"])
    assert result.stdout.str().count("run not recorded") == 1

    (pytester.path / ".aosfarm/farm.db").rmdir()
    (pytester.path / ".aosfarm/farm.db.old").rename(pytester.path / ".aosfarm/farm.db")
    run = only_run(pytester.path)
    assert (run["status"], len(run["tests"])) == ("running", 1)
    assert main(["recover"]) == 0
    run = only_run(pytester.path)
    assert (run["status"], run["passed"], len(run["tests"])) == ("passed", 3, 3)


@pytest.fixture
def server(postgres: Postgres) -> Iterator[str]:
    """The URL of an upgraded PostgreSQL, with a password in it."""
    with postgres.database() as url:
        upgrade(Database(url=url))
        yield url.replace("postgres@", "postgres:hush-hush@", 1)


def test_a_postgresql_that_is_not_there_costs_one_line_and_the_spool_holds_no_password(
    pytester: pytest.Pytester, server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = server.partition("?")[0].rpartition("/")[2]
    pytester.makepyfile("def test(): pass")
    monkeypatch.setenv("AOSFARM_DB", server.replace(name, "gone"))
    result = pytester.runpytest()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["run not recorded: postgresql://*gone*", "its results are kept in *"])
    (spool,) = spools(pytester.path)
    assert "hush-hush" not in spool.read_text() + result.stdout.str() + result.stderr.str()

    monkeypatch.delenv("AOSFARM_DB")
    assert main(["recover"]) == 1
    assert "--db or AOSFARM_DB" in capsys.readouterr().out
    monkeypatch.setenv("AOSFARM_DB", server)
    assert main(["recover"]) == 1, "another database than the one that the run was meant for"
    assert main(["recover", "--db", server]) == 0
    with RunStore(Database(url=server), "default") as kept:
        assert [(run["status"], run["passed"]) for run in kept.runs()] == [("passed", 1)]
    assert "hush-hush" not in "".join(capsys.readouterr())


def test_a_postgresql_that_dies_midway_and_comes_back_loses_nothing(
    pytester: pytest.Pytester, server: str, impatient: None, postgres: Postgres
) -> None:
    name = server.partition("?")[0].rpartition("/")[2]
    pytester.makepyfile(
        f"""
        import psycopg, time

        def run(*statements):
            with psycopg.connect({postgres.url!r}, autocommit=True) as connection:
                for statement in statements:
                    connection.execute(statement)

        def test_a(): pass
        def test_trouble():
            time.sleep(0.3)
            run(
                'ALTER DATABASE {name} ALLOW_CONNECTIONS false',
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
            )
        def test_b(): assert 0
        def test_c(): time.sleep(0.3)
        def test_undo(): run('ALTER DATABASE {name} ALLOW_CONNECTIONS true')
        """
    )
    result = pytester.runpytest(f"--farm-db={server}")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["run 1 recorded in postgresql://*"])
    with RunStore(Database(url=server), "default") as kept:
        run = kept.run(1)
    assert run is not None
    assert (run["status"], run["passed"], run["failed"], len(run["tests"])) == ("failed", 4, 1, 5)
    assert spools(pytester.path) == []
