"""What a run adds up to: counts, labs and grades, the same whether summed live or from a spool."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_aosfarm.recording.events import OUTCOMES, AttemptFinished, RunCollected

if TYPE_CHECKING:
    from pytest_aosfarm.recording.events import Event, Scalar

__all__ = ("COUNTS", "GRADE_PREFIX", "IDENTITY", "LAB", "TENANT", "Grades", "Tally")

IDENTITY = "farm.identity"
TENANT = "farm.tenant"
LAB = "farm.lab"
GRADE_PREFIX = "farm.grade."

COUNTS = {outcome: {"error": "errors"}.get(outcome, outcome) for outcome in OUTCOMES}
"""The name of each outcome's count: the outcome itself, but `errors`."""

Grades = dict[str, dict[str, dict[str, "Scalar"]]]


class Tally:
    """The running sums of one run. Every attempt with a counted outcome counts; the order never matters."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.collected: int | None = None
        self.deselected = 0
        self.collection_errors = 0
        self._tests: set[str] = set()
        self._labs: set[str] = set()
        self._grades: dict[str, tuple[str, int, Scalar]] = {}

    def add(self, event: Event) -> None:
        """Take one more event into account."""
        if isinstance(event, RunCollected):
            self.collected, self.deselected = event.collected, event.deselected
        elif isinstance(event, AttemptFinished):
            self.outcomes[event.outcome] += 1
            if event.phase != "collect":
                self._tests.add(event.nodeid)
            elif event.outcome == "error":
                self.collection_errors += 1
            self._take_properties(event)

    @property
    def not_run(self) -> int | None:
        """Collected tests without any result; None when it is not known what was collected."""
        return None if self.collected is None else max(0, self.collected - len(self._tests))

    @property
    def bad(self) -> int:
        """How many attempts failed, could not be set up, or took their worker with them."""
        return self.outcomes["failed"] + self.outcomes["error"] + self.outcomes["crashed"]

    @property
    def labs(self) -> tuple[str, ...]:
        """The labs whose tests have run, sorted."""
        return tuple(sorted(self._labs))

    def counts(self) -> dict[str, int | None]:
        """Every count of the run by its column name."""
        counted: dict[str, int | None] = {name: self.outcomes[outcome] for outcome, name in COUNTS.items()}
        return {
            "collected": self.collected,
            "deselected": self.deselected,
            **counted,
            "not_run": self.not_run,
        }

    def grades(self) -> Grades:
        """Lab -> subject -> metric -> value, sorted by name."""
        nested: Grades = {}
        for name in sorted(self._grades):
            lab, _, rest = name.partition(".")
            subject, _, metric = rest.rpartition(".")
            nested.setdefault(lab, {}).setdefault(subject, {})[metric] = self._grades[name][2]
        return nested

    def _take_properties(self, event: AttemptFinished) -> None:
        for key, value in event.properties.items():
            if key == LAB:
                self._labs.update(lab for lab in str(value).split(",") if lab)
            elif key.startswith(GRADE_PREFIX) and key.count(".") >= GRADE_PREFIX.count(".") + 2:
                # Two tests may grade the same thing; which one counts must not depend on which worker was first.
                name = key.removeprefix(GRADE_PREFIX)
                known = self._grades.get(name)
                if known is None or (event.identity, event.attempt) >= known[:2]:
                    self._grades[name] = (event.identity, event.attempt, value)
