"""Pieces that several sections of the HTML report use: icons, outcomes, sections, tables, commands to copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aosfarm.exports.html.markup import Html, el, plain
from pytest_aosfarm.recording.events import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_aosfarm.exports.html.markup import Content

__all__ = ("copyable", "icon", "kind_of", "outcome", "section", "table")

ICONS = {*OUTCOMES, "other", "flaky", "interrupted", "incomplete", "running"}
ALIKE = {"queued": "running", "suspect": "incomplete", "lost": "incomplete"}


def kind_of(word: str) -> str:
    """The class and icon of an outcome or status; a word of another plugin is like "other"."""
    kind = ALIKE.get(word, word)
    return kind if kind in ICONS else "other"


def icon(name: str) -> Html:
    """A shape of its own for each outcome, so that it can be told without its colour."""
    classes = "icon caret" if name == "caret" else "icon"
    return el("svg", el("use", href=f"#i-{name}"), class_=classes, aria_hidden="true")


def outcome(word: str, classes: str = "outcome") -> Html:
    """Colour, shape and word."""
    kind = kind_of(word)
    return el("span", icon(kind), el("span", plain(word)), class_=f"{classes} is-{kind}")


def section(name: str, heading: str, *content: Content, small: str | None = None) -> Html:
    """A section under its heading."""
    title = el("h2", heading, el("small", small) if small else None, id=f"{name}-heading")
    return el("section", title, content, id=name, aria_labelledby=f"{name}-heading")


def table(heading: Sequence[str], rows: Iterable[Sequence[Content]], numbers: range = range(0)) -> Html:
    """A table that scrolls by itself where it is too wide; `numbers` are the columns aligned to the right."""

    def cells(name: str, row: Sequence[Content]) -> list[Html]:
        return [el(name, cell, class_="number" if index in numbers else None) for index, cell in enumerate(row)]

    head = el("thead", el("tr", cells("th", heading))) if heading else None
    body = el("tbody", [el("tr", cells("td", row)) for row in rows])
    return el("div", el("table", head, body), class_="card wide", tabindex="0", role="group", aria_label="table")


def copyable(label: str, command: str | None, testid: str) -> Html | None:
    """A command, and a button that copies it."""
    if command is None:
        return None
    button = el("button", "Copy", type="button", class_="js-copy", data_testid=testid)
    return el("div", el("span", label, class_="label"), el("div", el("code", command), button, class_="copy"))
