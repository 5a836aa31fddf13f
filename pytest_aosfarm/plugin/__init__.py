"""The pytest plugin, a room per concern. The only part of the package that imports pytest."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("pytest_aosfarm.labs")

pytest_plugins = (
    "pytest_aosfarm.plugin.options",
    "pytest_aosfarm.plugin.selection",
    "pytest_aosfarm.plugin.fixtures",
)
