"""What the whole test suite shares: the three ways every plugin behaviour is tested, and a real PostgreSQL."""

from __future__ import annotations

import gc
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

# pytester forgets what an inner run has imported, and httpx loads this late: it would then know its errors by old classes.
import httpcore  # noqa: F401
import pytest
from hypothesis import settings

# Neither pydantic nor SQLAlchemy can be imported twice, and both load parts of themselves late.
import pytest_aosfarm.modules.aod
import pytest_aosfarm.recording.store  # noqa: F401 - imported for its effect, as the line above

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.postgres import Postgres

# By default the collector looks through all that some thousand tests have left, again and again: a tenth of the time.
gc.set_threshold(50_000, 20, 50)

# They are other examples in every run; `.ci/run` asks for Hypothesis's own hundred.
settings.register_profile("quick", max_examples=30)
settings.load_profile("quick")


def pytest_collection_finish() -> None:
    """A million objects stay to the end: whoever looks for garbage need not look through them, again and again."""
    gc.freeze()


@pytest.fixture(
    params=[
        pytest.param((), id="no-xdist"),
        # `-n0` is all but the same, some hundred times over, and two workers cost seconds to start: `-m slow` runs these.
        pytest.param(("-n0",), id="n0", marks=pytest.mark.slow),
        pytest.param(("-n2",), id="n2", marks=pytest.mark.slow),
    ]
)
def plugin_args(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Arguments for an inner pytest: without xdist's options, `-n0`, `-n2`."""
    args: tuple[str, ...] = request.param
    return args


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server at AOSFARM_TEST_PG_URL, else one of our own; without either its tests fail, they are never skipped."""
    from tools.postgres import Postgres, PostgresError, running_postgres

    url = os.environ.get("AOSFARM_TEST_PG_URL")
    with ExitStack() as stack:
        try:
            server = Postgres(url) if url else stack.enter_context(running_postgres(in_memory=True))
            server.check()
        except PostgresError as error:
            pytest.fail(f"no PostgreSQL to test with: {error}", pytrace=False)
        yield server
