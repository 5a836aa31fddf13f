"""The `aosfarm` command: recorded runs, synthetic data, its isolation, and twins served by hand."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_aosfarm.cli import data, database, doctor, exports, history, recovery, runs, upkeep
from pytest_aosfarm.cli.output import NOT_FOUND, print_table
from pytest_aosfarm.errors import FarmError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ("main",)

CANNOT = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 asked for something that is not there, 2 cannot be done."""
    _prepare_streams()
    arguments = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        code = command(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except FarmError as error:
        print(f"aosfarm: {error}", file=sys.stderr)
        return NOT_FOUND if isinstance(error, NotFoundError) else CANNOT
    except OSError as error:
        # The reader (head, less) has gone, or the disk is full; without this the interpreter complains again when it
        # flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 0
        print(f"aosfarm: {error}", file=sys.stderr)
        return CANNOT
    return code


def _prepare_streams() -> None:
    if sys.stderr is None:  # closed, and what is printed to None goes to standard output
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # not every terminal can show every key


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="aosfarm", description=__doc__)
    parser.add_argument("--version", action="version", version=f"aosfarm {version('pytest-aosfarm')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    runs.add_commands(commands)
    history.add_commands(commands)
    upkeep.add_commands(commands)
    recovery.add_commands(commands)
    exports.add_commands(commands)
    data.add_commands(commands)
    doctor.add_commands(commands)
    database.add_commands(commands)

    twin = commands.add_parser("twin", help="serve an embedded module; its URL is line 1 of the output")
    twin.add_argument("name", metavar="NAME", help="module, such as aod")
    twin.add_argument("--port", type=int, default=0, help="default 0, a free one")
    twin.add_argument("--defect", metavar="NAME", help="break it in this way")
    twin.add_argument("--defects", action="store_true", help="list the ways to break it")
    twin.set_defaults(command=_twin)
    return parser


def _twin(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.twins.serve import defects, serve

    if arguments.defects:
        print_table(("defect", "what it does"), [list(row) for row in defects(arguments.name).items()])
        return 0
    return serve(arguments.name, port=arguments.port, defect=arguments.defect)
