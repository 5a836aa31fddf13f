"""How a run ended, in one word and the reason for it, from what was seen of its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_aosfarm.recording.tally import Tally

__all__ = (
    "INCOMPLETE_EXIT_CODE", "LIVE", "LOST", "QUEUED", "RUNNING", "STATUSES", "SUSPECT", "Ending", "decide", "has_lost_tests",
    "reason_for",
)  # fmt: skip

QUEUED = "queued"
"""The status of a run that has been made and has run nothing yet."""

RUNNING = "running"
LIVE = (QUEUED, RUNNING)
"""The statuses of a run that has not ended."""

SUSPECT = "suspect"
"""What a live run is shown as when its process seems to be gone; never stored."""

LOST = "lost"
"""The status of a run whose process ended without saying how; its exit code and end are unknown."""

STATUSES = {
    QUEUED: "recorded, nothing has run yet: tests are being collected",
    RUNNING: "tests run",
    "passed": "every test went well",
    "failed": "a test went wrong, or the exit code says so",
    "error": "it could not do its work: collection failed, an internal or usage error, nothing to run",
    "interrupted": "Ctrl-C, SIGTERM or `pytest.exit` ended it",
    "incomplete": "collected tests left no result and nothing explains it",
    SUSPECT: "shown while its process seems to be gone; never stored",
    LOST: "its process ended without saying how; it may come back",
}
"""Every status and what it means."""

INCOMPLETE_EXIT_CODE = 3
"""What exit code 0 becomes when collected tests left no result: pytest's "internal error"."""

_INTERNAL_ERROR = 3
_NOT_A_TEST_RESULT = {_INTERNAL_ERROR: "internal error", 4: "usage error", 5: "nothing to run"}


@dataclass(slots=True, kw_only=True)
class Ending:
    """What the recorder saw of the end of a run."""

    interrupted: bool = False
    """Ctrl-C, SIGTERM or `pytest.exit`, here or in a worker."""
    stopped: bool = False
    """Tests were left out on purpose: -x, --maxfail, or another plugin's stop."""
    reason: str | None = None

    def interrupt(self, reason: str) -> None:
        """Somebody wanted the run to end; the first one counts."""
        if not self.interrupted:
            self.interrupted, self.reason = True, reason

    def stop(self, reason: str) -> None:
        """The run was stopped by a rule; why, unless a better reason is known."""
        self.stopped = True
        self.reason = self.reason or reason


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
    # Of a worker that was told to exit with a code of its own, xdist says "internal error".
    if ending.interrupted:
        return "interrupted"
    if tally.collection_errors or exit_code == _INTERNAL_ERROR:
        return "error"
    if tally.bad:
        return "failed"
    if exit_code in _NOT_A_TEST_RESULT:
        return "error"
    return "failed" if exit_code else "passed"


def reason_for(status: str, ending: Ending, exit_code: int, tally: Tally) -> str | None:
    """Why a run has the status, where its tests do not say it."""
    if status == "incomplete":
        return f"{tally.not_run} of {tally.collected} collected tests left no result"
    if status == "error" and tally.collection_errors:
        return f"{tally.collection_errors} file{'s' * (tally.collection_errors > 1)} could not be collected"
    if status == "failed" and not tally.bad and ending.reason is None:
        return f"no test failed in the end, but the exit code is {exit_code}"
    return ending.reason or (_NOT_A_TEST_RESULT.get(exit_code) if status == "error" else None)
