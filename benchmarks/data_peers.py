"""The two eight-column tables beside other generators: as Arrow, as typed columns, as Python objects, and keyed tables."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from benchmarks.dbgen import dbgen
from benchmarks.goals import Goal, at_least
from benchmarks.peers import peers
from benchmarks.schemas import Customers, Flows, Invoices
from benchmarks.timing import rates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sized

    from pytest_aosfarm.synthetic.table import Table

__all__ = ("arrow", "dbgen_tables", "objects", "typed")

OURS = "ours"


def drained(rows: Iterable[object], count: int) -> range:
    """Make all of `rows` and keep none: batches are for streaming. Says `count` rows were made."""
    deque(rows, maxlen=0)
    return range(count)


def _arrow(table: Table) -> range:
    return drained(table.batches(), len(table))


def _typed(table: Table) -> range:
    return drained(table.arrays(table.columns), len(table))


def _objects(table: Table) -> Sized:
    return list(table.tuples())


def _beside(goal: str, rated: dict[str, float], asked: dict[str, float]) -> Iterator[Goal]:
    for peer, ratio in asked.items():
        yield at_least(f"{goal} / {peer}", rated[OURS], ratio, rated[peer])


def arrow() -> Iterator[Goal]:
    """Customers with all text made, beside generators that give Python objects."""
    rated = rates({OURS: lambda n: _arrow(Customers(n, 1, "bench")), **peers("customers")})
    yield from _beside("customers as Arrow", rated, {"Faker, as written": 1500, "Faker, tuned": 250, "Mimesis": 70})


def typed() -> Iterator[Goal]:
    """Flows as typed columns."""
    rated = rates({OURS: lambda n: _typed(Flows(n, 1, "bench")), **peers("flows")})
    yield from _beside("typed network flows", rated, {"Faker, as written": 3000, "Mimesis": 400})


def objects() -> Iterator[Goal]:
    """Customers as tuples, all kept, as the peers' are."""
    rated = rates({OURS: lambda n: _objects(Customers(n, 1, "bench")), **peers("customers")})
    yield from _beside("rows as Python objects", rated, {"Faker, as written": 300, "Mimesis": 15, "seedfaker": 2})


def dbgen_tables() -> Iterator[Goal]:
    """Rows of our tables beside rows of dbgen's, which are others."""
    makers = {
        "customers": lambda n: _arrow(Customers(n, 1, "bench")),
        "invoices": lambda n: _typed(Invoices(n, 1, "bench")),
        "dbgen": dbgen,
    }
    rated = rates(makers, rounds=3)
    yield at_least("customers as Arrow / DuckDB dbgen", rated["customers"], 5, rated["dbgen"])
    yield at_least("keyed table (invoices, typed) / DuckDB dbgen", rated["invoices"], 25, rated["dbgen"])
