"""What reading costs at 500,000 stored results: one test's history over 50 runs, and two runs of 5,000 tests compared."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from benchmarks.goals import Goal, at_most
from pytest_aosfarm.history.compare import compare
from pytest_aosfarm.history.stats import refresh
from pytest_aosfarm.history.tests import results_of
from pytest_aosfarm.recording.events import AttemptFinished, RunStarted
from pytest_aosfarm.recording.location import Database
from pytest_aosfarm.recording.schema import upgrade
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.recording.tables import identity_id
from tools.postgres import running_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ("history",)

RUNS, TESTS = 100, 5_000
ROUNDS = 50
START = datetime(2026, 1, 1, tzinfo=UTC)


def history() -> Iterator[Goal]:
    """The goals on both stores."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _goals("SQLite", Database(Path(folder, "farm.db")))
    with running_postgres() as server, server.database() as url:
        where = Database(url=url)
        upgrade(where)
        yield from _goals("PostgreSQL", where)


def _goals(name: str, where: Database) -> Iterator[Goal]:
    with RunStore(where, "bench", create=True) as store:
        _fill(store)
    with RunStore(where, "bench") as store:
        one = identity_id(_identity(TESTS // 2))
        with store.reading() as connection:
            taken = _median(lambda: results_of(connection, store.tenant, one, 50))
        yield at_most(f"{name}: ms, history of a test over 50 runs", taken, 1)
        taken = _median(lambda: compare(store, RUNS, RUNS - 1))
        yield at_most(f"{name}: ms, two runs of {TESTS:,} tests compared", taken, 20)
        started = time.perf_counter()
        refresh(store)
        yield at_most(f"{name}: s, statistics of {RUNS} runs from nothing", time.perf_counter() - started, 5)


def _median(measured: Callable[[], Any]) -> float:
    """Milliseconds, by the wall: PostgreSQL works in another process. The first calls put statements together."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        measured()
        times.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times)


def _identity(number: int) -> str:
    return f"tests.unit.test_module_{number // 50}::test_something_{number}"


def _fill(store: RunStore) -> None:
    """Runs in which 2 in 100 tests fail, most of them the same ones each time, and every duration varies."""
    draw = random.Random(1)  # noqa: S311 - a benchmark needs the same runs each time, no secrets
    for number in range(1, RUNS + 1):
        began = START + timedelta(hours=number)
        started = RunStarted(
            uuid=f"run-{number}", started_at=began, data_tenant=None, labs=("aod",), scale="small", seed=number,
            anchor=START, profile="typical", database="/nowhere", vcs_branch="main", vcs_sha=f"{number:040x}",
            vcs_dirty=False,
        )  # fmt: skip
        run_id = store.begin_run(started)
        attempts = [_attempt(one, draw) for one in range(TESTS)]
        failed = sum(one.outcome == "failed" for one in attempts)
        counts = {"collected": TESTS, "not_run": 0, "passed": TESTS - failed, "failed": failed}
        ended = {"status": "failed", "exit_code": 1, "finished_at": began + timedelta(minutes=5), "duration_ms": 300_000}
        store.save(run_id, attempts, counts | ended)
    with store.writing() as connection:
        connection.execute(text("ANALYZE"))


def _attempt(number: int, draw: random.Random) -> AttemptFinished:
    failed = number % 67 == 0 or draw.random() < 1 / 200
    attempt = AttemptFinished(
        nodeid=f"tests/unit/test_module_{number // 50}.py::test_something_{number}",
        identity=_identity(number),
        attempt=1,
        outcome="failed" if failed else "passed",
        phase="call",
        worker=f"gw{number % 4}",
        started_us=number * 50_000,
        setup_us=500,
        call_us=round(draw.lognormvariate(0, 0.3) * (2_000_000 if number % 100 == 0 else 40_000)),
        teardown_us=100,
    )
    if failed:
        attempt.error_type, attempt.error_signature = "AssertionError", f"{number:016x}"
        attempt.error_location = "tests/unit/test_module.py:42"
        attempt.message = f"assert {number} == {number + 1}, as it was computed a moment ago"
    return attempt
