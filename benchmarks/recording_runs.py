"""Whole pytest runs, recorded and not, in turn: what recording costs a test, a session, and the memory of the process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.goals import Goal, at_most
from benchmarks.timing import in_turn
from pytest_aosfarm.recording.location import parse_db
from pytest_aosfarm.recording.schema import upgrade
from tools.postgres import running_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ("memory", "postgres", "sqlite")

EMPTY, SLOW = 5_000, 1_000
ROUNDS = 7

TESTS = """
import time, pytest

@pytest.mark.parametrize("n", range({count}))
def test(n): {body}
"""

MEMORY = """
import json, sys, tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from pytest_aosfarm.recording.events import AttemptFinished, RunCollected, RunFinished, RunStarted
from pytest_aosfarm.recording.location import parse_db
from pytest_aosfarm.recording.writer import RunWriter
import pytest_aosfarm.recording.store

tests, folder = int(sys.argv[1]), Path(sys.argv[2])
now = datetime.now(UTC)
started = RunStarted(uuid=f"memory-{tests}", started_at=now, data_tenant=None, labs=(), scale="small", seed=1, anchor=now,
    profile="typical", database="farm.db")
tracemalloc.start()
writer = RunWriter(started, rootdir=folder, database=parse_db(sys.argv[3] if len(sys.argv) > 3 else None, folder))
writer.write(RunCollected(collected=tests, deselected=0))
for n in range(tests):
    wrong = n % 100 == 0
    name = f"tests/test_many.py::test_one_of_them[{n}]"
    writer.write(AttemptFinished(nodeid=name, identity=name, attempt=1, outcome="failed" if wrong else "passed",
        phase="call", started_us=n, outputs={"longrepr": "E   assert 1 == 2 " * 200} if wrong else {}))
writer.write(RunFinished(finished_at=datetime.now(UTC), status="failed", exit_code=1))
peak = tracemalloc.get_traced_memory()[1]
assert sys.argv[3:] or writer.confirmed, writer.database_problem
writer.close()
print(json.dumps(peak / 2**20))
"""
"""The recorder's own peak in MiB: `tests` results through the writer, one of a hundred with a traceback."""


def sqlite() -> Iterator[Goal]:
    """What recording into a SQLite file costs."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _costs("SQLite", Path(folder), str(Path(folder) / "farm.db"))


def postgres() -> Iterator[Goal]:
    """What recording into a PostgreSQL costs, one that is as safe as it comes."""
    with running_postgres(fsync="on") as server, server.database() as url, tempfile.TemporaryDirectory() as folder:
        upgrade(parse_db(url, Path(folder)))
        yield from _costs("PostgreSQL", Path(folder), url)


def memory() -> Iterator[Goal]:
    """What the recorder keeps in memory, with its database and without; ten times the tests are not to need more."""
    for name, database in (("SQLite", []), ("a database that is away", ["/dev/null/farm.db"])):
        few, many = (_peak(tests, database) for tests in (5_000, 50_000))
        yield at_most(f"MiB of the recorder, 50,000 tests / 5,000, {name}", many, 2, few)


def _costs(name: str, folder: Path, database: str) -> Iterator[Goal]:
    with _suite(folder, "one", 1, "pass") as one, _suite(folder, "empty", EMPTY, "pass") as empty:
        plain, recorded = ["--no-farm-record"], [f"--farm-db={database}"]
        taken = in_turn(
            {
                "one": partial(one, plain),
                "one recorded": partial(one, recorded),
                "empty": partial(empty, plain),
                "empty recorded": partial(empty, recorded),
            },
            ROUNDS,
        )
    session = taken["one recorded"] - taken["one"]
    all_in = taken["empty recorded"] - taken["empty"]
    yield at_most(f"µs per empty test, {name}", (all_in - session) / EMPTY * 1e6, 50)
    yield at_most(f"µs per empty test, session of {EMPTY:,} all in, {name}", all_in / EMPTY * 1e6, 50)
    yield at_most(f"seconds of {EMPTY:,} empty tests, recorded / not, {name}", taken["empty recorded"], 1.1, taken["empty"])
    yield at_most(f"ms per session, {name}", session * 1e3, 500)
    with _suite(folder, "slow", SLOW, "time.sleep(0.005)") as slow:
        taken = in_turn({"slow": partial(slow, plain), "slow recorded": partial(slow, recorded)}, ROUNDS)
    share = (taken["slow recorded"] - taken["slow"] - session) / taken["slow"]
    yield at_most(f"% of the time of tests of 5 ms, {name}", share * 100, 1)


@contextmanager
def _suite(folder: Path, name: str, tests: int, body: str) -> Iterator[Callable[[list[str]], float]]:
    """A suite as a function that runs it and returns the seconds."""
    place = folder / name
    place.mkdir(exist_ok=True)
    (place / "test_many.py").write_text(TESTS.format(count=tests, body=body), encoding="utf-8")
    ours = ["-p", "no:cacheprovider", "-p", "aosfarm", "-q", "--farm-seed=1"]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

    def run(arguments: list[str]) -> float:
        started = time.perf_counter()
        command = [sys.executable, "-m", "pytest", *ours, *arguments]
        subprocess.run(command, cwd=place, env=environment, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - started

    run([])
    yield run


def _peak(tests: int, database: list[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", MEMORY, str(tests), folder, *database]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    peak: float = json.loads(done.stdout)
    return peak
