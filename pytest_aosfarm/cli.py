"""The `aosfarm` command: look at recorded runs, bring back those of dead processes, serve a twin by hand."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.errors import ConfigurationError, FarmError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ("main",)

COUNT_KEYS = ("collected", "passed", "failed", "errors", "skipped", "xfailed", "xpassed", "crashed")
RUN_KEYS = ("id", "status", "exit_code", "lab", "scale", "seed", "scenario", "started_at", *COUNT_KEYS)
"""What `runs --json` gives of each run, exactly."""

NOT_FOUND, CANNOT = 1, 2
MESSAGE_WIDTH = 80


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 asked for something that is not there, 2 cannot be done."""
    arguments = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        code = command(arguments)
        sys.stdout.flush()
    except FarmError as error:
        print(f"aosfarm: {error}", file=sys.stderr)
        return CANNOT
    except BrokenPipeError:
        # The reader (head, less) has gone; without this the interpreter complains again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="aosfarm", description=__doc__)
    parser.add_argument("--version", action="version", version=f"aosfarm {version('pytest-aosfarm')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

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

    twin = commands.add_parser("twin", help="serve an embedded module; its URL is line 1 of the output")
    twin.add_argument("name", metavar="NAME", help="module, such as aod")
    twin.add_argument("--port", type=int, default=0, help="default 0, a free one")
    twin.add_argument("--defect", metavar="NAME", help="break it in this way")
    twin.add_argument("--defects", action="store_true", help="list the ways to break it")
    twin.set_defaults(command=_twin)
    return parser


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
        _print_json(runs)
    else:
        heading = [key for key in RUN_KEYS if key != "scenario"]
        _print_table(heading, [[_cell(run[key]) for key in heading] for run in runs])
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
        _print_json(run)
        return 0
    tests: Any = run.pop("tests")
    grades: Any = run.pop("grades")
    _print_table(("run", _cell(run.pop("id"))), [[key, _cell(value)] for key, value in run.items() if value is not None])
    for lab, subjects in grades.items():
        metrics = sorted({metric for values in subjects.values() for metric in values})
        print()
        _print_table((lab, *metrics), [[s, *(_cell(v.get(m)) for m in metrics)] for s, v in subjects.items()])
    print()
    _print_table(("outcome", "seconds", "test", "message"), [_test_cells(test) for test in tests])
    return 0


def _test_cells(test: Any) -> list[str]:
    seconds = (test["setup_us"] + test["call_us"] + test["teardown_us"]) / 1e6
    message = _cell(test["message"] or "")
    short = message if len(message) <= MESSAGE_WIDTH else message[: MESSAGE_WIDTH - 1] + "…"
    attempt = "" if test["attempt"] == 1 else f" (attempt {test['attempt']})"
    return [_cell(test["outcome"]), f"{seconds:.3f}", _cell(test["nodeid"]) + attempt, short]


def _recover(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.recording.location import find_upwards, parse_db
    from pytest_aosfarm.recording.recover import recover

    folder = find_upwards("spool", Path.cwd())
    database = parse_db(arguments.db, Path.cwd()) if arguments.db else None
    results = recover(folder, database) if folder is not None else []
    if arguments.json:
        keys = ("id", "status", "tests", "damaged", "left", "alive")
        _print_json([{"spool": str(one.spool)} | {key: getattr(one, key) for key in keys} for one in results])
    else:
        for one in results:
            became = f"left where it is: {one.left}" if one.left else f"run {one.id}, {one.status}, {one.tests} tests"
            print(f"{one.spool.name}: {became}")
        if not results:
            print("nothing to recover")
    return 1 if any(one.left and not one.alive for one in results) else 0


def _twin(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.twins.serve import defects, serve

    if arguments.defects:
        _print_table(("defect", "what it does"), [list(row) for row in defects(arguments.name).items()])
        return 0
    return serve(arguments.name, port=arguments.port, defect=arguments.defect)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, dict):
        return ", ".join(f"{key} {one}" for key, one in value.items())
    # A test's name or message may hold line ends and control characters; a table cell and a terminal cannot.
    return "".join(letter if letter.isprintable() else " " for letter in str(value))


def _print_table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    for row in (heading, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, default=lambda one: one.isoformat() if isinstance(one, datetime) else str(one)))
