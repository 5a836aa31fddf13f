"""Faults as data: every kind in its short form and its plain one, what cannot be, and the errors that say so."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.chaos.bodies import SpoiledReply
from pytest_aosfarm.chaos.draws import FaultDraws
from pytest_aosfarm.chaos.durations import in_words
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

DURATIONS = st.integers(0, 10**12).map(in_words)
KEEP = {"keep": st.none() | st.integers(0, 10**6)}
WORDS = st.text(string.ascii_letters + string.digits + " _-/;=", min_size=1).map(str.strip).filter(bool)
PATHS = st.none() | st.lists(st.sampled_from(["id", "items", "*", "0", "név"]), min_size=1, max_size=3).map(".".join)
NAMES = st.sampled_from(["identifier", "under_score", "név"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
DELAYS = DURATIONS | st.sampled_from(
    ["1 ms..2 s", "normal(1 s, 50 ms)", "p50=80 ms, p99=2 s", "p50=1 us, p95=2 us, p99=3 us", "pareto(100 ms, 1.25)"]
)
HEADERS = st.dictionaries(st.sampled_from(["Retry-After", "x-id", "content-type"]), WORDS)

FIELDS: dict[str, dict[str, Any]] = {
    "latency": {"delay": DELAYS, "at": st.sampled_from(["read", "write", "connect", "pool"])},
    "tls_error": {"over": st.sampled_from(["certificate", "protocol"])},
    "proxy_error": {"code": st.sampled_from([400, 403, 407, 502, 504])},
    "garbage": {"line": WORDS},
    "status": {"code": st.integers(400, 599), "body": st.none() | st.text(), "headers": HEADERS},
    "rate_limited": {"retry_after": DURATIONS, "as_date": st.booleans()},
    "bad_chunk": KEEP,
    "truncated": KEEP,
    "reset_body": KEEP,
    "stall": KEEP,
    "slow_body": {"pause": DURATIONS, "chunk": st.integers(1, 10**6)},
    "corrupt": {"count": st.integers(1, 1000)},
    "malformed_json": {"how": st.sampled_from([None, "cut", "comma", "quotes"])},
    "wrong_content_type": {"to": WORDS},
    "field_added": {"path": PATHS, "value": SCALARS},
    "field_removed": {"path": PATHS},
    "field_renamed": {"path": PATHS, "to": st.none() | NAMES},
    "field_retyped": {"path": PATHS, "to": st.none() | st.sampled_from(["string", "number", "boolean", "array", "object"])},
    "field_nested": {"path": PATHS, "under": NAMES},
}
"""Kind -> its own fields, beside `delivered` and the `reply` of those that spoil one."""


@st.composite
def faults(draw):
    """Any fault that can be."""
    kind = draw(st.sampled_from(sorted(fault_kinds())))
    given = {name: draw(values) for name, values in FIELDS.get(kind, {}).items()}
    if issubclass(fault_kinds()[kind], SpoiledReply):
        given["reply"] = draw(st.none() | st.text())
    fault = fault_kinds()[kind](**given)
    possible = [None, *({True, False} - set(fault.impossible_now()))]
    return type(fault)(**given, delivered=draw(st.sampled_from(possible)))


def test_every_field_of_every_kind_is_among_them():
    for name, kind in fault_kinds().items():
        own = {field.alias or key for key, field in kind.model_fields.items()} - {"kind", "delivered", "reply"}
        assert own == set(FIELDS.get(name, {}))


@given(faults())
def test_any_fault_comes_back_from_json(fault):
    plain = json.loads(json.dumps(fault.plain()))
    again = fault_from(plain)
    assert again == fault
    assert type(again) is type(fault)
    assert again.plain() == plain
    assert hash(again) == hash(fault)


@given(faults())
def test_what_is_left_out_is_what_is_default(fault):
    for name, field in type(fault).model_fields.items():
        if name != "kind":
            assert ((field.alias or name) in fault.plain()) == (getattr(fault, name) != field.default)


@given(faults(), st.binary(min_size=8, max_size=8).map(FaultDraws))
def test_a_fault_goes_through_as_it_says_and_at_all_if_it_can(fault, draws):
    through = fault.goes_through(draws)
    assert fault.delivered in {None, through}
    assert fault.kind == "latency" or through not in fault.impossible_now()  # of latency the client's timeout decides


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
