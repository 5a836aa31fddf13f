"""`python -m benchmarks.recording [part ...]`: what recording costs, and reading it, goal by goal; all parts by default."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks import recording_runs
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


def main() -> None:
    """Print a line per goal: what was asked, what was measured, whether it was reached."""
    unknown = set(sys.argv[1:]) - PARTS.keys()
    if unknown:
        sys.exit(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    print(f"{'goal':58} {'ours':>14} {'peer':>14} {'ratio':>9} {'asked':>10}")
    for name in sys.argv[1:] or PARTS:
        for goal in PARTS[name]():
            print(goal, flush=True)


if __name__ == "__main__":
    main()
