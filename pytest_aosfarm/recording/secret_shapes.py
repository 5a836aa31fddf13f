"""What a secret looks like in a text: well-known tokens, and values whose name says what they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pytest_aosfarm.recording.replay_tokens import is_replay_token, replay_tokens
from pytest_aosfarm.urls import MASK, MASKED

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("is_ordinary", "may_hold_token", "named_in", "says_secret", "without_named", "without_tokens")

_EVERYDAY = frozenset(
    """any auth bool bytes default development disabled dummy empty enabled example expected expired false float github
    guest int invalid is localhost main master missing must none not null object optional postgres prod production public
    pytest python redacted required secretstr self staging str string test testing text true undefined unexpected unknown
    user was""".split()  # noqa: SIM905 - one word a line would be a page
)
"""Values that are no secrets, and would tear ordinary texts apart if they were taken for some."""

_TOKENS = re.compile(
    r"""
      gh[pousr]_[A-Za-z0-9]{16,} | github_pat_\w{16,} | glpat-[\w-]{16,}
    | (?:AKIA|ASIA)[A-Z0-9]{16} (?: [\s"',:;|/=]{1,8} [A-Za-z0-9/+]{40} (?![A-Za-z0-9/+]) )?
    | xox[a-z]-[\w-]{10,}
    | eyJ[\w-]{6,} (?: \.[\w-]* ){1,4} | eyJ[\w-]{20,}
    | [sr]k_(?:live|test)_\w{10,} | (?<![A-Za-z0-9])sk-[\w-]{32,}
    | AIza[\w-]{30,} | npm_[A-Za-z0-9]{30,} | pypi-[\w-]{32,}
    | -----BEGIN\ [A-Z ]{0,40}PRIVATE\ KEY (?: [\s\S]{0,8192}?-----END[^-]{0,48}----- | [\s\S]{0,4096} )
    | (?<=[Bb]earer[ ]) (?: [\w.~+/-]{16,} | (?=[A-Za-z.~+/_-]{0,16}\d)[\w.~+/-]{6,} ) =*
    """,
    re.VERBOSE,
)

_KIND_OF_KEY = "(?:api|access|secret|private|signing|encryption|master|auth|account|shared|service|session)[-_ ]?"
_LAST_WORD = "passw(?:or)?d|passphrase|pwd|secret|token|credentials?|cookies?|authorization|x-amz-signature|key"
_WORD = rf"(?:{_LAST_WORD.removesuffix('key')}{_KIND_OF_KEY}key)"
_SECRET_NAME = re.compile(rf"{_WORD}\d{{0,3}}\Z", re.IGNORECASE)
_STEMS = ("passw", "passphrase", "pass=", "pwd", "secret", "token", "credential", "cookie", "authorization", "x-amz-", "key")
"""How the last words of names begin. To look for each is many times faster than one pattern for all."""
_NAME = re.compile(
    rf"""
    (?: (?:{_LAST_WORD})\d{{0,3}} | pass(?==) )
    (?:
        (?P<assigned> \\*["']?\]? \s{{0,8}} (?:=>|:=|[!=]=|=|:(?!:)) [ \t]{{0,8}})
      | (?P<listed> \\*["'],\s{{0,8}} )
      | [ ]{{1,8}}(?!-)
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BEFORE_KEY = re.compile(rf"{_KIND_OF_KEY}\Z", re.IGNORECASE)
_BEFORE_PASS = re.compile(r"(?<![A-Za-z])\Z")
_BEFORE_OPTION = re.compile(r"--[\w-]{0,64}\Z")
_BEFORE_PAIR = re.compile(r"\(\s{0,4}[bru]?\\*[\"'][\w-]{0,64}\Z")
_FAR_ENOUGH = 80
_QUOTE = re.compile(r"[bru]?\\*[\"']", re.IGNORECASE)
_CLOSERS = r",;&)\]}\"'"
_PLAIN = rf"(?:[^\s{_CLOSERS}]|[{_CLOSERS}](?![{_CLOSERS}]{{0,8}}(?:\s|\\[nrt]|\Z|[\w.-]{{1,64}}[\"']?[=:])))"
"""A letter of a bare value, which a comma, bracket or quote ends if a space, the end or another name follows."""
_IN_DOUBLE, _IN_SINGLE = (rf"(?:[^{quote}\\\n]|\\++[^\n])*+" for quote in "\"'")
_VALUE = re.compile(
    rf"""
      [brfu]{{0,2}} (?P<open>\\+["']) (?P<escaped> (?: (?!(?<!\\)(?P=open)) [^\n] )* )
    | [brfu]{{0,2}} (?: "(?P<double>{_IN_DOUBLE}) | '(?P<single>{_IN_SINGLE}) )
    | (?P<template> (?: (?-i:\$\{{?[A-Z_]+\}}?) | %s | \{{\w*\}} | <[\w ]+> ) (?![^\s{_CLOSERS}]) )
    | (?P<group> [{{(\[] (?: [^\n}})\]"'] | "{_IN_DOUBLE}"? | '{_IN_SINGLE}'? )*+ {_PLAIN}*+ )
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Quoted, quoted with escapes as in JSON in a repr, or in brackets."""
_BARE = re.compile(rf"(?P<bare>{_PLAIN}+)")
_HEADER = re.compile(r"(?:authorization|cookie)(?![a-z])", re.IGNORECASE)
_HEADER_VALUE = re.compile(r"(?P<header>(?:=\\?\"[^\"\n]*\"|[^\r\n\"'\\]|\\(?!\\{0,8}[\"']))+)")
_ORDINARY = re.compile(rf"{MASKED.pattern}|\d{{1,3}}|(?:[A-Za-z_]\w*\.){{0,4}}{_WORD}[:=]?", re.IGNORECASE)
"""Hidden already, a count, or a name, whose own value comes next or which is code."""
_PAIR_ENDS = re.compile(r"\\*[\"']\)")
_CALL = re.compile(r"[A-Za-z_][\w.]*[(\[]")


def says_secret(name: str) -> bool:
    """Whether what has this name (of a property, an option, a header) is a secret."""
    return _SECRET_NAME.search(name) is not None


def is_ordinary(value: str) -> bool:
    """Whether a value is no secret whatever its name says: true, None, a count, the word "password", a replay token."""
    return value.casefold() in _EVERYDAY or _ORDINARY.fullmatch(value) is not None or is_replay_token(value)


def without_tokens(text: str) -> str:
    """`text` with tokens of well-known shape, private keys and what follows Bearer replaced by ***; replay tokens stay."""
    if not (may_hold_token(text) or "earer " in text or "PRIVATE KEY" in text):
        return text
    kept = [*replay_tokens(text)]
    parts: list[str] = []
    done = place = 0
    while found := _TOKENS.search(text, place):
        # What begins in a replay token is a part of it; what comes behind it is looked at by itself.
        place = next((end for start, end in kept if start <= found.start() < end), 0)
        if not place:
            parts += [text[done : found.start()], MASK]
            done = place = found.end()
    return "".join([*parts, text[done:]])


def may_hold_token(text: str) -> bool:
    """Whether `text` holds the beginning of a token of well-known shape. A pattern would take twice as long."""
    return (
        ("gh" in text and ("ghp_" in text or "gho_" in text or "ghs_" in text or "ghu_" in text or "ghr_" in text))
        or "k_live_" in text or "k_test_" in text or "npm_" in text or "b_pat_" in text
        or ("-" in text and ("glpat-" in text or "sk-" in text or "pypi-" in text or "xox" in text))
        or ("A" in text and ("AKIA" in text or "ASIA" in text or "AIza" in text))
        or ("J" in text and "eyJ" in text)
    )  # fmt: skip


class _Name(NamedTuple):
    """A name whose value, which comes next, is a secret unless it is an ordinary one."""

    start: int
    end: int
    assigned: str
    """The signs between name and value; empty when it is an option, or the first of a pair."""
    paired: bool
    header: bool
    """The value goes on to the end of the line."""


def without_named(text: str) -> str:
    """`text` with each value whose name says secret replaced by ***: `password=…`, `"token": "…"`, `--api-key …`."""
    parts: list[str] = []
    done = 0
    for start, end in _values(text):
        parts += [text[done:start], MASK] if start > done else []
        done = end
    return "".join([*parts, text[done:]]) if parts else text


def named_in(text: str) -> Iterator[str]:
    """The values in `text` whose names say secret."""
    return (text[start:end] for start, end in _values(text))


def _values(text: str) -> Iterator[tuple[int, int]]:
    """Where values whose names say secret start and end; one may begin inside the one before."""
    names = _names(text)
    name = next(names, None)
    while name:
        following = next(names, None)
        value = _value_of(name, text, following.start if following else len(text))
        if value is not None:
            yield value
            while following and following.end < value[1]:
                following = next(names, None)
        name = following


def _names(text: str) -> Iterator[_Name]:
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(letter.lower() if letter.isascii() else letter for letter in text)
    for place in sorted(place for stem in _STEMS for place in _places(stem, lower)):
        name = _NAME.match(text, place)
        before = text[max(0, place - _FAR_ENOUGH) : place] if name else ""
        kind = _BEFORE_KEY.search(before) if lower.startswith("key", place) else None
        if not name or (lower.startswith("key", place) and not kind):
            continue
        if lower.startswith("pass=", place) and not _BEFORE_PASS.search(before):
            continue
        assigned = name["assigned"] or ""
        option = _BEFORE_OPTION.search(before)
        paired = bool(name["listed"]) and not option and _BEFORE_PAIR.search(before) and _QUOTE.match(text, name.end())
        if assigned or option or paired:
            header = bool(assigned) and _HEADER.match(text, place) is not None
            begins = option or kind
            yield _Name(place - len(begins[0] if begins else ""), name.end(), assigned, bool(paired), header)


def _places(part: str, text: str) -> Iterator[int]:
    start = text.find(part)
    while start >= 0:
        yield start
        start = text.find(part, start + 1)


def _value_of(name: _Name, text: str, limit: int) -> tuple[int, int] | None:
    """Where the value of this name starts and ends, or None if it is no secret; a bare one ends at the limit."""
    found = _VALUE.match(text, name.end)
    if name.header and (found is None or found.lastgroup in {"group", "template"}):
        found = _HEADER_VALUE.match(text, name.end)
    # What ends a bare value may stand beyond the limit.
    found = found or _BARE.match(text, name.end, limit + _FAR_ENOUGH)
    if found is None or found.lastgroup is None:
        return None
    kind = found.lastgroup
    start, end = found.start(kind), found.end(kind) if kind != "bare" else min(found.end(), limit)
    value = text[start:end]
    if not value or kind == "template" or (is_ordinary(value) and not (kind == "header" and value.endswith(("=", ":")))):
        return None
    if name.paired and not _PAIR_ENDS.match(text, end):
        return None  # the names of several things
    if kind == "bare" and name.assigned.endswith("= ") and _CALL.match(value):
        return None  # a line of code in a traceback
    return start, end
