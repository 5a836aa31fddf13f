"""What `aosfarm show` prints of injected faults: those of tests that went wrong, and how these are replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_aosfarm.cli.output import cell, print_table, shortened, test_name
from pytest_aosfarm.exports.faults import HEADING, fault_cells, not_listed
from pytest_aosfarm.recording.events import OTHER
from pytest_aosfarm.recording.properties import CHAOS
from pytest_aosfarm.recording.tally import BAD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ("print_faults",)

SHOWN = 5
"""Faults of one attempt; `--json` has all."""


def print_faults(tests: Sequence[Mapping[str, Any]]) -> None:
    """Print a table, unless no test that went wrong had any; each of `tests` has its `faults`."""
    wrong = [test for test in tests if test["outcome"] in (*BAD, OTHER)]
    rows = [row for test in wrong for row in _rows(test)]
    if rows:
        print()
        print_table((*HEADING, "test"), rows)
    for test in wrong:
        if CHAOS in test["properties"]:
            print(f"\n{test_name(test)}: the same faults again with --farm-replay={cell(test['properties'][CHAOS])}")


def _rows(test: Mapping[str, Any]) -> Iterator[list[str]]:
    shown = test["faults"][:SHOWN]
    for fault in shown:
        yield [*map(shortened, fault_cells(test, fault)), test_name(test)]
    more = not_listed(test, shown)
    if more is not None:
        yield ["", more, *([""] * (len(HEADING) - 2)), test_name(test)]
