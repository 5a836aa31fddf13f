"""The few lines at the end of a recorded run: grades, counts, and where the run can be read again."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_aosfarm.recording.location import DEFAULT_TENANT
from pytest_aosfarm.recording.tally import COUNTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_aosfarm.recording.events import Scalar
    from pytest_aosfarm.recording.tally import Grades, Tally
    from pytest_aosfarm.recording.writer import RunWriter

__all__ = ("TerminalBlock", "counts_line", "grade_lines")

METRICS = ("precision", "recall", "f1")
GAP = "  "


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

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Write the block after an internal error too, when pytest shows no summaries."""
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            self._show(reporter)

    def _show(self, reporter: pytest.TerminalReporter) -> None:
        if self._shown:
            return
        self._shown = True
        try:
            lines, warnings = self._lines(reporter)
        except Exception as problem:  # noqa: BLE001 - a summary must not turn a finished run into an internal error
            lines, warnings = [], [f"no summary of the recorded run: {problem!r}"]
        if lines or warnings:
            reporter.write_sep("=", "AOS-Farm")
        for line in lines:
            reporter.write_line(line)
        for line in warnings:
            reporter.write_line(_one_line(line), yellow=True)

    def _lines(self, reporter: pytest.TerminalReporter) -> tuple[list[str], list[str]]:
        """Plain lines and warning lines."""
        warnings = []
        if self._recording.problem is not None:
            warnings.append(f"recording failed inside, please report it: {self._recording.problem}")
        writer = self._recording.writer
        if writer is None:
            return [], warnings
        width = reporter.config.get_terminal_writer().fullwidth
        lines = [*grade_lines(writer.tally.grades(), width=width), counts_line(writer.tally)]
        if writer.recovered:
            died = ", ".join(f"{run.id} ({run.status})" for run in writer.recovered)
            lines.append(f"recovered what earlier runs had left behind: {died}")
        if self._recording.lost_tests:
            warnings.append(f"incomplete: {writer.tally.not_run} collected tests left no result")
        start = reporter.config.invocation_params.dir
        if writer.database_problem is None:
            lines.append(_recorded_line(writer, start))
        else:
            warnings.append(f"run not recorded: {writer.database_problem}")
            if writer.spool_path is not None and writer.spool_problem is None:
                kept = short_path(writer.spool_path, start)
                warnings.append(f"its results are kept in {kept}; `aosfarm recover` imports them")
        if writer.spool_problem is not None:
            warnings.append(f"nothing kept in the spool: {writer.spool_problem}")
        return lines, warnings


def grade_lines(grades: Grades, *, width: int) -> list[str]:
    """Precision, recall and F1 of each subject for a single lab; one line of F1 a lab for several.

    At most four lines, each of at most `width` characters: what does not fit is left out and counted.
    """
    if len(grades) != 1:
        return [line for lab, subjects in grades.items() if (line := _f1_line(lab, subjects)) is not None]
    ((lab, subjects),) = grades.items()
    columns = [
        [subject, *(_number(metrics.get(metric)) for metric in METRICS)]
        for subject, metrics in subjects.items()
        if not metrics.keys().isdisjoint(METRICS)
    ]
    if not columns:
        return []
    lines = [line.ljust(max(map(len, (lab, *METRICS)))) for line in (lab, *METRICS)]
    sizes = [max(map(len, column)) for column in columns]
    room = width - len(lines[0])
    if sum(sizes) + len(GAP) * len(sizes) > room:
        room -= len(f"{GAP}+{len(columns)} more")
    for index, (column, size) in enumerate(zip(columns, sizes, strict=True)):
        room -= len(GAP) + size
        if room < 0:
            lines[0] += f"{GAP}+{len(columns) - index} more"
            break
        lines = [line + GAP + cell.rjust(size) for line, cell in zip(lines, column, strict=True)]
    return lines


def _f1_line(lab: str, subjects: Mapping[str, Mapping[str, Scalar]]) -> str | None:
    f1 = {name: value for name, m in subjects.items() if isinstance(value := m.get("f1"), int | float)}
    if not f1:
        return None
    worst = min(f1, key=f1.__getitem__)
    return f"{lab}: lowest f1 {_number(f1[worst])} ({worst}) of {len(f1)} graded"


def _number(value: Scalar) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "-"


def counts_line(tally: Tally) -> str:
    """What the run counted, in the words of its columns; what is zero is left out."""
    counts = tally.counts()
    seen = [f"{counts[name]} {name}" for name in COUNTS.values() if counts[name]]
    aside = [f"{counts[name]} {name.replace('_', ' ')}" for name in ("not_run", "deselected") if counts[name]]
    return f"{counts['collected'] or 0} collected: {', '.join([*seen, *aside]) or 'nothing ran'}"


def _recorded_line(writer: RunWriter, start: Path) -> str:
    path = writer.database.path
    database = str(writer.database) if path is None else short_path(path, start)
    usual = path is not None and path.parts[-2:] == (".aosfarm", "farm.db")
    option = "" if usual else f" --db {database}"
    if writer.started.tenant != DEFAULT_TENANT:
        option += f" --tenant {shlex.quote(writer.started.tenant)}"
    return f"run {writer.run_id} recorded in {database} (aosfarm show {writer.run_id}{option})"


def short_path(path: Path, start: Path) -> str:
    """The path from `start`, when that is shorter."""
    return min(os.path.relpath(path, start), str(path), key=len)


def _one_line(text: str) -> str:
    return " ".join(text.split())
