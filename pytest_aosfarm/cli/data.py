"""The commands about synthetic data: which tables there are, rows of them, digests, exports, loads into a database."""

from __future__ import annotations

import re
import secrets
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_aosfarm.cli.output import cell, print_json, print_table
from pytest_aosfarm.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from pytest_aosfarm.cli.output import Commands
    from pytest_aosfarm.sinks.loading import Loaded
    from pytest_aosfarm.synthetic.dataset import Dataset
    from pytest_aosfarm.synthetic.table import Table

__all__ = ("add_commands",)

TENANT = "demo"
"""The tenant key where none is given."""

TENANTS_UUID = "5b4f0a52-7b0e-4d53-9a55-0f6a1d7c1c11"
"""Stands for a run in the ids of tenants that are loaded by hand: the same key has the same id each time."""

SHOWN = 10
"""Rows that `show` shows where no range is given."""

DATABASES = "PATH, sqlite:///PATH, postgresql://USER@HOST/DATABASE"
DATA_SETTINGS = ("scale", "seed", "anchor", "tenant")


def add_commands(commands: Commands) -> None:
    """Add `data` with its own commands to the parser."""
    data = commands.add_parser("data", help="synthetic data: list, show, digest, export, load")
    actions = data.add_subparsers(required=True, metavar="ACTION")

    tables = _action(actions, "tables", "list the tables", _tables)
    tables.add_argument("--json", action="store_true", help="as JSON")

    show = _action(actions, "show", "show some rows", _show, of_table=True)
    show.add_argument("--json", action="store_true", help="as JSON")

    digest = _action(actions, "digest", "SHA-256 of rows as NDJSON", _digest, of_table=True)
    digest.add_argument("--path", default="vector", help="how to compute it, scalar or vector (default): it is the same")

    export = _action(actions, "export", "write rows to a file", _export, of_table=True)
    export.add_argument("--format", required=True, metavar="FORMAT", help="parquet, csv or ndjson")
    export.add_argument("--out", required=True, metavar="FILE", help="where to; - for standard output")

    load = _action(actions, "load", "load tables into a database, in place of what the tenant has there", _load)
    load.add_argument("--tables", metavar="NAMES", help="comma-separated; with those that they refer to; default all")
    load.add_argument("--unlogged", action="store_true", help="PostgreSQL: faster, and empty after a crash of the server")
    unload = _action(actions, "unload", "drop the tenant's tables from PostgreSQL", _unload)
    for command in (load, unload):
        command.add_argument("--db", required=True, metavar="URL", help=DATABASES)


def _action(
    actions: Commands,
    name: str,
    text: str,
    command: Callable[[argparse.Namespace], int],
    *,
    of_table: bool = False,
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=text, description=text)
    if of_table:
        parser.add_argument("table", metavar="TABLE", help="such as customers; `aosfarm data tables` lists them")
        parser.add_argument("--rows", metavar="A:B", help="from row A on, up to but without row B; either may be left out")
    parser.add_argument("--scale", help="small (default), medium, large or planet; env AOSFARM_SCALE")
    parser.add_argument("--seed", help="a whole number, 0x… or random; default 1; env AOSFARM_SEED")
    parser.add_argument("--anchor", metavar="ISO", help="the now of the data; env AOSFARM_ANCHOR")
    parser.add_argument("--tenant", metavar="KEY", help=f"tenant key; default {TENANT}; env AOSFARM_TENANT")
    parser.set_defaults(command=command)
    return parser


