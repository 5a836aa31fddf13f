"""Finds the fewest faults with which a test still fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Sequence

__all__ = ("Shrunk", "Trial", "shrink")

T = TypeVar("T", bound="Hashable")


class Trial(NamedTuple, Generic[T]):
    """What a run of the test came to: whether it has failed, and which of the faults that it was given were injected."""

    failed: bool
    injected: Collection[T]


@dataclass(frozen=True, slots=True)
class Shrunk(Generic[T]):
    """What is left, and how many times the test was run to find it."""

    faults: tuple[T, ...]
    runs: int


def shrink(faults: Sequence[T], run: Callable[[Sequence[T]], Trial[T]]) -> Shrunk[T]:
    """A 1-minimal part of `faults`: the test fails with it, and not if any one of it is left out.

    `run` tries the test with some of the faults, which are all different. That it fails with all of them, and that all are
    then injected, is taken for granted, and so is that it passes without any. At most n² + 3n runs for n faults; for k of
    n that are needed, about k (log2 n + 2).
    """
    trials = _Trials(faults, run)
    left = _one_at_a_time(_from_the_end(trials), trials)
    return Shrunk(tuple(faults[i] for i in left), trials.runs)


class _Trials(Generic[T]):
    """Runs with parts of the faults (as indices, in order), no two of them alike."""

    def __init__(self, faults: Sequence[T], run: Callable[[Sequence[T]], Trial[T]]) -> None:
        self._faults = faults
        self._run = run
        self.all = tuple(range(len(faults)))
        self._known = [(set(self.all), self.all, True), (set[int](), (), False)]
        self.runs = 0

    def red(self, part: tuple[int, ...]) -> tuple[int, ...] | None:
        """Those that are injected if the test gets `part` and fails with it; None if it passes."""
        wanted = set(part)
        for given, injected, failed in self._known:
            # What is not injected has no effect: any plan between the two has had the same run.
            if wanted.issuperset(injected) and wanted <= given:
                return injected if failed else None
        self.runs += 1
        trial = self._run([self._faults[i] for i in part])
        injected = tuple(i for i in part if self._faults[i] in trial.injected)
        self._known.append((wanted, injected, trial.failed))
        return injected if trial.failed else None


def _from_the_end(trials: _Trials[T]) -> tuple[int, ...]:
    """A part that fails; 1-minimal if more faults never make a test pass.

    The faults up to some last one suffice, and without it do not: it is needed. With it, the faults up to some earlier one
    suffice, and so on; each is found by bisection.
    """
    rest, needed = trials.all, trials.all[:0]
    while rest and (not needed or trials.red(needed) is None):
        passes, fails = 0, len(rest)
        while fails - passes > 1:
            middle = (passes + fails) // 2
            injected = trials.red(rest[:middle] + needed)
            if injected is None:
                passes = middle
            else:
                passes = sum(i in injected for i in rest[:passes])
                rest = tuple(i for i in rest[:middle] if i in injected)
                needed = tuple(i for i in needed if i in injected)
                fails = len(rest)
        rest, needed = rest[: fails - 1], rest[fails - 1 : fails] + needed
    return needed


def _one_at_a_time(left: tuple[int, ...], trials: _Trials[T]) -> tuple[int, ...]:
    """Leave out one after the other, for as long as the test fails without it."""
    for one in left:
        smaller = trials.red(tuple(i for i in left if i != one))
        if smaller is not None:
            return _one_at_a_time(smaller, trials)
    return left
