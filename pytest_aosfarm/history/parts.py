"""Long lists in parts, since a statement takes only so many values."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ("AT_ONCE", "parts")

AT_ONCE = 500

T = TypeVar("T")


def parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in order, 500 at a time."""
    return (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))
