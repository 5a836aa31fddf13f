"""The schema of the run store: made once however many ask, taken over from the first slice, never altered unasked."""

from __future__ import annotations

import multiprocessing
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.recording.engine import open_engine
from pytest_aosfarm.recording.location import Database
from pytest_aosfarm.recording.schema import REVISIONS, VERSION_TABLE, alembic_config, upgrade
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.recording.tables import metadata

FIRST_SLICE = Path(__file__).with_name("first_slice.sql").read_text(encoding="utf-8")


@pytest.fixture
def first_slice(tmp_path: Path) -> Path:
    path = tmp_path / "farm.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FIRST_SLICE)
    return path


@pytest.fixture
def bare(postgres):
    """A PostgreSQL without a run store."""
    with postgres.database() as url:
        yield Database(url=url)


def open_at_once(where: Database, start: Any, results: Any) -> None:
    start.wait()
    try:
        with RunStore(where, "default", create=True) as store:
            results.put(len(store.runs()))
    except RecordingError as error:
        results.put(str(error))


def upgrade_at_once(where: Database, start: Any, results: Any) -> None:
    start.wait()
    results.put(upgrade(where))


def at_once(target: Any, where: Database, number: int = 8) -> list[Any]:
    fork = multiprocessing.get_context("fork")
    start, results = fork.Event(), fork.Queue()
    processes = [fork.Process(target=target, args=(where, start, results)) for _ in range(number)]
    for process in processes:
        process.start()
    start.set()
    found = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
    return found


def test_the_first_slice_is_taken_over_and_kept_aside(first_slice: Path) -> None:
    before = sqlite3.connect(first_slice)
    with closing(before):
        old = list(before.iterdump())
    with RunStore(first_slice, "default") as store, RunStore(first_slice, "acme") as acme:
        runs = store.runs()
        one: Any = store.run(1)
        (other,) = acme.runs()
    assert [(run["id"], run["status"], run["exit_code"]) for run in runs] == [(4, "suspect", None), (1, "failed", 1)]
    assert (one["seed"], one["lab"], one["profile"]) == ((1 << 63) - 1, "aod", "typical")
    assert one["finished_at"] == datetime(2026, 11, 24, 10, 0, 9, 500000, tzinfo=UTC)
    assert one["grades"] == {"aod": {"shadow": {"f1": 0.5}}}
    assert one["environment"] == {
        "python": "3.11.7", "os": "Linux", "pytest": "9.2.0", "plugins": {"pytest-xdist": "3.8.0"},
    }  # fmt: skip
    seen = [(t["nodeid"], t["identity"], t["attempt"], t["outcome"], t["raw_outcome"], t["is_final"]) for t in one["tests"]]
    assert seen == [
        ("labs/aod/test_a.py::test_a", "aod.test_a::test_a", 1, "passed", None, True),
        ("labs/aod/test_a.py::test_b", "aod.test_a::test_b", 1, "other", "rerun", False),
        ("labs/aod/test_a.py::test_b", "aod.test_a::test_b", 2, "passed", None, True),
        ("x.py::test_one", "same", 1, "failed", None, True),
        ("x.py::test_one", "same", 2, "passed", None, True),
    ]
    first = one["tests"][0]
    assert (first["started_us"], first["worker"], first["data_tenant"]) == (1_250_000, "gw0", None)
    assert first["properties"] == {"farm.grade.aod.shadow.f1": 0.5}
    assert one["tests"][1]["data_tenant"] == "lab:aod"
    assert (other["id"], other["data_tenant"], other["seed"]) == (2, "acme", 7)
    with closing(sqlite3.connect(first_slice.with_name("farm.schema-1.db"))) as kept:
        assert list(kept.iterdump()) == old
    assert sorted(path.name for path in first_slice.parent.iterdir()) == ["farm.db", "farm.schema-1.db"]


def test_eight_that_take_over_at_once_do_it_once(first_slice: Path) -> None:
    assert at_once(open_at_once, Database(first_slice)) == [2] * 8
    with RunStore(first_slice, "default") as store:
        assert [run["id"] for run in store.runs()] == [4, 1]


