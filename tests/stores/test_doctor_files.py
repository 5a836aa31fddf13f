"""`aosfarm doctor` on SQLite files: a run store of many tenants, synthetic data of one, damage, and other people's files."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from kept_runs import keep_runs
from synthetic_data import dataset

from pytest_aosfarm.cli import main
from pytest_aosfarm.recording.location import Database
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.sinks import sqlite as sink
from pytest_aosfarm.sinks.loading import Load

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    path = tmp_path / "farm.db"
    for tenant in ("a", "b"):
        with RunStore(Database(path), tenant, create=True) as store:
            keep_runs(store)
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    sink.load(tmp_path / "b's.db", Load.of(dataset(), "b's", ["services"]))
    return tmp_path / "b's.db"


def examined(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """Exit code, and what is wrong."""
    code = main(["doctor", "--db", str(path), "--json"])
    return code, [finding["wrong"] for finding in json.loads(capsys.readouterr().out)["findings"]]


def run(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.executescript(script)


def test_all_is_well(runs: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(runs.parent.iterdir())
    assert main(["doctor", "--db", str(runs)]) == 0
    assert capsys.readouterr() == ("all well: no synthetic data, a run store of 10 tables, schema 0001\n", "")
    assert main(["doctor", "--db", str(data)]) == 0
    assert capsys.readouterr() == ("all well: 11 synthetic tables, no run store\n", "")
    assert sorted(runs.parent.iterdir()) == before
    monkeypatch.setenv("AOSFARM_DB", str(runs))
    assert main(["doctor"]) == 0
    assert main(["doctor", "--role", "x"]) == 2
    assert "a file has no roles" in capsys.readouterr().err


def remade(table: str, old: str, new: str) -> str:
    return f"UPDATE sqlite_schema SET sql = replace(sql, '{old}', '{new}') WHERE name = '{table}'"


NOT_EMPTY = "CONSTRAINT tenant_id_not_empty CHECK (tenant_id <> '''')"
NOBODYS = "INSERT INTO farm_tenants VALUES ('', 1)"
ASTRAY = "INSERT INTO farm_errors VALUES ('a', 77, 1, 'x', 'x', 'x')"


@pytest.mark.parametrize(
    ("script", "wrong"),
    [
        ("PRAGMA journal_mode = DELETE", "its journal mode is delete: readers wait for writers"),
        ("CREATE TABLE farm_more (id INTEGER PRIMARY KEY)", "has no column tenant_id NOT NULL"),
        ("DROP TABLE farm_faults", "is not there"),
        ("CREATE UNIQUE INDEX one ON farm_runs (uuid, tenant_id)", "the key one does not begin with tenant_id"),
        (remade("farm_errors", NOT_EMPTY, "CHECK (true)"), "lets tenant_id be empty"),
        (f"PRAGMA ignore_check_constraints = ON; {NOBODYS}", "holds rows of no tenant"),
        (ASTRAY, "refers to a row that farm_runs does not have"),
        (remade("farm_errors", "FOREIGN KEY(tenant_id, run_id)", "FOREIGN KEY(run_id, tenant_id)"),
         "its reference to farm_runs does not begin with tenant_id"),
        ("DELETE FROM aosfarm_version", "its schema is older than 0001"),
        ("UPDATE aosfarm_version SET version_num = '9'", "its schema 9 is not known to this version"),
    ],
)  # fmt: skip
def test_what_is_broken_in_a_run_store_is_found(runs, capsys, script: str, wrong: str) -> None:
    run(runs, script)
    code, found = examined(runs, capsys)
    assert code == 1
    assert wrong in found


@pytest.mark.parametrize(
    ("script", "wrong"),
    [
        (remade("synthetic_hosts", "CHECK (tenant_id =", "CHECK (tenant_id >="),
         "does not refuse the rows of another tenant"),
        ("PRAGMA ignore_check_constraints = ON; UPDATE synthetic_services SET tenant_id = 'a'",
         "holds rows of another tenant"),
        ("INSERT INTO synthetic_owner VALUES ('a')", "names 2 tenants: a file is one tenant's"),
        ("DROP TABLE synthetic_logs", "is not there"),
        ("CREATE UNIQUE INDEX one ON synthetic_hosts (id)", "the key one does not begin with tenant_id"),
        ("CREATE TABLE synthetic_more (tenant_id TEXT NOT NULL)", "does not refuse the rows of another tenant"),
    ],
)  # fmt: skip
def test_what_is_broken_in_the_file_of_a_tenant_is_found(data, capsys, script: str, wrong: str) -> None:
    run(data, script)
    code, found = examined(data, capsys)
    assert code == 1
    assert wrong in found


def test_damage_is_found(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = runs.read_bytes()
    pages = len(whole) // 4096
    runs.write_bytes(whole[: 4096 * 3] + b"\xff" * 4096 * (pages - 3))
    code, found = examined(runs, capsys)
    assert code == 1
    assert "damaged" in found[0] or "malformed" in found[0]


@pytest.mark.parametrize("content", ["CREATE TABLE farm_runs (id)", "PRAGMA user_version = 1", None])
def test_a_file_of_another_program_is_said_to_be_one(tmp_path: Path, capsys, content: str | None) -> None:
    path = tmp_path / "other.db"
    path.write_text("no database " * 500)
    if content:
        path.unlink()
        run(path, content)
    code, (wrong,) = examined(path, capsys)
    assert code == 1
    assert "neither a run store nor synthetic data" in wrong or "file is not a database" in wrong


def test_the_file_of_a_tenant_takes_no_other_s_rows(data: Path) -> None:
    with closing(sqlite3.connect(data)) as connection:
        for change in (
            "INSERT INTO synthetic_services SELECT 'a', * FROM (SELECT * FROM synthetic_services LIMIT 1)",
            "UPDATE synthetic_services SET tenant_id = 'a'",
            "UPDATE synthetic_services SET tenant_id = ''",
        ):
            columns = [row[1] for row in connection.execute("PRAGMA table_info(synthetic_services)")][1:]
            statement = change.replace("SELECT * FROM synthetic", f"SELECT {', '.join(columns)} FROM synthetic")
            with pytest.raises(sqlite3.IntegrityError, match="CHECK constraint failed: tenant_id = 'b''s'"):
                connection.execute(statement)
