"""What is worth showing of a run, kept while it is recorded: its first failures and its flaky tests, however many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aosfarm.recording.events import OTHER, AttemptFinished
from pytest_aosfarm.recording.failures import cut
from pytest_aosfarm.recording.tally import BAD

if TYPE_CHECKING:
    from pytest_aosfarm.recording.events import Event

__all__ = ("Failure", "Highlights")

KEPT = 100
"""Failures, and flaky tests, that are kept."""

TRACE_LIMIT = 4000
"""Characters of a traceback that are kept: head and tail."""

_WRONG = {*BAD, OTHER}


@dataclass(frozen=True, slots=True)
class Failure:
    """A test that failed in the end. `location` is "path:line" from the root directory, where that is known."""

    nodeid: str
    outcome: str
    phase: str
    message: str | None
    location: str | None
    trace: str


class Highlights:
    """Takes the attempts of one run as they finish; most of them are passed over at once."""

    def __init__(self) -> None:
        self._failures: dict[tuple[str, int], Failure] = {}
        self._flaky: dict[tuple[str, int], str] = {}
        self._wrong_before: set[tuple[str, int]] = set()

    def add(self, event: Event) -> None:
        """Take one more event into account."""
        if isinstance(event, AttemptFinished) and (event.replaces is not None or event.outcome in BAD):
            self._take(event)

    @property
    def failures(self) -> list[Failure]:
        """The tests that failed in the end, the first to finish first."""
        return list(self._failures.values())

    @property
    def flaky(self) -> list[str]:
        """Node ids of the tests that passed in the end and had not before."""
        return list(self._flaky.values())

    def _take(self, event: AttemptFinished) -> None:
        key = event.identity, event.attempt
        if event.replaces is not None:
            before = event.identity, event.replaces
            self._failures.pop(before, None)
            self._flaky.pop(before, None)
            if event.replaced_outcome in _WRONG or before in self._wrong_before:
                self._wrong_before.add(key)
                if event.outcome == "passed" and len(self._flaky) < KEPT:
                    self._flaky[key] = event.nodeid
        if event.outcome in BAD and len(self._failures) < KEPT:
            trace = cut(event.outputs.get("longrepr", ""), TRACE_LIMIT)
            self._failures[key] = Failure(
                event.nodeid, event.outcome, event.phase, event.message, event.error_location, trace
            )
