"""A recorded run when it has ended, for all who speak of it then: what it came to, and what it is compared with."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pytest_aosfarm.exports.faults import faults_in_words
from pytest_aosfarm.exports.words import counts_in_words, duration_in_words

if TYPE_CHECKING:
    from pytest_aosfarm.exports.highlights import Highlights
    from pytest_aosfarm.recording.tally import Grades
    from pytest_aosfarm.recording.writer import RunWriter

__all__ = ("NO_CHANGE", "QUESTION", "EndedRun", "Recording")

NO_CHANGE = "no change"

QUESTION = "pytest_aosfarm.history.since_baseline:since_baseline"
"""What the process that owns the database is asked at the end of a run."""


class Recording(Protocol):
    """What is known of a recording while it goes on."""

    highlights: Highlights
    problem: str | None
    lost_tests: bool

    @property
    def writer(self) -> RunWriter | None:
        """Where the run goes; None when it could not even begin."""


class EndedRun:
    """What is said of a run; to be asked when it has ended, and begun."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    @property
    def writer(self) -> RunWriter:
        """Where the run went."""
        writer = self._recording.writer
        assert writer is not None
        return writer

    @property
    def highlights(self) -> Highlights:
        """Failures and flaky tests."""
        return self._recording.highlights

    @property
    def grades(self) -> Grades:
        """Lab -> subject -> metric -> value."""
        return self.writer.tally.grades()

    @property
    def faults(self) -> str | None:
        """How many faults were injected, and of which kinds, in words; None when there were none."""
        return faults_in_words(self.writer.tally)

    @property
    def status(self) -> str:
        """How it ended, in one word."""
        return "unfinished" if self.writer.finished is None else self.writer.finished.status

    @property
    def counts(self) -> str:
        """What it counted, how long it took, and on how many workers."""
        counts = counts_in_words(self.writer.tally.counts())
        finished, started = self.writer.finished, self.writer.started
        if finished is None or finished.finished_at is None:
            return counts
        took = duration_in_words((finished.finished_at - started.started_at).total_seconds())
        workers = started.worker_count
        return f"{counts} in {took}" + (f" on {workers} worker{'s' * (workers > 1)}" if workers else "")

    @property
    def changes(self) -> tuple[str, str] | None:
        """The baseline, such as #178, and in words what is not as it was there; None when nothing is known."""
        found = self._since_baseline
        return None if found is None else (f"#{found['base']}", found["headline"] or NO_CHANGE)

    @property
    def newly_failing(self) -> list[tuple[str, str | None]]:
        """Node id and message of the tests that fail and did not in the baseline, as far as that is known."""
        found = self._since_baseline
        return [] if found is None else [(nodeid, message) for nodeid, message in found["newly_failing"]]

    @cached_property
    def _since_baseline(self) -> Any:
        """The answer to the question; None when the run has no baseline, is not in the database, or nobody can tell."""
        return self.writer.ask()

    def address(self, nodeid: str) -> str:
        """The URI of the file of a test."""
        return (Path(self.writer.started.rootdir or "/") / nodeid.partition("::")[0]).as_uri()
