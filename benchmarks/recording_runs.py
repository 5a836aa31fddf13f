"""Whole pytest runs, recorded and not, in turn: what recording costs a test, a session, and the memory of the process."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from benchmarks.goals import Goal, at_most, at_most_in_pairs
from pytest_aosfarm.recording.location import parse_db
from pytest_aosfarm.recording.schema import upgrade
from tools.postgres import running_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ("memory", "postgres", "sqlite")

EMPTY, SLOW = 5_000, 1_000
ROUNDS = 7

PR_SET_CHILD_SUBREAPER = 36
"""Of Linux, <sys/prctl.h>."""

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


class Cost(NamedTuple):
    """Seconds that a whole pytest run took, of the clock and of its own CPU, and CPU seconds of the process it left."""

    wall: float
    cpu: float
    other: float


Run: TypeAlias = "Callable[[list[str]], Cost]"


def _costs(name: str, folder: Path, database: str) -> Iterator[Goal]:
    recorded = [f"--farm-db={database}"]
    one, empty = _suite(folder, "one", 1, "pass"), _suite(folder, "empty", EMPTY, "pass")
    rounds = [(_pair(one, recorded), _pair(empty, recorded)) for _ in range(ROUNDS)]
    session = median(more.wall - plain.wall for (plain, more), _ in rounds)
    all_in = median(more.wall - plain.wall for _, (plain, more) in rounds)
    yield at_most(f"µs per empty test, {name}", (all_in - session) / EMPTY * 1e6, 50)
    yield at_most(f"µs per empty test, session of {EMPTY:,} all in, {name}", all_in / EMPTY * 1e6, 50)
    # Of pairs, as a shared machine may well be half as fast a minute later.
    cpu = median(more.cpu - plain.cpu for _, (plain, more) in rounds)
    yield at_most(f"µs of CPU per empty test all in, {name}", cpu / EMPTY * 1e6, 50)
    walls = [(more.wall, plain.wall) for _, (plain, more) in rounds]
    yield at_most_in_pairs(f"seconds of {EMPTY:,} empty tests, recorded / not, {name}", walls, 1.1)
    other = min(more.other for _, (_, more) in rounds)
    yield at_most(f"seconds of CPU of the other process, {name}", other, 1.5)
    yield at_most(f"ms per session, {name}", session * 1e3, 500)
    slow = _suite(folder, "slow", SLOW, "time.sleep(0.005)")
    pairs = [_pair(slow, recorded) for _ in range(ROUNDS)]
    share = median((more.wall - plain.wall - session) / plain.wall for plain, more in pairs)
    yield at_most(f"% of the time of tests of 5 ms, {name}", share * 100, 1)


def _pair(run: Run, recorded: list[str]) -> tuple[Cost, Cost]:
    """The run without a record and with one, one right after the other: what else the machine does meets both."""
    return run(["--no-farm-record"]), run(recorded)


def _suite(folder: Path, name: str, tests: int, body: str) -> Run:
    """A suite as a function that runs it."""
    place = folder / name
    place.mkdir(exist_ok=True)
    (place / "test_many.py").write_text(TESTS.format(count=tests, body=body), encoding="utf-8")
    ours = ["-p", "no:cacheprovider", "-p", "aosfarm", "-q", "--farm-seed=1"]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    # The process that writes to the database leaves its parent: it becomes a child of this one, whose CPU is counted.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def run(arguments: list[str]) -> Cost:
        started = time.perf_counter()
        command = [sys.executable, "-m", "pytest", *ours, *arguments]
        process = subprocess.Popen(command, cwd=place, env=environment, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return Cost(wall, used.ru_utime + used.ru_stime, sum(_left_behind()))

    run([])
    return run


def _left_behind() -> Iterator[float]:
    """Waits for what a run has left behind; CPU seconds of each."""
    for pid in map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if not command or b"serving" in command:  # it has none when it has ended
            used = os.wait4(pid, 0)[2]
            yield used.ru_utime + used.ru_stime


def _peak(tests: int, database: list[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", MEMORY, str(tests), folder, *database]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    peak: float = json.loads(done.stdout)
    return peak
