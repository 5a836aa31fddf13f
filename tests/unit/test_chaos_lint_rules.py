"""The rules of the retry linter on histories written by hand, and what holds for every history."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.chaos.attempts import logical_calls
from pytest_aosfarm.chaos.calls import CallKey, CallRecord
from pytest_aosfarm.chaos.faults import Status
from pytest_aosfarm.chaos.lint import RULES, lint

CHARGE = CallKey("finops", "POST", "/charge")


def call(number, sent_ms, *, key=CHARGE, ended_ms=None, **fields):
    ended = sent_ms + 10 if ended_ms is None else ended_ms
    return CallRecord(number=number, key=key, ordinal=number, sent_us=sent_ms * 1000, ended_us=ended * 1000, **fields)

def rules(history):
    return [finding.rule for finding in lint(history)]


LOST_POST = {"error": "ReadTimeout", "delivered": None}


def test_the_sentence_says_what_was_sent_again_after_what():
    history = [call(1, 0, **LOST_POST), call(2, 100, error="ReadError"), call(3, 200, status=200)]
    (found,) = lint(history)
    assert str(found) == (
        "unsafe-retry: finops POST /charge: sent again after ReadTimeout, though the module may have got it and the request"
        " has no idempotency key; 1 more like it (calls 1, 2, 3);"
        " retry only what was surely not delivered, or send an Idempotency-Key"
    )


NOT_UNSAFE = {
    "once": [call(1, 0, **LOST_POST)],
    "other body": [call(1, 0, **LOST_POST), call(2, 100, key=CallKey("finops", "POST", "/charge", "0" * 16))],
    "other lane": [call(1, 0, **LOST_POST), call(2, 100, key=CallKey("finops", "POST", "/charge", "", "a"))],
    "much later": [call(1, 0, **LOST_POST), call(2, 200_000)],
    "racy": [call(1, 0, **LOST_POST), call(2, 100, racy=True)],
    "stray": [call(1, 0, **LOST_POST), call(2, 100, stray=True)],
    "at once": [call(1, 0, ended_ms=500, **LOST_POST), call(2, 100), call(3, 600)],
    "twice": [call(1, 0, status=200), call(2, 100, status=200)],
    "refused": [call(1, 0, status=409), call(2, 100, status=201)],
    "unsent": [call(1, 0, error="ConnectError"), call(2, 100, status=201)],
    "looked": [call(1, 0, **LOST_POST), call(2, 50, key=CallKey("finops", "GET", "/charge/7"), status=200), call(3, 100)],
}


@pytest.mark.parametrize("asked", [0, 30])
def test_a_retry_comes_within_two_minutes_of_when_it_may(asked):
    for late in (0, 1):
        after = 10 + (120 + asked) * 1000 + late
        history = [call(1, 0, status=503, retry_after_us=asked * 1_000_000), call(2, after)]
        assert len(logical_calls(history)) == 1 + late


@pytest.mark.parametrize("status", [408, 421, 425, 429, 503])
def test_a_status_that_refuses_leaves_nothing_done_unless_a_fault_put_it_there(status):
    history = [call(1, 0, status=status), call(2, 100, status=500), call(3, 200)]
    assert [call.numbers for call in logical_calls(history)] == [(1, 2, 3)]
    assert lint(history[:2]) == []
    (found,) = lint(history)
    assert found.calls == (2, 3)
    replaced = call(1, 0, status=status, fault=Status(status, delivered=True))
    assert rules([replaced, call(2, 100)]) == ["unsafe-retry"]


@pytest.mark.parametrize("history", NOT_UNSAFE.values(), ids=NOT_UNSAFE)
def test_what_is_no_unsafe_retry(history):
    assert lint(history) == []


@pytest.mark.parametrize("keys", [(True, False), (False, True), (True, True)])
def test_an_idempotency_key_must_be_on_both_requests(keys):
    first, second = keys
    history = [call(1, 0, idempotency_key=first, **LOST_POST), call(2, 100, idempotency_key=second)]
    assert rules(history) == ["unsafe-retry"] * (keys != (True, True))


def test_one_attempt_alone_may_take_longer_than_the_deadline():
    (found,) = lint([call(1, 0, ended_ms=1500, status=200)], deadline_us=1_000_000)
    assert "finops POST /charge: 1 attempt took 1.5 s where the caller's deadline is 1 s (call 1); give" in str(found)


def test_who_read_something_else_or_in_vain_does_not_know_what_was_done():
    for key, status in ((CallKey("finops", "GET", "/rates"), 200), (CallKey("finops", "GET", "/charge/7"), 503)):
        history = [call(1, 0, **LOST_POST), call(2, 50, key=key, status=status), call(3, 100)]
        assert rules(history) == ["unsafe-retry"]


@pytest.mark.parametrize(
    ("asked", "waited", "found"),
    [(10_000, 9_000, False), (10_000, 8_999, True), (1000, 500, False), (1000, 499, True), (0, 0, False)],
)
def test_retry_after_counts_in_whole_seconds(asked, waited, found):
    get = CallKey("aod", "GET", "/runs")
    history = [call(1, 0, key=get, status=429, retry_after_us=asked * 1000), call(2, 10 + waited, key=get)]
    assert rules(history) == ["ignored-retry-after"] * found


def test_waits_that_are_the_rhythm_of_a_test_are_no_missing_jitter():
    every = 5000
    probe = CallKey("aod", "GET", "/health")
    down = {3, 4, 8, 9, 10}
    polled = [call(n, n * every, key=probe, status=503 if n in down else 200) for n in range(1, 13)]
    assert lint(polled) == []
    both = [
        call(2 * n + m, n * every + m * 20, key=CallKey("aod", "GET", path), status=503)
        for n in range(1, 6)
        for m, path in enumerate(("/health", "/version"))
    ]
    assert lint(both) == []


def waiting(*lists):
    """Calls one after the other, each of which fails and is tried again after each of its waits (milliseconds)."""
    at = 0
    made: list[CallRecord] = []
    for place, waits in enumerate(lists):
        for wait in (*waits, None):
            made.append(call(len(made) + 1, at, key=CallKey("aod", "GET", f"/{place}"), status=200 if wait is None else 503))
            at += 10 + (9000 + 100 * place if wait is None else wait)
    return made


@pytest.mark.parametrize(
    ("waits", "found"),
    [
        ([[700], [700], [700]], True),
        ([[700], [700]], False),
        ([[700, 700, 700]], False),
        ([[100, 200], [100]], True),
        ([[100, 200], [100, 200], [100, 250]], False),
        ([[700], [701], [700]], True),
        ([[700], [702], [700]], False),
        ([[60_000], [60_060], [60_000]], True),
        ([[60_000], [60_062], [60_000]], False),
        ([[0, 300], [0, 300], [0, 300]], True),
        ([[9], [9], [9]], False),
        ([[10], [10], [10]], True),
    ],
)
def test_three_equal_waits_of_two_calls_say_that_there_is_no_jitter(waits, found):
    assert rules(waiting(*waits)) == ["no-jitter"] * found


@pytest.mark.parametrize("down", [(300, 200, 100), (200, 200, 200)])
def test_only_waits_that_grow_tell_a_back_off_from_a_rhythm(down):
    health, version = CallKey("aod", "GET", "/health"), CallKey("aod", "GET", "/version")
    at = 0
    made: list[CallRecord] = []
    for wait in (*down, 0):
        made += [call(len(made) + 1, at, key=health, status=503), call(len(made) + 2, at, key=version, status=503)]
        at += 10 + wait
    assert rules(made) == []


def test_a_herd_that_comes_back_in_step_has_no_jitter():
    """Three callers at the same time: 100, 200 and 400 ms after each failure, where a test's own rhythm would not grow."""
    herd = [
        call(3 * attempt + caller, at, key=CallKey("aod", "GET", f"/runs/{caller}"), status=503)
        for attempt, at in enumerate((0, 110, 320, 730))
        for caller in (1, 2, 3)
    ]
    (found,) = lint(herd)
    assert str(found).startswith(
        "no-jitter: aod: 3 calls each waited 100 ms, 200 ms, 400 ms before they were tried again"
        " (calls 1, 2, 3, 4, 5, 6, 7, 8…);"
    )


