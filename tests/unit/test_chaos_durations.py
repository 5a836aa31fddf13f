"""Durations: what is read, what is refused, and that a printed duration is read back."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_aosfarm.chaos.durations import in_words, microseconds

READ = {
    "200ms": 200_000,
    "5s": 5_000_000,
    " 1.5 s ": 1_500_000,
    "0.1ms": 100,
    "7us": 7,
    "1m30s": 90_000_000,
    "2 min 5 s": 125_000_000,
    "1h": 3_600_000_000,
    "3": 3_000_000,
    "0.25": 250_000,
    "0s": 0,
    5: 5_000_000,
    0: 0,
    0.1: 100_000,
    1e-6: 1,
    2.5: 2_500_000,
}


@pytest.mark.parametrize(("value", "us"), READ.items(), ids=map(repr, READ))
def test_a_duration_is_read(value, us):
    assert microseconds(value) == us


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "s", "5 x", "5sec", "-5s", "5s 3", "1,5s", "1e3s", ".5s", "\N{ARABIC-INDIC DIGIT THREE}s", "5mss"),
        *(-1, -0.5, math.inf, math.nan, True, None, 10**16),
    ],
    ids=repr,
)
def test_what_is_no_duration_is_refused_with_what_is_one(value):
    with pytest.raises(ValueError, match=r"is no duration; write seconds as a number, or a text such as '200ms'") as caught:
        microseconds(value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("us", "words"),
    [
        (0, "0 s"),
        (999, "999 us"),
        (1000, "1 ms"),
        (1250, "1.25 ms"),
        (200_000, "200 ms"),
        (1_000_000, "1 s"),
        (1_500_000, "1.5 s"),
        (59_999_999, "59.999999 s"),
        (60_000_000, "1 min"),
        (125_000_000, "2 min 5 s"),
        (3_600_000_001, "1 h 0.000001 s"),
    ],
)
def test_words(us, words):
    assert in_words(us) == words


@given(st.integers(0, 10**15))
@example(3_660_000_000)
def test_words_are_read_back(us):
    assert microseconds(in_words(us)) == us


@given(st.integers(0, 10**10))
def test_seconds_as_a_number_are_read_to_the_microsecond(us):
    assert microseconds(us / 1_000_000) == us
