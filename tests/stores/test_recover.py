"""Spools of dead runs come into the database, once or twice with the same rows; living runs are left alone."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from recorded_runs import serve_in_a_thread

from pytest_aosfarm.recording.events import AttemptFinished, Event, RunCollected, RunFinished, RunStarted, encode
from pytest_aosfarm.recording.location import Database
from pytest_aosfarm.recording.recover import recover
from pytest_aosfarm.recording.spool import SpoolWriter
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.recording.writer import RunWriter

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 5, 4, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "farm.db"


@pytest.fixture
def started(database: Path) -> RunStarted:
    return RunStarted(
        uuid="u-1", started_at=START, labs=("aod",), scale="small", seed=1, anchor=START, profile="clean", data_tenant=None,
        database=str(database),
    )  # fmt: skip


def attempt(name: str, outcome: str = "passed", **fields: Any) -> AttemptFinished:
    return AttemptFinished(
        nodeid=name, attempt=1, identity=name, outcome=outcome, phase="call", worker=None, started_us=0,
        properties={f"farm.grade.aod.{name}.f1": 0.5}, **fields,
    )  # fmt: skip


def spool_of(folder: Path, *events: Event, name: str = "u-1") -> Path:
    path = folder / "spool" / f"{name}.jsonl"
    writer = SpoolWriter(path)
    for event in events:
        writer.write(event)
    writer.close()
    return path


def everything(database: Path) -> list[dict[str, Any]]:
    with RunStore(database, "default") as store:
        ids: list[Any] = [run["id"] for run in store.runs()]
        return [run | {"faults": store.faults(one)} for one in ids if (run := store.run(one)) is not None]


END = RunFinished(finished_at=START, status="failed", exit_code=1)


def test_a_run_that_ended_comes_back_whole_and_twice_is_once(tmp_path: Path, database: Path, started: RunStarted) -> None:
    faults = ({"at_us": 1, "kind": "status", "status": 500}, {"at_us": 2, "kind": "late"})
    tests = attempt("a", faults=faults[:1]), attempt("b", "failed", faults=faults, faults_before=1)
    spool = spool_of(tmp_path, started, RunCollected(collected=2, deselected=1), *tests, END)
    copy = shutil.copy(spool, tmp_path / "copy")
    (one,) = recover(spool.parent)
    assert (one.id, one.status, one.tests, one.damaged, one.left) == (1, "failed", 2, 0, None)
    assert not spool.exists()
    first = everything(database)
    assert len(first) == 1
    expected = {"status": "failed", "exit_code": 1, "collected": 2, "deselected": 1, "passed": 1, "failed": 1, "not_run": 0}
    assert first[0].items() >= expected.items()
    assert [[fault["number"] for fault in found] for found in first[0]["faults"].values()] == [[1], [2, 3]]
    assert first[0]["grades"] == {"aod": {"a": {"f1": 0.5}, "b": {"f1": 0.5}}}

    shutil.copy(copy, spool)
    list(recover(spool.parent))
    assert everything(database) == first


def test_a_run_that_just_stopped_is_lost_and_its_torn_line_too(tmp_path: Path, database: Path, started: RunStarted) -> None:
    spool = spool_of(tmp_path, started, RunCollected(collected=3, deselected=0), attempt("a"))
    with spool.open("a") as torn:
        torn.write('{"event": "attempt_fini')
    (one,) = recover(spool.parent)
    assert (one.status, one.tests, one.damaged) == ("lost", 1, 1)
    (run,) = everything(database)
    assert (run["status"], run["exit_code"], run["finished_at"], run["passed"], run["not_run"]) == ("lost", None, None, 1, 2)


def test_a_living_run_is_left_alone(
    tmp_path: Path, database: Path, started: RunStarted, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_in_a_thread(monkeypatch)
    writer = RunWriter(started, rootdir=tmp_path, database=Database(database))
    writer.write(attempt("a"))
    assert writer.spool_path is not None
    (one,) = recover(writer.spool_path.parent)
    assert one.alive
    assert writer.spool_path.exists()
    writer.write(END)
    writer.close()
    assert list(recover(writer.spool_path.parent)) == []
    assert [run["status"] for run in everything(database)] == ["failed"]


def test_a_spool_stays_until_the_database_has_it(tmp_path: Path, database: Path, started: RunStarted) -> None:
    database.mkdir()
    spool = spool_of(tmp_path, started, attempt("a"), END)
    (one,) = recover(spool.parent)
    assert one.left is not None
    assert str(database) in one.left
    assert spool.exists()
    other = tmp_path / "other.db"
    (one,) = recover(spool.parent, lambda _: Database(other))
    assert one.status == "failed"
    assert not spool.exists()
    assert len(everything(other)) == 1


def test_a_spool_without_a_readable_run_is_said_and_left(tmp_path: Path) -> None:
    spool = spool_of(tmp_path, attempt("a"))
    (one,) = recover(spool.parent)
    assert one.left is not None
    assert "no readable run" in one.left
    assert spool.exists()


def test_a_spool_that_stopped_early_does_not_overwrite_the_end_that_the_database_saw(
    tmp_path: Path, database: Path, started: RunStarted
) -> None:
    with RunStore(database, "default", create=True) as store:
        store.save(store.begin_run(started), [attempt("a"), attempt("b")], {"status": "passed", "exit_code": 0, "passed": 2})
    before = everything(database)
    spool = spool_of(tmp_path, started, attempt("a"))
    (one,) = recover(spool.parent)
    assert one.status == "passed"
    assert everything(database) == before
    assert not spool.exists()


def test_what_is_no_spool_or_a_hostile_one_does_not_stop_the_others(
    tmp_path: Path, database: Path, started: RunStarted
) -> None:
    path = spool_of(tmp_path, started, attempt("t::a"), END)
    folder = path.parent
    wrong: dict[str, Any] = {"nodeid": {"a": 1}, "outcome": ["passed"], "started_us": "x", "properties": [1]}
    wrong |= {"attempt": 10**30, "faults": ["x"], "faults_before": [1]}
    for name, value in wrong.items():
        event = attempt("t::b")
        setattr(event, name, value)
        (folder / f"a-{name}.jsonl").write_text(f"{encode(replace(started, uuid=name))}\n{encode(event)}\n")
    (folder / "a-deep.jsonl").write_text("[" * 100_000)
    (folder / "a-number.jsonl").write_text("1" * 10_000)
    (folder / "a-folder.jsonl").mkdir()
    os.mkfifo(folder / "a-pipe.jsonl")
    os.utime(path, (2**32, 2**32))
    results = {one.spool.name: one for one in recover(folder)}
    assert results.pop("u-1.jsonl").tests == 1
    assert len(results) == len(wrong) + 4
    assert all(results[f"a-{name}.jsonl"].left for name in ("deep", "number", "folder", "pipe", "properties", "faults"))
    assert "failed" in {run["status"] for run in everything(database)}
