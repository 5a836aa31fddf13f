"""The commands about runs that died: import what they left behind, and store as lost those that say nothing more."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_aosfarm.cli.output import print_json
from pytest_aosfarm.cli.store import add_store_options, open_store, positive

if TYPE_CHECKING:
    import argparse

    from pytest_aosfarm.cli.output import Commands
    from pytest_aosfarm.recording.events import RunStarted
    from pytest_aosfarm.recording.location import Database

__all__ = ("add_commands",)


def add_commands(commands: Commands) -> None:
    """Add `recover` and `reap` to the parser."""
    recover = commands.add_parser("recover", help="import what runs left behind that died, or lost their database")
    add_store_options(recover, db="the one that each run was meant for", tenant=False)
    recover.set_defaults(command=_recover)

    reap = commands.add_parser("reap", help="store as lost the runs whose process is gone, or says nothing more")
    add_store_options(reap)
    reap.add_argument("--after", type=positive, default=60, metavar="SECONDS", help="of silence; default 60")
    reap.set_defaults(command=_reap)


def _recover(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.recording.location import find_upwards, parse_db
    from pytest_aosfarm.recording.recover import meant_for, recover
    from pytest_aosfarm.settings import environment

    given = parse_db(arguments.db, Path.cwd()) if arguments.db else None
    usual = environment().get("AOSFARM_DB")
    known = parse_db(usual, Path.cwd()) if usual else None

    def choose(started: RunStarted) -> Database:
        if given is not None:
            return given
        return known if known is not None and known.public == started.database else meant_for(started)

    folder = find_upwards("spool", Path.cwd())
    results = list(recover(folder, choose)) if folder is not None else []
    if arguments.json:
        print_json([asdict(one) | {"spool": str(one.spool)} for one in results])
    else:
        for one in results:
            became = f"left where it is: {one.left}" if one.left else f"run {one.id}, {one.status}, {one.tests} tests"
            print(f"{one.spool.name}: {became}")
        if not results:
            print("nothing to recover")
    return 1 if any(one.left and not one.alive for one in results) else 0


def _reap(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.recording.reap import reap

    with open_store(arguments) as store:
        lost = reap(store, after=arguments.after)
    if arguments.json:
        print_json([asdict(one) for one in lost])
    else:
        for one in lost:
            print(f"run {one.id}: lost, {one.reason}")
        if not lost:
            print("nothing to reap")
    return 0
