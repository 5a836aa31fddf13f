"""`python -m benchmarks.data [part ...]`: the data engine beside its peers, goal by goal; all parts unless named."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks import data_databases, data_peers, data_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.goals import Goal

PARTS: dict[str, Callable[[], Iterator[Goal]]] = {
    "arrow": data_peers.arrow,
    "typed": data_peers.typed,
    "objects": data_peers.objects,
    "dbgen": data_peers.dbgen_tables,
    "tables": data_tables.full_tables,
    "billion": data_tables.billion,
    "fresh": data_tables.fresh_processes,
    "postgres": data_databases.postgres,
    "sqlite": data_databases.sqlite,
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
