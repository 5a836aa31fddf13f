"""Compares what a module said with what was planted: exact keys, missing is wrong, invented is wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_aosfarm.synthetic.snapshot import Snapshot

__all__ = ("ABSENT", "ClassGrade", "Grade", "Miss", "explain", "grade")

ABSENT = "absent"
"""What stands for "nothing was said of this key" and for "nothing was planted under this key"."""


@dataclass(frozen=True, slots=True)
class ClassGrade:
    """How well one class was told: counts of keys."""

    name: str
    planted: int
    said: int
    right: int

    @property
    def precision(self) -> float:
        """Share of what was said that is right; 1 when nothing was said and nothing planted."""
        return self.right / self.said if self.said else float(not self.planted)

    @property
    def recall(self) -> float:
        """Share of what was planted that was said; 1 when nothing was said and nothing planted."""
        return self.right / self.planted if self.planted else float(not self.said)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass(frozen=True, slots=True)
class Miss:
    """A key that was told wrongly; either side may be ABSENT."""

    key: str
    planted: str
    said: str


@dataclass(frozen=True, slots=True)
class Grade:
    """The grade of one set of answers: per class, and every miss, ordered by key."""

    classes: Mapping[str, ClassGrade]
    misses: tuple[Miss, ...]

    @property
    def perfect(self) -> bool:
        """Whether nothing was missed and nothing invented."""
        return not self.misses

    def properties(self, subject: str) -> dict[str, float]:
        """The grade as flat names and numbers, for reports: `<subject>.<class>.precision`, `.recall`, `.f1`, `.planted`."""
        return {
            f"{subject}.{name}.{metric}": getattr(one, metric)
            for name, one in self.classes.items()
            for metric in ("precision", "recall", "f1", "planted")
        }

    def __str__(self) -> str:
        lines = [f"{'':14} {'planted':>8} {'said':>8} {'right':>8} {'precision':>10} {'recall':>8} {'F1':>8}"]
        lines += [
            f"{name:14} {one.planted:8,} {one.said:8,} {one.right:8,} {one.precision:10.4f} {one.recall:8.4f} {one.f1:8.4f}"
            for name, one in self.classes.items()
        ]
        return "\n".join(lines)


def grade(planted: Mapping[str, str], said: Mapping[str, str]) -> Grade:
    """Grade answers `said` (key -> class) against the `planted` ones.

    A planted key that is not in `said` counts against the recall of its class; a key in `said` that was never planted
    counts against the precision of the class it was given. Keys match exactly.
    """
    keys = sorted(planted.keys() | said.keys())
    pairs = [(key, planted.get(key, ABSENT), said.get(key, ABSENT)) for key in keys]
    planted_counts, said_counts = Counter(p for _, p, _ in pairs), Counter(s for _, _, s in pairs)
    right_counts = Counter(p for _, p, s in pairs if p == s)
    names = sorted((planted_counts.keys() | said_counts.keys()) - {ABSENT})
    return Grade(
        classes={name: ClassGrade(name, planted_counts[name], said_counts[name], right_counts[name]) for name in names},
        misses=tuple(Miss(key, p, s) for key, p, s in pairs if p != s),
    )


def explain(misses: Iterable[Miss], snapshot: Snapshot, *, most: int = 8) -> str:
    """What was missed and invented, each with the rule that should have decided it and the evidence planted for it."""
    misses = list(misses)
    lines: list[str] = []
    for miss in misses[:most]:
        truth = snapshot.truth.get(miss.key)
        rule = f"{truth.shape}: {truth.why}" if truth else "nothing was planted under this key"
        lines.append(f"{miss.key}: planted {miss.planted}, said {miss.said} ({rule})")
        lines += [f"    {where}: {record}" for where, record in snapshot.evidence(miss.key)]
    if len(misses) > most:
        lines.append(f"... and {len(misses) - most:,} more: {', '.join(miss.key for miss in misses[most:most + 20])}")
    return "\n".join(lines)
