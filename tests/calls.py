"""Every function and method that works on a tenant's runs, with arguments that reach for other tenants' as well."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kept_runs import ALIAS, SAME, attempts, started

import pytest_aosfarm
from pytest_aosfarm.errors import FarmError
from pytest_aosfarm.exports.html import beside_baseline
from pytest_aosfarm.exports.junit_import import record, survey
from pytest_aosfarm.exports.report import Report
from pytest_aosfarm.history.aliases import alias, settle
from pytest_aosfarm.history.baseline import baseline_of
from pytest_aosfarm.history.compare import compare, compare_with_baseline
from pytest_aosfarm.history.flaky import unhealthy
from pytest_aosfarm.history.prune import Retention, prune
from pytest_aosfarm.history.runs import find_runs, pin
from pytest_aosfarm.history.since_baseline import since_baseline
from pytest_aosfarm.history.stats import refresh, unjudged
from pytest_aosfarm.history.tests import history_of
from pytest_aosfarm.history.trend import trends
from pytest_aosfarm.recording.reap import reap
from pytest_aosfarm.recording.secrets import Redactor
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.recording.tables import identity_id

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("CALLS", "INNER", "answers", "known_calls")

RUNS = (1, 3, 9)
"""A run that all have, one that another tenant has, and one that nobody has."""

NAMES = (SAME, ALIAS, "tests/test_same.py::test_passes", "test_own", "test", "nothing::like_it", "%", "_")
ROOMS = ("recording", "history", "exports")


def _report(store: RunStore, run_id: int) -> Any:
    report = Report.load(store, run_id)
    return report and [report.run, *report.tests, *report.errors, *(report.outputs_of(test) for test in report.tests)]


def _record(store: RunStore) -> Any:
    return record(survey([Path("junit.xml")]), store, Redactor({}))


Arguments = Iterable[tuple[Any, ...]]
OF_RUNS: Arguments = [(run,) for run in RUNS]
CALLS: dict[str, tuple[Callable[..., Any], Arguments]] = {
    "RunStore.begin_run": (RunStore.begin_run, [(started(),)] * 2),
    "RunStore.save": (RunStore.save, [(run, attempts(str, 1), {}) for run in RUNS]),
    "RunStore.status": (RunStore.status, OF_RUNS),
    "RunStore.runs": (RunStore.runs, [(), (2,)]),
    "RunStore.run": (RunStore.run, OF_RUNS),
    "RunStore.outputs_of": (RunStore.outputs_of, [(run, identity_id(SAME), 1) for run in RUNS]),
    "RunStore.errors": (RunStore.errors, OF_RUNS),
    "RunStore.faults": (RunStore.faults, OF_RUNS),
    "Report.load": (_report, OF_RUNS),
    "find_runs": (
        lambda store, wanted: find_runs(store, wanted=wanted),
        [({},), ({"vcs_branch": None},), ({"lab": "lab"},), ({"scenario": "nothing"},)],
    ),
    "baseline_of": (baseline_of, OF_RUNS),
    "compare": (compare, [*product(RUNS, (*RUNS, 2))]),
    "compare_with_baseline": (compare_with_baseline, OF_RUNS),
    "since_baseline": (since_baseline, OF_RUNS),
    "beside_baseline": (beside_baseline, OF_RUNS),
    "refresh": (refresh, [()] * 2),
    "unjudged": (unjudged, [()]),
    "unhealthy": (unhealthy, [(), ("",), ("main",)]),
    "trends": (
        lambda store, wanted: trends(store, **wanted),
        [({},), ({"branch": "main", "lab": "lab"},), ({"scenario": "nothing"},)],
    ),
    "history_of": (history_of, [(name,) for name in NAMES]),
    "record": (_record, [()] * 2),
    "pin": (lambda store, run: pin(store, run, pinned=True), OF_RUNS),
    "alias": (alias, [(name, "tests.new::name") for name in NAMES[2:]]),
    "settle": (settle, [()]),
    "reap": (lambda store, after: reap(store, after=after), [(60,), (0,)]),
    "prune": (
        lambda store, kept, dry_run: prune(store, kept, dry_run=dry_run),
        [*product((None, Retention(before=datetime.now(UTC))), (True, False))],
    ),
}
"""Name -> what is called with a store, and with which arguments. In this order: the last change most."""

INNER = {
    *("RunStore.close", "RunStore.reading", "RunStore.select_runs", "RunStore.upsert", "RunStore.writing", "run_of"),
    "write_stats",
}
"""What the others are made of; what a connection of the store shows is tried with SQL of every kind elsewhere."""


def known_calls() -> set[str]:
    """The methods of RunStore, and every public function or class method of the package that takes a store."""
    found = {f"RunStore.{name}" for name, one in vars(RunStore).items() if inspect.isfunction(one) and name[0] != "_"}
    for room in ROOMS:
        package = importlib.import_module(f"{pytest_aosfarm.__name__}.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations." in module.name:
                continue
            public = importlib.import_module(module.name)
            for name in getattr(public, "__all__", ()):
                one = getattr(public, name)
                inside = vars(one).items() if inspect.isclass(one) else ()
                methods = [(f"{name}.{method}", getattr(one, method)) for method, _ in inside if method[0] != "_"]
                found |= {called for called, each in ((name, one), *methods) if _takes_a_store(each)}
    return found


def _takes_a_store(one: Any) -> bool:
    return (inspect.isfunction(one) or inspect.ismethod(one)) and "store" in inspect.signature(one).parameters


def answers(store: RunStore, name: str) -> Iterator[str]:
    """What each call of the function returns, or says when it refuses, causes and all."""
    function, calls = CALLS[name]
    for arguments in calls:
        try:
            yield repr(function(store, *arguments))
        except FarmError as error:
            said: BaseException | None = error
            while said is not None:
                yield f"{said!r} {said}"
                said = said.__cause__ or said.__context__
