"""`python -m benchmarks.recording [part ...]`: what recording costs, and reading it, goal by goal; all parts by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import recording_runs
from benchmarks.goals import print_goals
from benchmarks.history import history

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.goals import Goal

PARTS: dict[str, Callable[[], Iterator[Goal]]] = {
    "sqlite": recording_runs.sqlite,
    "postgres": recording_runs.postgres,
    "memory": recording_runs.memory,
    "history": history,
}

if __name__ == "__main__":
    print_goals(PARTS)
