"""Writes the few lines at the end of a recorded run: as many as `--farm-report`, -q and -qq let it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_aosfarm.plugin.block import Block, short_path
from pytest_aosfarm.plugin.keys import settings_key
from pytest_aosfarm.recording.ci import ci_of
from pytest_aosfarm.settings import all_variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_aosfarm.plugin.block import Line
    from pytest_aosfarm.plugin.ended import EndedRun, Recording

__all__ = ("TerminalBlock",)

LINES = 8
"""Of the whole block, with its heading."""

QUIET, SILENT = -1, -2
"""What -q and -qq make of the verbosity."""


class TerminalBlock:
    """The pytest plugin that writes the block. Warnings are written whatever was asked for: results may be lost."""

    def __init__(self, recording: Recording, ended: EndedRun) -> None:
        self._recording = recording
        self._ended = ended
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
            warnings = [*self._warnings(reporter)]
            heading, lines = self._content(reporter, len(warnings))
        except Exception as problem:  # noqa: BLE001 - a summary must not turn a finished run into an internal error
            heading, lines, warnings = True, [], [f"no summary of the recorded run: {problem!r}"]
        if heading:
            reporter.write_sep("=", "AOS-Farm")
        for line, markup in lines:
            reporter.write_line(line, **markup)
        for warning in warnings:
            reporter.write_line(" ".join(warning.split()), yellow=True)

    def _content(self, reporter: pytest.TerminalReporter, warnings: int) -> tuple[bool, list[Line]]:
        """Whether there is a heading, and the lines below it."""
        config = reporter.config
        report = config.stash[settings_key].report
        if self._recording.writer is None or report == "off" or config.get_verbosity() <= SILENT:
            return warnings > 0, []
        terminal = config.get_terminal_writer()
        linked = terminal.hasmarkup and reporter.isatty and ci_of(all_variables()).provider is None
        block = Block(
            self._ended,
            width=terminal.fullwidth,
            start=config.invocation_params.dir,
            link=_link if linked else _no_link,
        )
        short = report == "short" or config.get_verbosity() == QUIET or block.is_short
        return (False, block.two_lines()) if short and not warnings else (True, block.full(LINES - 1 - warnings))

    def _warnings(self, reporter: pytest.TerminalReporter) -> Iterator[str]:
        if self._recording.problem is not None:
            yield f"recording failed inside, please report it: {self._recording.problem}"
        writer = self._recording.writer
        if writer is None:
            return
        if self._recording.lost_tests:
            yield f"incomplete: {writer.tally.not_run} collected tests left no result"
        if writer.database_problem is not None:
            yield f"run not recorded: {writer.database_problem}"
            if writer.spool_path is not None and writer.spool_problem is None and writer.spool_path.exists():
                kept = short_path(writer.spool_path, reporter.config.invocation_params.dir)
                yield f"its results are kept in {kept}; `aosfarm recover` imports them"
        if writer.spool_problem is not None:
            yield f"nothing kept in the spool: {writer.spool_problem}"


def _link(text: str, address: str) -> str:
    """A hyperlink as terminals know it (OSC 8)."""
    return f"\x1b]8;;{address}\x1b\\{text}\x1b]8;;\x1b\\"


def _no_link(text: str, _address: str) -> str:
    return text
