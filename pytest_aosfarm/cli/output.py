"""How the command prints: aligned tables for people, JSON for programs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_aosfarm.exports.report import to_json

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

__all__ = ("NOT_FOUND", "Commands", "cell", "print_json", "print_table", "shortened", "test_name")

NOT_FOUND = 1
"""The exit code of a command that was asked for something that is not there."""

WIDEST = 80

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - its only name
"""What a parser adds commands to."""


def cell(value: Any) -> str:
    """A value as it stands in a table."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, dict):
        return ", ".join(f"{key} {one}" for key, one in value.items())
    # A test's name or message may hold line ends and control characters; a table cell and a terminal cannot.
    return "".join(letter if letter.isprintable() else " " for letter in str(value))


def test_name(test: Mapping[str, Any]) -> str:
    """The node id of an attempt, and its number if it is not the first."""
    return cell(test["nodeid"]) + ("" if test["attempt"] == 1 else f" (attempt {test['attempt']})")


def shortened(text: str) -> str:
    """A text as it stands in a table, cut to 80 characters."""
    shown = cell(text)
    return shown if len(shown) <= WIDEST else shown[: WIDEST - 1] + "…"


def print_table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table, columns aligned."""
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    for row in (heading, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_json(value: Any) -> None:
    """JSON, indented."""
    print(to_json(value, indent=2))
