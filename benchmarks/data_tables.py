"""The Farm's own tables: how fast all columns are made, a thousand million rows, what a fresh process waits for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.data_peers import drained
from benchmarks.goals import Goal, at_least, at_most
from benchmarks.timing import fresh, rates
from pytest_aosfarm.synthetic.columns import Constant, Text, Variants
from pytest_aosfarm.synthetic.dataset import ANCHOR, Dataset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.timing import Make
    from pytest_aosfarm.synthetic.table import Table

__all__ = ("billion", "fresh_processes", "full_tables")

COUNT_AND_SUM = """
import json, sys
from benchmarks.schemas import Flows
first, last = map(int, sys.argv[1:])
rows = total = 0
for block in Flows(1_000_000_000, 1, "bench").blocks(range(first, last)):
    for column in block.table.columns:
        total += int(block[column].sum())
    rows += len(block)
# Not getrusage: a child's figure there begins with what its parent had.
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([rows, total, int(peak) / 1024]))
"""
CUSTOMERS = """
from benchmarks.schemas import Customers
customers = Customers(10_000_000, 1, "bench")
"""
OURS = """
from datetime import UTC, datetime
from pytest_aosfarm.synthetic.dataset import Dataset
customers = Dataset("bench", seed=1, scale="planet", anchor=datetime(2026, 1, 15, 12, tzinfo=UTC)).business.customers
"""


def full_tables() -> Iterator[Goal]:
    """All columns of each large table: with all text made, and of those that are numbers as numbers."""
    data = Dataset("bench", seed=1, scale="planet", anchor=ANCHOR)
    makers: dict[str, Make] = {}
    for name, table in data.tables.items():
        numbers = [c for c, kind in table.kinds.items() if not isinstance(kind, Text | Constant | Variants)]
        makers[f"{name} as Arrow"] = partial(_arrow, table)
        makers[f"{name} typed"] = partial(_typed, table, numbers)
    for name, rate in rates(makers, rounds=3).items():
        yield at_least(f"rows per CPU-second, all columns: {name}", rate, 1e6 if name.endswith("Arrow") else 5e6)


def _arrow(table: Table, count: int) -> range:
    rows = range(min(count, len(table)))
    return drained(table.batches(rows), len(rows))


def _typed(table: Table, columns: list[str], count: int) -> range:
    rows = range(min(count, len(table)))
    return drained(table.arrays(columns, rows), len(rows))


def billion() -> Iterator[Goal]:
    """A thousand million typed flows, counted and summed column by column, by two processes."""
    half = 500_000_000
    started = time.perf_counter()
    ranges = ((0, half), (half, 2 * half))
    children = [
        subprocess.Popen([sys.executable, "-c", COUNT_AND_SUM, str(a), str(b)], stdout=subprocess.PIPE) for a, b in ranges
    ]
    counted = [json.loads(child.communicate()[0]) for child in children]
    seconds = time.perf_counter() - started
    yield at_least("rows of a thousand million flows that were counted", sum(rows for rows, *_ in counted), 2 * half)
    yield at_most("seconds for them, two processes", seconds, 20)
    yield at_most("MiB of the larger process", max(mib for *_, mib in counted), 128)


def fresh_processes() -> Iterator[Goal]:
    """A fresh process until it holds its first rows: a thousand as dicts, more as Arrow."""
    wanted = {"1,000": (1_000, 4), "100,000": (100_000, 27), "1,000,000": (1_000_000, 40)}
    for what, start in (("eight-column customers", CUSTOMERS), ("the Farm's customers", OURS)):
        scripts = {
            count: start + (f"customers[:{rows}]" if rows == 1_000 else f"for _ in customers.batches(range({rows})): pass")  # noqa: PLR2004
            for count, (rows, _) in wanted.items()
        }
        # Compiled modules may be written and read, as everywhere but on some build machines.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        taken = fresh(scripts.values())
        for count, script in scripts.items():
            yield at_most(f"ms, fresh to {count} {what} / pass", taken[script].wall, wanted[count][1], taken["pass"].wall)
