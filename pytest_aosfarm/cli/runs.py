"""The commands about recorded runs: list them, show one, keep one for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_aosfarm.cli.faults import print_faults
from pytest_aosfarm.cli.output import cell, print_json, print_table, shortened, test_name
from pytest_aosfarm.cli.store import add_store_options, open_store, positive
from pytest_aosfarm.errors import NotFoundError
from pytest_aosfarm.recording.status import STATUSES
from pytest_aosfarm.recording.tally import BAD

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from pytest_aosfarm.cli.output import Commands
    from pytest_aosfarm.recording.store import RunStore

__all__ = ("add_commands",)

COUNT_KEYS = ("collected", "passed", "failed", "errors", "skipped", "xfailed", "xpassed", "crashed")
MORE_KEYS = (
    *("uuid", "scenario_id", "status_reason", "profile", "chaos", "data_tenant", "finished_at", "duration_ms"),
    *("deselected", "not_run", "flaky", "vcs_branch", "vcs_sha", "vcs_dirty", "ci_url", "pinned"),
)
RUN_KEYS = ("id", "status", "exit_code", "lab", "scale", "seed", "scenario", "started_at", *COUNT_KEYS, *MORE_KEYS)
"""What `runs --json` gives of each run, exactly."""

NOT_SHOWN = ("tenant_id", "owner_token", "judged")
"""Columns that are nobody's business but ours."""

USUAL_COLUMNS = {name: name for name in ("id", "status", "exit_code", "lab", "scale")} | {"vcs_branch": "branch"}
COUNTED = ("passed", "failed", "errors", "crashed", "flaky", "skipped", "xfailed", "xpassed", "not_run")


def add_commands(commands: Commands) -> None:
    """Add `runs`, `show` and `pin` to the parser."""
    runs = commands.add_parser("runs", help="list recorded runs, newest first")
    runs.add_argument("-n", type=positive, metavar="N", help="at most N runs")
    runs.add_argument("--before", type=positive, metavar="ID", help="only runs with a smaller number: the next page")
    runs.add_argument("--status", choices=tuple(STATUSES), action="append", default=[], help="only these, repeatable")
    runs.add_argument("--lab", metavar="NAME", help="only runs of this lab")
    runs.add_argument("--branch", metavar="NAME", help="only runs on this branch; '' are those without one")
    runs.add_argument("--scenario", metavar="ID", help="only runs of this scenario, by its name or number")
    runs.set_defaults(command=_runs)

    show = commands.add_parser("show", help="show one run with its tests and grades")
    show.add_argument("id", type=positive, metavar="ID")
    show.add_argument("--output", action="store_true", help="with tracebacks and what tests printed, where they went wrong")
    show.set_defaults(command=_show)

    text = "keep a run for ever: later runs of its scenario are compared with it"
    pin = commands.add_parser("pin", help=text, description=text)
    pin.add_argument("id", type=positive, metavar="ID")
    pin.add_argument("--remove", action="store_true", help="no longer")
    pin.set_defaults(command=_pin)

    for command in (runs, show, pin):
        add_store_options(command)


def _runs(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.history.runs import find_runs

    wanted = {name: getattr(arguments, name) for name in ("lab", "branch", "scenario")}
    with open_store(arguments) as store:
        statuses = tuple(arguments.status)
        runs = find_runs(store, limit=arguments.n, before=arguments.before, statuses=statuses, wanted=wanted)
    if arguments.json:
        print_json([{key: run[key] for key in RUN_KEYS} for run in runs])
        return 0
    counts = [name for name in COUNTED if name in {"passed", "failed"} or any(run[name] for run in runs)]
    heading = [*USUAL_COLUMNS.values(), "started", "seconds", "collected", *counts]
    print_table(heading, [_run_cells(run, counts) for run in runs])
    return 0


def _run_cells(run: Mapping[str, Any], counts: list[str]) -> list[str]:
    seconds = None if run["duration_ms"] is None else f"{run['duration_ms'] / 1000:.1f}"
    values = [*(run[name] for name in USUAL_COLUMNS), run["started_at"], seconds, run["collected"]]
    return [cell(value) for value in (*values, *(run[name] for name in counts))]


def _show(arguments: argparse.Namespace) -> int:
    with open_store(arguments) as store:
        run = store.run(arguments.id)
        if run is None:
            raise NotFoundError(f"no run {arguments.id} in {store.where}; `aosfarm runs` lists them")
        run = {name: value for name, value in run.items() if name not in NOT_SHOWN}
        run["errors_outside"] = store.errors(arguments.id)
        faults = store.faults(arguments.id)
        for test in run["tests"]:
            test["faults"] = faults.get((test["test_id"], test["attempt"]), [])
        if arguments.output:
            _add_outputs(store, run)
    if arguments.json:
        print_json(run)
    else:
        _print_run(run)
    return 0


def _add_outputs(store: RunStore, run: Mapping[str, Any]) -> None:
    for test in run["tests"]:
        if test["outcome"] != "passed":
            test["outputs"] = store.outputs_of(run["id"], test["test_id"], test["attempt"])


def _print_run(run: dict[str, Any]) -> None:
    tests, grades, errors = run.pop("tests"), run.pop("grades"), run.pop("errors_outside")
    # Those that went wrong first, and among them those that decided; the others as they ran.
    tests.sort(key=lambda test: (test["outcome"] not in BAD, not test["is_final"], test["started_us"]))
    environment = run.pop("environment")
    about = {**run, **{f"environment.{name}": value for name, value in environment.items()}}
    print_table(("run", cell(about.pop("id"))), [[key, cell(value)] for key, value in about.items() if value is not None])
    for lab, subjects in grades.items():
        metrics = sorted({metric for values in subjects.values() for metric in values})
        print()
        print_table((lab, *metrics), [[s, *(cell(v.get(m)) for m in metrics)] for s, v in subjects.items()])
    if errors:
        print()
        print_table(("error outside tests", ""), [[error["source"], shortened(error["message"])] for error in errors])
    print()
    if not tests and run["passed"]:
        print("the results of this run were pruned; its counts are all that is left")
        return
    print_table(("outcome", "seconds", "test", "message"), [_test_cells(test) for test in tests])
    print_faults(tests)
    for test in tests:
        for kind, text in test.get("outputs", {}).items():
            print(f"\n---- {test_name(test)}: {kind}")
            print("\n".join(map(cell, text.splitlines())))


def _test_cells(test: Mapping[str, Any]) -> list[str]:
    seconds = (test["setup_us"] + test["call_us"] + test["teardown_us"]) / 1e6
    outcome = test["raw_outcome"] or test["outcome"]
    return [cell(outcome), f"{seconds:.3f}", test_name(test), shortened(test["message"] or "")]


def _pin(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.history.runs import pin

    with open_store(arguments) as store:
        pin(store, arguments.id, pinned=not arguments.remove)
    if arguments.json:
        print_json({"id": arguments.id, "pinned": not arguments.remove})
    else:
        print(f"run {arguments.id} {'is no longer pinned' if arguments.remove else 'is kept for ever'}")
    return 0
