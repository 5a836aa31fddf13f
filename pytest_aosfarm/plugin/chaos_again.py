"""Runs a test that has failed with faults again, quietly: to say whether they are to blame, and which of them."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_aosfarm.chaos.plan import Plan, Schedule
from pytest_aosfarm.chaos.score import Verdict, verdict_of
from pytest_aosfarm.chaos.shrink import Trial, shrink
from pytest_aosfarm.plugin.chaos_replay import replay_line
from pytest_aosfarm.plugin.keys import plan_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_aosfarm.chaos.plan import Planned
    from pytest_aosfarm.chaos.shrink import Shrunk
    from pytest_aosfarm.plugin.chaos_told import ChaosTold

__all__ = ("Again", "Failure")

MOST_TESTS = 10
"""In a process: when everything is red, nobody reads on."""


_TIMEOUT = ("timeout", "pytest_timeout")
"""What pytest-timeout is registered as: found by pytest itself, or named with `-p`."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What makes two failures of a test one: the line that failed, and the kind of error.

    A test that hung is interrupted at any line of many.
    """

    place: str
    kind: str

    @classmethod
    def of(cls, call: pytest.CallInfo[Any]) -> Failure | None:
        """The failure of a phase of a test; None if it has not failed."""
        if call.excinfo is None:
            return None
        if verdict_of(call.excinfo.value) is Verdict.HUNG:
            return cls("any line", "a timeout")
        # What hides itself, such as pytest.fail, is the same place for everybody.
        crash = (call.excinfo.traceback.filter(call.excinfo) or call.excinfo.traceback)[-1]
        return cls(f"{crash.path}:{crash.lineno + 1}", call.excinfo.typename)


class Again:
    """What is found out about red tests; each makes a note, which the terminal shows at the end."""

    def __init__(self, told: ChaosTold, *, shrinks: bool) -> None:
        self._told = told
        self._notes = told.notes
        self._shrinks = shrinks
        self._tests = 0
        self.with_subtests: set[str] = set()
        """Node ids of tests whose subtests have been reported."""

    def look_into(self, item: pytest.Item, nextitem: pytest.Item | None, schedule: Schedule, failure: Failure) -> None:
        """Run the test with the same faults, without any, and with fewer and fewer, if that is wanted."""
        self._tests += 1
        if self._tests > MOST_TESTS:
            return
        if item.nodeid in self.with_subtests:
            self._notes.append(f"{item.nodeid}: is not run again, as its subtests would be reported twice")
            return

        def plan(faults: Sequence[Planned]) -> Plan:
            return Plan(Schedule(schedule.test, schedule.seed, tuple(faults)), loose=True)

        def run(faults: Sequence[Planned]) -> Trial[Planned]:
            followed = plan(faults)
            return Trial(failure in _run(item, nextitem, followed), followed.taken)

        try:
            same, control = (_run(item, nextitem, plan(faults)) for faults in (schedule.faults, ()))
        except NotAgainError as problem:
            self._notes.append(f"{item.nodeid}: {problem}")
            return
        self._told.control(schedule.test, green=not control)
        self._notes.append(f"{item.nodeid}: {_verdict(failure, control, same)}")
        if self._shrinks and failure in same and failure not in control:
            shrunk = shrink(schedule.faults, run)
            self._notes += [
                f"  {_found(shrunk, len(schedule.faults))}",
                f"  {replay_line(item, Schedule(schedule.test, schedule.seed, shrunk.faults).token())}",
            ]


class NotAgainError(Exception):
    """A test cannot be run a second time."""


def _verdict(failure: Failure, control: list[Failure], same: list[Failure]) -> str:
    """Who is to blame, after a run without faults and one with the same ones."""
    if failure in control:
        return "fails in the same way without faults: chaos is not to blame"
    if control:
        return f"fails without faults, too, but otherwise ({control[0].kind} at {control[0].place})"
    if failure in same:
        return "passes without faults, fails again with the same ones: chaos is to blame"
    if same:
        return f"passes without faults, fails otherwise with the same ones ({same[0].kind} at {same[0].place})"
    return "passes without faults, and now with the same ones, too: it does not depend on them alone"


def _found(shrunk: Shrunk[Planned], of: int) -> str:
    """What is left of so many faults."""
    left = len(shrunk.faults)
    faults = ", ".join(map(str, shrunk.faults))
    if of == 1:
        return f"its only fault is needed: {faults}"
    what = f"all {of} faults are needed" if left == of else f"{left} of {of} faults {'suffices' if left == 1 else 'suffice'}"
    return f"{what}, found in {shrunk.runs} {'run' if shrunk.runs == 1 else 'runs'}: {faults}"


def _run(item: pytest.Item, nextitem: pytest.Item | None, plan: Plan) -> list[Failure]:
    """Run the test with exactly these faults, in the time that it may take; nobody else hears of it."""
    fresh = _fresh(item)
    fresh.stash[plan_key] = plan
    _announce(item, len(plan.schedule.faults))
    plugins = item.config.pluginmanager
    timer = next((name for name in _TIMEOUT if plugins.has_plugin(name)), None)
    if timer is None:
        return _phases(fresh, nextitem)

    def phases() -> list[Failure]:
        return _phases(fresh, nextitem)

    # Its timer is around the whole of a test, and the one of the first run has been taken away.
    others = [plugin for plugin in plugins.get_plugins() if plugin is not plugins.get_plugin(timer)]
    protocol = plugins.subset_hook_caller("pytest_runtest_protocol", others)
    failures: list[Failure] = protocol.call_extra([phases], {"item": fresh, "nextitem": nextitem})
    return failures


def _announce(item: pytest.Item, faults: int) -> None:
    """Where the output of tests is shown as it comes, say whose comes next."""
    config = item.config
    shown = config.getoption("capture", default="fd") in {"no", "tee-sys"}
    if config.pluginmanager.has_plugin("logging"):
        shown = shown or config.getoption("log_cli_level") is not None or bool(config.getini("log_cli"))
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if shown and terminal is not None:
        what = f"with {faults} {'fault' if faults == 1 else 'faults'}" if faults else "without faults"
        terminal.write_line(f"aosfarm: {item.nodeid}, again {what}")


def _phases(fresh: pytest.Item, nextitem: pytest.Item | None) -> list[Failure]:
    """Run a fresh test from setup to teardown."""
    failures: list[Failure] = []
    when: Literal["setup", "call", "teardown"]
    for when in ("setup", "call", "teardown"):
        if when == "call" and failures:
            continue
        hook: Any = getattr(fresh.ihook, f"pytest_runtest_{when}")
        phase = partial(hook, item=fresh, nextitem=nextitem) if when == "teardown" else partial(hook, item=fresh)
        call: Any = pytest.CallInfo.from_call(phase, when=when, reraise=(pytest.exit.Exception, KeyboardInterrupt))
        report = fresh.ihook.pytest_runtest_makereport(item=fresh, call=call)
        if report.failed and (failure := Failure.of(call)) is not None:
            failures.append(failure)
    return failures


def _fresh(item: pytest.Item) -> pytest.Item:
    """The same test as a new item: a used one holds its fixtures' values, its instance and what was reported of it.

    A function is copied: to collect its module again would register wider fixtures and `setup_module` a second time, so
    that they are set up again while their first values are in use. What else there is, such as a doctest, is collected.
    """
    if not isinstance(item, pytest.Function):
        return _collected_again(item)
    fresh = copy(item)
    fresh.stash = pytest.Stash()
    fresh.own_markers = [*item.own_markers]
    fresh.user_properties = []
    mine = vars(fresh)
    mine["_report_sections"] = []
    if item.cls is not None:
        for name in ("_instance", "_obj"):
            mine.pop(name, None)
    fresh._initrequest()  # noqa: SLF001 - as all plugins do that run a test again; test_private_names.py watches it
    return fresh


def _collected_again(item: pytest.Item) -> pytest.Item:
    parent = item.parent
    found = parent.collect() if isinstance(parent, pytest.Collector) else ()
    for fresh in found:
        if isinstance(fresh, pytest.Item) and fresh.name == item.name:
            # What was added to it after it was collected the first time.
            fresh.own_markers[:] = item.own_markers
            fresh.keywords.update(item.keywords)
            return fresh
    raise NotAgainError("it could not be collected again, so nobody knows whether chaos is to blame")
