"""What a secret looks like in a text: well-known tokens, and values whose name says what they are."""

from __future__ import annotations

import re

from pytest_aosfarm.urls import MASK, MASKED

__all__ = ("EVERYDAY", "says_secret", "without_named", "without_tokens")

EVERYDAY = frozenset(
    """any auth bool bytes default development disabled dummy empty enabled example expected expired false float github
    guest int invalid is localhost main master missing must none not null object optional postgres prod production public
    pytest python redacted required secretstr self staging str string test testing text true undefined unexpected unknown
    user was""".split()  # noqa: SIM905 - one word a line would be a page
)
"""Values that are no secrets, and would tear ordinary texts apart if they were taken for some."""

LONGEST_WORD = 40

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
_VALUE = re.compile(
    rf"""
      [brfu]{{0,2}} (?P<open>\\+["']) (?P<escaped> (?: (?!(?P=open)\s{{0,8}}(?:[,}}\]):]|\Z)) [^\n] )* )
    | [brfu]{{0,2}} (?: "(?P<double>(?:[^"\\\n]|\\.)*) | '(?P<single>(?:[^'\\\n]|\\.)*) )
    | (?P<template> \$\{{?[A-Z_]+\}}? | %s | \{{\w*\}} | <[\w ]+> )
    | (?P<group> [{{(\[] [^\n}})\]]* )
    | (?P<bare> (?: [^\s{_CLOSERS}] | [{_CLOSERS}](?![{_CLOSERS}]{{0,8}}(?:\s|\\[nrt]|\Z|[\w.-]{{1,64}}["']?[=:])) )+ )
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Quoted, in brackets, or bare: a comma, bracket or quote ends a bare value if a space, the end or another name follows."""
_HEADER = re.compile(r"(?:authorization|cookie)\W*\Z", re.IGNORECASE)
_HEADER_VALUE = re.compile(r"(?P<bare>(?:=\\?\"[^\"\n]*\"|[^\r\n\"'\\])+)")
_IS_NO_SECRET = re.compile(rf"{MASKED.pattern}|\d{{1,3}}|[\w-]*{_WORD}\W{{0,2}}", re.IGNORECASE)
"""Hidden already, a count, or the name of a secret, which comes next or stands in a line of code."""
_PAIR_ENDS = re.compile(r"\\*[\"']\)")
_CALL = re.compile(r"[A-Za-z_][\w.]*[(\[]")


def says_secret(name: str) -> bool:
    """Whether what has this name (of a property, an option, a header) is a secret."""
    return _SECRET_NAME.search(name) is not None


def without_tokens(text: str) -> str:
    """`text` with tokens of well-known shape, private keys and what follows Bearer replaced by ***."""
    return _TOKENS.sub(MASK, text)


def without_named(text: str) -> str:
    """`text` with each value whose name says secret replaced by ***: `password=…`, `"token": "…"`, `--api-key …`."""
    parts: list[str] = []
    done = position = 0
    while name := _NAMED.search(text, position):
        position = name.end()
        value = _value_of(name, text)
        if value is not None:
            parts += [text[done : value[0]], MASK]
            done = position = value[1]
    return "".join([*parts, text[done:]]) if parts else text


def _value_of(name: re.Match[str], text: str) -> tuple[int, int] | None:
    """Where the value of this name starts and ends, or None if it is no secret."""
    found = _VALUE.match(text, name.end())
    kind = found and found.lastgroup
    if found is None or kind is None or kind == "template":
        return None
    if kind == "bare" and name["assigned"] and _HEADER.search(name[0]):
        found = _HEADER_VALUE.match(text, name.end()) or found
    value = found[kind]
    if not value:
        return None
    if name["paired"] and not _PAIR_ENDS.match(text, found.end()):
        return None  # the names of several things
    if len(value) <= LONGEST_WORD and (_IS_NO_SECRET.fullmatch(value) or value.casefold() in EVERYDAY):
        return None
    if kind == "bare" and (name["assigned"] or "").endswith("= ") and _CALL.match(value):
        return None  # a line of code in a traceback
    return found.span(kind)
