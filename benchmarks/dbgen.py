"""DuckDB's generator of the TPC-H tables, which are other tables than ours: a measure for tables with keys."""

from __future__ import annotations

from pathlib import Path

import duckdb
import duckdb_extension_tpch

__all__ = ("dbgen",)

EXTENSION = Path(duckdb_extension_tpch.__path__[0], "extensions", f"v{duckdb.__version__}", "tpch.duckdb_extension")
"""From a wheel, which names the release of DuckDB that it is for; DuckDB itself would download it."""

SCALE = 0.25
"""A quarter of the standard's 8.66 million rows; ten times as many come no faster."""


def dbgen(_rows: int) -> range:
    """Make all tables at SCALE with one thread, however many rows are asked for; return as many numbers as rows."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.load_extension(str(EXTENSION))
        connection.execute(f"CALL dbgen(sf={SCALE})")
        return range(sum(count for (count,) in connection.execute("SELECT estimated_size FROM duckdb_tables()").fetchall()))
