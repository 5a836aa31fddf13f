"""A Hypothesis strategy of fault schedules: whether a call gets a fault, and which, is drawn when the call is made.

So Hypothesis chooses for calls that there are, and shrinks a failing example until each of its faults matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import current_thread
from typing import TYPE_CHECKING, Any

from hypothesis import currently_in_test_context, note
from hypothesis import strategies as st

from pytest_aosfarm.chaos.plan import Plan, Planned, Schedule
from pytest_aosfarm.chaos.policy import rule_of
from pytest_aosfarm.errors import ChaosError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import DataObject, DrawFn, SearchStrategy

    from pytest_aosfarm.chaos.calls import CallKey
    from pytest_aosfarm.chaos.faults import Fault
    from pytest_aosfarm.chaos.policy import Match

__all__ = ("FaultSchedule", "fault_schedules")

RULE = "fault_schedules"
"""Whose draws the faults have: how long it takes, where a body ends."""


def fault_schedules(
    faults: object = ("503", "read_timeout", "reset"),
    *,
    max_faults: int = 8,
    modules: str | Sequence[str] = (),
    routes: str | Sequence[str] = (),
) -> SearchStrategy[FaultSchedule]:
    """Schedules of at most `max_faults` faults, for `with chaos.following(schedule)`.

    Every call gets one of `faults` (objects or short texts) or, as often as not, none. `modules` and `routes`
    ("POST /charge", "/orders/*") are the calls that are meant; without, all are. Raises ValueError for what is no fault.
    """
    named = (modules,) if isinstance(modules, str) else tuple(modules)
    paths = (routes,) if isinstance(routes, str) else tuple(routes)
    rules = [rule_of(named, faults, route=route) for route in paths or (None,)]
    given = rules[0].faults
    choices = [_Choice(None)] * len(given) + [_Choice(fault) for fault in given]
    return _schedules(st.sampled_from(choices), max_faults, [rule.match for rule in rules])


@st.composite
def _schedules(draw: DrawFn, *what: Any) -> FaultSchedule:
    return FaultSchedule(draw(st.data()), *what)


@dataclass(frozen=True, slots=True)
class _Choice:
    fault: Fault | None

    def __repr__(self) -> str:
        """As Hypothesis shows what was drawn."""
        return "no fault" if self.fault is None else self.fault.label


class FaultSchedule:
    """The faults of one example, which come to be as calls are made; all of them in the thread that the test runs in."""

    def __init__(
        self, data: DataObject, choices: SearchStrategy[_Choice], max_faults: int, matches: Sequence[Match]
    ) -> None:
        self._data = data
        self._choices = choices
        self._max_faults = max_faults
        self._matches = matches
        self._thread = current_thread()
        self.faults: list[Planned] = []

    def __repr__(self) -> str:
        """The faults until now: none, when Hypothesis begins an example."""
        return f"<{', '.join(map(str, self.faults)) or 'faults, drawn as calls are made'}>"

    def plan(self, test: str, seed: int) -> Plan:
        """What a scope follows."""
        return _Drawn(self, Schedule(test, seed, ()))

    def draw(self, key: CallKey, ordinal: int) -> Planned | None:
        """Choose for one call. Raises ChaosError in another thread than the test's."""
        if not any(match.fits_place(key.module, "", key.method, key.path) for match in self._matches):
            return None
        if current_thread() is not self._thread:
            raise ChaosError(
                f"{key.method} {key.path} was called in a thread of its own, where Hypothesis cannot draw its fault; "
                "call it in the test's thread, or leave it out of `routes`"
            )
        # What is drawn beyond the budget is left: so a fault less does not move the draws of later calls.
        fault = self._data.draw(self._choices, f"call {ordinal} of {key.method} {key.path}").fault
        if fault is None or len(self.faults) >= self._max_faults:
            return None
        self.faults.append(Planned(key, ordinal, RULE, fault))
        return self.faults[-1]

    def tell(self, injected: Schedule) -> None:
        """Have Hypothesis show the faults of a failing example, and what replays them."""
        if currently_in_test_context():
            faults = ", ".join(map(str, injected.faults)) or "none"
            note(f"Faults: {faults}; again with --farm-replay={injected.token()}")


class _Drawn(Plan):
    """A plan that is made while it is followed."""

    def __init__(self, source: FaultSchedule, schedule: Schedule) -> None:
        super().__init__(schedule, loose=True)
        self._source = source

    def take(self, key: CallKey, ordinal: int) -> Planned | None:
        """As drawn."""
        return self._source.draw(key, ordinal)
