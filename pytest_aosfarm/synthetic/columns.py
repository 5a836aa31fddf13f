"""Kinds of column: what a cell, a whole number, stands for, and how it reads as a JSON value.

A cell of a text with several parts is a tuple with one number for each part. `arrow.py` renders the same kinds a block
at a time. No text has a quote, a backslash, a control or a non-ASCII character, so it needs no escaping anywhere.
"""

from __future__ import annotations

from pytest_aosfarm.synthetic.moments import DAY, SECOND, date_text
from pytest_aosfarm.synthetic.rows import NULL, Cell

TYPE_CHECKING = False  # as in typing, which is slow to import
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pytest_aosfarm.synthetic.table import Table

__all__ = (
    "Boolean",
    "Constant",
    "IPv4",
    "Id",
    "Kind",
    "Number",
    "Of",
    "Pairs",
    "Text",
    "Timestamp",
    "Variants",
    "WordLists",
    "Words",
)  # fmt: skip


class Kind:
    """What the cells of a column stand for. A nullable one reads as None where its cell is NULL."""

    sql = "text"
    """The type in PostgreSQL."""

    def __init__(self, *, null: bool = False) -> None:
        self.null = null
        self.made: dict[str, Any] = {}  # what renderers keep of this kind, such as a pool of its texts

    def value(self, cell: Cell) -> Any:
        """The JSON value of one cell."""
        raise NotImplementedError


class Words(Kind):
    """One word of a fixed list; the cell is its number. A short list is an enumeration."""

    def __init__(self, words: Sequence[str], *, null: bool = False) -> None:
        super().__init__(null=null)
        self.words = tuple(words)

    def value(self, cell: Cell) -> Any:
        """The word."""
        return None if cell == NULL else self.words[cell]


class Pairs(Kind):
    """Two words and what stands between them; the cell is `first + second * len(firsts)`. Few enough pairs to keep all."""

    def __init__(self, firsts: Sequence[str], between: str, seconds: Sequence[str]) -> None:
        super().__init__()
        self.firsts = tuple(firsts)
        self.between = between
        self.seconds = tuple(seconds)

    def value(self, cell: Cell) -> Any:
        """Both words."""
        second, first = divmod(cell, len(self.firsts))
        return self.firsts[first] + self.between + self.seconds[second]


class WordLists(Kind):
    """One of a few fixed lists of words; the cell is its number."""

    sql = "text[]"

    def __init__(self, lists: Sequence[Sequence[str]]) -> None:
        super().__init__()
        self.lists = tuple(map(tuple, lists))

    def value(self, cell: Cell) -> Any:
        """The words, as a list of one's own."""
        return list(self.lists[cell])


class Number(Kind):
    """A whole number. Money is one too: minor units, such as cents."""

    sql = "bigint"

    def value(self, cell: Cell) -> Any:
        """The number itself."""
        return None if cell == NULL else cell


class Boolean(Kind):
    """True or false; the cell is a truth value or 0 and 1."""

    sql = "boolean"

    def value(self, cell: Cell) -> Any:
        """A bool."""
        return bool(cell)


class Timestamp(Kind):
    """A moment; the cell counts microseconds since 1970-01-01T00:00:00Z. Reads as ISO 8601 with six decimals and Z."""

    sql = "timestamptz"

    def value(self, cell: Cell) -> Any:
        """Such as "2026-01-15T12:00:00.000000Z"."""
        if cell == NULL:
            return None
        day, rest = divmod(cell, DAY)
        seconds, micros = divmod(rest, SECOND)
        minutes, second = divmod(seconds, 60)
        hour, minute = divmod(minutes, 60)
        return f"{date_text(day)}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"


class IPv4(Kind):
    """An IPv4 address; the cell is its 32 bits."""

    sql = "inet"

    def value(self, cell: Cell) -> Any:
        """Dotted decimal."""
        return None if cell == NULL else f"{cell >> 24}.{cell >> 16 & 255}.{cell >> 8 & 255}.{cell & 255}"


class Id(Kind):
    """An identifier that says nothing about its row: a prefix and 16 hex digits, the cell's 64 bits.

    Where it is nullable, the cell 0 is null.
    """

    def __init__(self, prefix: str, *, null: bool = False) -> None:
        super().__init__(null=null)
        self.prefix = prefix

    def value(self, cell: Cell) -> Any:
        """Such as "invoice-00c0ffee00c0ffee"."""
        return None if self.null and cell == 0 else f"{self.prefix}{cell:016x}"


class Constant(Kind):
    """The same text in all rows of a tenant; the cell is the text."""

    def value(self, cell: Cell) -> Any:
        """The text."""
        return cell


class Of(Kind):
    """A column of a small table; the cell is the row there. `table` names an attribute of the table that has the column."""

    def __init__(self, table: str, column: str, *, null: bool = False) -> None:
        super().__init__(null=null)
        self.table = table
        self.column = column

    def bind(self, owner: Table) -> Of:
        """A copy that knows the table itself."""
        bound = Of(self.table, self.column, null=self.null)
        bound.source = getattr(owner, self.table)
        return bound

    source: Table

    def value(self, cell: Cell) -> Any:
        """The value of that column in that row."""
        return None if cell == NULL else self.source.kinds[self.column].value(self.source.one(cell)[self.column])


class Text(Kind):
    """Parts in a row: literal strings, and kinds whose cells stand in the tuple that is this kind's cell.

    Where it is nullable, a NULL in the first place makes it null.
    """

    def __init__(self, *parts: str | Kind, null: bool = False) -> None:
        super().__init__(null=null)
        self.parts = parts
        self._kinds = [part for part in parts if isinstance(part, Kind)]
        self._values = [kind.value for kind in self._kinds]
        self._join = "".join("{}" if isinstance(part, Kind) else part for part in parts).format

    def bind(self, owner: Table) -> Text:
        """A copy whose `Of` parts know their tables; without such parts, the kind itself and all that was made of it."""
        if not any(isinstance(part, Of) for part in self.parts):
            return self
        return Text(*(part.bind(owner) if isinstance(part, Of) else part for part in self.parts), null=self.null)

    def value(self, cell: Cell) -> Any:
        """The text."""
        if self.null and cell[0] == NULL:
            return None
        return self._join(*[value(one) for value, one in zip(self._values, cell, strict=True)])


class Variants(Kind):
    """One of several kinds, row by row; the cell is a tuple: which of them, then a cell for each. No `Of`, no `Constant`.

    Where it is nullable, a NULL in the first place makes it null.
    """

    def __init__(self, *kinds: Kind, null: bool = False) -> None:
        super().__init__(null=null)
        self.kinds = kinds

    def value(self, cell: Cell) -> Any:
        """The value of the kind that is chosen."""
        which, *cells = cell
        return None if self.null and which == NULL else self.kinds[which].value(cells[which])
