"""Effects that may happen once."""

from __future__ import annotations

import pytest

from pytest_aosfarm.chaos.effects import DoubleEffectError, assert_at_most_once
from pytest_aosfarm.errors import ChaosError


@pytest.mark.parametrize("after", [3, 4])
def test_once_or_never_is_fine(after):
    assert_at_most_once(3, after)


def test_twice_is_a_failure_of_the_test_that_names_the_effect_and_the_calls():
    with pytest.raises(AssertionError) as caught:
        assert_at_most_once(1, 3, what="POST /charge", calls=[4, 5])
    assert isinstance(caught.value, DoubleEffectError)
    assert isinstance(caught.value, ChaosError)
    assert str(caught.value).startswith(
        "POST /charge happened 2 times where once was meant (the count went from 1 to 3) by calls 4, 5; retry only"
    )


def test_a_count_that_shrinks_tells_nothing():
    with pytest.raises(ChaosError, match="went from 2 down to 1, so it tells nothing") as caught:
        assert_at_most_once(2, 1)
    assert not isinstance(caught.value, DoubleEffectError)
