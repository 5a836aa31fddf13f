"""What a session says at its end of its tests with chaos: who is to blame, how calls were retried, how much was survived."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.chaos.lint import lint
from pytest_aosfarm.chaos.score import Trial, Verdict, canary_verdict, score, verdict_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_aosfarm.chaos.scope import Scope

__all__ = ("ChaosTold",)

MOST_FINDINGS = 20


class ChaosTold:
    """Notes on red tests, findings about retries and trials: of this process, and of the workers that sent theirs up."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._findings: dict[str, list[str]] = {}
        self._trials: dict[tuple[str, str], Trial] = {}
        self._hurried: set[str] = set()
        """Tests whose retries did not wait, as stamina was told that they are tested."""

    def ended(self, test: str, scope: Scope, error: BaseException | None) -> None:
        """Take a test that has ended, with `error` or without one; of a test that was run again the last time counts."""
        faults = scope.faults
        if not faults:
            return
        stamina = sys.modules.get("stamina")
        if stamina is not None and stamina.is_testing():
            self._hurried.add(test)
        self._findings[test] = [str(finding) for finding in lint(scope.latest)]
        for module in {call.key.module for call in faults}:
            families = {call.fault.family for call in faults if call.fault is not None and call.key.module == module}
            self._trials[test, module] = Trial(test, module, sorted(families), verdict_of(error))

    def control(self, test: str, *, green: bool) -> None:
        """Take what the test came to without faults."""
        verdict = Verdict.SURVIVED if green else Verdict.WRONG
        for place, trial in self._trials.items():
            if trial.test == test:
                self._trials[place] = trial._replace(control=verdict)

    def plain(self) -> dict[str, Any]:
        """All of it, as JSON has it: xdist sends no other types."""
        trials = [
            (test, module, [*families], verdict.value, None if control is None else control.value)
            for test, module, families, verdict, control in self._trials.values()
        ]
        hurried = sorted(self._hurried)
        return {"notes": self.notes, "findings": self._findings, "trials": trials, "hurried": hurried}

    def add(self, plain: Mapping[str, Any]) -> None:
        """Take what another process has sent up."""
        self.notes += plain["notes"]
        self._findings |= plain["findings"]
        self._hurried |= set(plain["hurried"])
        for test, module, families, verdict, control in plain["trials"]:
            judged = None if control is None else Verdict(control)
            self._trials[test, module] = Trial(test, module, families, Verdict(verdict), judged)

    def lines(self, *, canary: bool) -> Iterator[str]:
        """What the terminal shows; nothing when nothing was injected."""
        yield from self.notes
        found = [f"{test}: {text}" for test, texts in sorted(self._findings.items()) for text in texts]
        yield from found[:MOST_FINDINGS]
        if len(found) > MOST_FINDINGS:
            yield f"and {len(found) - MOST_FINDINGS} more findings about retries"
        if self._hurried:
            count = len(self._hurried)
            where = min(self._hurried) + (f" and {count - 1} more" if count > 1 else "")
            yield f"back-off was not tried: stamina.set_testing() takes the waits out of retries ({where})"
        trials = [trial for _, trial in sorted(self._trials.items())]
        yield from score(trials).lines()
        if canary and (blind := canary_verdict(trials)):
            yield blind
