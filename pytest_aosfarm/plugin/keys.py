"""Every name the plugin puts into pytest's stashes, reports and worker input, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_aosfarm.chaos.plan import Plan, Schedule
    from pytest_aosfarm.chaos.policy import Policy
    from pytest_aosfarm.plugin.chaos_told import ChaosTold
    from pytest_aosfarm.settings import Settings


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """What is drawn once, on the controller, and is the same in every worker."""

    uuid: str
    started_at: datetime


settings_key: pytest.StashKey[Settings] = pytest.StashKey()
run_key: pytest.StashKey[RunIdentity] = pytest.StashKey()

plan_key: pytest.StashKey[Plan] = pytest.StashKey()
"""The only faults that an item gets when it is run again."""

policy_key: pytest.StashKey[Policy | None] = pytest.StashKey()
"""The run's own policy, if it has one."""

replay_key: pytest.StashKey[Schedule | None] = pytest.StashKey()
"""What --farm-replay stands for."""

told_key: pytest.StashKey[ChaosTold] = pytest.StashKey()
"""What is said at the end of tests with chaos."""

CHAOS_PLUGIN = "aosfarm-chaos"
"""Name of the plugin that is there when a test of the session has to do with chaos."""

CHAOS_TOLD = "aosfarm_chaos"
"""Key of `workeroutput` that carries it up from an xdist worker."""

WORKER_INPUT = "aosfarm"
"""Key of `config.workerinput` that carries the drawn values down to an xdist worker."""

PROPERTY_PREFIX = "farm."
"""Every user property that the Farm sends up with a report starts so; values are str, int, float or bool."""

IDENTITY_PROPERTY = "farm.identity"
"""Name of the test for its data and history: its `farm_id`, else its dotted path."""

TENANT_PROPERTY = "farm.tenant"
"""Key of the tenant whose data the test used."""

LAB_PROPERTY = "farm.lab"
"""Labs the test belongs to, comma-separated."""

FAULTS_PROPERTY = "farm.faults"
"""The faults injected into the test's calls, as a JSON text."""

CHAOS_PROPERTY = "farm.chaos"
"""What gives the test the same faults again: the value of --farm-replay."""
