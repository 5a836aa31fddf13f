"""Latency: percentiles that are exactly those asked for, delays that are the same everywhere, and the forms of both."""

from __future__ import annotations

import math
from decimal import Decimal
from statistics import NormalDist

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_aosfarm.chaos.draws import FaultDraws
from pytest_aosfarm.chaos.durations import microseconds
from pytest_aosfarm.chaos.faults import Latency
from pytest_aosfarm.chaos.latency import Fixed, Normal, Pareto, Percentiles, Uniform, delay_of

P50, P95, P99 = Decimal("0.5"), Decimal("0.95"), Decimal("0.99")
DURATIONS = st.integers(0, 10**12)
SHARES = st.integers(0, 2**64 - 1).map(lambda bits: Decimal(2 * bits + 1) / Decimal(2**65))
GOLDEN = {
    "100ms..2s": (1016948, 53025692),
    "normal(1s, 100ms)": (995638, 50001219),
    "p50=80ms, p99=2s": (75315, 8756556),
    "p50=80ms, p95=1s, p99=2s": (74817, 10020966),
    "pareto(100ms, 1.5)": (155162, 11833973),
}
"""Form -> the delay of one call and the sum of those of fifty others, in microseconds."""


@st.composite
def delays(draw):
    """Any delay."""
    low, middle, high = sorted(draw(st.tuples(DURATIONS, DURATIONS, DURATIONS)))
    return draw(
        st.sampled_from(
            [
                Fixed(low),
                Uniform(low, high),
                Normal(middle, low),
                Percentiles(low + 1, high + 1),
                Percentiles(low + 1, high + 1, middle + 1),
                Pareto(low, Decimal(draw(st.integers(1, 10**6))) / 1000),
            ]
        )
    )


def drawn(latency, count):
    return sorted(latency.delay_us(FaultDraws(number.to_bytes(8, "little"))) for number in range(count))


@given(st.lists(st.integers(1, 10**12), min_size=3, max_size=3).map(sorted))
@example([1, 1, 1])
@example([80_000, 500_000, 2_000_000])
def test_the_percentiles_are_exactly_those_asked_for(asked):
    p50, p95, p99 = asked
    bent = Percentiles(p50, p99, p95)
    assert [bent.quantile(share) for share in (P50, P95, P99)] == asked
    straight = Percentiles(p50, p99)
    assert [straight.quantile(share) for share in (P50, P99)] == [p50, p99]


@pytest.mark.parametrize("count", [400, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("latency", "percentiles"),
    [
        (Latency.percentiles("80ms", "500ms", "2s"), {P50: "80ms", P95: "500ms", P99: "2s"}),
        (Latency.lognormal("800ms", "8s"), {P50: "800ms", P99: "8s"}),
        (Latency.normal("1s", "100ms"), {P50: "1s", P95: "1164485us", P99: "1232635us"}),
        (Latency.uniform("1s", "2s"), {P50: "1.5s", P95: "1.95s", P99: "1.99s"}),
        (Latency.pareto("100ms", 1.5), {P50: "158740us", P95: "736806us", P99: "2154435us"}),
    ],
    ids=["percentiles", "lognormal", "normal", "uniform", "pareto"],
)
def test_as_many_draws_stay_below_a_percentile_as_it_says(latency, percentiles, count):
    seen = drawn(latency, count)
    assert len(set(seen)) > count * 0.9
    for share, value in percentiles.items():
        below = sum(us <= microseconds(value) for us in seen) / count
        assert below == pytest.approx(float(share), abs=3.5 * math.sqrt(float(share * (1 - share)) / count))


@given(delays(), SHARES, SHARES)
def test_a_greater_share_never_takes_less_and_nothing_takes_less_than_nothing(delay, one, other):
    low, high = sorted([one, other])
    assert 0 <= delay.quantile(low) <= delay.quantile(high) < 2**63


@given(delays())
def test_a_delay_is_read_back_from_its_text(delay):
    assert delay_of(str(delay)) == delay


def test_normal_scores_are_those_of_the_standard_library():
    shares = [Decimal(number) / 1000 for number in range(1, 1000)] + [Decimal(1) / 10**8, 1 - Decimal(1) / 10**8]
    normal = Normal(10**15, 10**13)
    for share in shares:
        expected = 10**15 + NormalDist().inv_cdf(float(share)) * 10**13
        assert normal.quantile(share) == pytest.approx(expected, rel=1e-9)


def test_delays_are_the_same_on_every_machine():
    draws = FaultDraws(b"a call")
    assert {form: (Latency(form).delay_us(draws), sum(drawn(Latency(form), 50))) for form in GOLDEN} == GOLDEN


@pytest.mark.parametrize(
    ("text", "delay"),
    [
        ("200ms", Fixed(200_000)),
        ("2", Fixed(2_000_000)),
        (0.25, Fixed(250_000)),
        ("1 min 5 s", Fixed(65_000_000)),
        ("100ms..2s", Uniform(100_000, 2_000_000)),
        ("normal(200ms,50 ms)", Normal(200_000, 50_000)),
        ("p99=2s,p50=80ms", Percentiles(80_000, 2_000_000)),
        ("p50=80ms, p95=500ms, p99=2s", Percentiles(80_000, 2_000_000, 500_000)),
        ("pareto(100ms, 1.5)", Pareto(100_000, Decimal("1.5"))),
    ],
)
def test_a_delay_is_read(text, delay):
    assert delay_of(text) == delay
    assert Latency(text) == Latency(delay)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("soon", "'soon' is no duration"),
        ("2s..1s", "low <= high does not hold: low is 2 s, high is 1 s"),
        ("p50=80ms", "p50 and p99 are needed"),
        ("p50=80ms, p98=2s", "'p98=2s' is not one of p50=…, p95=…, p99=…, each once"),
        ("p50=2s, p95=1s, p99=3s", "p50 <= p95 <= p99 does not hold: p50 is 2 s, p95 is 1 s, p99 is 3 s"),
        ("p50=0s, p99=1s", "p50 is 0"),
        ("pareto(1s, 0)", "alpha is 0"),
        ("pareto(1s, many)", "'many' is no number"),
        ("normal(1s)", "is no duration"),
        (None, "is no duration"),
        (True, "is no duration"),
        (-1, "is no duration"),
    ],
)
def test_what_is_no_delay_is_refused_with_what_is_one(text, why):
    with pytest.raises(ValueError, match=r"is no d") as caught:
        delay_of(text)
    assert why in str(caught.value)
    with pytest.raises(ValueError, match=r"^Latency: delay: "):
        Latency(text)
