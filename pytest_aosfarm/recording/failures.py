"""What went wrong in a test: the message, the type and place of the error, what it has in common with others, the output."""

from __future__ import annotations

import os
import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Redact: TypeAlias = Callable[[str], str]
    """Takes secrets out of a text, which must not have been cut before."""

__all__ = (
    "OUTPUT_LIMIT", "Failure", "FailureReport", "clean", "cut", "failure_of", "headline", "masked", "message_of",
    "outputs_of",
)  # fmt: skip

TEXT_LIMIT = 2000
"""Characters kept of any one text (error head, property)."""

OUTPUT_LIMIT = 1 << 16
"""Characters kept of a traceback or of what a test has written."""

_SECTION = re.compile(r"Captured (stdout|stderr|log) (\w+)")
_ERROR_LINE = re.compile(r"^E +(\S.*)$", re.MULTILINE)
_TYPE = re.compile(r"([A-Za-z_][\w.<>]*)(?::|\s*$)")
_PLACE_LINE = re.compile(r"^(\S[^:\n]*):([0-9]+): ", re.MULTILINE)
_VARYING = re.compile(
    r"0x[0-9a-fA-F]+"
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|(?<![\w/])(?:~|\.{1,2})?(?:/[\w.@+-]+){2,}/?"
    r"|[0-9]+(?:[.:][0-9]+)*(?:e[+-]?[0-9]+)?(?![0-9a-fA-F])"
    r"|\b(?=[a-fA-F]*[0-9])[0-9a-fA-F]{8,}\b"
    r"|[0-9]+"
)


def _as_it_is(text: str) -> str:
    return text


class FailureReport(Protocol):
    """What is read of a report of pytest that is no pass; `wasxfail` too, if it is there."""

    @property
    def longrepr(self) -> object:
        """The error, or where and why the test was skipped."""

    @property
    def sections(self) -> Iterable[tuple[str, str]]:
        """Pairs of title and what was captured under it."""


class Failure(NamedTuple):
    """Type of the error (dotted unless built in), its place ("path:line" in the root directory), and its signature.

    Two errors with the same signature are of one type, come from one file, and differ at most in numbers, hexadecimal
    ids and paths.
    """

    error_type: str | None
    error_location: str | None
    error_signature: str


def failure_of(report: FailureReport, message: str | None, rootdir: str, start: str) -> Failure:
    """The error of a report whose message is known; a relative path in it counts from `start`."""
    if getattr(report.longrepr, "reprcrash", None) is None:
        # A collector's error, a missing fixture, or the text that a plugin put there.
        text = str(report.longrepr)
        found = _ERROR_LINE.search(text)
        kind = _type_of(found[1]) if found else None
        places = [(match[1], int(match[2])) for match in _PLACE_LINE.finditer(text)]
    else:
        kind = _type_of(message or "")
        places = _places_of(report.longrepr)
    path, line = _inner_place(places, rootdir, start)
    whole = "\0".join([kind or "", masked(message or ""), path or ""])
    signature = blake2b(whole.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()
    return Failure(kind, None if path is None else f"{path}:{line}", signature)


def message_of(report: FailureReport, redacted: Redact = _as_it_is) -> str | None:
    """The head of the error of a report, or the reason of its skip or xfail; None when it has neither."""
    reason = getattr(report, "wasxfail", None)
    longrepr = report.longrepr
    if reason is not None:
        text = str(reason)
    elif longrepr is None:
        return None
    elif isinstance(longrepr, tuple):
        text = str(longrepr[-1])
    else:
        crash = getattr(longrepr, "reprcrash", None)
        text = str(longrepr if crash is None else crash.message)
    return clean(redacted(text)) or None


def outputs_of(
    reports: Iterable[FailureReport], sections: Iterable[tuple[str, str]], redacted: Redact = _as_it_is
) -> dict[str, str]:
    """Tracebacks and captured output by kind: longrepr, stdout, stderr, log; what comes of several phases says so."""
    phases: dict[str, list[tuple[str, str]]] = {}
    for title, text in sections:
        if text and (match := _SECTION.fullmatch(title)):
            phases.setdefault(match[1], []).append((match[2], text))
    found = {"longrepr": "\n\n".join(str(report.longrepr) for report in reports if report.longrepr is not None)}
    for kind, texts in phases.items():
        alone = len(texts) == 1
        found[kind] = texts[0][1] if alone else "\n".join(f"-- {phase} --\n{text}" for phase, text in texts)
    return {kind: cut(clean(redacted(text), limit=None)) for kind, text in found.items() if text}


def clean(text: str, *, limit: int | None = TEXT_LIMIT) -> str:
    """Text that every store can hold: cut to the limit, lone surrogates and NULs written as escapes."""
    text = text[:limit]
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def cut(text: str, limit: int = OUTPUT_LIMIT) -> str:
    """At most `limit` characters: of a longer text its head and its tail, and between them how much is missing."""
    if len(text) <= limit:
        return text
    note = f"\n[... {len(text) - limit} characters and this line left out ...]\n"
    half = (limit - len(note)) // 2
    return text[: limit - len(note) - half] + note + text[len(text) - half :]


def headline(text: str) -> str:
    """The line of an error that says most: the first, but of a worker's traceback, which xdist passes on, the last."""
    lines = [line for line in text.splitlines() if line.strip() and line.strip() != "assert False"]
    if not lines:
        return text
    return lines[-1] if "Traceback (most recent call last)" in lines[0] else lines[0]


def masked(text: str) -> str:
    """The text with # for what differs between two runs of the same thing: numbers, hexadecimal ids, addresses, paths."""
    return _VARYING.sub("#", text)


def _type_of(message: str) -> str | None:
    line = message.partition("\n")[0]
    # pytest leaves the type of a bare assert out.
    if line.startswith("assert "):
        return "AssertionError"
    match = _TYPE.match(line)
    return match[1] if match else None


def _places_of(longrepr: Any) -> list[tuple[str, int]]:
    """File and line of each entry of a traceback, and of where it was raised, outermost first."""
    entries = getattr(getattr(longrepr, "reprtraceback", None), "reprentries", ())
    places = [getattr(entry, "reprfileloc", None) for entry in entries]
    return [(str(place.path), int(place.lineno)) for place in (*places, longrepr.reprcrash) if place is not None]


def _inner_place(places: list[tuple[str, int]], rootdir: str, start: str) -> tuple[str | None, int]:
    """The innermost place that is inside the root directory, else the innermost of all."""
    for path, line in reversed(places):
        inner = os.path.relpath(os.path.join(start, path), rootdir)  # noqa: PTH118 - a matter of texts, not of files
        if not inner.startswith("..") and "site-packages" not in inner:
            return inner, line
    return places[-1] if places else (None, 0)
