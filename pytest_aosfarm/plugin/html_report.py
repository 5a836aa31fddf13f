"""Writes the run as one HTML file when it has ended and is recorded (`--farm-html`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.plugin.keys import settings_key
from pytest_aosfarm.plugin.started import folder_of

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_aosfarm.plugin.ended import Recording
    from pytest_aosfarm.recording.writer import RunWriter

__all__ = ("register",)


def register(config: pytest.Config, recording: Recording) -> None:
    """Add what writes the file, if one was asked for."""
    settings = config.stash[settings_key]
    if settings.html is not None:
        path = folder_of(config, settings, "html") / settings.html
        config.pluginmanager.register(HtmlReport(recording, path), "aosfarm-html")


class HtmlReport:
    """The pytest plugin on the controller; what goes wrong is one line, and nothing else changes."""

    def __init__(self, recording: Recording, path: Path) -> None:
        self._recording = recording
        self._path = path

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Write it, after the recorder has let go of the run."""
        writer = self._recording.writer
        if writer is None:
            return
        try:
            line, good = self._write(writer), True
        except Exception as problem:  # noqa: BLE001 - a report must not turn a finished run into an internal error
            line, good = f"no HTML report: {' '.join(str(problem).split()) or repr(problem)}", False
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(line, **({} if good else {"yellow": True}))

    def _write(self, writer: RunWriter) -> str:
        from pytest_aosfarm.exports.formats import write
        from pytest_aosfarm.exports.html import beside_baseline
        from pytest_aosfarm.exports.report import Report
        from pytest_aosfarm.recording.store import RunStore
        from pytest_aosfarm.sinks.atomic import opened

        if writer.run_id is None or writer.database_problem is not None:
            raise RecordingError("the run is not in the database; `aosfarm recover`, then `aosfarm export --format html`")
        with RunStore(writer.database, writer.started.tenant) as store:
            report = Report.load(store, writer.run_id)
            if report is None:
                raise RecordingError(f"run {writer.run_id} is no longer in {writer.database}")
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with opened(self._path) as file:
                write(report, "html", file, beside_baseline(store, writer.run_id))
        return f"HTML report: {self._path.as_uri()}"
