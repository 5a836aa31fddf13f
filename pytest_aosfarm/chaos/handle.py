"""What a test holds as `chaos`: wraps clients, adds faults for a while, and says what became of every call."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from pytest_aosfarm.chaos.decide import ActiveRule
from pytest_aosfarm.chaos.durations import microseconds
from pytest_aosfarm.chaos.effects import assert_at_most_once
from pytest_aosfarm.chaos.lint import lint
from pytest_aosfarm.chaos.policy import Policy, name_apart, rule_of
from pytest_aosfarm.chaos.presets import policy_of
from pytest_aosfarm.chaos.scope import Scope, Surroundings, lane
from pytest_aosfarm.chaos.seam import unwrap, wrap
from pytest_aosfarm.chaos.steady import steady_state
from pytest_aosfarm.errors import ChaosError, MustFireError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import httpx

    from pytest_aosfarm.chaos.calls import CallRecord
    from pytest_aosfarm.chaos.clock import Clock
    from pytest_aosfarm.chaos.lint import Finding
    from pytest_aosfarm.chaos.plan import Plan
    from pytest_aosfarm.chaos.seam import ClientT
    from pytest_aosfarm.chaos.steady import SteadyState
    from pytest_aosfarm.chaos.strategies import FaultSchedule

__all__ = ("ALLOWED_HOSTS", "Chaos")

ALLOWED_HOSTS = ("127.0.0.1", "::1", "localhost", "*.localhost", "*.test", "*.example", "testserver")
"""Where calls may go while chaos is about, besides the modules' own addresses. The last is what ASGI test clients say."""


