"""The two ways to compute a table's cells: one row with plain integers, or a block of rows with NumPy.

Each column is one formula, written against the operations that `OneRow` and `Block` share: `+ - * // % << >> & |` and
comparisons of whole numbers, and the methods below. What a formula may not do is branch on a value (`if`, `and`, `or`,
`not`): that is `where`. All numbers fit in 63 bits, so both ways give the same numbers.
"""

from __future__ import annotations

from pytest_aosfarm.synthetic.hashing import draw

TYPE_CHECKING = False  # as in typing, which is slow to import
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeAlias

    from pytest_aosfarm.synthetic.hashing import Shuffle
    from pytest_aosfarm.synthetic.table import Table

    Cell: TypeAlias = Any
else:
    Cell = object
"""A whole number, or an array of them; a tuple of such where a text has several parts."""

__all__ = ("NULL", "Block", "Cell", "Lookup", "OneRow", "Rows", "conditional", "weighted")

NULL = -(1 << 63)
"""The cell of a nullable column where there is no value."""

_PARTS = 4096


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
        counts = [weight * _PARTS // total for weight in weights]
        by_remainder = sorted(range(len(weights)), key=lambda k: (-(weights[k] * _PARTS % total), k))
        for k in by_remainder[: _PARTS - sum(counts)]:
            counts[k] += 1
        codes: list[int] = []
        for k, count in enumerate(counts):
            codes += [k] * count
        return codes

    return Lookup(make)


def conditional(*rows: Sequence[int]) -> Lookup:
    """One list of 4096 codes (see `weighted`) after another: look up `given * 4096 + 12 random bits` in it."""
    return Lookup(lambda: [code for weights in rows for code in weighted(*weights).items])


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
        return lookup.items[self.bits(name) >> shift & _PARTS - 1]

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
