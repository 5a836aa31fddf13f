"""HTML that is escaped by construction: whatever is no `Html` yet becomes text when it is put into an element."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("Content", "Html", "coloured", "data_block", "el", "plain", "short", "visible")


class Html(str):
    """Text that already is HTML."""

    __slots__ = ()


Content: TypeAlias = "str | int | Iterable[Content] | None"
"""What an element may hold: HTML, text (escaped), a whole number, None for nothing, and any nesting of those."""

VOID = {"input", "meta"}

# What a browser drops, hides or reorders: control characters (not tab and line feed), halves of surrogate pairs, and the
# marks that turn the direction of writing and so can make a name read as another one.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_ESCAPE = re.compile(r"\x1b(?:\[([0-9;:?<=>]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()*+][0-~]|[0-~])")
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_RESET, _BOLD, _NOT_BOLD, _DEFAULT, _PALETTE = 0, 1, 22, 39, (38, 48)
_DARK, _BRIGHT = range(30, 38), range(90, 98)


def visible(text: str) -> str:
    """`text` with every character that could not be seen, or not be written as UTF-8, replaced by one that can."""
    return _UNSEEN.sub(_seen, text.replace("\r\n", "\n"))


def plain(text: str) -> str:
    """`text` as `visible` shows it, without the escape sequences of a terminal."""
    return visible(_ESCAPE.sub("", text))


def short(value: object, limit: int = 1000) -> str:
    """A name or value as `plain` shows it, cut where nobody reads on: a test's parameters may be a whole file."""
    text = str(value)
    return plain(text if len(text) <= limit else f"{text[:limit]}…")


def coloured(text: str) -> Html:
    """A terminal's output: the 16 colours and bold as classes, every other escape sequence left out."""
    pieces: list[str] = []
    colour, bold, end = "", False, 0
    for match in _ESCAPE.finditer(text):
        pieces.append(_painted(text[end : match.start()], colour, bold=bold))
        end = match.end()
        if match[2] == "m":
            colour, bold = _graphics(match[1], colour, bold=bold)
    pieces.append(_painted(text[end:], colour, bold=bold))
    return Html("".join(pieces))


def el(name: str, /, *content: Content, **attributes: str | int | bool | None) -> Html:
    """An element. `class_` and `data_testid` become `class` and `data-testid`; None and False leave an attribute out."""
    opened = [f"<{name}"]
    for key, value in attributes.items():
        if value is not None and value is not False:
            attribute = key.rstrip("_").replace("_", "-")
            opened.append(f" {attribute}" if value is True else f' {attribute}="{_escaped(str(value))}"')
    opened.append(">")
    if name in VOID:
        return Html("".join(opened))
    if name == "pre":
        opened.append("\n")  # a parser drops the first line end of a pre; let it drop this one
    return Html("".join((*opened, _inner(content), f"</{name}>")))


def data_block(value: Any) -> Html:
    """JSON that can stand inside a script element: nothing in it ends the element or begins a comment."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return Html(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _inner(content: Content) -> str:
    if isinstance(content, Html) or content is None:
        return content or ""
    if isinstance(content, str):
        return _escaped(content)
    return f"{content:,}" if isinstance(content, int) else "".join(map(_inner, content))


def _escaped(text: str) -> str:
    return visible(text).translate(_MARKUP)


def _seen(match: re.Match[str]) -> str:
    letter = match[0]
    if letter < " ":
        return chr(0x2400 + ord(letter))
    return "\u2421" if letter == "\x7f" else f"\\u{ord(letter):04x}"


def _painted(text: str, colour: str, *, bold: bool) -> str:
    classes = " ".join(name for name in (colour and f"ansi-{colour}", bold and "ansi-bold") if name)
    if not text or not classes:
        return _escaped(text)
    return el("span", text, class_=classes)


def _graphics(parameters: str, colour: str, *, bold: bool) -> tuple[str, bool]:
    """Colour and weight after one more "select graphic rendition" sequence."""
    codes = iter(int(code) if code.isdecimal() else _RESET for code in parameters.split(";"))
    for code in codes:
        if code == _RESET:
            colour, bold = "", False
        elif code in (_BOLD, _NOT_BOLD):
            bold = code == _BOLD
        elif code in _DARK or code in _BRIGHT:
            colour = _COLOURS[code % 10]
        elif code == _DEFAULT:
            colour = ""
        elif code in _PALETTE:  # 5 and an index, or 2 and three parts, follow
            for _ in range({5: 1, 2: 3}.get(next(codes, 0), 0)):
                next(codes, None)
    return colour, bold
