"""Loading synthetic data into SQLite: every row as it is, one tenant a file, whole or not at all."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic_data import Astray, Raising, by_id, dataset, like_services

from pytest_aosfarm.errors import LoadError
from pytest_aosfarm.sinks import sqlite
from pytest_aosfarm.sinks.loading import Load

TENANT = "a tenant's id"


def wanted(names=None, **changed) -> Load:
    load = Load.of(dataset(), TENANT, names)
    return replace(load, tables={**load.tables, **changed})


def everything(path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    path = tmp_path_factory.mktemp("loaded") / "data.db"
    seen: list[int] = []
    result = sqlite.load(path, wanted(), advance=seen.append)
    assert sum(seen) == sum(result.rows.values()) == sum(map(len, dataset().tables.values()))
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        yield connection


@pytest.mark.parametrize("name", dataset().tables)
def test_every_value_reads_back(loaded, name):
    table = dataset().table(name)
    found = [dict(row) for row in loaded.execute(f"SELECT * FROM synthetic_{name}")]
    assert {row.pop("tenant_id") for row in found} == {TENANT}
    expected = [
        {key: json.dumps(value, separators=(",", ":")) if isinstance(value, list) else value for key, value in row.items()}
        for row in table
    ]
    assert by_id(found) == by_id(expected)


def test_the_file_is_sound_and_its_references_resolve(loaded):
    assert [tuple(row) for row in loaded.execute("PRAGMA integrity_check")] == [("ok",)]
    assert loaded.execute("PRAGMA foreign_key_check").fetchall() == []
    for name, table in dataset().tables.items():
        stored = {key["from"] for key in loaded.execute(f"PRAGMA foreign_key_list(synthetic_{name})")} - {"tenant_id"}
        assert stored == {column for column, other in table.references.items() if other in dataset().tables}


def test_views_hold_what_their_tables_have_in_common(loaded):
    row = dict(loaded.execute("SELECT * FROM synthetic_assets WHERE kind = 'host' ORDER BY id").fetchone())
    host = by_id(dataset().table("hosts"))[0]
    assert row == {"tenant_id": TENANT, "kind": "host"} | {key: host[key] for key in ("id", "name", "type", "owner")}
    counts = dict(loaded.execute("SELECT kind, count(*) FROM synthetic_events GROUP BY kind").fetchall())
    assert counts == {"log": 5_000, "network flow": 5_000, "auth event": 2_000}


def test_keys_hold_and_no_other_tenant_gets_in(loaded):
    twice = "INSERT INTO synthetic_hosts SELECT * FROM synthetic_hosts"
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        loaded.execute(twice)
    columns = ", ".join(dataset().table("hosts").columns)
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        loaded.execute(f"INSERT INTO synthetic_hosts (tenant_id, {columns}) SELECT 'b', {columns} FROM synthetic_hosts")


def test_dates_are_text_that_sqlite_reads(loaded):
    query = "SELECT count(*) FROM synthetic_invoices WHERE due_at > datetime(issued_at) AND julianday(issued_at) > 0"
    assert loaded.execute(query).fetchone()[0] == len(dataset().table("invoices"))


def test_loading_again_replaces_and_gives_the_same(tmp_path):
    path = tmp_path / "data.db"
    sqlite.load(path, wanted())
    first = everything(path)
    sqlite.load(path, replace(Load.of(dataset(seed=2), TENANT)))
    assert everything(path) != first
    sqlite.load(path, wanted())
    assert everything(path) == first


@pytest.mark.parametrize(
    ("kind", "error", "text"), [(Astray, LoadError, "refers to a row"), (Raising, RuntimeError, "midway")]
)
def test_a_load_that_fails_leaves_what_was_there(tmp_path, kind, error, text):
    path = tmp_path / "data.db"
    for before in (None, wanted(["hosts"])):
        if before:
            sqlite.load(path, before)
        kept = path.read_bytes() if before else None
        with pytest.raises(error, match=text):
            sqlite.load(path, wanted(services=like_services(kind)))
        assert [found.read_bytes() for found in tmp_path.iterdir()] == ([kept] if before else [])


def test_files_of_others_are_not_touched(tmp_path):
    stranger, other = tmp_path / "stranger.db", tmp_path / "other.db"
    with closing(sqlite3.connect(stranger)) as connection:
        connection.execute("CREATE TABLE precious (x)")
    sqlite.load(other, Load.of(dataset(), "b", ["hosts"]))
    text = tmp_path / "notes.txt"
    text.write_text("precious")
    for path, why in ((stranger, "no synthetic data"), (text, "no synthetic data"), (other, "another tenant: a file")):
        before = path.read_bytes()
        with pytest.raises(LoadError, match=why):
            sqlite.load(path, wanted(["hosts"]))
        assert path.read_bytes() == before


def test_a_file_in_use_is_left_alone(tmp_path):
    path = tmp_path / "data.db"
    sqlite.load(path, wanted(["hosts"]))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE more (x)")
        with pytest.raises(LoadError, match=r"data\.db-wal: close its readers"):
            sqlite.load(path, wanted(["hosts"]))
    sqlite.load(path, wanted(["hosts"]))


def test_a_device_stays_a_device():
    with pytest.raises(LoadError, match="is no file"):
        sqlite.load(Path(os.devnull), wanted(["hosts"]))
    assert Path(os.devnull).is_char_device()
