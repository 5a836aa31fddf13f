"""Finds the fewest faults with which a test still fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ("Shrunk", "shrink")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shrunk(Generic[T]):
    """What is left, and how many times the test was run to find it."""

    faults: tuple[T, ...]
    runs: int


def shrink(faults: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> Shrunk[T]:
    """A 1-minimal part of `faults`: it still fails, and not if any one of it is left out.

    `fails` runs the test with some of the faults; that it fails with all of them is taken for granted. This is
    delta debugging (Zeller, Hildebrandt 2002) with what was tried remembered.
    """
    runs = 0
    tried: dict[tuple[int, ...], bool] = {}

    def red(part: tuple[int, ...]) -> bool:
        nonlocal runs
        if part not in tried:
            runs += 1
            tried[part] = fails([faults[i] for i in part])
        return tried[part]

    left, pieces = tuple(range(len(faults))), 2
    while len(left) > 1:
        size = -(-len(left) // pieces)
        parts = [left[at : at + size] for at in range(0, len(left), size)]
        smaller = next((part for part in parts if red(part)), None)
        if smaller is None:
            rests = [tuple(i for i in left if i not in part) for part in parts]
            smaller = next((rest for rest in rests if len(parts) > 2 and red(rest)), None)  # noqa: PLR2004 - of two, a rest is a part
            pieces = pieces if smaller is None else max(pieces - 1, 2)
        else:
            pieces = 2
        if smaller is not None:
            left = smaller
        elif pieces >= len(left):
            break
        else:
            pieces = min(2 * pieces, len(left))
    return Shrunk(tuple(faults[i] for i in left), runs)
