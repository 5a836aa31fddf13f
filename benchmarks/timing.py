"""How the benchmarks measure: CPU time of one thread, medians, and the competitors in turn so that noise meets them all."""

from __future__ import annotations

import gc
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sized
from functools import partial
from typing import NamedTuple, TypeAlias

__all__ = ("Make", "Process", "fresh", "in_turn", "rates")

Make: TypeAlias = Callable[[int], Sized]
"""Makes so many rows, or about as many, and returns all of them at once."""


class Process(NamedTuple):
    """Milliseconds that a whole process took."""

    wall: float
    cpu: float


def in_turn(competitors: Mapping[str, Callable[[], float]], rounds: int = 5) -> dict[str, float]:
    """The median of what each competitor returns; every round asks all of them."""
    measured: dict[str, list[float]] = {name: [] for name in competitors}
    for _ in range(rounds):
        for name, measure in competitors.items():
            measured[name].append(measure())
    return {name: statistics.median(values) for name, values in measured.items()}


def rates(makers: Mapping[str, Make], rounds: int = 5, seconds: float = 0.3) -> dict[str, float]:
    """Rows per CPU-second of each maker, which makes in a round as many rows as take it `seconds`."""
    sizes = {name: _rows_in(make, seconds) for name, make in makers.items()}
    return in_turn({name: partial(_rate, make, sizes[name]) for name, make in makers.items()}, rounds)


def fresh(scripts: Iterable[str], rounds: int = 15) -> dict[str, Process]:
    """Wall and CPU milliseconds of a new Python for each script, and for `pass`, which does nothing."""
    taken: dict[str, list[Process]] = {script: [] for script in ("pass", *scripts)}
    for _ in range(rounds):
        for script, times in taken.items():
            times.append(_process(script))
    return {script: Process(*map(statistics.median, zip(*times, strict=True))) for script, times in taken.items()}


def _rate(make: Make, rows: int) -> float:
    """Rows per CPU-second of the whole process, so that a thread it starts counts too. The rows are freed afterwards."""
    gc.collect()
    started = time.process_time()
    made = make(rows)
    return len(made) / (time.process_time() - started)


def _rows_in(make: Make, seconds: float) -> int:
    """How many rows take so long. Warms the maker up."""
    rows = 16
    _rate(make, rows)
    while (needed := rows / _rate(make, rows)) < seconds / 4:
        rows *= 4
    return max(1, round(rows * seconds / needed))


def _process(script: str) -> Process:
    before, started = _children(), time.perf_counter()
    subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.DEVNULL)
    return Process((time.perf_counter() - started) * 1e3, (_children() - before) * 1e3)


def _children() -> float:
    """CPU seconds of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
