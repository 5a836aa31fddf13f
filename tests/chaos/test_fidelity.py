"""Every fault is what it pretends to be: a call with it and a call over a socket that really fails look the same."""

from __future__ import annotations

from dataclasses import replace

import httpcore
import pytest
from chaos.cases import CASES, SLOW_CASES
from chaos.observed import injected

from pytest_aosfarm.chaos import accidents
from pytest_aosfarm.chaos.exchange import Break
from pytest_aosfarm.chaos.faults import Closed, Empty, Reset, Truncated, fault_kinds

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
    "name",
    [
        "read_timeout",
        *(pytest.param(name, marks=pytest.mark.slow) for name in accidents._KNOWN if name != "read_timeout"),
    ],
)
def test_a_wrong_exception_is_seen(name, asynchronous, monkeypatch):
    _, *below = accidents._KNOWN[name]
    monkeypatch.setitem(accidents._KNOWN, name, (httpcore.NetworkError, *below))
    cases = {**CASES, **SLOW_CASES, "tls_certificate": CASES["tls_error"], "tls_protocol": CASES["tls_error-protocol"]}
    assert differences(cases[name], asynchronous) != []


@pytest.mark.parametrize(
    ("name", "asynchronous", "wrong"),
    [
        ("refused", False, (httpcore.ConnectError, accidents._reset, None)),
        ("refused", True, (httpcore.ConnectError, None, accidents._refused)),
        ("pool_timeout", False, (httpcore.PoolTimeout, TimeoutError, None)),
    ],
)
def test_a_wrong_origin_of_an_exception_is_seen(name, asynchronous, wrong, monkeypatch):
    monkeypatch.setitem(accidents._KNOWN, name, wrong)
    assert differences(CASES[name], asynchronous) != []


@WAYS
@pytest.mark.parametrize(
    ("name", "kind", "script"),
    [
        ("closed", Closed, (Break("reset"),)),
        ("reset-delivered", Reset, ()),
        ("truncated", Truncated, (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n",)),
        ("empty", Empty, (b"HTTP/1.1 200 OK\r\n\r\n",)),
    ],
)
def test_another_course_of_the_connection_is_seen(name, kind, script, asynchronous, monkeypatch):
    monkeypatch.setattr(kind, "script", lambda *_: script)
    assert differences(CASES[name], asynchronous) != []


@WAYS
def test_a_wait_of_another_length_is_seen(asynchronous):
    assert differences(replace(CASES["read_timeout"], waits=0.058), asynchronous) != []
