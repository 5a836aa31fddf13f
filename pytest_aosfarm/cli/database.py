"""The command that brings the schema of a run store to the present one: for a shared PostgreSQL, only ever on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aosfarm.cli.output import print_json
from pytest_aosfarm.cli.store import NEAREST, database_of

if TYPE_CHECKING:
    import argparse

    from pytest_aosfarm.cli.output import Commands

__all__ = ("add_commands",)


def add_commands(commands: Commands) -> None:
    """Add `db upgrade` to the parser."""
    database = commands.add_parser("db", help="the schema of the run store")
    actions = database.add_subparsers(required=True, metavar="ACTION")
    text = (
        "make or upgrade the tables of the run store, its roles and what keeps tenants apart; on PostgreSQL the role that "
        "connects comes to own them. Twice is once"
    )
    upgrade = actions.add_parser("upgrade", help="make or upgrade the tables of the run store", description=text)
    upgrade.add_argument("--db", metavar="URL", help=f"path or URL; default: {NEAREST}")
    upgrade.add_argument("--json", action="store_true", help="as JSON")
    upgrade.set_defaults(command=_upgrade)


def _upgrade(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.recording.isolation import READER, RECORDER
    from pytest_aosfarm.recording.schema import REVISIONS, upgrade

    where = database_of(arguments)
    changed = upgrade(where)
    if arguments.json:
        print_json({"database": str(where), "schema": REVISIONS[-1], "upgraded": changed})
        return 0
    print(f"{where}: {'upgraded to' if changed else 'already at'} schema {REVISIONS[-1]}")
    if where.url and changed:
        print(f"next: GRANT {RECORDER} TO whoever records runs, GRANT {READER} TO whoever only reads them")
    return 0
