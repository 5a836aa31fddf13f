"""Chaos around each test of a process: its scope, its faults among the test's properties, its complaints."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from pytest_aosfarm.chaos.clock import RealClock
from pytest_aosfarm.chaos.handle import ALLOWED_HOSTS, Chaos
from pytest_aosfarm.chaos.plan import Plan
from pytest_aosfarm.chaos.virtual_time import VirtualClock, virtual_time
from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.plugin.chaos_again import Again, Failure
from pytest_aosfarm.plugin.chaos_marker import policy_of_marks
from pytest_aosfarm.plugin.chaos_replay import replay_line
from pytest_aosfarm.plugin.chaos_told import ChaosTold
from pytest_aosfarm.plugin.fixtures import note_identity
from pytest_aosfarm.plugin.identity import identity_of
from pytest_aosfarm.plugin.keys import (
    CHAOS_PROPERTY,
    FAULTS_PROPERTY,
    plan_key,
    policy_key,
    replay_key,
    settings_key,
    told_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from contextlib import AbstractContextManager

    import httpx

    from pytest_aosfarm.chaos.calls import CallRecord
    from pytest_aosfarm.chaos.clock import Clock
    from pytest_aosfarm.chaos.scope import Scope
    from pytest_aosfarm.farm import Farm

__all__ = ("ChaosRun",)

SHOWN_FAULTS = 20

_CLOCKS: dict[str, Callable[[], Clock]] = {
    "virtual": VirtualClock,
    "real": RealClock,
    "forced": lambda: VirtualClock(forced=True),
}

_scope_key: pytest.StashKey[Scope] = pytest.StashKey()
_red_key: pytest.StashKey[Failure | None] = pytest.StashKey()


class ChaosRun:
    """The pytest plugin in a process that runs tests with chaos.

    `asks` says whether a test asks for chaos itself; when the run has a policy of its own, it is for all tests. `is_ours`:
    nobody else has a marker `chaos`.
    """

    def __init__(self, config: pytest.Config, asks: Callable[[pytest.Item], bool], *, is_ours: bool) -> None:
        settings = config.stash[settings_key]
        self._policy = config.stash[policy_key]
        self._replay = config.stash[replay_key]
        self._asks = asks
        self._is_ours = is_ours
        debugs = config.getoption("usepdb", default=False) or config.getoption("trace", default=False)
        self._control = (settings.chaos_control or settings.chaos_shrink) and not debugs
        self._patches = ExitStack()
        self.chaos = Chaos(settings.chaos_seed, _CLOCKS[settings.chaos_time], hosts=(*ALLOWED_HOSTS, *settings.chaos_hosts))
        self._told = config.stash.setdefault(told_key, ChaosTold())
        self._again = Again(self._told, shrinks=settings.chaos_shrink)

    def join(self, farm: Farm) -> None:
        """Have the clients of the modules go through chaos."""
        farm.on_pool = self._wrap
        self.chaos.own = farm.twin_addresses
        for url in farm.settings.urls.values():
            self.chaos.allow(urlsplit(url).hostname or "")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
        """Run the test, and when it has failed with faults, again: with the same ones, and without."""
        try:
            result = yield
            failure = item.stash.get(_red_key, None)
            if failure is not None and self._control and item.stash[_scope_key].faults:
                # A session that stops here has torn everything down already.
                stops = item.session.shouldfail or item.session.shouldstop
                self._again.look_into(item, None if stops else nextitem, item.stash[_scope_key].schedule, failure)
            return result
        finally:
            # A test that is interrupted has no teardown; and pytest keeps every item to the session's end.
            self._end()
            if _scope_key in item.stash:
                del item.stash[_scope_key]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Begin the test's scope, before any of its fixtures is set up."""
        if not self._has_chaos(item):
            return
        policy, seed, problem = None, None, None
        try:
            identity = identity_of(item)
            if self._is_ours:
                policy, seed = policy_of_marks(item)
        except ConfigurationError as error:
            problem = str(error)
        if problem is not None:
            pytest.fail(f"aosfarm: {problem}", pytrace=False)
        note_identity(item)
        plan = item.stash.get(plan_key, None)
        if plan is None and self._replay is not None:
            plan = Plan(self._replay)
        marked = policy is not None
        policy = policy if marked else self._policy
        scope = self.chaos.begin(identity, policy, demands=marked, seed=seed, plan=plan, example=_example_of(item))
        item.stash[_scope_key] = scope
        item.stash[_red_key] = None
        self._patches.enter_context(_time_of(scope.clock))

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Run the test, and fail it when it has passed and chaos has not been what it should be."""
        scope = item.stash.get(_scope_key, None)
        if scope is None:
            return (yield)
        self.chaos.is_set_up()
        result = yield
        if complaints := self.chaos.complaints():
            pytest.fail("aosfarm: " + "\n         ".join(complaints), pytrace=False)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None, object, object]:
        """End the test's scope, when all that was set up for it is torn down."""
        try:
            return (yield)
        finally:
            self._end()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        """Put the faults among the test's properties, and into the report of a failure the line that replays it."""
        scope = item.stash.get(_scope_key, None)
        if scope is not None:
            _note_faults(item, scope)
        report = yield
        # The report of a test with failed subtests says that it has passed; theirs came before.
        ends = report.failed or (report.when == "call" and scope is not None and item.stash[_red_key] is None)
        if scope is not None and plan_key not in item.stash and ends:
            went_wrong = report.failed or hasattr(report, "wasxfail")
            self._told.ended(scope.test, scope, call.excinfo.value if went_wrong and call.excinfo else None)
        if scope is not None and report.failed:
            item.stash[_red_key] = Failure.of(call)
            if scope.faults:
                report.sections.append(("aosfarm chaos", "\n".join(_told(item, scope))))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember which tests cannot be run again unseen."""
        if isinstance(report, pytest.SubtestReport):
            self._again.with_subtests.add(report.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Set up and tear down what serves several tests apart from the test that happens to be the first, or the last."""
        if fixturedef.scope == "function":
            return (yield)
        name = f"{fixturedef.baseid}::{fixturedef.argname}"
        # Of the finalizers, the first that is added comes last.
        torn_down = ExitStack()
        fixturedef.addfinalizer(torn_down.close)
        try:
            with self._apart(name):
                return (yield)
        finally:
            fixturedef.addfinalizer(lambda: torn_down.enter_context(self._apart(name)))

    def pytest_sessionfinish(self) -> None:
        """Leave all clients as they were."""
        self.chaos.close()

    @contextmanager
    def _apart(self, fixture: str) -> Iterator[None]:
        if not self.chaos.is_under_way:
            yield
            return
        with self.chaos.fixture(fixture), _time_of(self.chaos.clock):
            yield

    def _end(self) -> None:
        self._patches.close()
        self.chaos.end()

    def _wrap(self, pool: httpx.Client | httpx.AsyncClient) -> None:
        self.chaos.wrap(pool)  # type: ignore[type-var] # one of the two

    def _has_chaos(self, item: pytest.Item) -> bool:
        return self._policy is not None or plan_key in item.stash or self._asks(item)


