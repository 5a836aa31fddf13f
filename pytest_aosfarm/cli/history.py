"""The commands that judge recorded runs: compare two, tell flaky tests, trends, one test's history."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.cli.output import NOT_FOUND, cell, print_json, print_table, shortened
from pytest_aosfarm.cli.store import add_store_options, open_store, positive, recorded_name

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from pytest_aosfarm.cli.output import Commands
    from pytest_aosfarm.history.compare import Change, Comparison
    from pytest_aosfarm.history.trend import Trend
    from pytest_aosfarm.recording.store import RunStore

__all__ = ("add_commands",)

SHOWN = 20
"""Tests that are named of one kind, unless all are asked for."""

BARS = "▁▂▃▄▅▆▇█"


def add_commands(commands: Commands) -> None:
    """Add `compare`, `flaky`, `trend` and `history` to the parser."""
    text = "compare a run test by test with another one, or with its baseline"
    compare = commands.add_parser("compare", help=text, description=text)
    compare.add_argument("id", type=positive, metavar="RUN")
    text = "the other run; default: the pinned one of its scenario, else the last that passed on the default branch, else "
    compare.add_argument("base", type=positive, metavar="OTHER", nargs="?", help=f"{text}the previous one")
    compare.add_argument("--all", action="store_true", help=f"name every test; without it {SHOWN} of a kind")
    compare.set_defaults(command=_compare)

    text = "list broken and flaky tests, each with its evidence"
    flaky = commands.add_parser("flaky", help=text, description=text)
    flaky.add_argument("--branch", metavar="NAME", help="default: main, or whatever is the default one here")
    flaky.add_argument("-n", type=positive, metavar="N", help="at most N tests")
    flaky.set_defaults(command=_flaky)

    text = "pass rate, duration, flaky and broken tests of each scenario over its last runs, and who became slower"
    trend = commands.add_parser("trend", help=text, description=text)
    trend.add_argument("--scenario", metavar="ID", help="only this one, by its name or number")
    trend.add_argument("--lab", metavar="NAME", help="only runs of this lab")
    trend.add_argument("--branch", metavar="NAME", help="default: main, or whatever is the default one here")
    trend.add_argument("-n", type=positive, default=30, metavar="N", help="the last N runs; default 30")
    trend.set_defaults(command=_trend)

    text = "show the last results of one test"
    history = commands.add_parser("history", help=text, description=text)
    history.add_argument("test", metavar="TEST", help="its identity, a former one, or its node id")
    history.add_argument("-n", type=positive, default=50, metavar="N", help="the last N results; default 50")
    history.set_defaults(command=_history)

    for command in (compare, flaky, trend, history):
        add_store_options(command)


def _compare(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.history.compare import compare, compare_with_baseline

    with open_store(arguments) as store:
        if arguments.base is None:
            found = compare_with_baseline(store, arguments.id)
        else:
            found = compare(store, arguments.id, arguments.base)
    if found is None:
        print(f"aosfarm: run {arguments.id} is the first of its kind; name a run to compare it with", file=sys.stderr)
        return NOT_FOUND
    if arguments.json:
        print_json(_comparison(found))
    else:
        _print_comparison(found, None if arguments.all else SHOWN)
    return 0


def _comparison(found: Comparison) -> dict[str, Any]:
    keys = ("id", "uuid", "status", "scenario", "started_at", "vcs_branch", "vcs_sha")
    changes: dict[str, list[dict[str, Any]]] = {kind: [] for kind in found.counts()}
    for one in found.changes:
        usual = None if one.usual is None else one.usual._asdict()
        changes[one.kind].append({name: value for name, value in asdict(one).items() if name != "kind"} | {"usual": usual})
    return {
        "run": {key: found.run[key] for key in keys},
        "base": {key: found.base[key] for key in keys},
        "chosen": found.chosen,
        "counts": found.counts(),
        "differences": {name: {"then": then, "now": now} for name, (then, now) in found.differences.items()},
        "pace_not_compared": found.pace_not_compared,
        "changes": changes,
    }


def _print_comparison(found: Comparison, limit: int | None) -> None:
    from pytest_aosfarm.history.compare import KINDS

    run, base = found.run, found.base
    print(f"run {run['id']} ({run['status']}) beside run {base['id']} ({base['status']}, {found.chosen})")
    print(found.headline())
    if found.differences:
        print()
        print_table(
            ("differs", "then", "now"),
            [[name, shortened(cell(then)), shortened(cell(now))] for name, (then, now) in found.differences.items()],
        )
    for kind, count in found.counts().items():
        print()
        shown = found.of(kind)[:limit]
        print_table((KINDS[kind], "then", "now", ""), [_change_cells(one) for one in shown])
        if count > len(shown):
            print(f"and {count - len(shown)} more; --all names them")
    if found.pace_not_compared is not None:
        print(f"\nslower and faster tests are not told apart: {found.pace_not_compared}")


def _change_cells(one: Change) -> list[str]:
    if one.kind in {"slower", "faster"}:
        known = one.usual
        usual = "too few passes known" if known is None else f"usually {_seconds(known.p50_us)} in {known.passes} passes"
        return [cell(one.nodeid), _seconds(one.then_us), _seconds(one.now_us), usual]
    return [cell(one.nodeid), cell(one.then), cell(one.now), shortened(one.message or "")]


def _seconds(micros: int | None) -> str:
    return "-" if micros is None else f"{micros / 1e6:.3f} s"


def _flaky(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.history.flaky import explain, unhealthy

    with open_store(arguments) as store:
        branch, tests = unhealthy(store, arguments.branch, arguments.n)
        _say_what_is_left_out(store)
    if arguments.json:
        print_json({"branch": branch, "tests": [test | {"why": list(explain(test["evidence"]))} for test in tests]})
        return 0
    on = f"on {branch}" if branch else "without a branch"
    if not tests:
        print(f"no test {on} is broken or flaky")
    for test in tests:
        counts = f"{test['fails']} of {test['runs']} failed, {test['flips']} flips, last in run {test['updated_run_id']}"
        print(f"{test['health']:6}  {cell(test['nodeid'])}  ({counts})")
        for rule, line in zip((one["rule"] for one in test["evidence"]), explain(test["evidence"]), strict=True):
            print(f"        {rule}: {cell(line)}")
    return 0


def _say_what_is_left_out(store: RunStore) -> None:
    from pytest_aosfarm.history.stats import unjudged

    left = unjudged(store)
    if left:
        why = "you may only read here; the same command judges them for whoever may write"
        print(f"aosfarm: {left} runs are not in the figures of flaky and broken tests: {why}", file=sys.stderr)


def _trend(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.history.trend import trends

    wanted = {name: getattr(arguments, name) for name in ("scenario", "lab", "branch")}
    with open_store(arguments) as store:
        found = trends(store, **wanted, runs=arguments.n)
        _say_what_is_left_out(store)
    if arguments.json:
        print_json([_trend_as_json(one) for one in found])
    elif not found:
        print("no run has ended yet that would be shown here")
    else:
        for number, one in enumerate(found):
            _print_trend(one, blank=number > 0)
    return 0


def _trend_as_json(one: Trend) -> dict[str, Any]:
    lists = {"points": [point._asdict() for point in one.points], "slower": [mover._asdict() for mover in one.slower]}
    return asdict(one) | lists


def _print_trend(one: Trend, *, blank: bool) -> None:
    if blank:
        print()
    asked = ", ".join(f"{name} {cell(value)}" for name, value in one.selection.items())
    print(f"{cell(one.scenario)}{f' ({asked})' if asked else ''} on {one.branch or 'no branch'}, {_runs(len(one.points))}")
    rates = [point.pass_rate for point in one.points]
    millis = [point.duration_ms for point in one.points]
    last = next((rate for rate in reversed(rates) if rate is not None), None)
    usual = f"p50 {_millis(one.duration_p50_ms)}, p95 {_millis(one.duration_p95_ms)}"
    print_table(
        ("", "last", "", "over these runs"),
        [
            ["pass rate", _percent(last), _sparkline(rates, 0.0, 1.0), " ".join(map(_percent, rates[-5:]))],
            ["duration", _millis(millis[-1]), _sparkline(millis), usual],
            ["flaky", cell(one.flaky), "", ""],
            ["broken", cell(one.broken), "", ""],
        ],
    )
    if one.slower:
        rows = [[cell(mover.nodeid), _seconds(mover.then_us), _seconds(mover.now_us)] for mover in one.slower]
        print_table(("became slower", "older runs", "newer runs"), rows)


def _runs(count: int) -> str:
    return f"{count} run{'' if count == 1 else 's'}"


def _percent(rate: float | None) -> str:
    # Not 100 % unless all passed.
    return "-" if rate is None else f"{int(rate * 1000) / 10:g}%"


def _millis(value: int | None) -> str:
    return "-" if value is None else f"{value / 1000:.1f} s"


def _sparkline(values: Sequence[float | None], low: float | None = None, high: float | None = None) -> str:
    """A bar for each value, between the smallest and the largest or the bounds given; only for a terminal."""
    there = [value for value in values if value is not None]
    if not there or sys.stdout is None or not sys.stdout.isatty():
        return ""
    low, high = min(there) if low is None else low, max(there) if high is None else high
    step = (high - low) / (len(BARS) - 1) or 1
    return "".join(" " if value is None else BARS[round((value - low) / step)] for value in values)


def _history(arguments: argparse.Namespace) -> int:
    from pytest_aosfarm.history.tests import history_of

    with open_store(arguments) as store:
        test, results = history_of(store, recorded_name(arguments.test), arguments.n)
    if arguments.json:
        print_json({name: value for name, value in test.items() if name != "tenant_id"} | {"results": results})
        return 0
    print(f"{cell(test['nodeid'])}  identity {cell(test['identity'])}, first in run {test['first_run_id']}")
    heading = ("run", "started", "branch", "commit", "seed", "outcome", "seconds", "attempt", "message")
    print_table(heading, [_result_cells(one) for one in results])
    return 0


def _result_cells(one: Mapping[str, Any]) -> list[str]:
    about = [one["run_id"], one["started_at"], one["vcs_branch"], (one["vcs_sha"] or "-")[:10], one["seed"], one["outcome"]]
    return [*map(cell, about), f"{one['call_us'] / 1e6:.3f}", cell(one["attempt"]), shortened(one["message"] or "")]
