"""`python -m benchmarks.data [part ...]`: the data engine beside its peers, goal by goal; all parts unless named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import data_databases, data_peers, data_tables
from benchmarks.goals import print_goals

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

if __name__ == "__main__":
    print_goals(PARTS)