def in_turn(*, times=5, every=1, quiet=120, after=3, answered=0):
    """dcl and aod in turn every so many seconds, where aod fails but for the first times; after some quiet only dcl."""
    made: list[CallRecord] = []
    for n in range(times):
        made.append(call(len(made) + 1, n * every * 1000, key=CallKey("dcl", "GET", f"/{n}"), status=200))
        status = 200 if n < answered else 503
        made.append(call(len(made) + 1, n * every * 1000 + 10, key=CallKey("aod", "GET", f"/{n}"), status=status))
    end = made[-1].sent_us // 1000 + 10
    for n in range(after):
        made.append(call(len(made) + 1, end + quiet * 1000 + n, key=CallKey("dcl", "GET", f"/then/{n}"), status=200))
    return made


@pytest.mark.parametrize(
    ("turns", "calls"),
    [
        ({}, (2, 4, 6, 8, 10)),
        ({"times": 4}, ()),
        ({"times": 6, "answered": 1}, (4, 6, 8, 10, 12)),
        ({"times": 6, "answered": 2}, ()),
        ({"after": 2}, ()),
        ({"quiet": 119}, ()),
        ({"every": 100, "quiet": 299}, ()),
        ({"every": 100, "quiet": 300}, (2, 4, 6, 8, 10)),
    ],
    ids=str,
)
def test_a_module_that_was_given_up_for_long_enough(turns, calls):
    assert [one.calls for one in lint(in_turn(**turns)) if one.rule == "breaker-never-half-opens"] == [calls] * bool(calls)


