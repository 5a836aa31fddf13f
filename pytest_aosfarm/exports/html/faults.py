"""The faults that were injected into an attempt, in the HTML report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aosfarm.exports.faults import HEADING, fault_cells, not_listed
from pytest_aosfarm.exports.html.markup import Html, el, short

if TYPE_CHECKING:
    from pytest_aosfarm.exports.report import Report, Row

__all__ = ("faults",)

SHOWN = 10
"""Faults of one attempt: a page may have hundreds of failures."""


def faults(report: Report, row: Row) -> Html | None:
    """A table to be opened; nothing for an attempt without any."""
    shown = report.faults_of(row)[:SHOWN]
    more = not_listed(row, shown)
    if not shown and more is None:
        return None
    return el(
        "details",
        el("summary", "Injected faults", data_testid="faults"),
        el(
            "table",
            el("tr", [el("th", name, scope="col") for name in HEADING]),
            [el("tr", [el("td", short(cell)) for cell in fault_cells(row, one)]) for one in shown],
            class_="properties",
        ),
        el("p", more, class_="quiet") if more else None,
        class_="more",
    )
