"""The command that tells whether tenants are apart in a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aosfarm.cli.output import print_json, print_table
from pytest_aosfarm.cli.store import NEAREST, database_of
from pytest_aosfarm.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse

    from pytest_aosfarm.cli.output import Commands
    from pytest_aosfarm.doctor.findings import Examined

__all__ = ("add_commands",)

FOUND = 1


def add_commands(commands: Commands) -> None:
    """Add `doctor` to the parser."""
    text = "check that tenants are apart in a database: exit 0 all well, 1 something is wrong, 2 cannot look"
    doctor = commands.add_parser("doctor", help=text, description=text)
    doctor.add_argument("--db", metavar="URL", help=f"path or URL, of runs or of synthetic data; default: {NEAREST}")
    doctor.add_argument("--role", metavar="NAME", help="PostgreSQL: whom to examine; default whoever connects")
    doctor.add_argument("--json", action="store_true", help="as JSON")
    doctor.set_defaults(command=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    where = database_of(arguments)
    if where.path is None:
        from pytest_aosfarm.doctor import postgres

        examined = postgres.examine(where, arguments.role)
    elif arguments.role:
        raise ConfigurationError("--role is for PostgreSQL: a file has no roles")
    else:
        from pytest_aosfarm.doctor import files

        examined = files.examine(where.path)
    findings = examined.findings
    if arguments.json:
        print_json(examined._asdict() | {"findings": [finding._asdict() for finding in findings]})
        return FOUND if findings else 0
    if findings:
        print_table(("at", "what is wrong", "what to do"), [[*finding] for finding in findings])
    print(f"{len(findings)} found" if findings else "all well", _looked_at(examined), sep=": ")
    return FOUND if findings else 0


def _looked_at(examined: Examined) -> str:
    """What was there to be examined, and what was not."""
    runs = f"a run store of {examined.run_tables} tables, schema {examined.schema or 'unknown'}"
    partitions = f" with {examined.partitions} partitions" if examined.role else ""
    data = f"{examined.synthetic_tables} synthetic tables{partitions}"
    parts = [data if examined.synthetic_tables else "no synthetic data", runs if examined.run_tables else "no run store"]
    return ", ".join([*parts, f"role {examined.role}"] if examined.role else parts)
