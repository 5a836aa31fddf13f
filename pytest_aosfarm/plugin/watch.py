"""Watches a run that may never use the Farm, so that the recorder is loaded only if it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_aosfarm.plugin.keys import PROPERTY_PREFIX, WORKER_INPUT

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("LeftOutCounter", "Watch")

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
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Keep what a worker collected."""
        self._seen.append(("pytest_xdist_node_collection_finished", {"ids": ids}))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object, error: object) -> None:
        """Keep how a worker ended."""
        self._seen.append(("pytest_testnodedown", {"node": node, "error": error}))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what could not be collected."""
        if not report.passed:
            self._seen.append(("pytest_collectreport", {"report": report}))

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


class LeftOutCounter:
    """The pytest plugin in a worker: only there can be seen how many tests were left out."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._count = 0

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Count."""
        self._count += len(items)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Send the count up with what xdist sends."""
        output: dict[str, Any] = self._config.workeroutput  # type: ignore[attr-defined] # xdist's, undeclared
        output[WORKER_INPUT] = {"deselected": self._count}
