"""Callers with a planted bug each: what they are tried on, how they are run, and how many faults bring the bug to light."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
from chaos.observed import StillClock

from pytest_aosfarm.chaos.handle import Chaos
from pytest_aosfarm.chaos.plan import Plan, Schedule
from pytest_aosfarm.chaos.policy import Policy, rule_of
from pytest_aosfarm.chaos.shrink import Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_aosfarm.chaos.plan import Planned

    RedRun = tuple[Sequence[Planned], Callable[[Sequence[Planned]], Trial[Planned]]]
    Failure = tuple[str, int | None]

__all__ = ("BUGS", "LATE", "NOISE", "Bench", "Bug", "Shop", "bug", "doing", "last")

FEWEST_FAULTS, MOST_FAULTS = 5, 12
MOST_SEEDS = 1000
LATE = ("latency:50ms",) * 3
NOISE = ("503", "reset not delivered", "truncated", "latency:50ms")


@dataclass(frozen=True)
class Bug:
    """A caller that is red under `policy` now and then; `needs` faults suffice, and never fewer."""

    caller: Callable[[Shop], None]
    needs: int
    policy: Policy


BUGS: dict[str, Bug] = {}


def bug(needs, faults=NOISE, rate=0.5):
    """Enter a caller in `BUGS`."""

    def enter(caller):
        rule = rule_of(("shop",), faults, rate=rate, times=MOST_FAULTS)
        BUGS[caller.__name__] = Bug(caller, needs, Policy(rules=(rule,)))
        return caller

    return enter


def last(request):
    """The last part of a request's path."""
    return request.url.path.rpartition("/")[2]


def doing(effect):
    """A route that has an effect, of the last part of the path."""

    def answer(request):
        effect(last(request))
        return {"ok": True}

    return answer


class Shop:
    """A module with routes ("POST charge": method and first part of the path), and the client that calls it."""

    def __init__(self, chaos: Chaos, clock: StillClock) -> None:
        self.clock = clock
        self.routes: dict[str, Callable[[httpx.Request], Any]] = {}
        transport = httpx.MockTransport(self._answer)
        self.api = chaos.wrap(httpx.Client(transport=transport, base_url="http://shop.test", trust_env=False), "shop")

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """The JSON of a reply; None for an error, whichever."""
        try:
            return self.api.request(method, path, **more).raise_for_status().json()
        except (httpx.HTTPError, ValueError):
            return None

    def _answer(self, request: httpx.Request) -> httpx.Response:
        route = self.routes.get(f"{request.method} {request.url.path.split('/')[1]}", lambda _: {"ok": True})
        answer = route(request)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)


class Bench:
    """Runs callers one after the other, each time as in the first run but for the faults."""

    def __init__(self) -> None:
        self.clock = StillClock()
        self.chaos = Chaos(0, lambda: self.clock)
        self.shop = Shop(self.chaos, self.clock)

    def red_runs(self, bug: Bug) -> Iterator[RedRun]:
        """Runs of the caller under its policy, each with another seed, that are red with a few faults."""
        for seed in range(MOST_SEEDS):
            failure = self._run(bug, seed=seed)
            assert self.chaos.scope is not None
            schedule = self.chaos.scope.schedule
            if failure is not None and len(schedule.faults) >= FEWEST_FAULTS:
                yield schedule.faults, partial(self._again, bug, schedule, failure)

    def _again(self, bug: Bug, schedule: Schedule, failure: Failure, faults: Sequence[Planned]) -> Trial[Planned]:
        plan = Plan(Schedule(schedule.test, schedule.seed, tuple(faults)), loose=True)
        return Trial(self._run(bug, plan=plan) == failure, plan.taken)

    def _run(self, bug: Bug, seed: int = 0, plan: Plan | None = None) -> Failure | None:
        """Run the caller; how it failed and where, None if it is green."""
        self.shop.routes.clear()
        self.clock.time = 0.0
        self.chaos.begin(bug.caller.__name__, bug.policy, seed=seed, plan=plan)
        try:
            bug.caller(self.shop)
        except Exception as error:  # noqa: BLE001 - whatever turns a test red
            return type(error).__name__, traceback.extract_tb(error.__traceback__)[-1].lineno
        return None