def test_a_take_over_that_fails_leaves_the_file_as_it_was(first_slice: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_connection: Any) -> None:
        raise OSError("the disk is full")

    with closing(sqlite3.connect(first_slice)) as connection:
        old = list(connection.iterdump())
    with monkeypatch.context() as patch:
        patch.setattr("pytest_aosfarm.recording.schema._stamp_file", fail)
        with pytest.raises(RecordingError, match="disk is full"):
            RunStore(first_slice, "default")
    with closing(sqlite3.connect(first_slice)) as connection:
        assert list(connection.iterdump()) == old
    with RunStore(first_slice, "default") as store:
        assert len(store.runs()) == 2


@pytest.mark.parametrize("made_by", ["the steps", "create_all"])
def test_the_steps_and_the_tables_of_today_agree(tmp_path: Path, first_slice: Path, bare: Database, made_by: str) -> None:
    where = Database(tmp_path / "new.db")
    if made_by == "the steps":
        upgrade(bare)
        RunStore(first_slice, "default").close()
        places = [Database(first_slice), bare]
    else:
        RunStore(where, "default", create=True).close()
        places = [where]
    for place in places:
        engine = open_engine(place, "default", busy_seconds=1)
        with engine.connect() as connection:
            options = {"version_table": VERSION_TABLE, "compare_type": True}
            context = MigrationContext.configure(connection, opts=options)
            assert compare_metadata(context, metadata) == []
        engine.dispose()


def test_a_file_made_by_the_steps_has_the_very_tables_of_one_that_is_new(tmp_path: Path, first_slice: Path) -> None:
    RunStore(first_slice, "default").close()
    RunStore(tmp_path / "new.db", "default", create=True).close()
    assert shape(first_slice) == shape(tmp_path / "new.db")


def shape(path: Path) -> dict[str, Any]:
    """Columns, keys, checks and indexes of every table."""
    engine = create_engine(f"sqlite:///{path}")
    look = inspect(engine)
    found = {
        name: (
            [(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in look.get_columns(name)],
            look.get_pk_constraint(name),
            look.get_foreign_keys(name),
            look.get_unique_constraints(name),
            look.get_check_constraints(name),
            sorted(
                (str(one["name"]), one["column_names"], str(one["dialect_options"].get("sqlite_where")))
                for one in look.get_indexes(name)
            ),
            look.get_table_options(name),
        )
        for name in look.get_table_names()
    }
    engine.dispose()
    return found


def test_the_released_schemas_are_those_of_the_steps(bare: Database) -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        steps = list(ScriptDirectory.from_config(alembic_config(connection)).walk_revisions())
    assert tuple(step.revision for step in reversed(steps)) == REVISIONS


def test_a_postgresql_without_a_run_store_is_not_given_one_by_a_test_run(bare: Database) -> None:
    with pytest.raises(RecordingError, match="no run store yet; run `aosfarm db upgrade --db"):
        RunStore(bare, "default", create=True)
    with psycopg.connect(bare.url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'farm%'").fetchone() == (0,)


@pytest.mark.parametrize(
    ("version", "says"), [("0000", "newer"), (None, "older.*aosfarm db upgrade")], ids=["ahead", "behind"]
)
def test_a_postgresql_of_another_schema_is_refused_and_left(bare: Database, version: str | None, says: str) -> None:
    upgrade(bare)
    with psycopg.connect(bare.url) as connection:
        connection.execute(f"DELETE FROM {VERSION_TABLE}".encode())
        if version:
            connection.execute(f"INSERT INTO {VERSION_TABLE} VALUES (%s)".encode(), (version,))
    with pytest.raises(RecordingError, match=says):
        RunStore(bare, "default", create=True)
    if version:
        with pytest.raises(RecordingError, match="newer"):
            upgrade(bare)


def test_eight_upgrades_at_once_are_one(bare: Database) -> None:
    assert sorted(at_once(upgrade_at_once, bare)) == [False] * 7 + [True]
    with RunStore(bare, "default") as store:
        assert store.runs() == []


def test_a_role_that_no_policy_binds_is_refused(bare: Database) -> None:
    upgrade(bare)
    with psycopg.connect(bare.url, autocommit=True) as connection:
        user = connection.info.user
    engine = open_engine(bare, "default", busy_seconds=1)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT current_user").scalar_one() == "aosfarm_recorder"
    engine.dispose()
    assert user != "aosfarm_recorder"
