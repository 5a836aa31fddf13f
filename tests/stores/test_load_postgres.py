"""Loading synthetic data into PostgreSQL: every row as it is, tenants apart, and readers never see half a load."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row
from recorded_runs import wait_until
from synthetic_data import Astray, Raising, by_id, dataset, like_services

from pytest_aosfarm.cli import main
from pytest_aosfarm.errors import LoadError
from pytest_aosfarm.recording.synthetic_ddl import references
from pytest_aosfarm.recording.synthetic_tables import PREFIX, definition
from pytest_aosfarm.sinks import postgres as sink
from pytest_aosfarm.sinks.loading import Load
from pytest_aosfarm.sinks.postgres_partitions import Partitions
from pytest_aosfarm.synthetic.assets import Services

A, B = "tenant's a", "b"
TABLES = dataset().tables
ROOT = Path(__file__).parents[2]


@pytest.fixture
def url(postgres):
    with postgres.database() as url:
        yield url


def wanted(tenant=A, names=("services",), seed=1, **changed) -> Load:
    load = Load.of(dataset(seed=seed), tenant, names)
    return replace(load, tables={**load.tables, **changed})


def query(url, text, *parameters):
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(text, parameters).fetchall()


def as_row(row):
    """What PostgreSQL gives, as the engine writes it."""
    return {key: plain(value) for key, value in row.items()}


def plain(value):
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return str(value) if isinstance(value, IPv4Address) else value


def stored(url, name, tenant=A):
    rows = [as_row(row) for row in query(url, f"SELECT * FROM synthetic_{name} WHERE tenant_id = %s", tenant)]
    assert {row.pop("tenant_id") for row in rows} <= {tenant}
    return by_id(rows)


def partitions(url):
    """Every table that holds rows of a tenant, in sight or not, with its number, which a new table never shares."""
    found = query(url, r"SELECT relname, oid FROM pg_class WHERE relkind = 'r' AND relname ~ '^synthetic_.*_[ab]$'")
    return {row["relname"]: row["oid"] for row in found}


def visible(url):
    return {name: query(url, f"SELECT count(*) FROM {PREFIX}{name}")[0]["count"] for name in TABLES}


@pytest.fixture(scope="module")
def loaded(postgres):
    """A database with two tenants of the same data."""
    with postgres.database() as url:
        seen: list[int] = []
        result = sink.load(url, wanted(names=None), advance=seen.append)
        assert sum(seen) == sum(result.rows.values()) == sum(map(len, TABLES.values()))
        sink.load(url, wanted(B, names=None), unlogged=True)
        yield url


@pytest.mark.parametrize("tenant", [A, B])
@pytest.mark.parametrize("name", TABLES)
def test_every_value_reads_back(loaded, name, tenant):
    assert stored(loaded, name, tenant) == by_id(TABLES[name])


def test_keys_are_there_valid_and_within_the_tenant(loaded):
    keys = query(
        loaded,
        """SELECT conrelid::regclass::text AS at, confrelid::regclass::text AS to, convalidated,
                  pg_get_constraintdef(oid) AS text
           FROM pg_constraint WHERE contype = 'f'""",
    )
    expected = sum(len(references(definition(name))) for name in TABLES)
    assert len(keys) == 2 * expected
    assert all(key["convalidated"] for key in keys)
    assert all(key["text"].startswith("FOREIGN KEY (tenant_id, ") for key in keys)
    assert all(key["at"].rsplit("_", 2)[1:] == key["to"].rsplit("_", 2)[1:] for key in keys)
    for name, table in TABLES.items():
        unique = query(
            loaded, "SELECT conkey FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('p', 'u')", PREFIX + name
        )
        assert len(unique) == len(table.unique)


def test_views_hold_what_their_tables_have_in_common_and_ask_as_their_reader(loaded):
    host = by_id(TABLES["hosts"])[0]
    (row,) = query(loaded, "SELECT * FROM synthetic_assets WHERE tenant_id = %s AND id = %s", B, host["id"])
    assert row == {"tenant_id": B, "kind": "host"} | {key: host[key] for key in ("id", "name", "type", "owner")}
    counts = query(loaded, "SELECT kind, count(*) FROM synthetic_events WHERE tenant_id = %s GROUP BY kind", A)
    assert {row["kind"]: row["count"] for row in counts} == {"log": 5_000, "network flow": 5_000, "auth event": 2_000}
    options = query(loaded, "SELECT reloptions FROM pg_class WHERE relkind = 'v' AND relname ~ '^synthetic_'")
    assert [row["reloptions"] for row in options] == [["security_invoker=true"]] * 2


def test_an_unlogged_load_is_unlogged(loaded):
    tables = r"FROM pg_class WHERE relname ~ '_[ab]$' AND relkind = 'r'"
    found = query(loaded, f"SELECT relpersistence, count(*) {tables} GROUP BY 1")
    assert {row["relpersistence"]: row["count"] for row in found} == {"p": len(TABLES), "u": len(TABLES)}


def test_loading_again_replaces_ones_own_alone(url):
    for tenant in (A, B):
        sink.load(url, wanted(tenant))
    before = partitions(url)
    result = sink.load(url, wanted(seed=2))
    assert result.resumed == ()
    assert stored(url, "services") == by_id(dataset(seed=2).table("services"))
    assert stored(url, "services", B) == by_id(TABLES["services"])
    assert len(set(before.items()) & set(partitions(url).items())) == len(partitions(url)) // 2 == 4
    sink.load(url, wanted(names=["hosts"]))
    assert {name: count for name, count in visible(url).items() if count} == {
        "hosts": 80, "applications": 60, "services": 90, "databases": 25,
    }  # fmt: skip
    assert sink.unload(url, B) == 4
    assert {name: count for name, count in visible(url).items() if count} == {"hosts": 40}
    sink.unload(url, A)
    assert partitions(url) == {}


def test_unloading_says_what_it_did(url, capsys):
    sink.load(url, wanted(names=["hosts"]))
    assert main(["data", "unload", "--db", url, "--tenant", "somebody else"]) == 1
    assert "tenant somebody else, id " in capsys.readouterr().err
    assert visible(url)["hosts"] == 40
    assert main(["data", "load", "--db", url, "--tenant", "acme", "--tables", "hosts"]) == 0
    assert main(["data", "unload", "--db", url, "--tenant", "acme"]) == 0
    assert "1 partitions dropped" in capsys.readouterr().out


def breaks(url, error, text, **changed):
    """A load that fails: readers see what they saw before."""
    seen = visible(url) if partitions(url) else None
    with pytest.raises(error, match=text) as caught:
        sink.load(url, wanted(**changed))
    assert visible(url) == (seen or dict.fromkeys(TABLES, 0))
    return str(caught.value)


def comes_back(url, *, without):
    """The next load takes what is whole, and then all is as if it had been loaded at once."""
    kept = partitions(url)
    result = sink.load(url, wanted())
    assert set(result.resumed) == set(result.rows) - {without}
    assert len(set(kept.items()) & set(partitions(url).items())) == len(result.resumed)
    for name in result.rows:
        assert stored(url, name) == by_id(TABLES[name])
    assert len(partitions(url)) == len(result.rows)


class Terminating(Services):
    """Services during whose load the server ends the loader's connection."""

    url = ""

    def blocks(self, rows=None):
        yield from super().blocks(rows)
        query(self.url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'aosfarm'")
        yield from super().blocks(rows)


def test_a_generator_that_raises_is_survived(url):
    breaks(url, RuntimeError, "midway", services=like_services(Raising))
    comes_back(url, without="services")


def test_a_lost_connection_is_survived(url):
    services = like_services(Terminating)
    services.url = url
    breaks(url, LoadError, "run the same command again", services=services)
    comes_back(url, without="services")


def test_a_failing_replacement_leaves_the_old_data(url):
    sink.load(url, wanted(seed=2))
    breaks(url, RuntimeError, "midway", services=like_services(Raising))
    assert stored(url, "services") == by_id(dataset(seed=2).table("services"))
    comes_back(url, without="services")


KILLED = """
import sys, time
sys.path[:0] = {path!r}
from test_load_postgres import *

class Waiting(Services):
    def blocks(self, rows=None):
        yield from super().blocks(rows)
        print("midway", flush=True)
        time.sleep(60)

sink.load(sys.argv[1], wanted(services=like_services(Waiting)))
"""


def test_a_killed_loader_is_survived(url):
    script = KILLED.format(path=[str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)])
    with subprocess.Popen([sys.executable, "-c", script, url], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"midway\n"
        child.send_signal(signal.SIGKILL)
    wait_until(lambda: not query(url, "SELECT FROM pg_stat_activity WHERE application_name = 'aosfarm'"))
    assert visible(url) == dict.fromkeys(TABLES, 0)
    comes_back(url, without="services")


def test_what_was_left_of_other_data_is_not_taken(url):
    breaks(url, RuntimeError, "midway", services=like_services(Raising))
    left = partitions(url)
    assert len(left) == 3
    result = sink.load(url, wanted(seed=2))
    assert result.resumed == ()
    assert not set(left.items()) & set(partitions(url).items())
    assert stored(url, "hosts") == by_id(dataset(seed=2).table("hosts"))


def test_an_unlogged_table_that_a_crash_has_emptied_is_loaded_again(url):
    with pytest.raises(RuntimeError):
        sink.load(url, wanted(services=like_services(Raising)), unlogged=True)
    (hosts,) = (name for name in partitions(url) if "hosts" in name)
    with psycopg.connect(url) as connection:
        connection.execute(f"DELETE FROM {hosts}")
    assert set(sink.load(url, wanted(), unlogged=True).resumed) == {"applications", "databases"}
    assert stored(url, "hosts") == by_id(TABLES["hosts"])


def test_a_broken_reference_fails_and_leaves_nothing(url):
    text = breaks(url, LoadError, "violates foreign key constraint", services=like_services(Astray))
    assert "nothing of this load was kept" in text
    assert partitions(url) == {}


def test_tables_of_another_version_are_not_written_to(url):
    sink.load(url, wanted())
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE synthetic_hosts ADD COLUMN more text")
    with pytest.raises(LoadError, match=r"synthetic_hosts .* differs .*\(in more\)"):
        sink.load(url, wanted())


def test_a_role_without_privileges_is_told_so(url):
    with psycopg.connect(url) as connection:
        connection.execute("REVOKE CREATE ON SCHEMA public FROM public")
        connection.execute("DROP ROLE IF EXISTS aosfarm_guest")
        connection.execute("CREATE ROLE aosfarm_guest LOGIN PASSWORD 'secret'")
    try:
        guest = url.replace("postgresql://postgres@", "postgresql://aosfarm_guest:secret@", 1)
        assert guest != url
        with pytest.raises(LoadError, match=r"permission denied .* the role needs CREATE") as caught:
            sink.load(guest, wanted())
        assert "secret" not in str(caught.value)
    finally:
        with psycopg.connect(url) as connection:
            connection.execute("DROP ROLE aosfarm_guest")


def test_a_second_load_of_the_tenant_waits_and_gives_up(url, monkeypatch):
    monkeypatch.setattr("pytest_aosfarm.sinks.postgres_connection.LOCK_SECONDS", 0.1)
    with psycopg.connect(url) as connection:
        connection.autocommit = True
        Partitions(connection, A)
        with pytest.raises(LoadError, match="another load"):
            sink.load(url, wanted())
        sink.load(url, wanted(B))


def test_a_full_disk_of_the_server_is_told_and_survived(url):
    with psycopg.connect(url) as connection:
        connection.execute("""
            CREATE FUNCTION no_room() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
                IF EXISTS (SELECT FROM pg_class WHERE relname ~ '^synthetic_services_.*_a$') THEN
                    RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100';
                END IF;
            END $$;
            CREATE EVENT TRIGGER no_room ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION no_room()""")
    text = breaks(url, LoadError, "could not extend file")
    assert "disk is full: make room and run the same command again" in text
    with psycopg.connect(url) as connection:
        connection.execute("DROP EVENT TRIGGER no_room")
    comes_back(url, without="services")


def test_no_server_and_no_such_database(url):
    with pytest.raises(LoadError, match=r"no connection to PostgreSQL at 127\.0\.0\.1, database x: .*refused") as caught:
        sink.load("postgresql://me:s3cret@127.0.0.1:1/x", wanted())
    assert "s3cret" not in str(caught.value)
    with pytest.raises(LoadError, match='database "nowhere" does not exist'):
        sink.load(re.sub(r"/aosfarm_\w+", "/nowhere", url), wanted())
