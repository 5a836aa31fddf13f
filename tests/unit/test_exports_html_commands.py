"""The HTML report's line for a test that failed with faults brings them back, on the same data and in the same time."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from report_samples import RUN, a_test

from pytest_aosfarm.chaos.calls import CallKey
from pytest_aosfarm.chaos.faults import fault_of
from pytest_aosfarm.chaos.plan import Planned, Schedule
from pytest_aosfarm.exports.html.commands import replay_of

FAULT = Planned(CallKey("aod", "GET", "/api/runs"), 1, "503 aod", fault_of("503"))
TOKEN = Schedule("tests.test_a::bad[a b]", 42, (FAULT,)).token()
LONG = Schedule("tests.test_a::bad[a b]", 42, tuple(replace(FAULT, rule=uuid4().hex) for _ in range(400))).token()


def replay(properties, *arguments):
    """The line of a run with these arguments."""
    return replay_of({**RUN, "arguments": [*arguments]}, a_test("bad[a b]", properties=properties))


def test_a_test_that_failed_with_faults_can_be_run_with_them_again() -> None:
    data = "--farm-scale=small --farm-profile=typical --farm-seed=42 --farm-anchor=2026-01-15T12:00:00+00:00"
    assert replay({"farm.chaos": TOKEN}, "-x") == f"pytest 'tests/test_a.py::bad[a b]' {data} --farm-replay={TOKEN}"


@pytest.mark.parametrize("arguments", [["--farm-chaos-time", "real"], ["--farm-chaos-time=off", "--farm-chaos-time=real"]])
def test_in_the_same_time(arguments) -> None:
    assert (replay({"farm.chaos": TOKEN}, *arguments) or "").endswith(f" --farm-chaos-time=real --farm-replay={TOKEN}")


@pytest.mark.parametrize("properties", [None, {}, {"farm.chaos": "storm"}, {"farm.chaos": 5}, {"farm.chaos": LONG}])
def test_without_a_token_that_a_shell_takes_there_is_none(properties) -> None:
    assert replay(properties) is None
