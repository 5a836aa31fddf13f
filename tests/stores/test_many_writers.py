"""Eight processes write a thousand results each into one database at once: none is lost, none is locked out."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pytest_aosfarm.recording.events import AttemptFinished, RunCollected, RunFinished, RunStarted
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.recording.writer import RunWriter

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_aosfarm.recording.location import Database

START = datetime(2026, 5, 4, tzinfo=UTC)
WRITERS, RESULTS = 8, 1000


def write_a_run(number: int, folder: Path, where: Database) -> None:
    """What the recorder does in a run of many quick tests."""
    started = RunStarted(
        uuid=f"u-{number}", started_at=START, data_tenant=None, labs=(), scale="small", seed=number, anchor=START,
        profile="clean", database=str(where),
    )  # fmt: skip
    writer = RunWriter(started, rootdir=folder, database=where)
    writer.write(RunCollected(collected=RESULTS, deselected=0))
    for n in range(RESULTS):
        outcome = "failed" if n % 50 == number else "passed"
        outputs = {"longrepr": "E   assert\n" * 100} if outcome == "failed" else {}
        name = f"test_{n}"
        writer.write(
            AttemptFinished(
                nodeid=name, identity=name, attempt=1, outcome=outcome, phase="call", started_us=n, outputs=outputs
            )
        )
    writer.write(RunFinished(finished_at=START, status="failed", exit_code=1))
    problem, spool = writer.database_problem, writer.spool_path
    writer.close()
    assert problem is None
    assert spool is not None
    assert not spool.exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_none_is_lost_and_none_is_locked_out(where: Database, tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_a_run, args=(number, tmp_path, where)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    with RunStore(where, "default") as store:
        runs = [store.run(one["id"]) for one in store.runs()]
    assert len(runs) == WRITERS
    for run in runs:
        assert run is not None
        assert (run["status"], run["passed"], run["failed"]) == ("failed", RESULTS - 20, 20)
        assert {test["nodeid"] for test in run["tests"]} == {f"test_{n}" for n in range(RESULTS)}
