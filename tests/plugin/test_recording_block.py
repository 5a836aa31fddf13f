"""The block at the end of a run: at most eight lines, no wider than the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.plugin.terminal import grade_lines

if TYPE_CHECKING:
    import pytest

names = st.text("abcdefghij-", min_size=1, max_size=12)
metrics = st.dictionaries(st.sampled_from(["precision", "recall", "f1", "missed"]), st.floats(0, 1) | st.integers(0, 1))
grades = st.dictionaries(st.sampled_from(["aod", "aam", "dcl", "e2e"]), st.dictionaries(names, metrics, max_size=9))


@given(grades, st.integers(60, 200))
def test_grades_take_at_most_four_lines_that_fit(value: dict[str, dict[str, dict[str, float]]], width: int) -> None:
    lines = grade_lines(value, width=width)  # type: ignore[arg-type]  # dicts are invariant
    assert len(lines) <= 4
    assert all(len(line) <= width for line in lines)


def test_one_lab_is_a_table_of_its_verdicts() -> None:
    value = {"aod": {"clean": {"precision": 1.0, "recall": 0.5, "f1": 2 / 3}, "shadow": {"f1": 1}}}
    assert grade_lines(value, width=80) == [  # type: ignore[arg-type]  # dicts are invariant
        "aod        clean  shadow",
        "precision  1.000       -",
        "recall     0.500       -",
        "f1         0.667   1.000",
    ]
    assert grade_lines(value, width=24)[0] == "aod        clean  shadow"  # type: ignore[arg-type]  # as above
    assert grade_lines(value, width=23)[0] == "aod        +2 more"  # type: ignore[arg-type]  # as above


def test_several_labs_show_where_each_is_worst() -> None:
    value = {"aod": {"clean": {"f1": 1.0}, "shadow": {"f1": 0.25}}, "dcl": {"revenue": {"f1": 0.5}}}
    assert grade_lines(value, width=80) == [  # type: ignore[arg-type]  # dicts are invariant
        "aod: lowest f1 0.250 (shadow) of 2 graded",
        "dcl: lowest f1 0.500 (revenue) of 1 graded",
    ]


def test_the_whole_block_is_at_most_eight_lines(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_grade(record_property):
            for subject in ("clean", "shadow", "zombie", "parked", "indeterminate", "rejected"):
                for metric in ("precision", "recall", "f1"):
                    record_property(f"farm.grade.aod.{subject}.{metric}", 1.0)
        """
    )
    result = pytester.runpytest("--farm-seed=1")
    start = next(number for number, line in enumerate(result.outlines) if "= AOS-Farm =" in line)
    block = result.outlines[start:-1]
    assert block == [
        block[0],
        "aod        clean  indeterminate  parked  rejected  shadow  zombie",
        *(f"{name:9}  1.000          1.000   1.000     1.000   1.000   1.000" for name in ("precision", "recall", "f1")),
        "1 collected: 1 passed",
        "run 1 recorded in .aosfarm/farm.db (aosfarm show 1)",
    ]