def _time_of(clock: Clock) -> AbstractContextManager[object]:
    """The block in which a clock's time is everybody's."""
    return virtual_time(clock) if isinstance(clock, VirtualClock) else nullcontext()


def _example_of(item: pytest.Item) -> Callable[[], object] | None:
    """For a test of Hypothesis, a function that gives another object in every example."""
    if not getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
        return None
    from hypothesis.control import current_build_context, currently_in_test_context

    return lambda: current_build_context() if currently_in_test_context() else None


def _note_faults(item: pytest.Item, scope: Scope) -> None:
    """Only what this attempt has had: a test that is run again still has its properties."""
    ours = {FAULTS_PROPERTY, CHAOS_PROPERTY}
    item.user_properties[:] = [pair for pair in item.user_properties if pair[0] not in ours]
    if faults := scope.faults:
        rows = json.dumps([_row(record) for record in faults], separators=(",", ":"))
        item.user_properties += [(FAULTS_PROPERTY, rows), (CHAOS_PROPERTY, scope.schedule.token())]


def _row(record: CallRecord) -> dict[str, object]:
    fault = record.fault
    return {
        "kind": None if fault is None else fault.kind,
        "rule": record.rule,
        "module": record.key.module,
        "method": record.key.method,
        "path": record.key.path,
        "status": record.status,
        "delay_us": record.delay_us,
        "delivered": record.delivered,
        "observed": record.observed,
        "at_us": record.sent_us,
    }


def _told(item: pytest.Item, scope: Scope) -> Iterator[str]:
    faults = [record for record in scope.latest if record.fault is not None]
    for record in faults[:SHOWN_FAULTS]:
        key, fault = record.key, record.fault
        label = "" if fault is None else fault.label
        more = " (racy: an identical call was made at the same time)" if record.racy else ""
        seen = record.observed or "no answer yet"
        yield f"call {record.number}, {key.module} {key.method} {key.path}: {label} -> {seen}{more}"
    if len(faults) > SHOWN_FAULTS:
        yield f"and {len(faults) - SHOWN_FAULTS} more"
    yield f"replay: {replay_line(item, scope.schedule.token())}"
