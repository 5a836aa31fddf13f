"""The run store: saving twice changes nothing, other people's files are left alone, several writers get along."""

from __future__ import annotations

import multiprocessing
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.recording.events import AttemptFinished, ErrorSeen, RunStarted
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.recording.tables import farm_faults, farm_test_aliases, identity_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_aosfarm.recording.faults import Fault
    from pytest_aosfarm.recording.location import Database

START = datetime(2026, 5, 4, 3, 2, 1, 654321, tzinfo=UTC)


def started(uuid: str = "u-1", **changes: object) -> RunStarted:
    values: dict[str, object] = {
        "uuid": uuid, "started_at": START, "labs": ("aod", "dcl"), "scale": "small", "seed": (1 << 63) - 1, "anchor": START,
        "profile": "typical", "data_tenant": None, "database": "/nowhere", "environment": {"pytest": "9"},
    }  # fmt: skip
    return RunStarted(**(values | changes))  # type: ignore[arg-type]  # the values of RunStarted by name


def attempt(name: str, number: int = 1, outcome: str = "passed") -> AttemptFinished:
    return AttemptFinished(
        nodeid=name,
        attempt=number,
        identity=name,
        outcome=outcome,
        phase="call",
        worker="gw0",
        started_us=number * 1_000_000,
        call_us=1 << 40,
        message="ünïcode\n",
        data_tenant="me",
        properties={"farm.x": 0.1, "none": None},
    )


def test_what_was_saved_is_read_back(where: Database) -> None:
    with RunStore(where, "default", create=True) as store:
        run_id = store.begin_run(started())
        assert store.status(run_id) == "queued"
        failed = attempt("b", outcome="failed")
        failed.outputs = {"longrepr": "ünïcode\n" * 100, "stdout": ""}
        error = ErrorSeen(source="internal", message="what", body="where")
        store.save(run_id, [failed, attempt("a"), error], {"collected": 2, "grades": {"aod": {"x": {"f1": 1.0}}}})
        run = store.run(run_id)
        outputs = store.outputs_of(run_id, identity_id("b"), 1)
        errors = store.errors(run_id)

    assert run is not None
    tests = run.pop("tests")
    assert (run["uuid"], run["seed"]) == ("u-1", (1 << 63) - 1)
    assert (run["lab"], run["started_at"], run["exit_code"], run["scenario"]) == (
        "aod,dcl", START, None, "aod,dcl small typical",
    )  # fmt: skip
    assert run["grades"] == {"aod": {"x": {"f1": 1.0}}}
    assert isinstance(tests, list)
    assert [test["nodeid"] for test in tests] == ["a", "b"]
    assert tests[0]["properties"] == {"farm.x": 0.1, "none": None}
    assert (tests[0]["call_us"], tests[0]["message"], tests[0]["data_tenant"]) == (1 << 40, "ünïcode\n", "me")
    assert outputs == {"longrepr": "ünïcode\n" * 100, "stdout": ""}
    assert errors == [{"number": 1, "source": "internal", "message": "what", "body": "where"}]


def test_saving_twice_changes_nothing(where: Database) -> None:
    again = attempt("a", 2)
    again.cause, again.replaces = "rerun", 1
    with RunStore(where, "default", create=True) as store:
        seen = []
        for _ in range(2):
            run_id = store.begin_run(started())
            store.save(run_id, [attempt("a", 1, "failed"), again], {"status": "passed"})
            run = store.run(run_id)
            assert run is not None
            seen.append(run)
        assert seen[0] == seen[1]
        assert [(test["attempt"], test["is_final"]) for test in seen[0]["tests"]] == [(1, False), (2, True)]
        assert len(store.runs()) == 1
        assert store.begin_run(started("u-2")) != run_id
        assert [run["uuid"] for run in store.runs()] == ["u-2", "u-1"]
        assert [run["uuid"] for run in store.runs(1)] == ["u-2"]
        assert store.run(99) is None


def test_what_was_saved_last_of_an_attempt_holds_in_every_column(where: Database) -> None:
    told = attempt("a", 1, "failed")
    plain = AttemptFinished(nodeid="a", attempt=1, identity="a", outcome="passed", phase="call", started_us=1)
    with RunStore(where, "default", create=True) as store:
        run_id = store.begin_run(started())
        for events, outcome, message in (([told], "failed", told.message), ([told, plain], "passed", None)):
            store.save(run_id, events, {})
            run = store.run(run_id)
            assert run is not None
            assert [(one["outcome"], one["message"]) for one in run["tests"]] == [(outcome, message)]
            assert (run["tests"][0]["worker"] is None) == (run["tests"][0]["properties"] == {}) == (message is None)


