"""The beginning of a session: what can be known to be wrong before the first test, and who watches the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_aosfarm.errors import FarmError
from pytest_aosfarm.plugin.fixtures import note_identity
from pytest_aosfarm.plugin.keys import run_key, settings_key
from pytest_aosfarm.plugin.watch import Watch, WorkerNotes

if TYPE_CHECKING:
    from pytest_aosfarm.settings import Settings

_RUNS_NO_TESTS = (
    "cacheshow",
    "collectonly",
    "help",
    "markers",
    "setuponly",
    "setupplan",
    "show_fixtures_per_test",
    "showfixtures",
    "version",
)


def pytest_configure(config: pytest.Config) -> None:
    """Look for what is wrong, then let somebody watch; comes after the settings are decided."""
    settings = config.stash[settings_key]
    if any(config.getoption(name, False) for name in _RUNS_NO_TESTS):
        return
    if hasattr(config, "workerinput"):
        if settings.record:
            config.pluginmanager.register(WorkerNotes(config), "aosfarm-notes")
        return
    if settings.in_use:
        try:
            _check(config, settings)
        except FarmError as error:
            raise pytest.UsageError(f"aosfarm: {' '.join(str(error).split())}") from None
    if config.getoption("xmlpath", None):
        from pytest_aosfarm.plugin.junit_faults import JUnitFaults

        config.pluginmanager.register(JUnitFaults(), "aosfarm-junit-faults")
    if settings.record:
        Watch.over(config, in_use=settings.in_use)


def _check(config: pytest.Config, settings: Settings) -> None:
    """Raise FarmError for a database or a live module that will not do."""
    if settings.record:
        from pytest_aosfarm.plugin.started import database_of

        database_of(config, settings)
    if settings.urls:
        from pytest_aosfarm.farm import Farm

        farm = Farm(settings, config.stash[run_key].uuid)
        try:
            farm.probe()
        finally:
            farm.close()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """When the Farm is in use, let every test be recorded under its identity, whether it has a tenant or not."""
    if item.config.stash[settings_key].in_use:
        note_identity(item)
