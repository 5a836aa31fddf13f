"""The keyed counter hash: the definition of every random draw in the synthetic data.

A column's key is blake2b-128 over (data version, seed, tenant key, table, column), read as two 64-bit words (k1, k2). Draw
`i` is SplitMix64's finaliser over `k1 + i * golden`, with k2 mixed in between the two rounds: without it two columns would
be shifted copies of one stream. There is no state, so any row can be drawn first, last, or in another process.
"""

from __future__ import annotations

from hashlib import blake2b
from math import isqrt

TYPE_CHECKING = False  # as in typing, which is slow to import
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeVar

    T = TypeVar("T")

__all__ = ("DATA_VERSION", "Draws", "Shuffle", "draw", "draw_key")

DATA_VERSION = 1
"""Part of every key. Raise it whenever equal inputs begin to give other data."""

_MASK = (1 << 64) - 1


def draw_key(seed: int, tenant_key: str, table: str, column: str) -> tuple[int, int]:
    """The two 64-bit words that key one column of one table of one tenant."""
    digest = blake2b(digest_size=16)
    for part in (str(DATA_VERSION), str(seed), tenant_key, table, column):
        data = part.encode()
        digest.update(len(data).to_bytes(4, "little") + data)
    key = digest.digest()
    return int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")


def draw(k1: int, k2: int, i: int) -> int:
    """Draw `i` of the column keyed (k1, k2): 64 bits. A bijection in `i`, so distinct rows never draw the same value."""
    z = (k1 + i * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK ^ k2
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


class Draws:
    """The draws of one column."""

    __slots__ = ("_k1", "_k2")

    def __init__(self, seed: int, tenant_key: str, table: str, column: str) -> None:
        self._k1, self._k2 = draw_key(seed, tenant_key, table, column)

    def bits(self, i: int) -> int:
        """64 uniform bits for row `i` (i >= 0)."""
        return draw(self._k1, self._k2, i)

    def below(self, i: int, n: int) -> int:
        """A whole number in [0, n) for row `i`; the bias is below n / 2**64."""
        return draw(self._k1, self._k2, i) * n >> 64

    def pick(self, i: int, values: Sequence[T]) -> T:
        """One of `values` for row `i`, all equally likely."""
        return values[draw(self._k1, self._k2, i) * len(values) >> 64]

    def token(self, i: int) -> str:
        """16 hex digits, different for every row: an identifier that says nothing about its row."""
        return f"{draw(self._k1, self._k2, i):016x}"


class Shuffle:
    """A keyed permutation of range(n): a four-round additive Feistel network over a near-square grid.

    `rows` x `columns` is the grid, `keys` are those of the four rounds.
    """

    __slots__ = ("columns", "keys", "n", "rows")

    def __init__(self, n: int, seed: int, tenant_key: str, table: str, column: str) -> None:
        if n < 1:
            raise ValueError(f"a permutation needs at least one element, got n={n}")
        self.n = n
        self.rows = isqrt(n - 1) + 1
        self.columns = -(-n // self.rows)
        self.keys = [draw_key(seed, tenant_key, table, f"{column}/round{r}") for r in range(4)]

    def __getitem__(self, i: int) -> int:
        """Where element `i` goes. Raises IndexError outside range(n)."""
        if not 0 <= i < self.n:
            raise IndexError(f"element {i} of a permutation of {self.n}")
        rows, columns = self.rows, self.columns
        first, second, third, fourth = self.keys
        while True:  # the grid may be a little larger than n: walk on until inside
            row, column = divmod(i, columns)
            row = (row + draw(*first, column)) % rows
            column = (column + draw(*second, row)) % columns
            row = (row + draw(*third, column)) % rows
            column = (column + draw(*fourth, row)) % columns
            i = row * columns + column
            if i < self.n:
                return i
