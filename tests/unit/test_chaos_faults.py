"""Faults as data: every kind in its short form and its plain one, what cannot be, and the errors that say so."""

from __future__ import annotations

import json

import pytest

from pytest_aosfarm.chaos.faults import (
    Latency,
    RateLimited,
    ReadTimeout,
    Refused,
    Status,
    Truncated,
    fault_from,
    fault_kinds,
    fault_of,
)

FORMS = [form for kind in fault_kinds().values() for form in kind.forms]


@pytest.mark.parametrize("form", FORMS)
def test_a_short_form_is_read_and_comes_back_from_json(form):
    fault = fault_of(form)
    assert fault_from(json.loads(json.dumps(fault.plain()))) == fault
    assert hash(fault_from(fault.plain())) == hash(fault)


@pytest.mark.parametrize(
    ("form", "fault"),
    [
        ("503", Status(503)),
        ("read_timeout delivered", ReadTimeout(delivered=True)),
        ("latency:200ms", Latency.fixed("200ms")),
        ("latency: p50=80ms, p95=500ms, p99=2s", Latency.percentiles("80ms", "500ms", "2s")),
        ("rate_limited:2s", RateLimited("2s")),
        ("refused", Refused()),
        ("truncated:10", Truncated(10)),
    ],
)
def test_the_short_form_means_the_fault(form, fault):
    assert fault_of(form) == fault


def test_what_is_default_is_not_written():
    assert ReadTimeout().plain() == {"kind": "read_timeout"}
    assert Latency("0.2", delivered=True).plain() == {"kind": "latency", "delay": "200 ms", "delivered": True}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nope", r"'nope' is no fault; the forms of faults are latency:200ms, .*field_nested:items"),
        ("latency", "'latency' is no fault: it needs a delay: latency:200ms"),
        ("latency:3s..2s", "low <= high does not hold: low is 3 s, high is 2 s"),
        ("refused:3", "'refused:3' is no fault: it takes nothing after the colon"),
        ("700", "'700' is no fault: Status: code: Input should be less than or equal to 599; its forms: 503"),
        ("refused delivered", "delivered=True cannot be: it comes before anything is sent"),
        ("truncated not delivered", r"delivered=False cannot be: it spoils the reply of the module.*reply='\{\}'"),
        ("rate_limited:-1", "'-1' is no duration"),
    ],
)
def test_what_is_no_fault_is_refused_with_what_is_one(text, said):
    with pytest.raises(ValueError, match=said):
        fault_of(text)


def test_a_spoiled_reply_that_the_fault_brings_along_need_not_be_delivered():
    assert Truncated(3, reply='{"a":1}', delivered=False).delivered is False
