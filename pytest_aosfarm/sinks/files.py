"""Tables as files: NDJSON, CSV or Parquet, whole or not at all."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pytest_aosfarm.errors import LoadError
from pytest_aosfarm.sinks.atomic import opened
from pytest_aosfarm.sinks.ndjson import ndjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_aosfarm.synthetic.table import Table

__all__ = ("FORMATS", "STDOUT", "export")

FORMATS = ("parquet", "csv", "ndjson")
STDOUT = "-"
FEW = 2_000
"""Fewer rows are written before NumPy and PyArrow would be loaded."""


def export(
    table: Table,
    form: str,
    out: str,
    rows: range | None = None,
    *,
    advance: Callable[[int], None] = lambda _rows: None,
) -> None:
    """Write rows of `table` to the file `out`, or to standard output for "-". `advance` hears of rows that are done.

    Raises IndexError for rows that are not there, LoadError when the file cannot be written; then nothing has changed.
    """
    rows = table.check(rows)
    if form == "parquet" and out == STDOUT:
        raise LoadError("parquet is no stream: name a file with --out")
    with _standard_output() if out == STDOUT else opened(Path(out)) as file:
        if form == "ndjson":
            _write_ndjson(table, rows, file, advance)
        else:
            from pytest_aosfarm.sinks.columnar import write_csv, write_parquet

            (write_csv if form == "csv" else write_parquet)(table, rows, file, advance)


def _write_ndjson(table: Table, rows: range, file: BinaryIO, advance: Callable[[int], None]) -> None:
    for count, lines in ndjson(table, rows, "scalar" if len(rows) < FEW else "vector"):
        file.write(lines)
        advance(count)


@contextmanager
def _standard_output() -> Iterator[BinaryIO]:
    if sys.stdout is None:
        raise LoadError("standard output is closed")
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise LoadError(f"standard output cannot be written: {error.strerror or error}") from error