class Chaos:
    """Chaos of one process: one object for all tests, each with calls, faults and counts of its own.

    `seed` keys every draw. `hosts` are globs of the hosts that may be called.
    """

    def __init__(self, seed: int, clock: Callable[[], Clock], *, hosts: Collection[str] = ALLOWED_HOSTS) -> None:
        self.seed = seed
        self._clock = clock
        self._hosts = set(hosts)
        self._open: list[ActiveRule] = []
        self._policy: list[ActiveRule] = []
        self._demands = True
        self._follows_a_plan = False
        self.scope: Scope | None = None
        """Of the test, or of the wider fixture, that is under way."""
        self._clients: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
        """Those that are wrapped, each with the module that it stands for."""
        self._known: WeakSet[object] = WeakSet()
        self.own: Callable[[], Collection[str]] = tuple
        """Gives "host:port" of what the Farm itself has started."""
        self._loops: WeakSet[asyncio.AbstractEventLoop] = WeakSet()
        self._refused: list[str] = []

    def __repr__(self) -> str:
        return f"<chaos, seed {self.seed}>"

    # what tests use

    def wrap(self, client: ClientT, module: str = "") -> ClientT:
        """Let chaos decide every request of an `httpx.Client` or `AsyncClient`; returns the same client.

        `module` names whom it calls, for `on` and for what is recorded; without, that is each request's host.
        Each hop of a redirect and each step of an auth flow is a call. Whatever the client's transport does itself, such as
        retries, is below chaos: part of one call, and so of one decision.

        To wrap it again under the same name changes nothing, nor does it without one: that asks for chaos, which is there.
        Raises ChaosError under another name, as the rules for that one would never meet a call.
        """
        known = self._clients.get(client)
        if known is None:
            wrap(client, module, self)
            self._clients[client] = module
        elif module not in {known, ""}:
            seen = f"as {known!r}" if known else "without a name: its calls go by their host, or what each request says"
            raise ChaosError(
                f"{client!r} is wrapped already, {seen}; it cannot be {module!r} as well. Give it its name where it is "
                f"wrapped first, or wrap another client as {module!r}"
            )
        return client

    @contextmanager
    def on(
        self, module: str | tuple[str, ...], route: str | None = None, *, fault: object, **options: Any
    ) -> Iterator[ActiveRule]:
        """Inject `fault` (one or several, as objects or short texts) into calls to `module` within the block.

        `route` is "POST /charge", "/charge" or None for all calls; `*` stands for anything. `options` are fields of Match,
        When, Budget and Rule: `rate=0.2`, `first=2`, `times=1`, `headers={…}`. Leaving the block without the fault having
        been injected raises MustFireError. What the block gives has `calls` and `fired`.
        """
        __tracebackhide__ = True
        modules = (module,) if isinstance(module, str) else module
        with self._active(Policy(rules=(rule_of(modules, fault, route=route, **options),))) as (active,):
            yield active

    @contextmanager
    def preset(self, policy: str | Policy, module: str | tuple[str, ...] = ()) -> Iterator[None]:
        """Follow a policy within the block: a preset's name, a TOML file's path or a Policy; for these modules only."""
        modules = (module,) if isinstance(module, str) else module
        whole = policy if isinstance(policy, Policy) else policy_of(policy)
        with self._active(whole.for_module(*modules) if modules else whole):
            yield

    @contextmanager
    def following(self, schedule: FaultSchedule) -> Iterator[None]:
        """Inject what Hypothesis draws, for each call within the block when it is made; rules have no say there.

        `schedule` comes from `@given(schedule=fault_schedules(…))`. A replay goes before it.
        """
        scope = self._scope
        if scope.plan is not None:
            yield
            return
        scope.plan = schedule.plan(scope.test, scope.seed)
        self._new_rules()
        try:
            yield
        except BaseException:
            schedule.tell(scope.schedule)
            raise
        finally:
            scope.plan = None
            self._new_rules()

    @contextmanager
    def lane(self, name: str) -> Iterator[None]:
        """Tell the calls within the block from identical ones made elsewhere at the same time; one lane a thread or task."""
        token = lane.set(name)
        try:
            yield
        finally:
            lane.reset(token)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave calls within the block alone; they are still recorded."""
        scope = self._scope
        scope.paused += 1
        try:
            yield
        finally:
            scope.paused -= 1

    @property
    def calls(self) -> Sequence[CallRecord]:
        """Every call of this test so far, in order."""
        return tuple(self._scope.calls)

    @property
    def faults(self) -> Sequence[CallRecord]:
        """The calls of this test that something was injected into."""
        return tuple(self._scope.faults)

    @property
    def log(self) -> str:
        """The faults of this test, one line of JSON each: the same in every run of the test with the same seed."""
        return self._scope.log

    @property
    def token(self) -> str:
        """What `--farm-replay` takes to give this test the faults that it has had until now."""
        return self._scope.schedule.token()

    def findings(self, *, deadline: str | float | None = None) -> list[Finding]:
        """What is wrong with how the calls of this test were retried; `deadline` is how long a caller may wait for one."""
        return lint(self._scope.calls, deadline_us=None if deadline is None else microseconds(deadline))

    @contextmanager
    def steady_state(
        self,
        probe: Callable[[], object],
        *,
        every: str | float = "1s",
        tolerance: float = 1.0,
        before: bool = True,
        after: bool = True,
    ) -> Iterator[SteadyState]:
        """Ask `probe()` before, during and after the block; SteadyStateError unless it is true often enough.

        During the block it is asked after a call, once `every` has gone by on the test's clock; nothing is injected into
        calls of its own.
        """
        scope = self._scope

        def probed() -> object:
            with self.paused():
                return probe()

        state = steady_state(probed, every=every, tolerance=tolerance, clock=scope.clock, before=before, after=after)
        with state, scope.watched(state.tick):
            yield state

    @contextmanager
    def at_most_once(self, count: Callable[[], int], what: str = "effect") -> Iterator[None]:
        """Raise DoubleEffectError if `count()`, a number of effects, grows by more than one within the block."""
        __tracebackhide__ = True
        with self.paused():
            before = count()
        first = self._scope.count
        yield
        numbers = [call.number for call in self._scope.calls[first:] if call.delivered is not False]
        with self.paused():
            assert_at_most_once(before, count(), what=what, calls=numbers)

    @property
    def clock(self) -> Clock:
        """The time of this test."""
        return self._scope.clock

    # what the plugin uses

    def allow(self, host: str) -> None:
        """Let this host be called, too."""
        self._hosts.add(host)

    def begin(
        self,
        test: str,
        policy: Policy | None,
        *,
        demands: bool = True,
        seed: int | None = None,
        plan: Plan | None = None,
        example: Callable[[], object] | None = None,
    ) -> Scope:
        """A test begins; `policy` is its marks', which `demands` that its rules fire, or the run's; `seed` is its own."""
        self._demands = demands
        self._follows_a_plan = plan is not None
        alive = self._alive()
        if plan is not None:
            seed = plan.schedule.seed
        self._policy = [ActiveRule(name, rule) for name, rule in policy.named_rules] if policy is not None else []
        self._refused.clear()
        scope = Scope(
            test,
            self.seed if seed is None else seed,
            [*self._open, *self._policy],
            self._clock(),
            plan=plan,
            around=Surroundings(self._check, self._is_own, example, alive - self._known if self._known else ()),
        )
        self.scope = scope
        return scope

    def is_set_up(self) -> None:
        """What runs beside the test now is its fixtures' business, and may go on in later tests."""
        self._known |= self._alive()

    @property
    def is_under_way(self) -> bool:
        """Whether a test has begun and not ended."""
        return self.scope is not None

    def end(self) -> None:
        """The test is over, its teardown too."""
        if self.scope is not None:
            self._loops.update(self.scope.loops)
        self.scope = None
        self._follows_a_plan = False
        self._policy.clear()

    @contextmanager
    def fixture(self, name: str) -> Iterator[None]:
        """A fixture that serves several tests is set up or torn down: its calls belong to none of them."""
        outer = self.scope
        around = Surroundings(self._check, self._is_own)
        self.scope = Scope(name, self.seed, self._open, self._clock(), is_a_test=False, around=around)
        try:
            yield
        finally:
            self.scope = outer
            self._new_rules()

    def close(self) -> None:
        """Leave all clients as they were."""
        for client in [*self._clients]:
            unwrap(client)
        self._clients.clear()

    def complaints(self) -> list[str]:
        """What is wrong with the chaos of this test, each in one sentence; asked when the test itself has passed."""
        scope = self._scope
        found = [f"a call to {address} was refused: {self._how_to_allow}" for address in self._refused]
        missing = scope.sends - scope.refused - scope.count
        if missing > 0:
            found.append(f"{missing} of {scope.sends} calls bypassed chaos: something replaced a wrapped client's transport")
        if scope.decided != scope.count:
            found.append(f"{scope.decided} decisions were made for {scope.count} calls")
        if scope.plan is not None:
            found += [
                f"the replay has gone another way: the test did not make call {one.ordinal} of {one.key.method} "
                f"{one.key.path} to {one.key.module}, for which {one.fault.label} was planned"
                for one in scope.plan.left
                if not scope.plan.loose
            ]
            return found
        return found + [unmet for unmet in map(_unmet, self._policy) if unmet and self._demands]

    @property
    def _scope(self) -> Scope:
        if self.scope is None:
            raise ChaosError("no test is under way: chaos says something of calls only from a test or its fixtures")
        return self.scope

    @contextmanager
    def _active(self, policy: Policy) -> Iterator[list[ActiveRule]]:
        __tracebackhide__ = True
        taken = [active.name for active in self._open]
        opened = [ActiveRule(name, rule) for name, rule in name_apart(policy.rules, taken)]
        self._open[:0] = opened
        self._new_rules()
        try:
            yield opened
        finally:
            for active in opened:
                self._open.remove(active)
            self._new_rules()
        unmet = [text for text in map(_unmet, opened) if text]
        if unmet and not self._follows_a_plan:
            raise MustFireError("; ".join(unmet))

    def _new_rules(self) -> None:
        if self.scope is not None:
            self.scope.set_rules([*self._open, *(self._policy if self.scope.is_a_test else ())])

    def _check(self, url: httpx.URL) -> None:
        names = {url.host, url.raw_host.decode("ascii")}
        if not any(fnmatchcase(name, glob) for name in names for glob in self._hosts):
            address = str(url.copy_with(username=None, password=None, query=None))
            self._refused.append(address)
            raise ChaosError(f"{address} may not be called from a test with chaos: {self._how_to_allow}")

    def _is_own(self, url: httpx.URL) -> bool:
        return url.netloc.decode("ascii") in self.own()

    @property
    def _how_to_allow(self) -> str:
        return f"allowed hosts are {', '.join(sorted(self._hosts))}; add one with --farm-chaos-hosts or ini farm_chaos_hosts"

    def _alive(self) -> WeakSet[object]:
        """Threads and asyncio tasks that are at work now; not by their numbers, which soon are others'."""
        tasks = [task for loop in [*self._loops] if not loop.is_closed() for task in asyncio.all_tasks(loop)]
        return WeakSet([*threading.enumerate(), *tasks])


def _unmet(active: ActiveRule) -> str | None:
    """Why a rule has not done what it is for; None if it has."""
    if active.raised is not None:
        return f"the function `body` of the chaos rule {active.name!r} raised {active.raised}, so no call was made; mend it"
    rule = active.rule
    must = rule.must_fire
    if must is False or active.fired or rule.when.never:
        return None
    if active.calls and must is None and rule.when.by_chance:
        return None
    seen = active.missed or (f"{active.calls} calls fitted it" if active.calls else "no call fitted it")
    return f"the chaos rule {active.name!r} has injected nothing ({seen}); say must_fire=False if that is meant"
