"""Puts into pytest's own JUnit XML (`--junitxml`) which run it is of; each test's identity is there with its properties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_aosfarm.plugin.ended import Recording

__all__ = ("JUnitProperties",)


class JUnitProperties:
    """The pytest plugin on the controller, where pytest writes the file when the session has finished."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Add the properties of the suite, in every family of JUnit XML."""
        writer = self._recording.writer
        # Its class has no public name.
        plugins = session.config.pluginmanager.get_plugins()
        xml: Any = next((one for one in plugins if hasattr(one, "add_global_property")), None)
        if xml is None or writer is None:
            return
        from pytest_aosfarm.exports.junit import RUN_PROPERTIES, property_text

        started = writer.started
        # The number of the run is the database's to give, which may not have answered yet.
        known = {"id": None, "lab": ",".join(started.labs or writer.tally.labs) or None}
        for name, column in RUN_PROPERTIES.items():
            value = known[column] if column in known else getattr(started, column, None)
            if value is not None:
                xml.add_global_property(name, property_text(value))
