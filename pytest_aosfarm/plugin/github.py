"""Tells GitHub of a recorded run: a summary on the page of the job, and the first failures as annotations of the code."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_aosfarm.plugin.keys import settings_key
from pytest_aosfarm.settings import all_variables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_aosfarm.exports.github import RunView
    from pytest_aosfarm.plugin.ended import EndedRun, Recording

__all__ = ("VARIABLES", "register")

STEP_SUMMARY, WORKSPACE = "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"
VARIABLES = {
    STEP_SUMMARY: "the file to which a run's summary is appended",
    WORKSPACE: "where the repository is, from which annotations count their paths",
}
"""What is read beside GITHUB_ACTIONS."""

FACTS = ("lab", "scale", "seed", "profile")


def register(config: pytest.Config, recording: Recording, ended: EndedRun) -> None:
    """Add what tells GitHub, in a job of GitHub Actions and unless `--farm-gha=off`."""
    variables = all_variables()
    told = variables.get("GITHUB_ACTIONS") == "true" or STEP_SUMMARY in variables
    if told and config.stash[settings_key].gha != "off":
        config.pluginmanager.register(GitHub(recording, ended, variables), "aosfarm-github")


class GitHub:
    """The pytest plugin on the controller; what goes wrong is one line, and nothing else changes."""

    def __init__(self, recording: Recording, ended: EndedRun, variables: Mapping[str, str]) -> None:
        self._recording = recording
        self._ended = ended
        self._variables = variables
        self._told = False

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write both, after Ctrl-C too."""
        self._tell(terminalreporter)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Write what was not written: after an internal error, or without a terminal."""
        self._tell(config.pluginmanager.getplugin("terminalreporter"))

    def _tell(self, reporter: pytest.TerminalReporter | None) -> None:
        if self._told or self._recording.writer is None:
            return
        self._told = True
        lines: list[str] = []
        try:
            from pytest_aosfarm.exports.github import error_commands

            self._append_summary()
            if self._variables.get("GITHUB_ACTIONS") == "true":
                lines = [*error_commands(self._ended.highlights.failures, self._in_repository)]
        except Exception as problem:  # noqa: BLE001 - must not turn a finished run into an internal error
            lines = [f"nothing told to GitHub: {' '.join(str(problem).split()) or repr(problem)}"]
        if reporter is not None:
            for line in lines:
                reporter.write_line(line)

    def _append_summary(self) -> None:
        from pytest_aosfarm.exports.github import LIMIT, summary

        name = self._variables.get(STEP_SUMMARY)
        if not name:
            return
        path = Path(name)
        # Other runs of the same step may have written theirs.
        there = path.stat().st_size if path.exists() else 0
        with path.open("ab") as file:
            file.write(summary(self._view(), LIMIT - there).encode())

    def _view(self) -> RunView:
        from pytest_aosfarm.exports.github import RunView

        ended = self._ended
        writer = ended.writer
        started = writer.started
        labs = started.labs or writer.tally.labs
        facts = {"lab": ",".join(labs), **{name: str(getattr(started, name)) for name in FACTS if name != "lab"}}
        changes = ended.changes
        return RunView(
            title=f"AOS-Farm run {writer.run_id or ''}".strip(),
            status=ended.status,
            reason=None if writer.finished is None else writer.finished.reason,
            counts=ended.counts,
            facts={name: value for name, value in facts.items() if value},
            grades=ended.grades,
            failures=ended.highlights.failures,
            failed=writer.tally.bad,
            flaky=ended.highlights.flaky,
            flaky_count=writer.tally.flaky,
            faults=ended.faults,
            against=None if changes is None else f"{changes[0]}: {changes[1]}",
            newly_failing=ended.newly_failing,
        )

    def _in_repository(self, path: str) -> str:
        """A path from the root directory as the repository has it, which need not begin there."""
        full = Path(self._ended.writer.started.rootdir or "") / path
        workspace = self._variables.get(WORKSPACE)
        return os.path.relpath(full, workspace) if workspace and full.is_relative_to(workspace) else path
