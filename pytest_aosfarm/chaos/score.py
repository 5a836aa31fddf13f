"""How well the modules' callers stand which faults: what became of chaos tests, by module and by family of fault.

A trial is one test with faults in its calls to one module, and what the same test came to without them (its control run).
Where that is red too the test itself is to blame, and the trial is not judged. The score is survived / judged. A trial in
which faults of several families fired counts in the cell of each, because nobody can tell which it was; in the sum over
a module it counts once. A trial in which none fired says nothing, and is not counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, get_args

from pytest_aosfarm.chaos.effects import DoubleEffectError
from pytest_aosfarm.chaos.fault_base import Family
from pytest_aosfarm.chaos.steady import SteadyStateError
from pytest_aosfarm.errors import ChaosError, ModuleError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from typing import Any

__all__ = ("FAMILIES", "Cell", "Score", "Trial", "Verdict", "canary_verdict", "score", "verdict_of")

FAMILIES: tuple[str, ...] = get_args(Family)
"""The families of faults in the order in which they are shown; any other comes behind them."""

_MOST_MODULES = 5
_MOST_NAMES = 3


class Verdict(StrEnum):
    """What became of a test, the worst last but for the last, which says nothing of the faults."""

    SURVIVED = "survived"
    FAILED = "failed on the fault"
    CRASHED = "crashed"
    HUNG = "hung"
    WRONG = "wrong answer"
    DOUBLE = "double effect"
    ITSELF = "the test itself"


_ORDER = tuple(Verdict)


class Trial(NamedTuple):
    """A test with faults in its calls to `module`: the families that fired, what it came to, and what without them.

    `control` is None where there was no control run.
    """

    test: str
    module: str
    families: Collection[str]
    verdict: Verdict
    control: Verdict | None = None

    @property
    def judged(self) -> Verdict:
        """The verdict with the control run considered."""
        return self.verdict if self.control in {None, Verdict.SURVIVED} else Verdict.ITSELF


def verdict_of(error: BaseException | None) -> Verdict:
    """What a test came to that ended with `error`, or without one.

    An error of httpx or of a module's client, or one raised `from` such, is a clean failure on the fault; a failed assertion
    is a wrong answer; a time limit that is not httpx's means that the test hung; any other error is a crash. A steady
    state that was none before any fault, or chaos that could not be had, is the test's own fault.
    """
    if error is None:
        return Verdict.SURVIVED
    if isinstance(error, BaseExceptionGroup):
        return max(map(verdict_of, error.exceptions), key=_ORDER.index)
    return next((verdict for applies, verdict in _SIGNS if applies(error)), Verdict.CRASHED)


def _was_not_steady_before(error: BaseException) -> bool:
    return isinstance(error, SteadyStateError) and error.phase == "before"


def _is_pytests(error: BaseException) -> bool:
    """What pytest.fail raises, and pytest-timeout too; its class is pytest's own."""
    return type(error).__name__ == "Failed"


