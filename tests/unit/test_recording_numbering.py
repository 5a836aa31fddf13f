"""Attempts are numbered, and say why they were made and what they replace, whatever came before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.recording.events import OTHER, OUTCOMES
from pytest_aosfarm.recording.numbering import FIRST, Number, Numbering


def test_the_same_test_again_replaces_what_was_before() -> None:
    numbering = Numbering()
    assert numbering.next("t", "t.py::t", None, "other") == FIRST
    assert numbering.next("t", "t.py::t", None, "failed") == Number(2, "rerun", 1, "other")
    assert numbering.next("t", "t.py::t", None, "passed") == Number(3, "rerun", 2, "failed")
    assert numbering.next("u", "t.py::u", None, "passed") == FIRST


def test_after_a_crash_it_is_run_again_because_of_that() -> None:
    numbering = Numbering()
    numbering.next("t", "t.py::t", None, "crashed")
    assert numbering.next("t", "t.py::t", None, "passed") == Number(2, "crash", 1, "crashed")
    assert numbering.next("t", "t.py::t", None, "passed") == Number(3, "rerun", 2, "passed")
    # The worker died when the result was already here.
    assert numbering.next("t", "t.py::t", None, "crashed") == Number(4, "crash", 3, "passed")


def test_every_worker_has_its_own() -> None:
    numbering = Numbering()
    numbering.next("t", "t.py::t", "gw0", "failed")
    assert numbering.next("t", "t.py::t", "gw1", "passed") == Number(2, "each", None, None)
    assert numbering.next("t", "t.py::t", "gw0", "passed") == Number(3, "rerun", 1, "failed")


def test_another_test_of_the_same_identity_replaces_nothing() -> None:
    numbering = Numbering()
    numbering.next("t", "t.py::a", None, "failed")
    assert numbering.next("t", "t.py::b", None, "other") == Number(2, "repeat", None, None)
    assert numbering.next("t", "t.py::b", None, "passed") == Number(3, "rerun", 2, "other")
    assert numbering.next("t", "t.py::a", None, "passed") == Number(4, "rerun", 1, "failed")


def test_a_test_that_was_asked_for_twice_replaces_nothing_unless_it_is_run_again() -> None:
    numbering = Numbering()
    numbering.next("t", "t.py::t", None, "failed", twice={"t.py::t"})
    assert numbering.next("t", "t.py::t", None, "other", twice={"t.py::t"}) == Number(2, "repeat", None, None)
    assert numbering.next("t", "t.py::t", None, "passed", twice={"t.py::t"}) == Number(3, "rerun", 2, "other")


outcomes = st.sampled_from([*OUTCOMES, OTHER])
attempts = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.sampled_from([None, "gw0"]), outcomes))


@given(attempts)
def test_nothing_is_replaced_twice_and_a_place_has_one_that_decides(tries: list[tuple[str, str, str | None, str]]) -> None:
    numbering = Numbering()
    ended: dict[tuple[str, int], str] = {}
    places: dict[tuple[str, int], tuple[str, str | None]] = {}
    deciding = set()
    for identity, nodeid, variant, outcome in tries:
        number = numbering.next(identity, nodeid, variant, outcome)
        key = (identity, number.attempt)
        assert key not in ended
        ended[key], places[key] = outcome, (nodeid, variant)
        deciding.add(key)
        if number.replaces is not None:
            before = (identity, number.replaces)
            assert (ended[before], places[before]) == (number.replaced_outcome, places[key])
            deciding.remove(before)
    assert len(deciding) == len({(identity, nodeid, variant) for identity, nodeid, variant, _ in tries})
