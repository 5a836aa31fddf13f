"""Rows as pages of a SQLite file, in SQLite's own file format: many times as fast as statements that insert them.

A table is a tree of pages: leaves with the rows in the order of their numbers, and above them pages that say which child
ends with which row. The format is documented and kept stable: https://sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import itertools
import struct
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from pytest_aosfarm.sinks.sqlite_rows import PAGE, StoredRows, number_of_five_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_aosfarm.synthetic.table import Table

__all__ = ("Pages",)

_INTERIOR, _INTERIOR_HEAD = 5, 12
_CHILDREN = (PAGE - _INTERIOR_HEAD) // 11 + 1
"""A child takes 4 bytes for its page, 5 for its last row and 2 for where these are; the last child stands in the head."""
_LOCK_PAGE = (1 << 30) // PAGE + 1
"""Where SQLite locks a file; never used."""
_IN_HEADER = 28
"""Where the file's header says how many pages there are."""


class Pages:
    """Appends tables to a file that SQLite has made with empty ones, and that nobody has open."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.seek(_IN_HEADER)
        (self._count,) = struct.unpack(">I", file.read(4))

    def close(self) -> None:
        """Write down how many pages there are."""
        self._file.seek(_IN_HEADER)
        self._file.write(struct.pack(">I", self._count))

    def fill(self, root: int, table: Table, tenant_id: str, advance: Callable[[int], None]) -> None:
        """Put the rows into the empty table whose first page is `root`."""
        children: list[tuple[int, int]] = []
        if not table:
            return
        rows = StoredRows(table, tenant_id)
        for block in table.blocks():
            pages = list(rows.leaves(block))
            if len(pages) == 1 and len(block) == len(table):
                self._write(root, pages[0][0])
            else:
                children += self._append(pages)
            advance(len(block))
        while len(children) > _CHILDREN:
            groups = -(-len(children) // _CHILDREN)
            bounds = [len(children) * k // groups for k in range(groups + 1)]
            parts = [children[start:stop] for start, stop in itertools.pairwise(bounds)]
            children = self._append([(_interior(part), part[-1][1]) for part in parts])
        if children:
            self._write(root, _interior(children))

    def _append(self, pages: list[tuple[bytes, int]]) -> list[tuple[int, int]]:
        """Write (page, its last row) one after another; return (its number, its last row) of each."""
        self._file.seek(self._count * PAGE)
        placed = []
        for page, last in pages:
            if self._count + 1 == _LOCK_PAGE:
                self._file.write(bytes(PAGE))
                self._count += 1
            self._file.write(page)
            self._count += 1
            placed.append((self._count, last))
        return placed

    def _write(self, number: int, page: bytes) -> None:
        self._file.seek((number - 1) * PAGE)
        self._file.write(page)


def _interior(children: list[tuple[int, int]]) -> bytes:
    """A page that says which child ends with which row."""
    cells = np.zeros(len(children) - 1, np.dtype([("child", ">u4"), ("high", ">u4"), ("low", "u1")]))
    pages, lasts = np.array(children, np.int64)[:-1].T
    cells["child"] = pages
    cells["high"], cells["low"] = number_of_five_bytes(lasts)
    start = PAGE - cells.nbytes
    pointers = np.arange(start, PAGE, cells.itemsize).astype(">u2").tobytes()
    head = struct.pack(">BHHHBI", _INTERIOR, 0, len(cells), start, 0, children[-1][0])
    return (head + pointers).ljust(start, b"\0") + cells.tobytes()
