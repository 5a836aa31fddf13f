"""What a text of several parts is joined from, a block at a time: the fewer and the more ready-made, the faster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pytest_aosfarm.synthetic.columns import Kind, Number, Of, Pairs, Text, Words

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pytest_aosfarm.synthetic.rows import Cell

__all__ = ("Array", "Piece", "crossed", "fixed_width", "pieces_of")

Array: TypeAlias = pa.Array
Piece: TypeAlias = "str | Group | Digits | Single"

_STRING = pa.string()
_LARGEST_POOL = 1 << 13
"""Neighbouring parts are joined beforehand up to so many texts: more would not stay in the cache."""
_HEADS = {width: np.array([f"{i:0{width}}" for i in range(10**width)], dtype=f"S{width}") for width in (1, 2, 3)}
_THREE = _HEADS[3]


def pieces_of(kind: Text, pool: Callable[[Words | Pairs | Of], Array], text: Callable[[Kind, Cell], Array]) -> list[Piece]:
    """The pieces of a text. Literals are made part of the piece behind them, the last of the one before it.

    `pool` gives all texts of a kind, `text` those of some cells.
    """
    pieces: list[Piece] = []
    literal = ""
    at = 0
    for part in kind.parts:
        if isinstance(part, str):
            literal += part
            continue
        last = pieces[-1] if pieces else None
        if isinstance(part, Words | Pairs | Of):
            texts = pool(part)
            if isinstance(last, Group) and len(last.pool) * len(texts) <= _LARGEST_POOL:
                last.widen(literal, at, texts)
            else:
                pieces.append(Group(literal, at, texts))
        elif isinstance(part, Number) and not part.null:
            pieces.append(Digits(literal, at))
        else:
            pieces += [literal] if literal else []
            pieces.append(Single(part, at, text))
        literal = ""
        at += 1
    last = pieces[-1] if pieces else None
    if isinstance(last, Group | Digits):
        last.close(literal)
    elif literal:
        pieces.append(literal)
    return pieces


class Single:
    """One part, rendered row by row."""

    def __init__(self, kind: Kind, at: int, text: Callable[[Kind, Cell], Array]) -> None:
        self._kind = kind
        self._at = at
        self._text = text

    def __call__(self, cells: Cell) -> Array:
        return self._text(self._kind, cells[self._at])


class Group:
    """Neighbouring parts of which all combinations stand in a pool, the first part varying fastest."""

    def __init__(self, before: str, at: int, texts: Array) -> None:
        self.pool = pc.binary_join_element_wise(before, texts, "")
        self._steps = [(at, 1)]

    def widen(self, between: str, at: int, texts: Array) -> None:
        """Add a part."""
        self._steps.append((at, len(self.pool)))
        self.pool = crossed(self.pool, between, texts)

    def close(self, after: str) -> None:
        """Add a literal at the end."""
        if after:
            self.pool = pc.binary_join_element_wise(self.pool, after, "")

    def __call__(self, cells: Cell) -> Array:
        (first, _), *others = self._steps
        code = cells[first]
        for at, step in others:
            code = code + cells[at] * step
        return self.pool.take(pa.array(code))


class Digits:
    """A whole number in decimal, with the literals around it."""

    def __init__(self, before: str, at: int) -> None:
        self._before = before
        self._at = at
        self._after = ""

    def close(self, after: str) -> None:
        """Add a literal at the end."""
        self._after = after

    def __call__(self, cells: Cell) -> Array:
        numbers = cells[self._at]
        least, most = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, 0)
        if least >= 0 and len(str(least)) == len(str(most)):
            return fixed_width(self._matrix(numbers, len(str(most))))
        return pc.binary_join_element_wise(self._before, pa.array(numbers).cast(pa.string()), self._after, "")

    def _matrix(self, numbers: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
        """The texts as rows of ASCII, for numbers of `width` digits: three digits at a time from a table."""
        triples = (width - 1) // 3
        head = width - 3 * triples
        fields = [("before", len(self._before)), ("head", head)]
        fields += [(f"triple {k}", 3) for k in range(triples)] + [("after", len(self._after))]
        rows = np.empty(len(numbers), [(name, f"S{length}") for name, length in fields if length])
        rest = numbers
        for k in reversed(range(triples)):
            upper = rest // 1000
            rows[f"triple {k}"] = _THREE.take(rest - upper * 1000)
            rest = upper
        rows["head"] = _HEADS[head].take(rest)
        for name, literal in (("before", self._before), ("after", self._after)):
            if literal:
                rows[name] = literal.encode()
        return rows.view(np.uint8).reshape(len(numbers), -1)


def crossed(firsts: Array, between: str, seconds: Array) -> Array:
    """Every first with every second; the pair (i, j) stands at `i + j * len(firsts)`."""
    second, first = np.divmod(np.arange(len(firsts) * len(seconds)), len(firsts))
    return pc.binary_join_element_wise(firsts.take(pa.array(first)), seconds.take(pa.array(second)), between)


def fixed_width(rows: NDArray[Any], as_type: pa.DataType = _STRING) -> Array:
    """Rows of as many bytes each (one item, or one line of a matrix) as Arrow text, or binary, without a copy."""
    width = rows[:1].nbytes
    offsets = np.arange(len(rows) + 1, dtype=np.int32) * np.int32(width)
    return pa.Array.from_buffers(as_type, len(rows), [None, pa.py_buffer(offsets), pa.py_buffer(rows)])
