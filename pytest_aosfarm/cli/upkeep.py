"""The commands that look after recorded runs: rename a test in its history, delete what is old."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_aosfarm.cli.output import print_json, print_table
from pytest_aosfarm.cli.store import add_store_options, open_store, positive, recorded_name

if TYPE_CHECKING:
    from pytest_aosfarm.cli.output import Commands

__all__ = ("add_commands",)

PERIODS = {"runs": 365, "results": 180, "outputs": 30, "faults": 90}
RESULTS_RUNS = 500


def add_commands(commands: Commands) -> None:
    """Add `alias` and `prune` to the parser."""
    text = "a test was renamed: let the history of OLD be that of NEW, and whatever is recorded as OLD later"
    alias = commands.add_parser("alias", help=text, description=f"{text}. Without brackets OLD means every OLD[...] too")
    alias.add_argument("old", metavar="OLD", help="its former identity")
    alias.add_argument("new", metavar="NEW", help="its present identity")
    alias.set_defaults(command=_alias)

    text = "delete what is past its time; pinned runs, baselines and live runs are never touched"
    prune = commands.add_parser("prune", help=text, description=text)
    prune.add_argument("--dry-run", action="store_true", help="only count")
    prune.add_argument("--before", type=_moment, metavar="DATE", help="everything older than this, whatever the periods")
    for name, days in PERIODS.items():
        text = f"how long {name} are kept; default {days}"
        prune.add_argument(f"--{name}", type=positive, default=days, metavar="DAYS", help=text)
    text = f"results stay in the last N runs of a scenario, however old; default {RESULTS_RUNS}"
    prune.add_argument("--results-runs", type=positive, default=RESULTS_RUNS, metavar="N", help=text)
    prune.set_defaults(command=_prune)

    for command in (alias, prune):
        add_store_options(command)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date in ISO 8601, such as 2026-05-04") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _alias(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.history.aliases import alias

    with open_store(arguments) as store:
        renamed = alias(store, recorded_name(arguments.old), recorded_name(arguments.new))
    if arguments.json:
        print_json([one._asdict() for one in renamed])
    else:
        for one in renamed:
            print(f"{one.old} is {one.new}: {one.results} results handed over")
    return 0


def _prune(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.history.prune import Retention, prune

    periods = {name: getattr(arguments, name) for name in PERIODS}
    retention = Retention(**periods, results_runs=arguments.results_runs, before=arguments.before)
    with open_store(arguments) as store:
        rows = prune(store, retention, dry_run=arguments.dry_run)
    if arguments.json:
        print_json({"dry_run": arguments.dry_run, "rows": rows})
        return 0
    print_table(("table", "would go" if arguments.dry_run else "deleted"), [[name, f"{n:,}"] for name, n in rows.items()])
    return 0
