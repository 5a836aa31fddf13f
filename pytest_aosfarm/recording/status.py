"""How a run ended, in one word, from what was seen of its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_aosfarm.recording.tally import Tally

__all__ = ("INCOMPLETE_EXIT_CODE", "LIVE", "LOST", "QUEUED", "RUNNING", "Ending", "decide", "has_lost_tests")

QUEUED = "queued"
"""The status of a run that has been made and has run nothing yet."""

RUNNING = "running"
LIVE = (QUEUED, RUNNING)
"""The statuses of a run that has not ended."""

LOST = "lost"
"""The status of a run whose process ended without saying how; its exit code and end are unknown."""

INCOMPLETE_EXIT_CODE = 3
"""What exit code 0 becomes when collected tests left no result: pytest's "internal error"."""

_INTERNAL_ERROR = 3
_NOT_A_TEST_RESULT = {_INTERNAL_ERROR, 4, 5}  # internal error, usage error, nothing collected


@dataclass(slots=True, kw_only=True)
class Ending:
    """What the recorder saw of the end of a run."""

    interrupted: bool = False
    """Ctrl-C, SIGTERM or `pytest.exit`, here or in a worker."""
    stopped: bool = False
    """Tests were left out on purpose: -x, --maxfail, or another plugin's stop."""


def has_lost_tests(ending: Ending, exit_code: int, tally: Tally) -> bool:
    """Whether collected tests have no result and nothing explains it."""
    explained = ending.interrupted or ending.stopped or tally.collection_errors or exit_code in _NOT_A_TEST_RESULT
    return bool(tally.not_run) and not explained


def decide(ending: Ending, exit_code: int, tally: Tally, *, lost_tests: bool) -> str:
    """The status of a finished run: passed, failed, error, interrupted or incomplete.

    `error` means that the run could not do its work: collection failed, an internal or usage error, nothing to run.
    """
    if lost_tests:
        return "incomplete"
    if tally.collection_errors or exit_code == _INTERNAL_ERROR:
        return "error"
    if ending.interrupted:
        return "interrupted"
    if tally.bad:
        return "failed"
    if exit_code in _NOT_A_TEST_RESULT:
        return "error"
    return "failed" if exit_code else "passed"
