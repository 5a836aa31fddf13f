"""A table whose rows are computed when asked for: a sequence that holds no rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias, overload

__all__ = ("Row", "Table")

Row: TypeAlias = dict[str, Any]


class Table(Sequence[Row], ABC):
    """Rows 0 .. len - 1 as dicts with the keys of `columns`; any row costs the same and needs no other."""

    name: str
    columns: tuple[str, ...]

    def __init__(self, length: int) -> None:
        self._length = length

    @abstractmethod
    def row(self, i: int) -> Row:
        """Row `i`, 0 <= i < len(self)."""

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self.row(i) for i in range(*index.indices(self._length))]
        i = index + self._length if index < 0 else index
        if not 0 <= i < self._length:
            raise IndexError(f"{self.name} has rows 0 to {self._length - 1}, not {index}")
        return self.row(i)

    def __iter__(self) -> Iterator[Row]:
        return map(self.row, range(self._length))

    def __repr__(self) -> str:
        return f"<{self.name}: {self._length:,} rows of {', '.join(self.columns)}>"
