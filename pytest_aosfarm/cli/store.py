"""What the commands about recorded runs share: the options --db, --tenant and --json, and how they open the store."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_aosfarm.errors import ConfigurationError

if TYPE_CHECKING:
    from pytest_aosfarm.recording.location import Database
    from pytest_aosfarm.recording.store import RunStore

__all__ = ("NEAREST", "add_store_options", "database_of", "open_store", "positive", "recorded_name", "tenant_of")

NEAREST = "env AOSFARM_DB, else the nearest .aosfarm/farm.db"
"""Which database is meant when none is named."""

LIMIT = 10**9
"""Whole numbers on the command line are below it: a database would not take every number."""


def add_store_options(command: argparse.ArgumentParser, *, db: str = NEAREST, tenant: bool = True) -> None:
    """Add `--db`, `--tenant` and `--json`; `db` says which database is meant when none is named."""
    command.add_argument("--json", action="store_true", help="as JSON")
    command.add_argument("--db", metavar="PATH", help=f"database, a path or URL; default: {db}")
    if tenant:
        command.add_argument("--tenant", metavar="KEY", help="whose runs; default: env AOSFARM_TENANT, else 'default'")


def tenant_of(arguments: argparse.Namespace) -> str:
    """Whose runs are meant; an empty --tenant is nobody, which no store opens for."""
    from pytest_aosfarm.recording.location import DEFAULT_TENANT
    from pytest_aosfarm.settings import environment

    if arguments.tenant is not None:
        return str(arguments.tenant)
    return environment().get("AOSFARM_TENANT") or DEFAULT_TENANT


def open_store(arguments: argparse.Namespace, *, create: bool = False) -> RunStore:
    """The store that the options mean, to be used in `with`; with `create` it is made when there is none.

    Raises ConfigurationError and RecordingError.
    """
    from pytest_aosfarm.recording.store import RunStore

    return RunStore(database_of(arguments, create=create), tenant_of(arguments), create=create)


def recorded_name(name: str) -> str:
    """The name of a test as it is recorded: without its secrets, if it holds any."""
    from pytest_aosfarm.recording.secrets import Redactor
    from pytest_aosfarm.settings import all_variables

    return Redactor(all_variables()).name(name)


def positive(text: str) -> int:
    """A whole number above 0, and below LIMIT, for `type=`."""
    if not text.isdecimal() or not 1 <= int(text) < LIMIT:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number above 0 and below {LIMIT}")
    return int(text)


def database_of(arguments: argparse.Namespace, *, create: bool = False) -> Database:
    """The database that --db, AOSFARM_DB or the nearest .aosfarm folder means; with `create` a folder is made.

    Raises ConfigurationError.
    """
    from pytest_aosfarm.recording.location import Database, farm_folder, find_upwards, parse_db
    from pytest_aosfarm.settings import environment

    given = arguments.db or environment().get("AOSFARM_DB")
    if given:
        return parse_db(given, Path.cwd())
    found = find_upwards("farm.db", Path.cwd())
    if found is None and create:
        return Database(farm_folder(Path.cwd()) / "farm.db")
    if found is None:
        raise ConfigurationError(
            f"no .aosfarm/farm.db in {Path.cwd()} or above; run `pytest --lab=aod` first, or name a database with --db"
        )
    return Database(found)
