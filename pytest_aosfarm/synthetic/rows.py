"""The two ways to compute a table's cells: one row with plain integers, or a block of rows with NumPy.

Each column is one formula, written against the operations that `OneRow` and `Block` share: `+ - * // % << >> & |` and
comparisons of whole numbers, and the methods below. What a formula may not do is branch on a value (`if`, `and`, `or`,
`not`): that is `where`. All numbers fit in 63 bits, so both ways give the same numbers.
"""

from __future__ import annotations

from pytest_aosfarm.synthetic.hashing import draw
from pytest_aosfarm.synthetic.lookups import PARTS

TYPE_CHECKING = False  # as in typing, which is slow to import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from pytest_aosfarm.synthetic.hashing import Shuffle
    from pytest_aosfarm.synthetic.lookups import Lookup
    from pytest_aosfarm.synthetic.table import Table

    Cell: TypeAlias = Any
else:
    Cell = object
"""A whole number, or an array of them; a tuple of such where a text has several parts."""

__all__ = ("NULL", "Block", "Cell", "OneRow", "Rows")

NULL = -(1 << 63)
"""The cell of a nullable column where there is no value."""


class OneRow:
    """Row `i` of a table, its cells computed when asked for and then kept."""

    __slots__ = ("_cells", "_drawn", "_formulas", "_keys", "i", "table")

    def __init__(self, table: Table, i: int) -> None:
        self.table = table
        self.i = i
        self._formulas: dict[str, Callable[..., Cell]] = table.formulas
        self._keys = table.keys
        self._cells: dict[str, Cell] = {}
        self._drawn: dict[str, int] = {}

    def __getitem__(self, column: str) -> Cell:
        """The cell of a column or of an intermediate formula."""
        cells = self._cells
        if column in cells:
            return cells[column]
        cell = cells[column] = self._formulas[column](self.table, self)
        return cell

    def bits(self, name: str) -> Cell:
        """The 64-bit draw called `name`."""
        drawn = self._drawn
        if name in drawn:
            return drawn[name]
        z = drawn[name] = draw(*self._keys[name], self.i)
        return z

    def below(self, name: str, n: int) -> Cell:
        """A whole number in [0, n), n <= 2**32, from the whole draw called `name`."""
        return self.bits(name) * n >> 64

    def part(self, name: str, shift: int, width: int = 12) -> Cell:
        """`width` (at most 62) bits of the draw called `name`, from bit `shift` on; one draw can feed several columns."""
        return self.bits(name) >> shift & (1 << width) - 1

    def pick(self, lookup: Lookup, name: str, shift: int = 0) -> Cell:
        """An entry of a list of 4096 (see `weighted`) chosen by 12 bits of the draw called `name`."""
        return lookup.items[self.bits(name) >> shift & PARTS - 1]

    @staticmethod
    def take(lookup: Lookup, at: Cell) -> Cell:
        """The entry of `lookup` at `at`."""
        return lookup.items[at]

    @staticmethod
    def where(condition: Cell, yes: Cell, no: Cell) -> Cell:
        """`yes` where the condition holds, else `no`; both are computed."""
        return yes if condition else no

    @staticmethod
    def least(one: Cell, other: Cell) -> Cell:
        """The smaller of the two."""
        return min(one, other)

    @staticmethod
    def most(one: Cell, other: Cell) -> Cell:
        """The larger of the two."""
        return max(one, other)

    @staticmethod
    def shuffled(shuffle: Shuffle, i: Cell) -> Cell:
        """Where a keyed permutation puts `i`."""
        return shuffle[i]

    @staticmethod
    def segment(starts: Lookup, i: Cell) -> Cell:
        """The number of the last of the ascending `starts` that is not above `i`."""
        from bisect import bisect_right

        return bisect_right(starts.items, i) - 1

    @staticmethod
    def of(table: Table, i: Cell, **known: Cell) -> OneRow:
        """Row `i` of another table: its cells are recomputed, never looked up, but for those that are known already."""
        row = OneRow(table, i)
        row._cells.update(known)
        return row

    @staticmethod
    def at(table: Table, i: Cell) -> OneRow:
        """Row `i` of a small table, such as the assets: blocks take its cells from whole columns, made once."""
        return table.one(i)


