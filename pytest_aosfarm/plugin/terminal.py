"""The few lines at the end of a recorded run: grades, counts, and where the run can be read again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_aosfarm.recording.tally import Grades
    from pytest_aosfarm.recording.writer import RunWriter

__all__ = ("TerminalBlock", "grade_lines")

METRICS = ("precision", "recall", "f1")


class _Recording(Protocol):
    @property
    def writer(self) -> RunWriter | None: ...
    @property
    def problem(self) -> str | None: ...
    @property
    def lost_tests(self) -> bool: ...


class TerminalBlock:
    """The pytest plugin that writes the block, at most eight lines with its heading."""

    def __init__(self, recording: _Recording) -> None:
        self._recording = recording
        self._shown = False

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the block among the other summaries."""
        self._show(terminalreporter)

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Write the block after an internal error, when pytest shows no summaries."""
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            self._show(reporter)

    def _show(self, reporter: pytest.TerminalReporter) -> None:
        if self._shown:
            return
        self._shown = True
        plain, warnings = self._lines(reporter)
        if not plain and not warnings:
            return
        reporter.write_sep("=", "AOS-Farm")
        for line in plain:
            reporter.write_line(line)
        for line in warnings:
            reporter.write_line(line, yellow=True)

    def _lines(self, reporter: pytest.TerminalReporter) -> tuple[list[str], list[str]]:
        """Plain lines and warning lines."""
        plain: list[str] = []
        warnings: list[str] = []
        if self._recording.problem is not None:
            warnings.append(f"recording went wrong, please report it: {_one_line(self._recording.problem)}")
        writer = self._recording.writer
        if writer is None:
            return plain, warnings
        plain += grade_lines(writer.tally.grades(), width=reporter.config.get_terminal_writer().fullwidth)
        plain.append(_counts_line(writer))
        if self._recording.lost_tests:
            warnings.append(f"incomplete: {writer.tally.not_run} collected tests left no result")
        start = reporter.config.invocation_params.dir
        if writer.database_problem is None:
            database = _short(writer.database, start)
            hint = f"aosfarm show {writer.run_id}"
            if writer.database.name != "farm.db" or writer.database.parent.name != ".aosfarm":
                hint += f" --db {database}"
            plain.append(f"run {writer.run_id} recorded in {database} ({hint})")
        elif writer.spool_path is not None and writer.spool_problem is None:
            warnings.append(f"run not recorded: {_one_line(writer.database_problem)}")
            kept = _short(writer.spool_path, start)
            warnings.append(f"its results are kept in {kept}; `aosfarm recover` imports them")
        else:
            warnings.append(f"run not recorded: {_one_line(writer.database_problem)}")
        if writer.spool_problem is not None:
            warnings.append(f"no spool beside the database: {_one_line(writer.spool_problem)}")
        return plain, warnings


def grade_lines(grades: Grades, *, width: int) -> list[str]:
    """Precision, recall and F1 of each subject for a single lab; the range of F1 for each of several labs."""
    if len(grades) != 1:
        return [line for lab, subjects in grades.items() if (line := _range_line(lab, subjects))]
    ((lab, subjects),) = grades.items()
    rows = [[lab, *METRICS]]
    for subject, metrics in subjects.items():
        if any(metric in metrics for metric in METRICS):
            rows.append([subject, *(_number(metrics.get(metric)) for metric in METRICS)])
    if len(rows) == 1:
        return []
    widths = [max(map(len, row)) for row in rows]
    while sum(widths) + 2 * (len(widths) - 1) > width and len(widths) > 2:  # noqa: PLR2004 - a heading and a subject
        rows.pop()
        widths.pop()
    lines = []
    for cells in zip(*rows, strict=True):
        head, *rest = zip(cells, widths, strict=True)
        lines.append("  ".join([head[0].ljust(head[1]), *(cell.rjust(size) for cell, size in rest)]))
    return lines


def _range_line(lab: str, subjects: dict[str, dict[str, object]] | Grades | object) -> str | None:
    raise NotImplementedError


def _number(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "-"


def _counts_line(writer: RunWriter) -> str:
    raise NotImplementedError


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _short(path: Path, start: Path) -> str:
    relative = os.path.relpath(path, start)
    return relative if len(relative) < len(str(path)) else str(path)
