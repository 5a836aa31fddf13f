"""What the whole test suite shares: the three ways every plugin behaviour is tested."""

from __future__ import annotations

import pytest


@pytest.fixture(params=[(), ("-n0",), ("-n2",)], ids=["no-xdist", "n0", "n2"])
def plugin_args(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Arguments for an inner pytest: without xdist's options, `-n0`, `-n2`."""
    args: tuple[str, ...] = request.param
    return args
