"""The commands about synthetic data: which tables there are, rows of them, digests, exports, loads into a database."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from pytest_aosfarm.cli import loading
from pytest_aosfarm.cli.dataset import action, clean_end, dataset_of
from pytest_aosfarm.cli.output import cell, print_json, print_table
from pytest_aosfarm.cli.progress import Progress
from pytest_aosfarm.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse

    from pytest_aosfarm.cli.output import Commands
    from pytest_aosfarm.synthetic.table import Table

__all__ = ("add_commands",)

SHOWN = 10
"""Rows that `show` shows where no range is given."""


def add_commands(commands: Commands) -> None:
    """Add `data` with its own commands to the parser."""
    data = commands.add_parser("data", help="synthetic data: list, show, digest, export, load")
    actions = data.add_subparsers(required=True, metavar="ACTION")

    tables = action(actions, "tables", "list the tables and the answer keys to them", _tables)
    tables.add_argument("--json", action="store_true", help="as JSON")

    show = action(actions, "show", "show some rows", _show, of_table=True)
    show.add_argument("--json", action="store_true", help="as JSON")

    digest = action(actions, "digest", "SHA-256 of rows as NDJSON", _digest, of_table=True)
    digest.add_argument("--path", default="vector", help="how to compute it, scalar or vector (default): it is the same")

    export = action(actions, "export", "write rows to a file", _export, of_table=True)
    export.add_argument("--format", required=True, metavar="FORMAT", help="parquet, csv or ndjson")
    export.add_argument("--out", required=True, metavar="FILE", help="where to; - for standard output")

    loading.add_commands(actions)


def _rows(text: str | None, table: Table, usual: range | None = None) -> range:
    """The rows that `text` means. Raises ConfigurationError for what is no range, or not within the table."""
    count = len(table)
    if text is None:
        return range(count) if usual is None else usual
    found = re.fullmatch(r"([0-9]*):([0-9]*)", text)
    if found is None:
        raise ConfigurationError(f"--rows {text!r} is no range of rows; valid: A:B, A: or :B")
    start, stop = int(found[1] or 0), int(found[2] or count)
    if not start <= stop <= count:
        raise ConfigurationError(f"--rows {text}: {table.name} has {count:,} rows, so A:B with 0 <= A <= B <= {count}")
    return range(start, stop)


def _tables(arguments: argparse.Namespace) -> int:
    dataset = dataset_of(arguments)
    tables = (dataset.tables | dataset.answer_keys).values()
    if arguments.json:
        print_json(
            [
                {
                    "name": one.name, "rows": len(one), "columns": list(one.columns),
                    "answer_key": one.name in dataset.answer_keys,
                }
                for one in tables
            ]
        )  # fmt: skip
    else:
        print_table(("table", "rows", "columns"), [[one.name, f"{len(one):,}", " ".join(one.columns)] for one in tables])
    return 0


def _show(arguments: argparse.Namespace) -> int:
    table = dataset_of(arguments).table(arguments.table)
    wanted = _rows(arguments.rows, table, range(min(SHOWN, len(table))))
    rows = table[wanted.start : wanted.stop]
    if arguments.json:
        print_json(rows)
    else:
        cells = [[str(i), *(cell(value) for value in row.values())] for i, row in zip(wanted, rows, strict=True)]
        print_table(("row", *table.columns), cells)
    return 0


def _digest(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.sinks.ndjson import PATHS, digest

    if arguments.path not in PATHS:
        raise ConfigurationError(f"--path {arguments.path!r} is not one of {', '.join(PATHS)}")
    table = dataset_of(arguments).table(arguments.table)
    print(digest(table, _rows(arguments.rows, table), arguments.path))
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.sinks.files import FORMATS, export

    if arguments.format not in FORMATS:
        raise ConfigurationError(f"--format {arguments.format!r} is not one of {', '.join(FORMATS)}")
    table = dataset_of(arguments).table(arguments.table)
    rows = _rows(arguments.rows, table)
    with clean_end() as check, Progress(len(rows), sys.stderr, check) as progress:
        export(table, arguments.format, arguments.out, rows, advance=progress.advance)
    return 0
