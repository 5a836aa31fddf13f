"""The commands about recorded runs: list them, show one, bring back those of dead processes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.cli.output import NOT_FOUND, cell, print_json, print_table
from pytest_aosfarm.errors import ConfigurationError

if TYPE_CHECKING:
    from pytest_aosfarm.cli.output import Commands

__all__ = ("RUN_KEYS", "add_commands")

COUNT_KEYS = ("collected", "passed", "failed", "errors", "skipped", "xfailed", "xpassed", "crashed")
RUN_KEYS = ("id", "status", "exit_code", "lab", "scale", "seed", "scenario", "started_at", *COUNT_KEYS)
"""What `runs --json` gives of each run, exactly."""

MESSAGE_WIDTH = 80


def add_commands(commands: Commands) -> None:
    """Add `runs`, `show` and `recover` to the parser."""
    runs = commands.add_parser("runs", help="list recorded runs, newest first")
    runs.add_argument("-n", type=_positive, metavar="N", help="at most N runs")
    runs.set_defaults(command=_runs)

    show = commands.add_parser("show", help="show one run with its tests and grades")
    show.add_argument("id", type=_positive, metavar="ID")
    show.set_defaults(command=_show)

    recover = commands.add_parser("recover", help="import what runs left behind that died, or lost their database")
    recover.set_defaults(command=_recover)

    usual, meant = "env AOSFARM_DB, else the nearest .aosfarm/farm.db", "the one that each run was meant for"
    for command, default in ((runs, usual), (show, usual), (recover, meant)):
        command.add_argument("--json", action="store_true", help="as JSON")
        command.add_argument("--db", metavar="PATH", help=f"database file; default: {default}")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _database(arguments: argparse.Namespace) -> Path:
    from pytest_aosfarm.recording.location import find_upwards, parse_db
    from pytest_aosfarm.settings import environment

    given = arguments.db or environment().get("AOSFARM_DB")
    if given:
        return parse_db(given, Path.cwd())
    found = find_upwards("farm.db", Path.cwd())
    if found is None:
        raise ConfigurationError(
            f"no .aosfarm/farm.db in {Path.cwd()} or above; run `pytest --lab=aod` first, or name a file with --db"
        )
    return found


def _runs(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.recording.store import RunStore

    with RunStore(_database(arguments), create=False) as store:
        runs = [{key: run[key] for key in RUN_KEYS} for run in store.runs(arguments.n)]
    if arguments.json:
        print_json(runs)
    else:
        heading = [key for key in RUN_KEYS if key != "scenario"]
        print_table(heading, [[cell(run[key]) for key in heading] for run in runs])
    return 0


def _show(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.recording.store import RunStore

    database = _database(arguments)
    with RunStore(database, create=False) as store:
        run = store.run(arguments.id)
    if run is None:
        print(f"aosfarm: no run {arguments.id} in {database}; `aosfarm runs` lists them", file=sys.stderr)
        return NOT_FOUND
    if arguments.json:
        print_json(run)
        return 0
    tests: Any = run.pop("tests")
    grades: Any = run.pop("grades")
    print_table(("run", cell(run.pop("id"))), [[key, cell(value)] for key, value in run.items() if value is not None])
    for lab, subjects in grades.items():
        metrics = sorted({metric for values in subjects.values() for metric in values})
        print()
        print_table((lab, *metrics), [[s, *(cell(v.get(m)) for m in metrics)] for s, v in subjects.items()])
    print()
    print_table(("outcome", "seconds", "test", "message"), [_test_cells(test) for test in tests])
    return 0


def _test_cells(test: Any) -> list[str]:
    seconds = (test["setup_us"] + test["call_us"] + test["teardown_us"]) / 1e6
    message = cell(test["message"] or "")
    short = message if len(message) <= MESSAGE_WIDTH else message[: MESSAGE_WIDTH - 1] + "…"
    attempt = "" if test["attempt"] == 1 else f" (attempt {test['attempt']})"
    return [cell(test["outcome"]), f"{seconds:.3f}", cell(test["nodeid"]) + attempt, short]


def _recover(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.recording.location import find_upwards, parse_db
    from pytest_aosfarm.recording.recover import recover

    folder = find_upwards("spool", Path.cwd())
    database = parse_db(arguments.db, Path.cwd()) if arguments.db else None
    results = recover(folder, database) if folder is not None else []
    if arguments.json:
        keys = ("id", "status", "tests", "damaged", "left", "alive")
        print_json([{"spool": str(one.spool)} | {key: getattr(one, key) for key in keys} for one in results])
    else:
        for one in results:
            became = f"left where it is: {one.left}" if one.left else f"run {one.id}, {one.status}, {one.tests} tests"
            print(f"{one.spool.name}: {became}")
        if not results:
            print("nothing to recover")
    return 1 if any(one.left and not one.alive for one in results) else 0
