"""The pytest plugin, a room per concern. The only part of the package that imports pytest."""

from __future__ import annotations

import pytest

# The suites' helpers assert too; pytest 9.0 overlooks them in an editable install.
pytest.register_assert_rewrite("pytest_aosfarm.labs")

# No room before one that it imports: pytest warns of a plugin that is loaded already.
pytest_plugins = (
    "pytest_aosfarm.plugin.options",
    "pytest_aosfarm.plugin.markers",
    "pytest_aosfarm.plugin.fixtures",
    "pytest_aosfarm.plugin.chaos",
    "pytest_aosfarm.plugin.session",
)
