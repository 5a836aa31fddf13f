"""Which rule hits a call: the first of those in force that fires and has something left of its budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aosfarm.chaos.calls import CallRecord
from pytest_aosfarm.chaos.draws import FaultDraws, rule_draws
from pytest_aosfarm.chaos.policy import DRAWS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import httpx

    from pytest_aosfarm.chaos.calls import CallKey
    from pytest_aosfarm.chaos.faults import Fault
    from pytest_aosfarm.chaos.policy import Rule

__all__ = ("ActiveRule", "Call", "RuleInTest", "decide", "strike")


class ActiveRule:
    """A rule under its name, and what it did: `calls` met, `fired` into. It may outlive a test (a wider fixture's).

    `missed` says why a fault could not be injected into the reply that it met, `raised` what its function `body` raised.
    """

    __slots__ = ("calls", "fired", "missed", "name", "raised", "rule")

    def __init__(self, name: str, rule: Rule) -> None:
        self.name = name
        self.rule = rule
        self.calls = 0
        self.fired = 0
        self.missed: str | None = None
        self.raised: str | None = None


class RuleInTest:
    """A rule in one test: its draws, and what it has spent of its budget. `threshold` is None when it changes."""

    __slots__ = ("active", "draw", "fired", "flying", "looks_inside", "rule", "threshold")

    def __init__(self, active: ActiveRule, seed: int, test: str) -> None:
        self.active = active
        self.rule = rule = active.rule
        self.draw = rule_draws(seed, test, active.name)
        self.looks_inside = rule.match.looks_inside
        self.threshold = rule.when.threshold(1, 0) if rule.when.is_constant else None
        self.fired = self.flying = 0


class Call(CallRecord):
    """A call under way. With `draws`, its fault is to be injected; `spent` is the rule that pays for it.

    `unruled`: a function of a rule raised instead of saying whether the call fits, and so it was not made.
    """

    draws: FaultDraws | None = None
    spent: RuleInTest | None = None
    unruled = False

    def __init__(self, number: int, key: CallKey, ordinal: int, sent_us: int) -> None:
        # As in the base; without names it takes a third of the time.
        self.number = number
        self.key = key
        self.ordinal = ordinal
        self.sent_us = sent_us


def decide(rules: Iterable[RuleInTest], call: Call, request: httpx.Request, body: bytes) -> None:
    """Let the first rule that fires hit the call, if one does; whoever asks holds the lock of the test."""
    for one in rules:
        rule = one.rule
        if one.looks_inside and not _fits(one.active, call, request, body):
            continue
        one.active.calls += 1
        threshold = one.threshold
        if threshold is None:
            threshold = rule.when.threshold(call.ordinal, call.sent_us)
        if not threshold:
            continue
        base = one.draw(call.key, call.ordinal)
        if threshold < DRAWS and int.from_bytes(base) >= threshold:
            continue
        budget = rule.budget
        if budget.times is not None and one.fired >= budget.times:
            continue
        if budget.concurrent is not None and one.flying >= budget.concurrent:
            continue
        if one.flying and (budget.times is not None or budget.concurrent is not None):
            call.racy = True
        one.fired += 1
        one.flying += 1
        one.active.fired += 1
        call.spent = one
        which = 0 if len(rule.faults) == 1 else FaultDraws(base).below("fault", len(rule.faults))
        strike(call, one.active.name, rule.faults[which], base)
        return


def _fits(active: ActiveRule, call: Call, request: httpx.Request, body: bytes) -> bool:
    """Whether the call is what the rule looks for; what the user's function raises the caller may swallow."""
    try:
        return active.rule.match.fits(request.headers, request.url.params, body)
    except Exception as error:
        call.error, call.delivered, call.ended_us, call.unruled = type(error).__name__, False, call.sent_us, True
        active.raised = repr(error)
        error.add_note(f"aosfarm: raised by the function `body` of the chaos rule {active.name!r}; the call was not made")
        raise


def strike(call: Call, rule: str, fault: Fault, base: bytes) -> None:
    """Have the fault injected into the call; `base` keys what it draws."""
    call.rule, call.fault = rule, fault
    call.draws = FaultDraws(base)
