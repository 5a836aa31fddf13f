"""Lets `--lab` in this repo collect the lab suites only, distributes the whole suite, and gives the tests pytester."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["pytester"]

# Every worker, twin and inner run would compile all that it loads again: half a minute for the whole suite.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave `tests/` out when a lab was asked for: only `labs/` can belong to one."""
    from pytest_aosfarm.plugin.keys import settings_key

    settings = config.stash.get(settings_key, None)
    if settings is not None and settings.labs and collection_path.is_relative_to(config.rootpath / "tests"):
        return True
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Distribute the whole suite; what the command line names, or one lab, would lose more by workers than it wins."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.getoption("--lab")
    free = config.getoption("numprocesses", default=0) is None and config.getoption("dist") == "no"
    if whole and free and not config.getoption("usepdb") and not hasattr(config, "workerinput"):
        config.option.numprocesses = min(4, config.hook.pytest_xdist_auto_num_workers(config=config))
        config.option.dist = "loadfile"  # what a file has made for all its tests is made once
