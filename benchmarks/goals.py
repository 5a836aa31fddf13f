"""Goals as lines of a table: ours, the peer's, how they relate, and what was asked."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ("Goal", "at_least", "at_most", "at_most_in_pairs", "print_goals")


@dataclass(frozen=True, slots=True)
class Goal:
    """`asked` is a ratio, at least or at most; a peer of 1 makes it a plain figure."""

    name: str
    ours: float
    peer: float
    asked: float
    at_most: bool = False

    @property
    def ratio(self) -> float:
        """Ours over the peer's."""
        return self.ours / self.peer

    @property
    def reached(self) -> bool:
        """Whether the goal is reached."""
        return self.ratio <= self.asked if self.at_most else self.ratio >= self.asked

    def __str__(self) -> str:
        sign, verdict = ("<=" if self.at_most else ">="), ("" if self.reached else "  MISSED")
        peer = "" if self.peer == 1 else f"{_figure(self.peer)}"
        ratio = "" if self.peer == 1 else f"{_figure(self.ratio)}"
        asked = f"{sign} {_figure(self.asked)}"
        return f"{self.name:58} {_figure(self.ours):>14} {peer:>14} {ratio:>9} {asked:>10}{verdict}"


def at_least(name: str, ours: float, asked: float, peer: float = 1) -> Goal:
    """A goal that more is better for."""
    return Goal(name, ours, peer, asked)


def at_most(name: str, ours: float, asked: float, peer: float = 1) -> Goal:
    """A goal that less is better for."""
    return Goal(name, ours, peer, asked, at_most=True)


def at_most_in_pairs(name: str, pairs: Sequence[tuple[float, float]], asked: float) -> Goal:
    """The same of figures of ours and of the peer, each pair measured side by side: what counts is the median ratio."""
    peer = median(theirs for _, theirs in pairs)
    return at_most(name, median(ours / theirs for ours, theirs in pairs) * peer, asked, peer)


def print_goals(parts: Mapping[str, Callable[[], Iterator[Goal]]]) -> None:
    """Print a line per goal of the parts that the command line names, else of all: what was asked, measured, reached."""
    unknown = set(sys.argv[1:]) - parts.keys()
    if unknown:
        sys.exit(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    print(f"{'goal':58} {'ours':>14} {'peer':>14} {'ratio':>9} {'asked':>10}")
    for name in sys.argv[1:] or parts:
        for goal in parts[name]():
            print(goal, flush=True)


def _figure(value: float) -> str:
    if value >= 1000:  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.3g}"
