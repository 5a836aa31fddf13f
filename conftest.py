"""Lets `--lab` in this repo collect the lab suites only, distributes the whole suite, and gives the tests pytester."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["pytester"]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave `tests/` out when a lab was asked for: only `labs/` can belong to one."""
    from pytest_aosfarm.plugin.keys import settings_key

    settings = config.stash.get(settings_key, None)
    if settings is not None and settings.labs and collection_path.is_relative_to(config.rootpath / "tests"):
        return True
    return None


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run in this process what was named on the command line, or is one lab: workers would cost more than they save."""
    all_of_it = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.getoption("--lab")
    return None if all_of_it else 0
