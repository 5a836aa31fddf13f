"""Every command of `aosfarm` with all its arguments, as one tenant; a command or an option without a case is found out."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING

from pytest_aosfarm import cli
from pytest_aosfarm.exports.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planted import Planted

__all__ = ("CASES", "WITHOUT", "arguments_of", "commands", "options_of")

OF_RUNS = "--db {db} --tenant {tenant}"
DATA = "--tenant {tenant} --seed 1 --scale small --anchor 2026-01-15T12:00:00+00:00"

CASES: dict[str, tuple[str, ...]] = {
    "runs": ("", "--json", "-n 1", "--before 2 --status failed --lab nothing --branch nothing", "--scenario nothing"),
    # Run 3 is another tenant's, and nobody has a run 9.
    "show": ("1", "1 --json", "1 --output", "3", "9"),
    "compare": ("2", "2 1 --json", "2 1 --all", "2 3"),
    "history": ("tests.test_same::test_of_all", "tests.test_same::test_of_all --json -n 9", "canary"),
    "export": (
        *(f"1 --format {name}" for name in FORMATS),
        "--format ctrf",
        "3 --format csv",
        "1 --format html --out page.html --json",
        "1 --format other",
    ),
    "import": ("junit.xml", "junit.xml --json"),
    "doctor": ("--db {db}", "--db {db} --json", "--db {data} --role aosfarm_reader", "--db {theirs}"),
    "db upgrade": ("--db {db}", "--db {db} --json"),
    "data tables": (DATA, f"{DATA} --json"),
    "data show": (f"services --rows 0:3 {DATA} --json", f"services {DATA}", f"nothing {DATA}"),
    "data digest": (f"hosts --rows 0:3 --path scalar {DATA}",),
    "data export": (f"hosts --rows 0:3 --format csv --out hosts.csv {DATA}", f"hosts --format ndjson --out - {DATA}"),
    "data load": (
        f"--tables services --db {{data}} {DATA}",
        f"--tables services --db {{theirs}} --unlogged {DATA}",
        f"--tables services --db {{theirs}} {DATA}",
        f"--tables services --db {{db}} {DATA}",
    ),
    "data unload": (f"--db {{theirs}} {DATA}",),
    "twin": ("aod --defects", "nothing --defects"),
    "flaky": ("", "--json -n 9", "--branch nothing"),
    "trend": ("", "--json -n 9", "--branch nothing --lab nothing", "--scenario nothing"),
    "pin": ("1", "1 --remove --json", "3"),
    "alias": (
        "tests.test_same::test_passes tests.test_new::test_passes",
        "tests.test_same::test_of_all tests.test_new::test_passes",
        "canary tests.test_new::test_passes --json",
    ),
    "prune": (
        "--dry-run",
        "--dry-run --json --runs 1 --results 1 --results-runs 1 --outputs 1 --faults 1",
        "--before 2100-01-01",
    ),
    "recover": ("--db {db}", "--json"),
    "reap": ("", "--json", "--after 1"),
}
"""Arguments of each command; those about runs also get the database and the tenant. In this order: the last change most."""

READING = {"runs", "show", "compare", "history", "export", "flaky", "trend"}
"""What needs no right to write."""

WITHOUT = {("twin", "--port"), ("twin", "--defect")}
"""Options without a case: with them the command serves until it is stopped, and it knows no tenants."""


def commands(parser: argparse.ArgumentParser | None = None, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command with its parser."""
    parser = parser or cli._parser()
    below = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    if not below:
        yield name, parser
    for choice, one in ((choice, one) for action in below for choice, one in action.choices.items()):
        yield from commands(one, f"{name} {choice}".strip())


def options_of(parser: argparse.ArgumentParser) -> list[list[str]]:
    """Every option but --help, each by all its names."""
    return [[*one.option_strings] for one in parser._actions if one.option_strings and "--help" not in one.option_strings]


def arguments_of(name: str, planted: Planted) -> Iterator[list[str]]:
    """The command lines of a command."""
    options = dict(commands())[name]
    of_runs = OF_RUNS if any("--tenant" in names for names in options_of(options)) and "data" not in name else ""
    given = {
        "db": planted.reads if name in READING else planted.writes,
        "tenant": planted.tenant,
        "data": planted.data,
        "theirs": planted.theirs,
    }
    for case in CASES[name]:
        yield [part.format(**given) for part in shlex.split(f"{name} {case} {of_runs}")]
