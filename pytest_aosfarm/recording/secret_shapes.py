"""What a secret looks like in a text: well-known tokens, and values whose name says what they are."""

from __future__ import annotations

import re

from pytest_aosfarm.urls import MASK, MASKED

__all__ = ("is_ordinary", "may_hold_token", "says_secret", "without_named", "without_tokens")

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

_WORD = (
    r"(?:passw(?:or)?d|passphrase|pwd|secret|token|credentials?|cookies?|authorization|x-amz-signature"
    r"|(?:api|access|secret|private|signing|encryption|master|auth|account|shared|service|session)[-_\ ]?key)"
)
_PARTS_OF_WORDS = ("pass", "pwd", "secret", "token", "credential", "cookie", "authorization", "signature", "key")
_SECRET_NAME = re.compile(rf"{_WORD}\d{{0,3}}\Z", re.IGNORECASE)
_NAMED = re.compile(
    rf"""
      (?: {_WORD}\d{{0,3}} | (?<![a-z])pass (?==) )
      (?P<assigned> \\*["']?\]? \s{{0,8}} (?:=>|:=|[!=]=|=|:(?!:)) [ \t]{{0,8}})
    | \( (?P<paired> [bru]?\\*["'][\w-]{{0,64}}{_WORD}\\*["'],\s{{0,8}} ) (?=[bru]?\\*["'])
    | --[\w-]{{0,64}}{_WORD} (?: \\*["'],\s{{0,8}} | [ ]{{1,8}}(?!-) )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_CLOSERS = r",;&)\]}\"'"
_IN_DOUBLE, _IN_SINGLE = (rf"(?:[^{quote}\\\n]|\\++[^\n])*+" for quote in "\"'")
_VALUE = re.compile(
    rf"""
      [brfu]{{0,2}} (?P<open>\\+["']) (?P<escaped> (?: (?!(?<!\\)(?P=open)) [^\n] )* )
    | [brfu]{{0,2}} (?: "(?P<double>{_IN_DOUBLE}) | '(?P<single>{_IN_SINGLE}) )
    | (?P<template> (?: (?-i:\$\{{?[A-Z_]+\}}?) | %s | \{{\w*\}} | <[\w ]+> ) (?![^\s{_CLOSERS}]) )
    | (?P<group> [{{(\[] (?: [^\n}})\]"'] | "{_IN_DOUBLE}"? | '{_IN_SINGLE}'? )*+ (?: [}})\]](?=\w)\S*+ )? )
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Quoted, quoted with escapes as in JSON in a repr, or in brackets."""
_BARE = re.compile(
    rf"(?P<bare>(?:[^\s{_CLOSERS}]|[{_CLOSERS}](?![{_CLOSERS}]{{0,8}}(?:\s|\\[nrt]|\Z|[\w.-]{{1,64}}[\"']?[=:])))+)"
)
"""A comma, bracket or quote ends a bare value if a space, the end or another name follows."""
_HEADER = re.compile(r"(?:authorization|cookie)\W*\Z", re.IGNORECASE)
_HEADER_VALUE = re.compile(r"(?P<header>(?:=\\?\"[^\"\n]*\"|[^\r\n\"'\\]|\\(?!\\{0,8}[\"']))+)")
_ORDINARY = re.compile(rf"{MASKED.pattern}|\d{{1,3}}|{_WORD}[:=]?", re.IGNORECASE)
"""Hidden already, a count, or a name, whose own value comes next or stands in a line of code."""
_PAIR_ENDS = re.compile(r"\\*[\"']\)")
_CALL = re.compile(r"[A-Za-z_][\w.]*[(\[]")


def says_secret(name: str) -> bool:
    """Whether what has this name (of a property, an option, a header) is a secret."""
    return _SECRET_NAME.search(name) is not None


def is_ordinary(value: str) -> bool:
    """Whether a value is no secret whatever its name says: true, None, a count, the word "password" itself."""
    return value.casefold() in _EVERYDAY or _ORDINARY.fullmatch(value) is not None


def without_tokens(text: str) -> str:
    """`text` with tokens of well-known shape, private keys and what follows Bearer replaced by ***."""
    return _TOKENS.sub(MASK, text) if may_hold_token(text) or "earer " in text or "PRIVATE KEY" in text else text


def may_hold_token(text: str) -> bool:
    """Whether `text` holds the beginning of a token of well-known shape. A pattern would take twice as long."""
    return (
        ("gh" in text and ("ghp_" in text or "gho_" in text or "ghs_" in text or "ghu_" in text or "ghr_" in text))
        or "k_live_" in text or "k_test_" in text or "npm_" in text or "b_pat_" in text
        or ("-" in text and ("glpat-" in text or "sk-" in text or "pypi-" in text or "xox" in text))
        or ("A" in text and ("AKIA" in text or "ASIA" in text or "AIza" in text))
        or ("J" in text and "eyJ" in text)
    )  # fmt: skip


def without_named(text: str) -> str:
    """`text` with each value whose name says secret replaced by ***: `password=…`, `"token": "…"`, `--api-key …`."""
    lower = text.lower()
    if not any(part in lower for part in _PARTS_OF_WORDS):
        return text
    parts: list[str] = []
    done = 0
    name = _NAMED.search(text)
    while name:
        following = _NAMED.search(text, name.end())
        value = _value_of(name, text, following.start() if following else len(text))
        if value is not None:
            parts += [text[done : value[0]], MASK] if value[0] > done else []
            done = value[1]
            while following and following.end() < done:
                following = _NAMED.search(text, following.end())
        name = following
    return "".join([*parts, text[done:]]) if parts else text


def _value_of(name: re.Match[str], text: str, limit: int) -> tuple[int, int] | None:
    """Where the value of this name starts and ends, or None if it is no secret; a bare one ends at the limit."""
    found = _VALUE.match(text, name.end())
    quoted = found is not None and found.lastgroup not in {"group", "template"}
    if not quoted and name["assigned"] and _HEADER.search(name[0]):
        found = _HEADER_VALUE.match(text, name.end())
    found = found or _BARE.match(text, name.end(), limit)
    kind = found and found.lastgroup
    if found is None or kind is None or kind == "template" or not found[kind]:
        return None
    if is_ordinary(found[kind]) and not (kind == "header" and found[kind].endswith(("=", ":"))):
        return None
    if name["paired"] and not _PAIR_ENDS.match(text, found.end()):
        return None  # the names of several things
    if kind == "bare" and (name["assigned"] or "").endswith("= ") and _CALL.match(found[kind]):
        return None  # a line of code in a traceback
    return found.span(kind)
