"""The keyed hash: golden values, no two columns alike, nothing drawn twice."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.synthetic.hashing import Draws, Shuffle, draw, draw_key


def test_golden_values_define_the_data():
    assert draw_key(1, "acme", "applications", "name") == (0x9599739653B93750, 0xBE0B81548AEF1ADD)
    draws = Draws(1, "acme", "applications", "name")
    assert [draws.bits(i) for i in (0, 1, 2, 999_999_999)] == [
        0x7BE38AFADE1AB5FC,
        0x68D7C3A96E54A553,
        0x59EF3A505326B2DB,
        0x3DCFAC67011C17FE,
    ]


def test_the_definition_is_splitmix64_with_a_second_key_word():
    # With k2 = 0 and k1 = golden, draw i is the published SplitMix64's output i from state 0.
    assert draw(0x9E3779B97F4A7C15, 0, 0) == 0xE220A8397B1DCDAF
    assert draw(0x9E3779B97F4A7C15, 0, 1) == 0x6E789E6AA1B965F4


@pytest.mark.parametrize("changed", [(2, "a", "t", "c"), (1, "b", "t", "c"), (1, "a", "u", "c"), (1, "a", "t", "d")])
def test_every_part_of_the_key_matters(changed):
    assert draw_key(*changed) != draw_key(1, "a", "t", "c")


def test_parts_of_a_key_do_not_run_into_each_other():
    assert draw_key(1, "ab", "c", "d") != draw_key(1, "a", "bc", "d")


@given(st.integers(0, 2**63), st.text(), st.integers(0, 2**40), st.integers(1, 2**32))
def test_below_stays_below(seed, key, i, n):
    assert 0 <= Draws(seed, key, "t", "c").below(i, n) < n


@given(st.integers(), st.text(min_size=1), st.integers(1, 3000))
def test_a_shuffle_is_a_permutation(seed, key, n):
    shuffle = Shuffle(n, seed, key, "t", "c")
    assert sorted(shuffle[i] for i in range(n)) == list(range(n))


@pytest.mark.parametrize("outside", [-1, 10])
def test_a_shuffle_has_no_element_outside(outside):
    with pytest.raises(IndexError, match="permutation of 10"):
        Shuffle(10, 1, "a", "t", "c")[outside]


def test_a_shuffle_of_nothing_is_refused():
    with pytest.raises(ValueError, match="n=0"):
        Shuffle(0, 1, "a", "t", "c")


@given(st.integers(0, 2**64), st.sets(st.integers(0, 2**50), min_size=2))
def test_tokens_never_repeat(seed, rows):
    draws = Draws(seed, "a", "t", "id")
    assert len({draws.token(i) for i in rows}) == len(rows)


def correlation(xs: list[int], ys: list[int]) -> float:
    """How often the top bits agree, as a distance from chance in standard deviations."""
    same = sum((x >> 63) == (y >> 63) for x, y in zip(xs, ys, strict=True))
    return (same - len(xs) / 2) / math.sqrt(len(xs) / 4)


@pytest.mark.parametrize("other", [(1, "a", "t", "d"), (2, "a", "t", "c"), (1, "b", "t", "c")])
@pytest.mark.parametrize("shift", [0, 1, 7])
def test_columns_seeds_and_tenants_are_uncorrelated(other, shift):
    rows = range(20_000)
    one, two = Draws(1, "a", "t", "c"), Draws(*other)
    assert abs(correlation([one.bits(i) for i in rows], [two.bits(i + shift) for i in rows])) < 5


def test_the_correlation_measure_can_fail():
    one = Draws(1, "a", "t", "c")
    bits = [one.bits(i) for i in range(20_000)]
    assert correlation(bits, bits) > 5


@pytest.mark.parametrize("hash_seed", ["0", "1", "4242"])
def test_the_same_in_another_process_whatever_the_hash_seed(hash_seed):
    script = "from pytest_aosfarm.synthetic.hashing import Draws; print(Draws(7, 'acme', 't', 'c').bits(5))"
    out = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, check=True
    )
    assert int(out.stdout) == Draws(7, "acme", "t", "c").bits(5)
