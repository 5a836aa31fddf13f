"""The commands that load synthetic data into a database, and drop it from there."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_aosfarm.cli.dataset import action, clean_end, dataset_of
from pytest_aosfarm.cli.output import NOT_FOUND, print_table
from pytest_aosfarm.cli.progress import Progress
from pytest_aosfarm.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse

    from pytest_aosfarm.cli.output import Commands
    from pytest_aosfarm.sinks.loading import Loaded
    from pytest_aosfarm.synthetic.dataset import Dataset

__all__ = ("add_commands",)

TENANTS_UUID = "5b4f0a52-7b0e-4d53-9a55-0f6a1d7c1c11"
"""Stands for a run in the ids of tenants that are loaded by hand: the same key has the same id each time."""

DATABASES = "PATH, sqlite:///PATH, postgresql://USER@HOST/DATABASE"


def add_commands(actions: Commands) -> None:
    """Add `load` and `unload` to those of `data`."""
    load = action(actions, "load", "load tables into a database, in place of what the tenant has there", _load)
    load.add_argument("--tables", metavar="NAMES", help="comma-separated; with those that they refer to; default all")
    load.add_argument("--unlogged", action="store_true", help="PostgreSQL: faster, and empty after a crash of the server")
    unload = action(actions, "unload", "drop the tenant's tables from PostgreSQL", _unload)
    for command in (load, unload):
        command.add_argument("--db", required=True, metavar="URL", help=DATABASES)


def _load(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.sinks.loading import Load

    dataset = dataset_of(arguments)
    names = [name.strip() for name in arguments.tables.split(",")] if arguments.tables is not None else None
    wanted = Load.of(dataset, _tenant_id(dataset.tenant_key), names)
    path = _sqlite_path(arguments.db)
    if path is not None and arguments.unlogged:
        raise ConfigurationError("--unlogged is for PostgreSQL; SQLite has no such tables")
    started = time.monotonic()
    with clean_end() as check, Progress(wanted.rows, sys.stderr, check) as progress:
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
    dataset = dataset_of(arguments)
    path = _sqlite_path(arguments.db)
    if path is not None:
        raise ConfigurationError("a SQLite file holds one tenant: to unload it, delete the file")
    from pytest_aosfarm.sinks import postgres

    tenant_id = _tenant_id(dataset.tenant_key)
    dropped = postgres.unload(arguments.db, tenant_id)
    whose = f"tenant {dataset.tenant_key}, id {tenant_id}"
    if not dropped:
        print(f"aosfarm: {whose}, has nothing there; --tenant names another", file=sys.stderr)
        return NOT_FOUND
    print(f"{whose}: {dropped} partitions dropped")
    return 0


def _tenant_id(key: str) -> str:
    from pytest_aosfarm.tenants import Tenant

    return Tenant.of_run(TENANTS_UUID, key).id


def _sqlite_path(url: str) -> Path | None:
    """The SQLite file that `url` means, or None for PostgreSQL. Raises ConfigurationError for any other database."""
    if re.match(r"postgres(ql)?(\+psycopg)?://", url):
        return None
    if re.match(r"(host|hostaddr|port|dbname|user|password|service)\s*=", url):
        raise ConfigurationError(f"--db: settings of a connection are given as a URL; valid: {DATABASES}")
    scheme = re.match(r"([A-Za-z][\w+.-]*):", url)
    if scheme and scheme[1].lower() != "sqlite":
        raise ConfigurationError(f"--db: {scheme[1]} is no database that data is loaded into; valid: {DATABASES}")
    from pytest_aosfarm.recording.location import parse_db

    return parse_db(url, Path.cwd()).path
