"""What the generated pages of docs/ share: where they lie, Markdown tables, and the comments of a module's names."""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType

__all__ = ("DOCS", "comments", "first_paragraph", "table")

DOCS = Path(__file__).parent.parent / "docs"


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [f"| {' | '.join(row)} |".replace("|  |", "| |") for row in (heading, *rows)]
    return "\n".join([lines[0], f"|{'---|' * len(heading)}", *lines[1:]])


def comments(module: ModuleType) -> dict[str, str]:
    """What is said of each name that a module assigns: the text in the line below it."""
    body = ast.parse(inspect.getsource(module)).body
    found = {}
    for node, following in pairwise(body):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(following, ast.Expr):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and isinstance(following.value, ast.Constant):
                found[target.id] = inspect.cleandoc(str(following.value.value))
    return found


def first_paragraph(text: str | None) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join(inspect.cleandoc(text or "").partition("\n\n")[0].split())
