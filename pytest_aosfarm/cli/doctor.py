"""The command that tells whether tenants are apart in a PostgreSQL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_aosfarm.cli.output import print_json, print_table
from pytest_aosfarm.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse

    from pytest_aosfarm.cli.output import Commands

__all__ = ("add_commands",)

FOUND = 1


def add_commands(commands: Commands) -> None:
    """Add `doctor` to the parser."""
    text = "check that tenants are apart in a PostgreSQL: exit 0 all well, 1 something is wrong, 2 cannot look"
    doctor = commands.add_parser("doctor", help=text, description=text)
    doctor.add_argument("--db", required=True, metavar="URL", help="postgresql://USER@HOST/DATABASE")
    doctor.add_argument("--role", metavar="NAME", help="whom to examine; default whoever connects")
    doctor.add_argument("--json", action="store_true", help="as JSON")
    doctor.set_defaults(command=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    if not re.match(r"postgres(ql)?(\+psycopg)?://", arguments.db):
        raise ConfigurationError(
            "--db: doctor is for PostgreSQL, postgresql://USER@HOST/DATABASE; a SQLite file holds one tenant"
        )
    from pytest_aosfarm.sinks.postgres_doctor import examine

    examined = examine(arguments.db, arguments.role)
    if arguments.json:
        findings = [finding._asdict() for finding in examined.findings]
        print_json(examined._asdict() | {"findings": findings})
        return FOUND if findings else 0
    if examined.findings:
        print_table(("at", "what is wrong", "what to do"), [[*finding] for finding in examined.findings])
    found = f"{len(examined.findings)} found" if examined.findings else "all well"
    print(f"{found}: {examined.tables} tables with {examined.partitions} partitions, role {examined.role}")
    return FOUND if examined.findings else 0
