"""The commands about recorded runs: list them, show one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.cli.output import NOT_FOUND, cell, print_json, print_table
from pytest_aosfarm.cli.store import add_store_options, open_store, positive

if TYPE_CHECKING:
    import argparse

    from pytest_aosfarm.cli.output import Commands

__all__ = ("RUN_KEYS", "add_commands")

COUNT_KEYS = ("collected", "passed", "failed", "errors", "skipped", "xfailed", "xpassed", "crashed")
RUN_KEYS = ("id", "status", "exit_code", "lab", "scale", "seed", "scenario", "started_at", *COUNT_KEYS)
"""What `runs --json` gives of each run, exactly."""

MESSAGE_WIDTH = 80


def add_commands(commands: Commands) -> None:
    """Add `runs` and `show` to the parser."""
    runs = commands.add_parser("runs", help="list recorded runs, newest first")
    runs.add_argument("-n", type=positive, metavar="N", help="at most N runs")
    runs.set_defaults(command=_runs)

    show = commands.add_parser("show", help="show one run with its tests and grades")
    show.add_argument("id", type=positive, metavar="ID")
    show.set_defaults(command=_show)

    for command in (runs, show):
        add_store_options(command)


def _runs(arguments: argparse.Namespace) -> int:
    with open_store(arguments) as store:
        runs = [{key: run[key] for key in RUN_KEYS} for run in store.runs(arguments.n)]
    if arguments.json:
        print_json(runs)
    else:
        heading = [key for key in RUN_KEYS if key != "scenario"]
        print_table(heading, [[cell(run[key]) for key in heading] for run in runs])
    return 0


def _show(arguments: argparse.Namespace) -> int:
    with open_store(arguments) as store:
        run, where = store.run(arguments.id), store.where
    if run is None:
        print(f"aosfarm: no run {arguments.id} in {where}; `aosfarm runs` lists them", file=sys.stderr)
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
