"""Writes the run as one HTML file when it has ended and is recorded (`--farm-html`)."""

from __future__ import annotations

from io import TextIOWrapper
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.plugin.keys import settings_key

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_aosfarm.recording.writer import RunWriter

__all__ = ("register",)


class _Recording(Protocol):
    @property
    def writer(self) -> RunWriter | None: ...


def register(config: pytest.Config, recording: _Recording) -> None:
    """Add what writes the file, if one was asked for.

    A relative path counts from where pytest was started, but from the root directory when an ini file holds it.
    """
    settings = config.stash[settings_key]
    if settings.html is not None:
        base = config.rootpath if settings.sources["html"].startswith("ini") else config.invocation_params.dir
        config.pluginmanager.register(HtmlReport(recording, base / settings.html), "aosfarm-html")


class HtmlReport:
    """The pytest plugin on the controller; what goes wrong is one line, and nothing else changes."""

    def __init__(self, recording: _Recording, path: Path) -> None:
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
        from pytest_aosfarm.exports.html import beside_baseline, write_html
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
                text = TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
                write_html(report, text, beside_baseline(store, writer.run_id))
                text.detach()
        return f"HTML report: {self._path.as_uri()}"
