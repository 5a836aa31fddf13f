"""Watches a run that may never use the Farm, so that the recorder is loaded only if it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_aosfarm.plugin.keys import PROPERTY_PREFIX, WORKER_INPUT

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("Watch", "WorkerNotes", "interruption")

_RECORDER = "aosfarm-recorder"


class Watch:
    """The pytest plugin on a controller: keeps what happens until a report speaks of the Farm.

    Then it tells a recorder everything, in order, and leaves. pytest's own terminal keeps every report, so this costs
    no memory.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._seen: list[tuple[str, dict[str, Any]]] = []

    @classmethod
    def over(cls, config: pytest.Config, *, in_use: bool) -> None:
        """Let the recorder watch a run that uses the Farm, and a Watch any other."""
        if in_use:
            from pytest_aosfarm.plugin import recorder

            recorder.register(config)
        else:
            config.pluginmanager.register(cls(config), "aosfarm-watch")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Keep the session."""
        self._seen.append(("pytest_sessionstart", {"session": session}))

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Keep what was left out, without xdist."""
        self._seen.append(("pytest_deselected", {"items": items}))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep that collection is over, without xdist."""
        self._seen.append(("pytest_collection_finish", {"session": session}))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: object, ids: Sequence[str]) -> None:
        """Keep what a worker collected."""
        self._seen.append(("pytest_xdist_node_collection_finished", {"node": node, "ids": ids}))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object, error: object) -> None:
        """Keep how a worker ended."""
        self._seen.append(("pytest_testnodedown", {"node": node, "error": error}))

    def pytest_internalerror(self, excrepr: object, excinfo: object) -> None:
        """Keep what went wrong in pytest."""
        self._seen.append(("pytest_internalerror", {"excrepr": excrepr, "excinfo": excinfo}))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what could not be collected."""
        if not report.passed:
            self._seen.append(("pytest_collectreport", {"report": report}))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the report, or call the recorder."""
        self._seen.append(("pytest_runtest_logreport", {"report": report}))
        # What other plugins append need not be a pair.
        pairs = (pair for pair in report.user_properties if isinstance(pair, tuple | list) and pair)
        if any(str(pair[0]).startswith(PROPERTY_PREFIX) for pair in pairs):
            self._hand_over()

    def _hand_over(self) -> None:
        manager = self._config.pluginmanager
        manager.unregister(self)
        self.over(self._config, in_use=True)
        recorder = manager.get_plugin(_RECORDER)
        for hook, arguments in self._seen:
            getattr(recorder, hook)(**arguments)
        self._seen.clear()


class WorkerNotes:
    """The pytest plugin in a worker: only there can be seen how many tests were left out, and who called for an end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._count = 0
        self._interrupted: str | None = None

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Count."""
        self._count += len(items)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note who; of what `pytest.exit` is given, xdist sends up only a number that might be anything."""
        self._interrupted = interruption(excinfo)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Send both up with what xdist sends."""
        output: dict[str, Any] = self._config.workeroutput  # type: ignore[attr-defined] # xdist's, undeclared
        output[WORKER_INPUT] = {"deselected": self._count, "interrupted": self._interrupted}


def interruption(excinfo: pytest.ExceptionInfo[BaseException]) -> str | None:
    """Who wanted the session to end, or None when it was a rule of pytest's or a plugin's, such as -x."""
    # pytest and xdist have exceptions of their own for their rules, children of KeyboardInterrupt.
    if excinfo.type is KeyboardInterrupt:
        return "Ctrl-C"
    if isinstance(excinfo.value, pytest.exit.Exception):
        return f"pytest.exit: {excinfo.value.msg}"
    return "SIGTERM" if excinfo.typename == "Terminated" else None
