"""Every format by its name."""

from __future__ import annotations

from io import TextIOWrapper
from typing import TYPE_CHECKING, BinaryIO

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.exports import csv, ctrf, jsonl, junit
from pytest_aosfarm.exports.html import write_html

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_aosfarm.exports.report import Report
    from pytest_aosfarm.history.compare import Comparison

__all__ = ("FORMATS", "write")

_PIECES: Mapping[str, Callable[[Report], Iterator[str]]] = {
    "ctrf": ctrf.document,
    "junit": junit.xml,
    "csv": csv.rows,
    "jsonl": jsonl.lines,
}
FORMATS = (*_PIECES, "html")


def write(report: Report, name: str, file: BinaryIO, comparison: Comparison | None = None) -> None:
    """Write the report, test by test, in the format of this name. Raises ConfigurationError for an unknown one.

    `comparison` sets the run beside its baseline, where the format shows that.
    """
    if name not in FORMATS:
        raise ConfigurationError(f"format {name!r} is not one of {', '.join(FORMATS)}")
    # Formats say themselves how a line ends, and that they are in UTF-8.
    text = TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="", write_through=True)
    try:
        if name == "html":
            write_html(report, text, comparison)
        else:
            text.writelines(_PIECES[name](report))
    finally:
        text.detach()
