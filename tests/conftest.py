"""What the whole test suite shares: the three ways every plugin behaviour is tested."""

from __future__ import annotations

# pytester forgets what an inner run has imported, and httpx loads this late: it would then know its errors by old classes.
import httpcore  # noqa: F401
import pytest


@pytest.fixture(
    params=[
        pytest.param((), id="no-xdist"),
        pytest.param(("-n0",), id="n0"),
        # Two workers cost seconds to start, some hundred times over: `-m slow` runs these.
        pytest.param(("-n2",), id="n2", marks=pytest.mark.slow),
    ]
)
def plugin_args(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Arguments for an inner pytest: without xdist's options, `-n0`, `-n2`."""
    args: tuple[str, ...] = request.param
    return args
