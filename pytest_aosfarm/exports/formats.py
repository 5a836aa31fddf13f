"""Every format by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.exports import csv, ctrf, jsonl, junit
from pytest_aosfarm.exports.html import write_html

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_aosfarm.exports.report import Report

__all__ = ("FORMATS", "write")

_PIECES: Mapping[str, Callable[[Report], Iterator[str]]] = {
    "ctrf": ctrf.document,
    "junit": junit.xml,
    "csv": csv.rows,
    "jsonl": jsonl.lines,
}
FORMATS = (*_PIECES, "html")


def write(report: Report, name: str, out: TextIO) -> None:
    """Write the report, test by test, in the format of this name. Raises ConfigurationError for an unknown one."""
    if name == "html":
        write_html(report, out)
    elif name in _PIECES:
        out.writelines(_PIECES[name](report))
    else:
        raise ConfigurationError(f"format {name!r} is not one of {', '.join(FORMATS)}")