STORMS = [(3, 0, False), (4, 23, True), (4, 24, False), (5, 50, False), (6, 50, True), (30, 1000, False)]


@pytest.mark.parametrize(("attempts", "wait", "found"), STORMS)
def test_a_storm_is_more_attempts_than_a_doubling_wait_makes(attempts, wait, found):
    key = CallKey("aod", "GET", "/")
    history = [call(n + 1, n * wait, key=key, ended_ms=n * wait, status=503) for n in range(attempts)]
    assert rules(history) == ["retry-storm"] * found


KEYS = [CallKey(module, *rest) for module in ("aod", "dcl") for rest in (("GET", "/a"), ("POST", "/b"), ("GET", "/b"))]
ENDS = st.sampled_from(
    [
        {"status": 200},
        {"status": 503},
        {"status": 503, "fault": Status(503)},
        {"status": 429, "retry_after_us": 5_000_000},
        {"error": "ReadTimeout", "delivered": None},
        {"error": "ConnectError", "delivered": False},
    ]
)
GAPS, LENGTHS = st.sampled_from([0, 1, 100, 200, 1000, 90_000]), st.sampled_from([0, 50, 5000])
BURSTS = st.tuples(st.sampled_from(KEYS), GAPS, LENGTHS, ENDS, st.integers(1, 6), st.booleans())


@st.composite
def histories(draw):
    """Calls made several times each, one after the other or sometimes at once, to two modules in turn."""
    now = 0
    made: list[CallRecord] = []
    for key, gap, length, end, times, at_once in draw(st.lists(BURSTS, max_size=12)):
        for _ in range(times):
            now += gap
            made.append(call(len(made) + 1, now, key=key, ended_ms=now + length, **end))
            now += 0 if at_once else length
    return made


@given(histories())
def test_calls_to_another_module_change_no_finding(history):
    alone = lint([one for one in history if one.key.module == "aod"])
    beside = [one for one in lint(history) if one.module == "aod" and one.rule != "breaker-never-half-opens"]
    assert alone == beside


@given(histories())
def test_findings_are_in_one_order_and_rest_on_failed_calls_of_their_module(history):
    found = lint(history, deadline_us=1_000_000)
    assert lint([*reversed(history)], deadline_us=1_000_000) == found
    assert [one.calls[0] for one in found] == sorted(one.calls[0] for one in found)
    assert len({(one.rule, one.module, one.endpoint) for one in found}) == len(found)
    for one in found:
        assert one.rule in RULES
        assert {history[number - 1].key.module for number in one.calls} == {one.module}
        assert list(one.calls) == sorted(set(one.calls))
    assert lint([one for one in history if one.status == 200]) == []
