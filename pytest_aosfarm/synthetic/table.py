"""A table whose rows are computed when asked for: a sequence that holds no rows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from operator import index as plain
from types import MappingProxyType

from pytest_aosfarm.synthetic.columns import Kind, Of, Text
from pytest_aosfarm.synthetic.hashing import draw_key
from pytest_aosfarm.synthetic.rows import Block, Cell, OneRow

TYPE_CHECKING = False  # as in typing, which is slow to import
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar, TypeAlias, Unpack, overload

    import pyarrow as pa
    from numpy.typing import NDArray

    from pytest_aosfarm.synthetic.messy import Messy, Shares

    Row: TypeAlias = dict[str, Any]
    Formula: TypeAlias = Callable[[Any, Any], Cell]
else:
    Row, Formula = dict, Callable

__all__ = ("Row", "Table", "column", "hidden")

FEW, MANY = 64, 20_000
"""Fewer rows are computed one by one; so are up to MANY while NumPy, which takes long to load, is not loaded."""


def column(kind: Kind) -> Callable[[Formula], Formula]:
    """A column: the formula `_name(self, r)` gives the cells of column `name`, for one row and for a block alike."""

    def mark(formula: Formula) -> Formula:
        formula.kind = kind  # type: ignore[attr-defined]  # how the class finds its columns
        return formula

    return mark


def hidden(formula: Formula) -> Formula:
    """An intermediate that columns are computed from: `_name(self, r)` gives `r["name"]`, which no row shows."""
    formula.kind = None  # type: ignore[attr-defined]  # as above
    return formula


class _Keys(dict[str, tuple[int, int]]):
    """The keys of a table's draws by name, made when first used."""

    def __init__(self, seed: int, tenant_key: str, table: str) -> None:
        super().__init__()
        self._of = (seed, tenant_key, table)

    def __missing__(self, name: str) -> tuple[int, int]:
        key = self[name] = draw_key(*self._of, name)
        return key


