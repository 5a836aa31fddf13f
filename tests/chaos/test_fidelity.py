"""Every fault is what it pretends to be: a call with it and a call over a socket that really fails look the same."""

from __future__ import annotations

import httpcore
import pytest
from chaos.cases import CASES, SLOW_CASES
from chaos.observed import injected

from pytest_aosfarm.chaos import accidents
from pytest_aosfarm.chaos.faults import fault_kinds

WAYS = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])


def differences(case, asynchronous):
    """What a caller could tell the two apart by; nothing if they are the same."""
    real = case.compared(case.real(asynchronous, **case.client))
    seen, injection, clock = injected(asynchronous, case.fault, **{**case.client, **case.instead})
    seen = case.compared(seen)
    found = []
    if seen != real and not {_end(real), _end(seen)} <= case.or_else:
        found.append(f"real:     {real}\ninjected: {seen}")
    if abs(clock.time - case.waits) > 0.001 or abs(injection.delay_us - case.waits * 1e6) > 1000:
        found.append(f"it took {clock.time} s and says {injection.delay_us} us; {case.waits} s were asked for")
    return found


def _end(seen):
    return (*seen.error[:1], seen.message)


@WAYS
@pytest.mark.parametrize("name", [*CASES, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW_CASES)])
def test_nobody_can_tell_the_fault_from_a_real_one(name, asynchronous):
    assert differences({**CASES, **SLOW_CASES}[name], asynchronous) == []


def test_every_kind_has_a_case():
    assert {case.fault.kind for case in [*CASES.values(), *SLOW_CASES.values()]} == set(fault_kinds())
    for name, case in {**CASES, **SLOW_CASES}.items():
        assert name.partition("-")[0] == case.fault.kind


@WAYS
@pytest.mark.parametrize(
    ("kind", "accident", "wrong"),
    [
        ("read_timeout", "read_timeout", (httpcore.ReadError, accidents._late, TimeoutError)),
        ("refused", "refused", (httpcore.ConnectError, accidents._reset, accidents._reset)),
        ("pool_timeout", "pool_timeout", (httpcore.PoolTimeout, TimeoutError, None)),
    ],
)
def test_a_wrong_exception_or_a_wrong_cause_is_seen(kind, accident, wrong, asynchronous, monkeypatch):
    monkeypatch.setitem(accidents._KNOWN, accident, wrong)
    assert differences(CASES[kind], asynchronous) != []
