"""`python -m tools.table_reference`: writes docs/tables.md, the columns of all synthetic tables."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic.columns import Boolean, IPv4, Kind, Number, Timestamp, WordLists, Words
from pytest_aosfarm.synthetic.dataset import ANCHOR, Dataset
from pytest_aosfarm.synthetic.scale import SCALES
from tools.pages import DOCS, table

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.table import Table

PATH = DOCS / "tables.md"
HEADING = """# Synthetic tables

Written by `python -m tools.table_reference`. Money is in minor units (cents) of the row's currency, sizes as named; a
moment is ISO 8601 with microseconds, in UTC; the example is row 0 of tenant `demo` at small with seed 1.
"""
HOLD = {
    Number: "whole number",
    Boolean: "true or false",
    Timestamp: "moment",
    IPv4: "IPv4 address",
    WordLists: "list of texts",
}
FEW = 12
"""So many words of an enumeration are listed."""


def page() -> str:
    """The whole page."""
    data = {scale: Dataset("demo", seed=1, scale=scale, anchor=ANCHOR) for scale in SCALES}
    parts = [HEADING]
    for title, names in (("", data["small"].tables), ("# Answer keys\n", data["small"].answer_keys)):
        parts += [title] if title else []
        parts += [_section(name, [data[scale].table(name) for scale in SCALES]) for name in names]
    return "\n".join(parts)


def _section(name: str, tables: list[Table]) -> str:
    """One table, given at each scale."""
    small = tables[0]
    sizes = " / ".join(f"{len(one):,}" for one in tables)
    about = inspect.cleandoc(type(small).__doc__ or "")
    unique = ", ".join(f"`{column}`" for column in small.unique)
    lines = [f"## {name}", "", about, "", f"Rows: {sizes}. Unique: {unique}."]
    for column, other in small.references.items():
        lines.append(f"`{column}` is an id of {other}.")
    example = small[0]
    rows = [
        (f"`{column}`", _holds(kind) + (", or null" if kind.null else ""), f"`{json.dumps(example[column])}`")
        for column, kind in small.kinds.items()
    ]
    return "\n".join([*lines, "", table(("column", "holds", "example"), rows), ""])


def _holds(kind: Kind) -> str:
    if isinstance(kind, Words) and len(set(kind.words)) <= FEW:
        return ", ".join(dict.fromkeys(kind.words))
    return next((text for kinds, text in HOLD.items() if isinstance(kind, kinds)), "text")


def main() -> None:
    """Write the page."""
    PATH.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
