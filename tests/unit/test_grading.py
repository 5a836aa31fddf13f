"""Grading: exact keys, missing is wrong, invented is wrong, and useless answers get useless grades."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.grading import Miss, explain, grade
from pytest_aosfarm.synthetic.dataset import Dataset

ANSWERS = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["clean", "shadow", "zombie"]))


def test_by_hand():
    result = grade(
        {"a": "shadow", "b": "shadow", "c": "clean", "d": "clean"},
        {"a": "shadow", "b": "clean", "c": "clean", "x": "shadow"},
    )
    shadow, clean = result.classes["shadow"], result.classes["clean"]
    assert (shadow.precision, shadow.recall, shadow.f1) == (0.5, 0.5, 0.5)
    assert (clean.precision, clean.recall) == (0.5, 0.5)
    assert result.misses == (Miss("b", "shadow", "clean"), Miss("d", "clean", "absent"), Miss("x", "absent", "shadow"))
    assert not result.perfect


def test_flagging_everything_costs_precision_and_the_other_classes():
    planted = {str(i): "shadow" if i < 10 else "clean" for i in range(100)}
    result = grade(planted, dict.fromkeys(planted, "shadow"))
    assert result.classes["shadow"].recall == 1
    assert result.classes["shadow"].precision == pytest.approx(0.1)
    assert result.classes["clean"].f1 == 0


def test_flagging_nothing_costs_recall():
    result = grade({"a": "shadow"}, {})
    assert (result.classes["shadow"].precision, result.classes["shadow"].recall, result.classes["shadow"].f1) == (0, 0, 0)


@pytest.mark.parametrize("near", ["X.com", "x.com.", "www.x.com", "x.co", "o"])
def test_a_key_that_is_nearly_right_is_wrong(near):
    assert not grade({"x.com": "shadow"}, {near: "shadow"}).classes["shadow"].right


@given(ANSWERS, ANSWERS)
def test_a_grade_is_perfect_exactly_when_the_answers_are_equal(planted, said):
    result = grade(planted, said)
    assert result.perfect == (planted == said)
    assert result.perfect == all(one.f1 == 1 for one in result.classes.values())


@given(ANSWERS, ANSWERS)
def test_counts_add_up(planted, said):
    result = grade(planted, said)
    assert sum(one.planted for one in result.classes.values()) == len(planted)
    assert sum(one.said for one in result.classes.values()) == len(said)
    assert all(one.right <= min(one.planted, one.said) for one in result.classes.values())
    assert all(0 <= one.f1 <= 1 for one in result.classes.values())


def test_properties_are_flat_numbers():
    assert grade({"a": "clean"}, {"a": "clean"}).properties("aod") == {
        "aod.clean.precision": 1.0,
        "aod.clean.recall": 1.0,
        "aod.clean.f1": 1.0,
        "aod.clean.planted": 1,
    }


def test_a_miss_is_explained_with_its_rule_and_its_evidence():
    snapshot = Dataset("acme", seed=1, scale="small", anchor=datetime(2026, 1, 15, tzinfo=UTC)).snapshot()
    key = snapshot.keys_of("retired-ci")[0]
    text = explain([Miss(key, "shadow", "clean"), Miss("made.up", "absent", "shadow")], snapshot)
    assert "planted shadow, said clean (retired-ci: a CI in a retired lifecycle governs nothing)" in text
    assert "cmdb.cis: {'ci_id':" in text
    assert "nothing was planted under this key" in text
    assert "and 2 more: b, c" in explain([Miss(k, "clean", "shadow") for k in "abc"], snapshot, most=1)
