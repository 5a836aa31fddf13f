"""How many examples a costly property is tried with."""

from __future__ import annotations

from hypothesis import settings

__all__ = ("examples",)


def examples(of_hundred: int) -> int:
    """`of_hundred` where the others have Hypothesis's hundred, as in CI; else as large a share, but ten at least."""
    return min(of_hundred, max(10, of_hundred * settings().max_examples // 100))