class Block:
    """Several rows of a table, their cells computed as arrays when asked for and then kept.

    `rows` is a range of at most BLOCK rows, or an int64 array of any row numbers.
    """

    def __init__(self, table: Table, rows: Any) -> None:
        self.table = table
        self.rows = rows
        self._cells: dict[str, Cell] = {}
        self._drawn: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def i(self) -> Any:
        """The row numbers as an int64 array."""
        if not isinstance(self.rows, range):
            return self.rows
        if "i" not in self._drawn:
            import numpy as np

            self._drawn["i"] = np.arange(self.rows.start, self.rows.stop)
        return self._drawn["i"]

    def __getitem__(self, column: str) -> Cell:
        """The cells of a column or of an intermediate formula."""
        cells = self._cells
        if column not in cells:
            cells[column] = self.table.formulas[column](self.table, self)
        return cells[column]

    def bits(self, name: str) -> Cell:
        """The 64-bit draws called `name`: uint64, which NumPy must not mix with signed numbers."""
        drawn = self._drawn
        key = "bits " + name
        if key not in drawn:
            from pytest_aosfarm.synthetic.vector import draws

            drawn[key] = draws(self.table.keys[name], self.rows)
        return drawn[key]

    def below(self, name: str, n: int) -> Cell:
        """Whole numbers in [0, n), n <= 2**32, from the whole draws called `name`."""
        from pytest_aosfarm.synthetic.vector import below

        return below(self.bits(name), n)

    def part(self, name: str, shift: int, width: int = 12) -> Cell:
        """`width` (at most 62) bits of the draws called `name`, from bit `shift` on."""
        import numpy as np

        bits = self.bits(name)
        bits = bits >> np.uint64(shift) if shift else bits
        if shift + width < 64:
            bits = bits & np.uint64((1 << width) - 1)
        return bits.view(np.int64)

    def pick(self, lookup: Lookup, name: str, shift: int = 0) -> Cell:
        """Entries of a list of 4096 chosen by 12 bits of the draws called `name`."""
        return lookup.take(self.part(name, shift))

    @staticmethod
    def take(lookup: Lookup, at: Cell) -> Cell:
        """The entries of `lookup` at `at`."""
        return lookup.take(at)

    @staticmethod
    def where(condition: Cell, yes: Cell, no: Cell) -> Cell:
        """`yes` where the condition holds, else `no`."""
        import numpy as np

        return np.where(condition, yes, no)

    @staticmethod
    def least(one: Cell, other: Cell) -> Cell:
        """The smaller of the two, row by row."""
        import numpy as np

        return np.minimum(one, other)

    @staticmethod
    def most(one: Cell, other: Cell) -> Cell:
        """The larger of the two, row by row."""
        import numpy as np

        return np.maximum(one, other)

    @staticmethod
    def shuffled(shuffle: Shuffle, i: Cell) -> Cell:
        """Where a keyed permutation puts each of `i`."""
        from pytest_aosfarm.synthetic.vector import shuffled

        return shuffled(shuffle, i)

    def segment(self, starts: Lookup, i: Cell) -> Cell:
        """The numbers of the last of the ascending `starts` that are not above `i`."""
        bounds = starts.array
        if not isinstance(self.rows, range) or i is not self.i or not self.rows:
            return bounds.searchsorted(i, side="right") - 1
        import numpy as np

        start, stop = self.rows.start, self.rows.stop  # consecutive rows: few segments, each a run
        first, last = (int(at) - 1 for at in bounds.searchsorted((start, stop - 1), side="right"))
        edges = np.concatenate(([start], bounds[first + 1 : last + 1], [stop]))
        return np.arange(first, last + 1).repeat(np.diff(edges))

    @staticmethod
    def of(table: Table, i: Cell, **known: Cell) -> Block:
        """Rows `i` of another table: their cells are recomputed, never looked up, but for those that are known already."""
        block = Block(table, i)
        block._cells.update(known)
        return block

    @staticmethod
    def at(table: Table, i: Cell) -> Taken:
        """Rows `i` of a small table, such as the assets: their cells are taken from whole columns, made once."""
        return Taken(table, i)


class Taken:
    """Rows of a small table, their cells taken from its whole columns."""

    __slots__ = ("_i", "_table")

    def __init__(self, table: Table, i: Any) -> None:
        self._table = table
        self._i = i

    def __getitem__(self, column: str) -> Cell:
        """The cells of a column or of an intermediate formula, one number each."""
        return self._table.whole(column).take(self._i)


Rows = OneRow | Block