def test_faults_are_rows_of_their_attempt_however_often_they_are_saved(where: Database) -> None:
    first, again, other = attempt("a", 1, "other"), attempt("a", 2), attempt("b")
    refused: Fault = {"at_us": 5, "kind": "status", "status": 503, "delivered": False, "observed": "503"}
    first.faults = (refused, refused)
    again.cause, again.replaces = "rerun", 1
    again.faults_before = 2
    again.faults = ({"at_us": 7, "kind": "late", "delay_us": 1 << 40, "path": "/ü", "delivered": True},)
    with RunStore(where, "default", create=True) as store:
        run_id = store.begin_run(started())
        store.save(run_id, [other, first], {})
        seen = []
        for events in ([first, again], [again], [first, again, other]):
            store.save(run_id, events, {})
            seen.append(store.faults(run_id))
        assert seen == [seen[0]] * 3
        nothing = dict.fromkeys(("module", "method", "path", "status", "delay_us", "rule", "delivered", "observed"))
        status = nothing | {"kind": "status", "status": 503, "delivered": False, "observed": "503", "at_us": 1_000_005}
        late = nothing | {"kind": "late", "delay_us": 1 << 40, "path": "/ü", "delivered": True, "at_us": 2_000_007}
        assert seen[0] == {
            (identity_id("a"), 1): [status | {"number": 1}, status | {"number": 2}],
            (identity_id("a"), 2): [late | {"number": 3}],
        }
        with store.reading() as connection:
            assert [*connection.execute(select(farm_faults.c.worker))] == [("gw0",)] * 3
        assert store.faults(99) == {}


def test_a_run_that_was_deleted_takes_its_tests_along(tmp_path: Path) -> None:
    path = tmp_path / "farm.db"
    with RunStore(path, "default", create=True) as store:
        store.save(store.begin_run(started()), [attempt("a")], {"status": "passed"})
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM farm_runs")
        assert connection.execute("SELECT count(*) FROM farm_run_tests").fetchone() == (0,)


def run_sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def make_newer(path: Path) -> None:
    RunStore(path, "default", create=True).close()
    run_sql(path, "PRAGMA user_version = 99")


def make_foreign(path: Path) -> None:
    run_sql(path, "CREATE TABLE farm_runs (id INTEGER)")


def make_stamped_foreign(path: Path) -> None:
    run_sql(path, "PRAGMA user_version = 1")


def make_corrupt(path: Path) -> None:
    path.write_bytes(b"this is no database " * 200)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (make_newer, "newer.*upgrade pytest-aosfarm"),
        (make_foreign, "another program.*--farm-db"),
        (make_stamped_foreign, "another program"),
        (make_corrupt, "not a database"),
        (Path.mkdir, "unable to open"),
    ],
)
@pytest.mark.parametrize("create", [True, False])
def test_a_file_that_is_not_ours_is_refused_and_left_as_it_is(
    tmp_path: Path, make: Callable[[Path], None], says: str, create: bool
) -> None:
    path = tmp_path / "farm.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(RecordingError, match=says if create or before else "no such database") as caught:
        RunStore(path, "default", create=create)
    assert str(path) in str(caught.value)
    if before is not None:
        assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["farm.db"]


def test_reading_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no such database"):
        RunStore(tmp_path / "farm.db", "default")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "farm.db").touch()
    with pytest.raises(RecordingError, match="no runs yet"):
        RunStore(tmp_path / "farm.db", "default")
    assert (tmp_path / "farm.db").stat().st_size == 0


def test_a_locked_database_is_an_error_after_a_while_and_readable_all_the_time(tmp_path: Path) -> None:
    path = tmp_path / "farm.db"
    with RunStore(path, "default", create=True, busy_seconds=0.1) as store:
        run_id = store.begin_run(started())
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(RecordingError, match="locked"):
                store.save(run_id, [attempt("a")], {"status": "passed"})
            assert store.status(run_id) == "queued"
        store.save(run_id, [attempt("a")], {"status": "passed"})
        assert store.status(run_id) == "passed"


def write_one_run(where: Database, number: int) -> None:
    with RunStore(where, "default", create=True) as store:
        run_id = store.begin_run(started(f"u-{number}"))
        for batch in range(5):
            store.save(run_id, [attempt(f"{batch}-{one}") for one in range(20)], {"passed": 20 * (batch + 1)})


def test_processes_that_start_on_no_database_at_once_all_get_theirs_written(where: Database) -> None:
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=write_one_run, args=(where, number)) for number in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 8
    with RunStore(where, "default") as store:
        runs: list[Any] = [store.run(number) for number in range(1, 9)]
    assert {run["uuid"] for run in runs} == {f"u-{number}" for number in range(8)}
    assert [len(run["tests"]) for run in runs] == [100] * 8


def test_each_tenant_has_numbers_and_runs_of_its_own(where: Database) -> None:
    with RunStore(where, "a", create=True) as a, RunStore(where, "b's", create=True) as b:
        assert [a.begin_run(started("u-1")), b.begin_run(started("u-1")), a.begin_run(started("u-2"))] == [1, 1, 2]
        b.save(1, [attempt("x")], {"status": "failed"})
        assert [run["status"] for run in a.runs()] == ["queued", "queued"]
        assert [run["status"] for run in b.runs()] == ["failed"]
        assert [a.run(1) is not None, b.run(2)] == [True, None]


def test_what_is_recorded_under_a_former_identity_is_the_tests_of_today(where: Database) -> None:
    with RunStore(where, "default", create=True) as store:
        run_id = store.begin_run(started())
        store.save(run_id, [attempt("new")], {})
        with store.writing() as connection:
            alias = {"tenant_id": "default", "identity": "old", "test_id": identity_id("new")}
            connection.execute(farm_test_aliases.insert().values(alias))
        store.begin_run(started())
        store.save(run_id, [attempt("old", 2)], {})
        run = store.run(run_id)
    assert run is not None
    assert [(test["identity"], test["attempt"]) for test in run["tests"]] == [("new", 1), ("new", 2)]
