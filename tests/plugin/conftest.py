"""What the plugin's tests share: an inner pytest that nothing outside reaches, with no plugin but xdist and ours."""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
from recorded_runs import serve_in_a_thread

OF_CI = {"BUILD_NUMBER", "BUILDKITE", "CI", "CIRCLECI", "GITLAB_CI", "JENKINS_URL", "TF_BUILD"}
"""What tells pytest or the Farm that it runs in CI: pytest then writes other lines."""

NO_AUTOLOAD = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
NAMED_PLUGINS = "-p xdist -p aosfarm"


@pytest.fixture(autouse=True)
def inner_environment(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away every variable that the Farm or pytest would read, and what tells of a CI system.

    Other people's plugins triple a worker's start. Comes after `pytester`, which takes PYTEST_ADDOPTS away.
    """
    for name in list(os.environ):
        if name.startswith(("AOSFARM_", "GITHUB_")) or name.endswith("_BASE_URL") or name in OF_CI:
            monkeypatch.delenv(name)
    # A suite that is written anew within a second, and is as long as before, would be read from its old bytecode.
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv(NO_AUTOLOAD, "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", NAMED_PLUGINS)


@cache
def with_plugins() -> list[metadata.Distribution]:
    """The installed distributions that have plugins of pytest."""
    return [found for found in metadata.distributions() if found.entry_points.select(group="pytest11")]


@pytest.fixture(autouse=True)
def plugins_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For each `-p NAME` every inner session of this process would read again what all distributions have on disk."""
    found = with_plugins()
    monkeypatch.setattr(metadata, "distributions", lambda: found)


@pytest.fixture(autouse=True)
def database_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """What inner sessions of this process start as a process of its own is a thread: SQLAlchemy is loaded already.

    Inner sessions that are processes themselves start a real one.
    """
    serve_in_a_thread(monkeypatch)


@pytest.fixture
def autoload(inner_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the inner pytest find its plugins by itself, as it does for users."""
    monkeypatch.delenv(NO_AUTOLOAD)
    monkeypatch.delenv("PYTEST_ADDOPTS")


CLIENT_OF_A_SHOP = """
    import httpx
    import pytest

    def answer(request):
        return httpx.Response(200, json={"path": request.url.path})

    @pytest.fixture(scope="module")
    def shop(chaos):
        with httpx.Client(transport=httpx.MockTransport(answer), base_url="http://shop.test") as client:
            yield chaos.wrap(client, "shop")
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Callable[[str], None]:
    """A function that writes a suite beside a fixture `shop`, a client that chaos gets into."""

    def write(text: str) -> None:
        pytester.makeconftest(CLIENT_OF_A_SHOP)
        pytester.makepyfile(text)

    return write
