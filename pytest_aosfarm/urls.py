"""User names and passwords in URLs: hidden in a URL, hidden in any text, and found so that they can be hidden elsewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("MASK", "MASKED", "passwords_in", "redacted", "without_user_info")

MASK = "***"
MASKED = re.compile(r"\*\*\*(?:~[0-9a-f]{4})?")
"""What stands for a secret; in a name a tag follows that tells names apart."""

_RUN = re.compile(r"://([^\s\"'<>]*)")
_AUTHORITY = re.compile(r"[^/?#\s\"'<>]*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*\Z")
_LONGEST_SCHEME = 32
_PASSWORD_BEGUN = re.compile(r"[^:/?#@\[]*:(?!\d*(?:[/?#\\)\]},;.:\s]|\Z)).")
"""A colon after the first word that no port follows."""
_MORE, _MORE_OF_DATABASE = (
    re.compile(rf"(?:(?![\"']\s?[:,])[^@{never}]){{0,256}}@[^\s\"'<>@]*(?:@[^\s\"'<>@]*)*") for never in (r"\s", r"\r\n")
)
"""The rest of a password that holds a quote; one of a database may hold a space as well."""
_LIKE_A_TOKEN = re.compile(r"(?=.*\d).{16,}")
_DATABASES = ("amqp", "maria", "mongo", "mssql", "mysql", "oracle", "postgres", "redis")
"""Schemes whose paths hold no @, so that one is the end of a password whatever stands before it."""


def redacted(url: str) -> str:
    """`url` with user name and password replaced by ***. They are taken to end at the last @: a password may hold a /."""
    return re.sub(r"^([^:/@]*://)?.*@", rf"\1{MASK}@", url, flags=re.DOTALL)


def without_user_info(text: str) -> str:
    """`text` with user name and password of every URL in it replaced by ***; the same object if there are none."""
    parts: list[str] = []
    done = 0
    for start, end in _user_infos(text):
        parts += [text[done:start], MASK]
        done = end
    return "".join([*parts, text[done:]]) if parts else text


def passwords_in(text: str) -> Iterator[str]:
    """The passwords of the URLs in `text` as they stand there and decoded; a token without a user name is one too."""
    for start, end in _user_infos(text):
        user, colon, password = text[start:end].partition(":")
        found = password if colon else user
        if colon or _LIKE_A_TOKEN.fullmatch(user):
            yield from dict.fromkeys((found, unquote(found)))


def _user_infos(text: str) -> Iterator[tuple[int, int]]:
    """Where in `text` user-info starts and ends, before the @."""
    done = 0
    for run in _RUN.finditer(text) if "://" in text else ():
        start, end = run.span(1)
        if start < done:
            continue
        # One run of characters may hold several URLs, each with an @ or without.
        while (first := text.find("@", start, end)) >= 0:
            following = _next_url(text, first, end)
            last = text.rfind("@", first, end if following < 0 else following)
            while 0 <= start <= last and not _begins(text, start, last):
                start = _after_next(text, start, last)
            if 0 <= start <= last and not MASKED.fullmatch(text, start, last):
                yield start, last
            done = start = last + 1 if following < 0 else following + len("://")
        start = text.rfind("://", start, end) + len("://") if "://" in text[start:end] else start
        if (stop := _open_end(text, start, end)) is not None:
            yield start, stop
            done = stop


def _next_url(text: str, start: int, end: int) -> int:
    """Where the :// of the next URL stands, or -1."""
    found = text.find("://", start, end)
    return found if found > start and text[found - 1].isalnum() else -1


def _after_next(text: str, start: int, end: int) -> int:
    found = text.find("://", start, end)
    return found + len("://") if found >= 0 else found


def _begins(text: str, start: int, last: int) -> bool:
    """Whether user-info begins at `start`, and not a host as in https://host:8080/@scope/package."""
    authority = _AUTHORITY.match(text, start)
    assert authority
    if authority.end() > last or _PASSWORD_BEGUN.match(authority[0]):
        return True
    return ":" in authority[0] and _is_database(text, start)


def _open_end(text: str, start: int, end: int) -> int | None:
    """The end of user-info in a URL whose @ is not where it was looked for, or None.

    Its password holds a space or a quote, or the text was cut.
    """
    if not _PASSWORD_BEGUN.match(text, start, end):
        return None
    database = _is_database(text, start)
    if more := (_MORE_OF_DATABASE if database else _MORE).match(text, end):
        return end + more[0].rindex("@")
    cut = database and (end == len(text) or text.endswith(("...", "…"), start, end))
    return end if cut and not MASKED.fullmatch(text, start, end) else None


def _is_database(text: str, start: int) -> bool:
    colon = start - len("://")
    scheme = _SCHEME.search(text, max(0, colon - _LONGEST_SCHEME), colon)
    return scheme is not None and scheme[0].lower().startswith(_DATABASES)
