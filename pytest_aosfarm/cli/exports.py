"""The commands that write a recorded run for other programs, and record what other runners wrote."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_aosfarm.cli.output import NOT_FOUND, print_json
from pytest_aosfarm.cli.store import add_store_options, open_store, positive
from pytest_aosfarm.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse

    from pytest_aosfarm.cli.output import Commands

__all__ = ("add_commands",)

STDOUT = "-"


def add_commands(commands: Commands) -> None:
    """Add `export` and `import` to the parser."""
    text = "write a run as CTRF, JUnit XML, CSV, JSON Lines or a page of HTML"
    export = commands.add_parser("export", help=text, description=text)
    export.add_argument("id", type=positive, metavar="RUN", nargs="?", help="its number; default: the newest")
    export.add_argument("--format", required=True, metavar="FORMAT", help="ctrf, junit, csv, jsonl or html")
    export.add_argument("--out", metavar="FILE", default=STDOUT, help="where to; default: standard output")
    export.set_defaults(command=_export)

    text = "record a run from the JUnit XML of any runner; again, and it is the same run"
    importing = commands.add_parser("import", help=text, description=text)
    importing.add_argument("files", type=Path, metavar="FILE", nargs="+", help="junit.xml; several files are one run")
    importing.set_defaults(command=_import)

    for command in (export, importing):
        add_store_options(command)


def _export(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.exports.formats import FORMATS, write
    from pytest_aosfarm.exports.html import beside_baseline
    from pytest_aosfarm.exports.report import Report
    from pytest_aosfarm.sinks.atomic import opened

    if arguments.format not in FORMATS:
        raise ConfigurationError(f"--format {arguments.format!r} is not one of {', '.join(FORMATS)}")
    to_stdout = arguments.out == STDOUT
    if to_stdout and arguments.json:
        raise ConfigurationError("--json tells what was written where, so it needs --out FILE")
    if to_stdout and sys.stdout is None:
        raise ConfigurationError("standard output is closed")
    with open_store(arguments) as store:
        run_id = arguments.id or next((run["id"] for run in store.runs(1)), None)
        report = None if run_id is None else Report.load(store, run_id)
        if report is None:
            looked_for = "no run" if run_id is None else f"no run {run_id}"
            print(f"aosfarm: {looked_for} in {store.where}; `aosfarm runs` lists them", file=sys.stderr)
            return NOT_FOUND
        comparison = beside_baseline(store, report.run["id"]) if arguments.format == "html" else None
        if to_stdout:
            write(report, arguments.format, sys.stdout.buffer, comparison)
        else:
            with opened(Path(arguments.out)) as file:
                write(report, arguments.format, file, comparison)
    if arguments.json:
        print_json({"run": run_id, "format": arguments.format, "out": arguments.out})
    return 0


def _import(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from pytest_aosfarm.exports.junit_import import record, survey
    from pytest_aosfarm.recording.secrets import Redactor
    from pytest_aosfarm.settings import all_variables

    found = survey(arguments.files)
    with open_store(arguments, create=True) as store:
        imported = record(found, store, Redactor(all_variables()))
        where = store.where
    if arguments.json:
        print_json(asdict(imported))
    else:
        verb = "was there already" if imported.known else "recorded"
        print(f"run {imported.run_id} {verb} in {where}: {imported.status}, {imported.tests} tests")
    return 0
