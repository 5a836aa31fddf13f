"""What a run adds up to: counts, labs and grades, the same whether summed live or from a spool."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_aosfarm.recording.events import OTHER, OUTCOMES, AttemptFinished, RunCollected
from pytest_aosfarm.recording.properties import FAULTS, GRADE_PREFIX, LAB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_aosfarm.recording.events import Event, Scalar

__all__ = ("BAD", "COUNTS", "Grades", "Tally")

COUNTS = {outcome: {"error": "errors"}.get(outcome, outcome) for outcome in OUTCOMES}
"""The name of each outcome's count: the outcome itself, but `errors`."""

BAD = ("failed", "error", "crashed")
_NO_SUCCESS = {*BAD, OTHER}

Grades = dict[str, dict[str, dict[str, "Scalar"]]]
_Chain = dict[int, tuple[str, int, "str | None"]]


class Tally:
    """The running sums of one run: what each test came to in the end. The order of events never matters."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.collected: int | None = None
        self.deselected = 0
        self.collection_errors = 0
        self.attempts = 0
        self.faults: Counter[str] = Counter()
        """Kind -> how many were recorded."""
        self.faults_in_all = 0
        self.faulted: set[str] = set()
        """The identities of the tests that had any."""
        self._results = 0
        self._chains: dict[str, _Chain] = {}
        """Identity -> attempts that replaced another: outcome, number and outcome of the other. Only what was run again."""
        self._labs: set[str] = set()
        self._grades: dict[str, tuple[str, int, Scalar]] = {}

    def add(self, event: Event) -> None:
        """Take one more event into account."""
        if isinstance(event, AttemptFinished):
            self.attempts += 1
            self.outcomes[event.outcome] += 1
            if event.replaces is not None:
                self.outcomes[event.replaced_outcome or OTHER] -= 1
                chain = self._chains.setdefault(event.identity, {})
                chain[event.attempt] = event.outcome, event.replaces, event.replaced_outcome
            elif event.phase != "collect":
                self._results += 1
            elif event.outcome == "error":
                self.collection_errors += 1
            if event.properties:
                self._take_properties(event)
        elif isinstance(event, RunCollected):
            self.collected, self.deselected = event.collected, event.deselected

    @property
    def not_run(self) -> int | None:
        """Collected tests without any result; None when it is not known what was collected."""
        return None if self.collected is None else max(0, self.collected - self._results)

    @property
    def bad(self) -> int:
        """How many tests failed in the end, could not be set up, or took their worker with them."""
        return sum(self.outcomes[outcome] for outcome in BAD)

    @property
    def flaky(self) -> int:
        """How many tests passed in the end and had not before."""
        return sum(_is_flaky(chain, last) for chain in self._chains.values() for last in _last_ones(chain))

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
            "flaky": self.flaky,
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
            elif key == FAULTS and type(value) is int:
                self.faults_in_all += value
                self.faults.update(str(fault["kind"]) for fault in event.faults)
                self.faulted.add(event.identity)
            elif key.startswith(GRADE_PREFIX) and key.count(".") >= GRADE_PREFIX.count(".") + 2:
                # Two tests may grade the same thing; which one counts must not depend on which worker was first.
                name = key.removeprefix(GRADE_PREFIX)
                known = self._grades.get(name)
                if known is None or (event.identity, event.attempt) >= known[:2]:
                    self._grades[name] = (event.identity, event.attempt, value)


def _last_ones(chain: _Chain) -> Iterator[int]:
    """The attempts that decide; several where several tests have one identity."""
    replaced = {before for _, before, _ in chain.values()}
    return (attempt for attempt in chain if attempt not in replaced)


def _is_flaky(chain: _Chain, last: int) -> bool:
    outcome, before, earlier = chain[last]
    if outcome != "passed":
        return False
    while earlier not in _NO_SUCCESS and before in chain:
        _, before, earlier = chain[before]
    return earlier in _NO_SUCCESS
