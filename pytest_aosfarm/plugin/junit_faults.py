"""Keeps the long text that tells of injected faults out of pytest's JUnit XML (`--junitxml`): their number is enough."""

from __future__ import annotations

import pytest

from pytest_aosfarm.plugin.keys import CHAOS_PROPERTY, FAULTS_PROPERTY

__all__ = ("JUnitFaults",)


class JUnitFaults:
    """The pytest plugin on the controller, between whoever records the report of a teardown and pytest, who writes it."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Set the count in place of the text. The recorder comes before: it is registered later, and tries first too."""
        if report.when != "teardown":
            return
        if any(_pair(one)[0] == FAULTS_PROPERTY for one in report.user_properties):
            report.user_properties = _shortened(report.user_properties)


def _pair(one: object) -> tuple[object, object]:
    # What other plugins append need not be a pair.
    match one:
        case [name, value]:
            return name, value
    return None, None


def _shortened(properties: list[tuple[str, object]]) -> list[tuple[str, object]]:
    """Of what was said of faults and of chaos, the last."""
    from pytest_aosfarm.recording.faults import listed

    others, chaos, count = [], [], 0
    for one in properties:
        name, value = _pair(one)
        faults = listed(value) if name == FAULTS_PROPERTY and isinstance(value, str) else None
        if faults is not None:
            count = len(faults)
        elif name == CHAOS_PROPERTY:
            chaos = [one]
        else:
            others.append(one)
    return [*others, *chaos, *([(FAULTS_PROPERTY, str(count))] if count else [])]
