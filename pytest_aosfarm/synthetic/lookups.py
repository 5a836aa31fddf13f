"""Lists of whole numbers that formulas look things up in, such as codes in proportion to their weights."""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing, which is slow to import
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

__all__ = ("PARTS", "Lookup", "conditional", "weighted")

PARTS = 4096
"""So many codes stand in a list that 12 random bits choose from."""


class Lookup:
    """A list of whole numbers that formulas look things up in, in either way of computing.

    It is given as a list, or as what makes one when `items` is first read.
    """

    __slots__ = ("_array", "_make", "items")

    def __init__(self, items: Sequence[int] | Callable[[], Sequence[int]]) -> None:
        if callable(items):
            self._make = items
        else:
            self.items = items
        self._array: Any = None

    def __getattr__(self, name: str) -> Sequence[int]:
        if name != "items":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self.items = self._make()
        return self.items

    def __len__(self) -> int:
        return len(self.items)

    @property
    def array(self) -> Any:
        """The numbers as an array of the narrowest type that holds them: less of the cache is taken. Made once."""
        if self._array is None:
            import numpy as np

            ends = np.array([min(self.items, default=0), max(self.items, default=0)], dtype=np.int64)
            narrowest = np.promote_types(*(np.min_scalar_type(end) for end in ends))
            self._array = np.asarray(self.items, dtype=np.promote_types(narrowest, np.int8))
        return self._array

    def take(self, at: Any) -> Any:
        """The entries at `at` as an int64 array."""
        import numpy as np

        return self.array.take(at).astype(np.int64)


def weighted(*weights: int) -> Lookup:
    """A list of 4096 codes that holds code k in proportion to `weights[k]`: look up 12 random bits in it.

    Each code gets its share rounded by largest remainder, so shares are exact to 1 in 8192.
    """

    def make() -> Sequence[int]:
        total = sum(weights)
        counts = [weight * PARTS // total for weight in weights]
        by_remainder = sorted(range(len(weights)), key=lambda k: (-(weights[k] * PARTS % total), k))
        for k in by_remainder[: PARTS - sum(counts)]:
            counts[k] += 1
        codes: list[int] = []
        for k, count in enumerate(counts):
            codes += [k] * count
        return codes

    return Lookup(make)


def conditional(*rows: Sequence[int]) -> Lookup:
    """One list of 4096 codes (see `weighted`) after another: look up `given * 4096 + 12 random bits` in it."""
    return Lookup(lambda: [code for weights in rows for code in weighted(*weights).items])
