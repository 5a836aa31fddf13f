"""CSV (RFC 4180): a row per attempt, for spreadsheets; what is printed by tests is left out."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.exports.report import duration_us

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_aosfarm.exports.report import Report, Row

__all__ = ("rows",)

BEFORE = ("run", "run_uuid", "started_at", "seconds")
TEXTS = (
    "identity", "nodeid", "outcome", "raw_outcome", "phase", "cause", "variant", "worker", "error_type", "error_location",
    "message", "data_tenant",
)  # fmt: skip
NUMBERS = ("attempt", "is_final", "setup_us", "call_us", "teardown_us")
COLUMNS = (*BEFORE, *TEXTS, *NUMBERS, "properties")

FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What a spreadsheet takes for the beginning of a formula."""


class _Line:
    """A file for one line: keeps what was written last."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        """Keep it."""
        self.text = text


def rows(report: Report) -> Iterator[str]:
    """The heading and a line per attempt, each with its CRLF.

    A text that a spreadsheet would calculate (a message such as "-1 != 2", or one that somebody planted) has an
    apostrophe in front, which spreadsheets do not show. Whoever needs every byte takes JSONL.
    """
    line = _Line()
    writer = csv.writer(line)
    writer.writerow(COLUMNS)
    yield line.text
    run = report.run["id"], report.run["uuid"]
    for test in report.tests:
        started = report.started_at(test).isoformat(timespec="milliseconds")
        texts = [_harmless(test[name]) for name in TEXTS]
        numbers = [int(test[name]) for name in NUMBERS]
        writer.writerow([*run, started, f"{duration_us(test) / 1e6:.6f}", *texts, *numbers, _properties(test)])
        yield line.text


def _harmless(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _properties(test: Row) -> str:
    # Begins with a brace, so it is no formula.
    return json.dumps(test["properties"], ensure_ascii=False, sort_keys=True) if test["properties"] else ""