def _dataset(arguments: argparse.Namespace) -> Dataset:
    from pytest_aosfarm.settings import MODULE_URLS, environment, resolve
    from pytest_aosfarm.synthetic.dataset import Dataset

    given = {name: getattr(arguments, name) for name in DATA_SETTINGS}
    options = {name: (f"--{name}", text) for name, text in given.items() if text is not None}
    # Labs and live modules play no part here: neither may move the anchor, or forbid a scale.
    others = {*MODULE_URLS.values(), "AOSFARM_LAB", "AOSFARM_MODULES"}
    env = {name: text for name, text in environment().items() if name not in others}
    settings = resolve(options, env, {}, now=datetime.now(UTC), draw_seed=lambda: secrets.randbits(63))
    return Dataset(settings.tenant or TENANT, seed=settings.seed, scale=settings.scale, anchor=settings.anchor)


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
    tables = _dataset(arguments).tables.values()
    if arguments.json:
        print_json([{"name": one.name, "rows": len(one), "columns": list(one.columns)} for one in tables])
    else:
        print_table(("table", "rows", "columns"), [[one.name, f"{len(one):,}", " ".join(one.columns)] for one in tables])
    return 0


def _show(arguments: argparse.Namespace) -> int:
    table = _dataset(arguments).table(arguments.table)
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
    table = _dataset(arguments).table(arguments.table)
    print(digest(table, _rows(arguments.rows, table), arguments.path))
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.sinks.files import FORMATS, export
    from pytest_aosfarm.sinks.progress import Progress

    if arguments.format not in FORMATS:
        raise ConfigurationError(f"--format {arguments.format!r} is not one of {', '.join(FORMATS)}")
    table = _dataset(arguments).table(arguments.table)
    rows = _rows(arguments.rows, table)
    with Progress(len(rows), sys.stderr) as progress:
        export(table, arguments.format, arguments.out, rows, advance=progress.advance)
    return 0


def _load(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.sinks.loading import Load
    from pytest_aosfarm.sinks.progress import Progress

    dataset = _dataset(arguments)
    names = [name.strip() for name in arguments.tables.split(",")] if arguments.tables is not None else None
    wanted = Load.of(dataset, _tenant_id(dataset.tenant_key), names)
    path = _sqlite_path(arguments.db)
    if path is not None and arguments.unlogged:
        raise ConfigurationError("--unlogged is for PostgreSQL; SQLite has no such tables")
    started = time.monotonic()
    with Progress(wanted.rows, sys.stderr) as progress:
        if path is not None:
            from pytest_aosfarm.sinks import sqlite

            loaded = sqlite.load(path, wanted, advance=progress.advance)
        else:
            from pytest_aosfarm.sinks import postgres

            loaded = postgres.load(arguments.db, wanted, unlogged=arguments.unlogged, advance=progress.advance)
    _say(loaded, dataset, wanted.tenant_id, time.monotonic() - started)
    return 0


def _say(loaded: Loaded, dataset: Dataset, tenant_id: str, seconds: float) -> None:
    notes = dict.fromkeys(loaded.resumed, "already there")
    print_table(("table", "rows", ""), [[name, f"{rows:,}", notes.get(name, "")] for name, rows in loaded.rows.items()])
    where = f"tenant {dataset.tenant_key}, id {tenant_id}, seed {dataset.seed}, scale {dataset.scale.name}"
    print(f"{where}: {sum(loaded.rows.values()):,} rows in {seconds:.1f} s")


def _unload(arguments: argparse.Namespace) -> int:
    dataset = _dataset(arguments)
    path = _sqlite_path(arguments.db)
    if path is not None:
        raise ConfigurationError("a SQLite file holds one tenant: to unload it, delete the file")
    from pytest_aosfarm.sinks import postgres

    postgres.unload(arguments.db, _tenant_id(dataset.tenant_key))
    return 0


def _tenant_id(key: str) -> str:
    from pytest_aosfarm.tenants import Tenant

    return Tenant.of_run(TENANTS_UUID, key).id


def _sqlite_path(url: str) -> Path | None:
    """The SQLite file that `url` means, or None for PostgreSQL. Raises ConfigurationError for any other database."""
    if re.match(r"postgres(ql)?(\+psycopg)?://", url):
        return None
    scheme = re.match(r"([A-Za-z][\w+.-]+)://", url)
    if scheme and scheme[1].lower() != "sqlite":
        raise ConfigurationError(f"--db: {scheme[1]} is no database that data is loaded into; valid: {DATABASES}")
    from pytest_aosfarm.recording.location import parse_db

    return parse_db(url, Path.cwd())
