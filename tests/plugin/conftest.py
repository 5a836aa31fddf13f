"""What the plugin's tests share: an inner pytest that the environment outside does not reach."""

from __future__ import annotations

import os

# pytester forgets what an inner run has imported, and these cannot be imported twice in one process.
import pydantic  # noqa: F401
import pytest

import pytest_aosfarm.recording.store  # noqa: F401


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away every variable that the Farm or pytest would read."""
    for name in list(os.environ):
        if name.startswith("AOSFARM_") or name.endswith("_BASE_URL") or name == "PYTEST_ADDOPTS":
            monkeypatch.delenv(name)