def _is_of_the_call(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        libraries = {one.__module__.partition(".")[0] for one in type(cause).__mro__}
        if isinstance(cause, ModuleError) or not libraries.isdisjoint({"httpx", "httpx2", "httpcore"}):
            return True
        cause = cause.__cause__
    return False


_SIGNS: tuple[tuple[Callable[[BaseException], bool], Verdict], ...] = (
    (lambda error: isinstance(error, DoubleEffectError), Verdict.DOUBLE),
    (_was_not_steady_before, Verdict.ITSELF),
    (lambda error: _is_pytests(error) and "from pytest-timeout" in str(error), Verdict.HUNG),
    (lambda error: _is_pytests(error) or isinstance(error, AssertionError), Verdict.WRONG),
    (lambda error: isinstance(error, ChaosError), Verdict.ITSELF),
    (_is_of_the_call, Verdict.FAILED),
    (lambda error: isinstance(error, TimeoutError), Verdict.HUNG),
)
"""The first sign that applies decides."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What became of some trials: how many came to which verdict."""

    counts: Mapping[Verdict, int]

    @property
    def survived(self) -> int:
        """How many survived."""
        return self.counts.get(Verdict.SURVIVED, 0)

    @property
    def judged(self) -> int:
        """How many say something of the faults."""
        return sum(count for verdict, count in self.counts.items() if verdict is not Verdict.ITSELF)

    @property
    def score(self) -> Fraction | None:
        """The share that survived, exactly; None where no trial was judged."""
        return Fraction(self.survived, self.judged) if self.judged else None

    @property
    def lost(self) -> str:
        """What the others came to, the worst first: "1 double effect, 2 hung"; empty if there are none."""
        bad = [verdict for verdict in reversed(_ORDER[1:-1]) if self.counts.get(verdict)]
        return ", ".join(f"{self.counts[verdict]} {verdict}" for verdict in bad)

    def __str__(self) -> str:
        return f"{self.survived}/{self.judged}" if self.judged else "-"

    def as_dict(self) -> dict[str, Any]:
        """{"survived": 3, "judged": 4, "verdicts": {"survived": 3, "hung": 1}}."""
        verdicts = {verdict.value: self.counts[verdict] for verdict in _ORDER if self.counts.get(verdict)}
        return {"survived": self.survived, "judged": self.judged, "verdicts": verdicts}


@dataclass(frozen=True, slots=True)
class Score:
    """The cells by module and family, and the sum over each module; both in the order in which they are shown."""

    cells: Mapping[tuple[str, str], Cell]
    modules: Mapping[str, Cell]

    def as_dict(self) -> dict[str, Any]:
        """{module: {"all": cell, "families": {family: cell}}}, of strings and whole numbers only."""
        return {
            module: {
                "all": cell.as_dict(),
                "families": {family: one.as_dict() for (of, family), one in self.cells.items() if of == module},
            }
            for module, cell in self.modules.items()
        }

    def lines(self) -> list[str]:
        """A table for people, at most eight lines; nothing if there were no trials. Of many modules the worst are shown."""
        if not self.modules:
            return []
        families = sorted({family for _, family in self.cells}, key=_place)
        worst = sorted(self.modules, key=lambda module: (not self.modules[module].judged, self.modules[module].score))
        shown = worst if len(worst) <= _MOST_MODULES else worst[: _MOST_MODULES - 1]
        rows = [["survived of judged", *families, "all"]]
        rows += [
            [module, *(str(self.cells.get((module, family), _NOTHING)) for family in families), str(cell)]
            for module, cell in self.modules.items()
            if module in shown
        ]
        if len(shown) < len(worst):
            rest = [cell for module, cell in self.modules.items() if module not in shown]
            rows.append([f"{len(rest)} more", *([""] * len(families)), str(_sum(rest))])
        return [*_aligned(rows), *self._remarks()]

    def _remarks(self) -> Iterable[str]:
        lost = [f"{module} {family} {cell.lost}" for (module, family), cell in self.cells.items() if cell.lost]
        if lost:
            yield f"not survived: {_some(lost, '; ')}"
        itself = sum(cell.counts.get(Verdict.ITSELF, 0) for cell in self.modules.values())
        if itself:
            yield f"not judged: {itself}, red without faults, or chaos could not be had"


_NOTHING = Cell({})


def score(trials: Iterable[Trial]) -> Score:
    """The score of the trials, in whatever order they come."""
    cells: dict[tuple[str, str], Counter[Verdict]] = {}
    modules: dict[str, Counter[Verdict]] = {}
    for trial in trials:
        for family in set(trial.families):
            cells.setdefault((trial.module, family), Counter())[trial.judged] += 1
        if trial.families:
            modules.setdefault(trial.module, Counter())[trial.judged] += 1
    places = sorted(cells, key=lambda place: (place[0], _place(place[1])))
    return Score({place: Cell(cells[place]) for place in places}, {name: Cell(modules[name]) for name in sorted(modules)})


def canary_verdict(trials: Iterable[Trial]) -> str | None:
    """What the preset `canary`, which no test may survive, says of the tests themselves; None if they can see faults.

    `trials` are of runs with that preset only.
    """
    hit = [trial for trial in trials if trial.families and trial.judged is not Verdict.ITSELF]
    if not hit:
        return "oracle not tried: the preset canary injected nothing into a test that is green without it"
    if any(trial.judged is not Verdict.SURVIVED for trial in hit):
        return None
    tests = sorted({trial.test for trial in hit})
    number = f"{len(tests)} test{'s'[: len(tests) > 1]}"
    return (
        f"oracle blind: {number} stayed green under the preset canary, which none may survive"
        f" ({_some(tests, ', ')}): assert what the module must have said"
    )


def _place(family: str) -> tuple[int, str]:
    return (FAMILIES.index(family) if family in FAMILIES else len(FAMILIES), family)


def _sum(cells: Iterable[Cell]) -> Cell:
    total: Counter[Verdict] = Counter()
    for cell in cells:
        total.update(cell.counts)
    return Cell(total)


def _some(texts: list[str], between: str) -> str:
    more = [f"{len(texts) - _MOST_NAMES} more"] if len(texts) > _MOST_NAMES else []
    return between.join([*texts[:_MOST_NAMES], *more])


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
