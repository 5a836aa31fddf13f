"""Lets `--lab` in this repo collect the lab suites only, and gives the tests pytester."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

pytest_plugins = ["pytester"]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave `tests/` out when a lab was asked for: only `labs/` can belong to one."""
    from pytest_aosfarm.plugin.keys import settings_key

    settings = config.stash.get(settings_key, None)
    if settings is not None and settings.labs and collection_path.is_relative_to(config.rootpath / "tests"):
        return True
    return None