class Table(Sequence[Row]):
    """Rows 0 .. len - 1; any row costs the same and needs no other.

    Rows are dicts that JSON can write: text, whole numbers (money in minor units), booleans, lists, None, and moments
    as ISO 8601 text. They have the keys of `columns`, in that order.
    """

    name: ClassVar[str]
    columns: ClassVar[tuple[str, ...]] = ()
    unique: ClassVar[tuple[str, ...]] = ("id",)
    """Columns that hold no value twice; the first is the primary key."""
    references: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Column -> the table whose `id` it holds."""
    formulas: ClassVar[dict[str, Formula]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = {name.removeprefix("_"): f for name, f in vars(cls).items() if hasattr(f, "kind")}
        cls.formulas = cls.formulas | own
        cls.columns = cls.columns + tuple(c for c, f in own.items() if f.kind is not None and c not in cls.columns)

    def __init__(self, length: int, seed: int, tenant_key: str) -> None:
        self._length = length
        self.seed = seed
        self.tenant_key = tenant_key
        self.keys = _Keys(seed, tenant_key, self.name)
        self._kinds: dict[str, Kind] = {}
        self._whole: dict[str, Cell] = {}
        self._ones: dict[int, OneRow] = {}
        self._owned: tuple[Table, str] | None = None
        self._owned_rows: dict[int, list[int]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """All but what is kept of rows and texts: a copy makes its own."""
        return vars(self) | {"_kinds": {}, "_whole": {}, "_ones": {}, "_owned_rows": None}

    @property
    def kinds(self) -> dict[str, Kind]:
        """What each column holds, in order."""
        if not self._kinds:
            kinds: dict[str, Kind] = {name: self.formulas[name].kind for name in self.columns}  # type: ignore[attr-defined]  # set by `column`
            # Set at once: another thread may be reading.
            self._kinds = {name: kind.bind(self) if isinstance(kind, Of | Text) else kind for name, kind in kinds.items()}
        return self._kinds

    def row(self, i: int) -> Row:
        """Row `i`, 0 <= i < len(self). Raises IndexError for another."""
        one = OneRow(self, self._row_number(i))
        return {name: kind.value(one[name]) for name, kind in self.kinds.items()}

    def value(self, i: int, column: str) -> Any:
        """The value of one column in row `i`; nothing else is computed than what it needs. Raises IndexError, KeyError."""
        return self.kinds[column].value(OneRow(self, self._row_number(i))[column])

    def _row_number(self, i: int) -> int:
        """`i` as a plain integer, for those of NumPy overflow. Raises IndexError for a row that is not there."""
        i = plain(i)
        if not 0 <= i < self._length:
            raise IndexError(f"{self.name} has rows 0 to {self._length - 1}, not {i}")
        return i

    def record(self, i: int) -> Any:
        """Row `i` as its pydantic model, see `records`. Raises LookupError for a table whose rows have none."""
        from pytest_aosfarm.synthetic.records import model_of

        return model_of(self.name).model_validate(self[i])

    def records(self, rows: range | None = None) -> Iterator[Any]:
        """The rows (default: all) as their pydantic models. Raises LookupError as `record` does, IndexError."""
        from pytest_aosfarm.synthetic.records import model_of

        validate, columns = model_of(self.name).model_validate, self.columns
        return (validate(dict(zip(columns, row, strict=True))) for row in self.tuples(rows))

    def messy(self, **shares: Unpack[Shares]) -> Messy:
        """The rows with exact shares gone wrong in known ways, such as `missing=0.1, duplicate=0.05`; see `Messy`."""
        from pytest_aosfarm.synthetic.messy import Messy

        return Messy(self, **shares)

    def child_rows(self, i: int) -> tuple[Table, Sequence[int]]:
        """The table whose rows belong to rows of this one, and the numbers of those that belong to row `i`.

        Raises LookupError where nothing belongs to the rows of this table.
        """
        if self._owned is None:
            raise LookupError(f"nothing belongs to a row of {self.name}, such as {i}")
        table, parent = self._owned
        if self._owned_rows is None:
            rows: dict[int, list[int]] = {}
            for row, owner in enumerate(table.every(parent)):
                rows.setdefault(owner, []).append(row)
            self._owned_rows = rows
        return table, self._owned_rows.get(i, [])

    def owns(self, table: Table, parent: str) -> None:
        """Let `children` give those rows of a small table whose cell `parent` is the row here; all are looked at once."""
        self._owned = table, parent

    def children(self, i: int) -> list[Row]:
        """The rows of another table that belong to row `i` (see `child_rows`). Raises IndexError, LookupError."""
        table, rows = self.child_rows(self._row_number(i))
        return [table.row(j) for j in rows]

    def __len__(self) -> int:
        return self._length

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, index: int) -> Row: ...
        @overload
        def __getitem__(self, index: slice) -> list[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            wanted = range(*index.indices(self._length))
            if wanted.step == 1 and _in_blocks(len(wanted)):
                return [row for rows in self._row_blocks(wanted) for row in rows]
            return [self.row(i) for i in wanted]
        i = plain(index)
        return self.row(i + self._length if -self._length <= i < 0 else i)

    def __iter__(self) -> Iterator[Row]:
        if _in_blocks(self._length):
            for rows in self._row_blocks(range(self._length)):
                yield from rows
        else:
            yield from map(self.row, range(self._length))

    def __repr__(self) -> str:
        return f"<{self.name}: {self._length:,} rows of {', '.join(self.columns)}>"

    def _row_blocks(self, rows: range) -> Iterator[list[Row]]:
        for values in self._value_blocks(rows):
            yield [dict(zip(self.columns, row, strict=True)) for row in zip(*values, strict=True)]

    def _value_blocks(self, rows: range) -> Iterator[list[list[Any]]]:
        from pytest_aosfarm.synthetic.arrow import values

        for block in self.blocks(rows):
            yield [values(kind, block[name], len(block)) for name, kind in self.kinds.items()]

    def blocks(self, rows: range | None = None) -> Iterator[Block]:
        """The rows (default: all) as blocks of at most 16,384, whose cells NumPy computes when asked. Raises IndexError."""
        from pytest_aosfarm.synthetic.vector import BLOCK

        rows = self.check(rows)
        for start in range(rows.start, rows.stop, BLOCK):
            yield Block(self, range(start, min(start + BLOCK, rows.stop)))

    def one(self, i: int) -> OneRow:
        """Row `i` and the cells computed of it so far, kept: for small tables that many rows refer to."""
        one = self._ones.get(i)
        if one is None:
            if len(self._ones) > 10_000:
                self._ones.clear()
            one = self._ones[i] = OneRow(self, i)
        return one

    def whole(self, name: str) -> NDArray[Any]:
        """All cells of a column or an intermediate formula, kept: for small tables that many rows refer to."""
        if name not in self._whole:
            import numpy as np

            self._whole[name] = np.concatenate([block[name] for block in self.blocks()])
        whole: NDArray[Any] = self._whole[name]
        return whole

    def every(self, name: str) -> list[int]:
        """What `whole` gives, as a list; without NumPy if the table is small."""
        if self._length < MANY:
            return [OneRow(self, i)[name] for i in range(self._length)]
        cells: list[int] = self.whole(name).tolist()
        return cells

    def check(self, rows: range | None) -> range:
        """The rows asked for, all by default. Raises IndexError when some are not there, ValueError for a step."""
        if rows is None:
            return range(self._length)
        if rows.step != 1:
            raise ValueError(f"{self.name}: rows come with step 1, not {rows.step}")
        if rows and not 0 <= rows.start <= rows.stop <= self._length:
            raise IndexError(f"{self.name} has rows 0 to {self._length - 1}, not {rows.start} to {rows.stop - 1}")
        return rows

    def tuples(self, rows: range | None = None) -> Iterator[tuple[Any, ...]]:
        """The rows (default: all) as plain tuples, values in the order of `columns`. Raises IndexError."""
        rows = self.check(rows)
        if _in_blocks(len(rows)):
            for values in self._value_blocks(rows):
                yield from zip(*values, strict=True)
        else:
            yield from (tuple(self.row(i).values()) for i in rows)

    def arrays(self, columns: Sequence[str], rows: range | None = None) -> Iterator[dict[str, NDArray[Any]]]:
        """Cells as NumPy arrays, in blocks of at most 16,384 rows; no text is made.

        They are int64: numbers of words in their list, minor units, microseconds since 1970, 32-bit addresses, and for a
        column of a smaller table, such as the id of a log line's service, the row there; `NULL`, the least int64, where
        there is no value. Other ids are uint64, 0 where there is none; truth values are bools or 0 and 1. Intermediate
        formulas may be named too. Raises IndexError for rows that are not there, KeyError for an unknown name, TypeError
        for a text of several parts, or one that all rows share, which is no number.
        """
        for block in self.blocks(rows):
            cells = {name: block[name] for name in columns}
            for name, cell in cells.items():
                if isinstance(cell, tuple):
                    raise TypeError(f"{self.name}.{name} is text of several parts: ask `batches` for it")
                if isinstance(cell, str):
                    raise TypeError(f"{self.name}.{name} is the same text in all rows: ask `batches` for it")
            yield cells

    def batches(self, rows: range | None = None, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The rows as Arrow record batches of at most 16,384 rows, all text made; moments as timestamp[us, UTC].

        Raises IndexError for rows that are not there, KeyError for an unknown column.
        """
        from pytest_aosfarm.synthetic.arrow import record_batch

        for block in self.blocks(rows):
            yield record_batch(block, self.columns if columns is None else columns)

    def to_arrow(self, rows: range | None = None, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows (default: all) as one Arrow table, in memory, as `batches` gives them."""
        import pyarrow as pa

        from pytest_aosfarm.synthetic.arrow import schema

        return pa.Table.from_batches(self.batches(rows, columns), schema(self, self.columns if columns is None else columns))


def _in_blocks(count: int) -> bool:
    """Whether so many rows are sooner computed in blocks; loading NumPy and PyArrow takes as long as MANY rows."""
    return count >= MANY or (count >= FEW and "numpy" in sys.modules and "pyarrow" in sys.modules)
