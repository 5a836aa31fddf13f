"""Messy data with a known truth: a layer over any clean table in which an exact share of the rows went wrong.

Which rows, how, and what was there before is arithmetic, so any row of a hundred million is had at constant cost. The
messy rows carry no marker: what was done to them stands in `mess` and `answer_key` only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import index as plain
from typing import TYPE_CHECKING, Any, TypedDict, cast, overload

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.synthetic.hashing import Draws
from pytest_aosfarm.synthetic.mess_plan import Plan
from pytest_aosfarm.synthetic.read_only import ReadOnly
from pytest_aosfarm.synthetic.spoil import ABSENT, CHANGES, targets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from pytest_aosfarm.synthetic.table import Row, Table

__all__ = ("KINDS", "Mess", "Messy", "Shares")

KINDS = ("missing", "duplicate", "conflicting", "stale", "invalid", "orphaned")


class Shares(TypedDict, total=False):
    """What share of the rows mess of each kind hits: from 0, the default, to 1; all together at most 1."""

    missing: float
    """A value is null, or its field is absent; never the id."""
    duplicate: float
    """So many rows more, which are copies of earlier ones."""
    conflicting: float
    """Another legal value."""
    stale: float
    """A moment some days too early, or a status of before."""
    invalid: float
    """Not in the format of the field, such as text for a number."""
    orphaned: float
    """A reference to nothing: a well-formed id that nobody has."""


@dataclass(frozen=True, slots=True)
class Mess:
    """What was done to one row."""

    kind: str
    """One of KINDS."""
    index: int
    """Where the row stands among the messy ones."""
    row: int
    """The number of the clean row behind it."""
    field: str | None = None
    """The one field that is not as in the clean row; None for a duplicate."""
    clean: Any = None
    """What the clean row has there."""
    messy: Any = None
    """What the messy row has there."""
    absent: bool = False
    """Whether the messy row does not have the field at all."""


class Messy(Sequence["Row"]):
    """The rows of `table`, of which `shares` are hit by mess of each kind (see `Shares`), at most one kind a row.

    Of n rows each share is `round(share * n)` rows exactly. Rows are dicts, as those of the table; what is missing or
    invalid fits no Arrow schema, so there are no batches. Raises ConfigurationError for shares that cannot be.
    """

    def __init__(self, table: Table, **shares: Unpack[Shares]) -> None:
        self.table = table
        self._shares = shares
        self.counts: Mapping[str, int] = ReadOnly(_counts(len(table), cast("Mapping[str, float]", shares)))
        """How many rows mess of each kind hits."""
        self._targets = {kind: targets(table, kind) for kind in CHANGES if self.counts[kind]}
        for kind, found in self._targets.items():
            if not found:
                raise ConfigurationError(f"{kind}: not every row of {table.name} has what can be {kind}")
        key = table.seed, table.tenant_key, f"messy.{table.name}"
        changes = {kind: self.counts[kind] for kind in CHANGES}
        self._plan = Plan(len(table), self.counts["duplicate"], changes, key)
        self._field, self._value = Draws(*key, "field"), Draws(*key, "value")

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(Messy, **self._shares), (self.table,)

    def __repr__(self) -> str:
        hit = ", ".join(f"{count:,} {kind}" for kind, count in self.counts.items() if count)
        return f"<messy {self.table.name}: {len(self):,} rows, {hit or 'none of them messy'}>"

    def __len__(self) -> int:
        return len(self._plan)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        row, copied = self._plan.behind(self._checked(index))
        clean = self.table.row(row)
        return clean if copied else self._spoilt(row, clean)

    def __iter__(self) -> Iterator[Row]:
        plan, stretch = self._plan, 0
        for row, clean in enumerate(self.table):
            yield self._spoilt(row, clean)
            if plan.copies and plan.copy_index(stretch) == row + stretch + 1:
                yield self.table.row(plan.copied(stretch))
                stretch += 1

    def pristine(self, index: int) -> Row:
        """The clean row behind messy row `index`."""
        return self.table.row(self._plan.behind(self._checked(index))[0])

    def index_of(self, row: int) -> int:
        """Where row `row` of the table stands among the messy rows; a copy of it stands elsewhere."""
        return self._plan.index_of(row)

    def mess(self, index: int) -> Mess | None:
        """What was done to messy row `index`; None if nothing was."""
        index = self._checked(index)
        row, copied = self._plan.behind(index)
        if copied:
            return Mess("duplicate", index, row)
        kind = self._plan.kind(row)
        if kind is None:
            return None
        clean = self.table.row(row)
        field, value = self._change(row, kind, clean)
        absent = value is ABSENT
        return Mess(kind, index, row, field, clean[field], None if absent else value, absent)

    def answer_key(self) -> Iterator[Mess]:
        """What was done, in the order of the messy rows; found as it is read, rows that nothing hit are passed over."""
        for index in self._plan.hit():
            mess = self.mess(index)
            assert mess, f"row {index} of {self!r} is planned to be messy"
            yield mess

    def _checked(self, index: int) -> int:
        index = plain(index)  # those of NumPy overflow
        i = index + len(self) if index < 0 else index
        if not 0 <= i < len(self):
            raise IndexError(f"messy {self.table.name} has rows 0 to {len(self) - 1}, not {index}")
        return i

    def _spoilt(self, row: int, clean: Row) -> Row:
        kind = self._plan.kind(row)
        if kind is None:
            return clean
        field, value = self._change(row, kind, clean)
        if value is ABSENT:
            return {name: kept for name, kept in clean.items() if name != field}
        return {**clean, field: value}

    def _change(self, row: int, kind: str, clean: Row) -> tuple[str, Any]:
        """The field that is hit, and what it becomes: from the one drawn on, the first that it fits."""
        found, bits = self._targets[kind], self._value.bits(row)
        first = self._field.below(row, len(found))
        found = found[first:] + found[:first]
        for target in found:
            value = clean[target.field]
            messy = value if value is None else target.change(value, bits)
            if messy != value:
                return target.field, messy
        for target in found:
            if target.of_null:
                return target.field, target.change(None, bits)
        raise AssertionError(f"row {row} of {self.table.name} has nothing that can be {kind}")


def _counts(rows: int, shares: Mapping[str, float]) -> dict[str, int]:
    for kind, share in shares.items():
        if kind not in KINDS:
            raise ConfigurationError(f"mess {kind!r} is not one of {', '.join(KINDS)}")
        if not 0 <= share <= 1:
            raise ConfigurationError(f"{kind}={share} is not a share of the rows: a number from 0 to 1")
    total = sum(shares.values())
    if total > 1 + 1e-9:
        parts = " + ".join(f"{kind}={share}" for kind, share in shares.items() if share)
        raise ConfigurationError(f"{parts} is {total:g}: a row is hit once at most, so shares come to 1 at most")
    counts = {kind: round(shares.get(kind, 0) * rows) for kind in KINDS}
    while sum(counts.values()) > rows:  # all were rounded up
        counts[max(counts, key=lambda kind: counts[kind])] -= 1
    return counts
