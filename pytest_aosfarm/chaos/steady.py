"""A steady state: what must hold before, during and after a block in which faults are injected."""

from __future__ import annotations

from inspect import isawaitable, iscoroutine
from threading import Lock
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, Self

from pytest_aosfarm.chaos.durations import in_words, microseconds
from pytest_aosfarm.errors import ChaosError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ("Answer", "Phase", "SteadyState", "SteadyStateError", "Stopwatch", "steady_state")

Phase = Literal["before", "during", "after"]

_SHOWN = 8


class Stopwatch(Protocol):
    """What a steady state needs of a `Clock`."""

    def recorded_us(self) -> int:
        """Microseconds; only differences mean something."""


class Answer(NamedTuple):
    """What a probe said: when (microseconds from the start), whether it was true, and its error if it had one."""

    phase: Phase
    at_us: int
    true: bool
    error: str | None = None

    def __str__(self) -> str:
        at = in_words(round(self.at_us, -3))
        return at if self.error is None else f"{at} ({self.error})"


class SteadyStateError(ChaosError, AssertionError):
    """The steady state did not hold; a test that sees this has failed. `phase` says when, `answers` what was said then."""

    def __init__(self, phase: Phase, answers: tuple[Answer, ...], tolerance: float) -> None:
        self.phase = phase
        self.answers = answers
        true = sum(answer.true for answer in answers)
        wrong = [str(answer) for answer in answers if not answer.true]
        shown = ", ".join(wrong[:_SHOWN]) + (f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else "")
        advice = {
            "before": "nothing was injected yet, so chaos is not to blame: look at the system, or at the probe",
            "during": "the system does not stand these faults: mend it, or lower the tolerance",
            "after": "the system did not recover from the faults: mend it, or give it time at the end of the block",
        }
        super().__init__(
            f"the steady state did not hold {phase} the block: {true} of {len(answers)} answers were true, and a share of"
            f" {tolerance:g} is needed; not true at {shown}; {advice[phase]}"
        )


class SteadyState:
    """Asks `probe` at the edges of a block, and in it whenever `tick` finds that the next time has come.

    `answers` are all that it said so far.
    """

    def __init__(
        self, probe: Callable[[], object], every_us: int, tolerance: float, clock: Stopwatch, *, before: bool, after: bool
    ) -> None:
        """See `steady_state`; `every_us` is microseconds."""
        self._probe, self._clock = probe, clock
        self._every, self._tolerance = every_us, tolerance
        self._before, self._after = before, after
        self._start = self._due = clock.recorded_us()
        self._asking = Lock()
        self._open = False
        self.answers: list[Answer] = []

    def __enter__(self) -> Self:
        """Ask; SteadyStateError if the system is not steady to begin with."""
        self.answers = []
        self._start = self._clock.recorded_us()
        if self._before:
            self._ask("before")
            self._judge("before")
        self._due = self._clock.recorded_us() + self._every
        self._open = True
        return self

    def tick(self) -> None:
        """Ask if it is time to: to be called after each call and each wait. What the probe itself does asks nothing.

        However long the last wait was, there is one answer: nobody looked meanwhile.
        """
        if self._open and self._clock.recorded_us() >= self._due and self._asking.acquire(blocking=False):
            try:
                self._ask("during")
                late = self._clock.recorded_us() - self._due
                self._due += (late // self._every + 1) * self._every
            finally:
                self._asking.release()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Judge what was said, and ask once more; an error of the block goes first and takes a note along."""
        self._open = False
        during = self._of("during")
        if error is not None:
            if not all(answer.true for answer in during):
                error.add_note(str(SteadyStateError("during", during, self._tolerance)))
            return
        self._judge("during")
        if self._after:
            self._ask("after")
            self._judge("after")
        elif not during:
            took = in_words(self._clock.recorded_us() - self._start)
            raise ChaosError(
                f"the steady state was never looked at in the block, which took {took}; it is looked at every"
                f" {in_words(self._every)}: make that shorter, or let it be looked at after the block"
            )

    def _of(self, phase: Phase) -> tuple[Answer, ...]:
        return tuple(answer for answer in self.answers if answer.phase == phase)

    def _judge(self, phase: Phase) -> None:
        answers = self._of(phase)
        if answers and sum(answer.true for answer in answers) / len(answers) < self._tolerance:
            raise SteadyStateError(phase, answers, self._tolerance)

    def _ask(self, phase: Phase) -> None:
        at = self._clock.recorded_us() - self._start
        try:
            said = self._probe()
        except Exception as problem:  # noqa: BLE001 - whatever went wrong, the answer is no
            self.answers.append(Answer(phase, at, true=False, error=f"{type(problem).__name__}: {problem}"))
            return
        if isawaitable(said):
            if iscoroutine(said):
                said.close()
            raise TypeError("the probe of a steady state is async, and what it gives always true; give a plain function")
        self.answers.append(Answer(phase, at, bool(said)))


def steady_state(
    probe: Callable[[], object],
    *,
    every: str | float,
    tolerance: float = 1.0,
    clock: Stopwatch,
    before: bool = True,
    after: bool = True,
) -> SteadyState:
    """A context manager that raises SteadyStateError unless `probe()` is true before, often enough in, and after its block.

    In the block it is asked every so often (`every` is a duration of `clock`, see `durations.microseconds`), if `tick` is
    called there; the share of true answers must be at least `tolerance`, in (0, 1]. A probe that raises is not true. If the
    system is not steady before, the block is not entered. ValueError if `every` or `tolerance` is none.
    """
    every_us = microseconds(every)
    if every_us == 0:
        raise ValueError("a steady state cannot be looked at every 0 s; give a duration such as '5s'")
    if not 0 < tolerance <= 1:
        raise ValueError(f"a tolerance of {tolerance!r} is no share of true answers; it is above 0 and at most 1")
    return SteadyState(probe, every_us, tolerance, clock, before=before, after=after)
