"""How many results are to come is known from what each worker collects."""

from __future__ import annotations

import pytest

from pytest_aosfarm.plugin.expected import Expected


def test_without_workers_it_is_what_was_collected() -> None:
    expected = Expected(None, 0)
    assert expected.collected == 0
    expected.take(["a", "b"])
    assert expected.collected == 2


@pytest.mark.parametrize(("dist", "collected"), [("load", 2), ("worksteal", 2), ("loadgroup", 2), ("each", 4)])
def test_workers_share_the_tests_or_each_runs_them_all(dist: str, collected: int) -> None:
    expected = Expected(dist, 2)
    for worker in ("gw0", "gw1", "gw2"):  # the last one replaces another
        expected.take(["a", "b"], worker)
    assert expected.collected == collected


def test_what_was_collected_twice_is_known_without_its_group() -> None:
    expected = Expected("loadgroup", 1)
    expected.take(["t.py::a@g", "t.py::b", "t.py::a@g"], "gw0")
    assert expected.twice == {"t.py::a"}
    assert expected.collected == 3
