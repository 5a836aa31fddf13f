"""Nothing secret is recorded: passwords, tokens and URL user-info are replaced by *** before the spool sees them."""

from __future__ import annotations

import json
import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from pytest_aosfarm.recording.secret_shapes import (
    is_ordinary,
    may_hold_token,
    named_in,
    says_secret,
    without_named,
    without_tokens,
)
from pytest_aosfarm.urls import MASK, passwords_in, without_user_info

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ("Redactor",)

SHORTEST = 6
"""A value of fewer characters is found in too many ordinary texts."""
LONG_LINE = 16

_SECRET_VARIABLE = re.compile(
    r"(?:PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|TOKEN|SECRETS?|CREDENTIALS?|COOKIE|(?:^|_|API|ACCESS|SECRET|PRIVATE|AUTH)KEY)\d*$"
    r"|PASSWORD|SECRET|CREDENTIAL",
    re.IGNORECASE,
)
_NO_SECRET_VARIABLE = re.compile(
    r"^(?:OLD)?PWD$|_(?:FILE|PATH|DIR|TTL|LENGTH|NAME)$"
    r"|(?:TENANT|CACHE|PROJECT|PLAN|BUILD|JOB|ISSUE|ORG|PUBLIC|PARTITION|SORT|PRIMARY|FOREIGN)_?KEY$",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"[A-Za-z0-9]+")
_PATH = re.compile(r"[~.]?/[\w./-]*\.\w{1,5}")


class Redactor:
    """Replaces secrets by ***: URL user-info, values with a telling name, tokens of known shape, and known values.

    Known are the values of variables of `environment` whose name says secret, the passwords of URLs in all of them, and
    what is secret in `arguments` (a command line, ini values); plain, URL-encoded or escaped as in a repr or JSON.
    Ordinary texts come back as the same object. Doing it twice changes nothing.
    """

    def __init__(self, environment: Mapping[str, str], arguments: Sequence[str] = ()) -> None:
        given = (*_known(environment), *_known_of(arguments))
        known = {value.strip() for value in given if _is_secret(value.strip())}
        # The longest first: a secret may begin with another one.
        forms = sorted({form for value in known for form in _forms(value)}, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(_exact, forms))) if forms else None
        # Letters and figures stand in every form as they are.
        self._probes = sorted({max(_PLAIN.findall(value), key=len, default="") for value in known})

    def redacted(self, text: str) -> str:
        """`text` without its secrets, the same object if it holds none. To be called before a text is cut."""
        if not self._may_hold_one(text):
            return text
        result = self._pattern.sub(MASK, text) if self._pattern else text
        result = without_named(without_tokens(without_user_info(result)))
        return text if result == text else result

    def names(self, one: str, other: str) -> tuple[str, str]:
        """`name` of each of two names of a test: most hold nothing, which is seen of both at once."""
        both = one if one == other else f"{one}/{other}"
        return (self.name(one), self.name(other)) if self._may_hold_one(both) else (one, other)

    def name(self, name: str) -> str:
        """`name` of a test without its secrets; a tag tells it from names that differ in nothing but the secret.

        The tag is 16 bits of a hash of the whole name: the same in every run, and far too short to find the secret by.
        """
        result = self.redacted(name)
        if result is name:
            return name
        tag = blake2b(name.encode("utf-8", "backslashreplace"), digest_size=2, person=b"aosfarm.name").hexdigest()
        return result.replace(MASK, f"{MASK}~{tag}", 1)

    def arguments(self, arguments: Sequence[str]) -> list[str]:
        """A command line without its secrets; the word after an option such as --token is one."""
        return [MASK if named else self.redacted(argument) for argument, named in _with_options(arguments)]

    def value(self, value: Any, name: str = "") -> Any:
        """A JSON value (of the property `name`) without its secrets; a text whose key says secret is one."""
        if isinstance(value, str):
            return MASK if value and says_secret(name) else self.redacted(value)
        if isinstance(value, dict):
            return {self.redacted(str(key)): self.value(one, str(key)) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(one, name) for one in value]
        if isinstance(value, int | float) and not isinstance(value, bool) and says_secret(name):
            return MASK
        return value

    def _may_hold_one(self, text: str) -> bool:
        """A quick look at what every rule needs: most names of tests end here."""
        if (
            "=" in text or "@" in text or " " in text or '"' in text or "'" in text or "\n" in text
            or text.count(":") != 2 * text.count("::") or may_hold_token(text)
        ):  # fmt: skip
            return True
        for probe in self._probes:  # noqa: SIM110 - any() takes as long again
            if probe in text:
                return True
        return False


def _known(environment: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        if _SECRET_VARIABLE.search(name) and not _NO_SECRET_VARIABLE.search(name) and not _PATH.fullmatch(value):
            yield value
            yield from (line for line in value.splitlines() if len(line) >= LONG_LINE)
        yield from passwords_in(value)


def _known_of(arguments: Sequence[str]) -> Iterator[str]:
    for argument, named in _with_options(arguments):
        if named:
            yield argument
        yield from passwords_in(argument)
        yield from named_in(argument)


def _with_options(arguments: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Each argument, and whether it is the value of an option whose name says secret."""
    before = ""
    for argument in arguments:
        yield argument, before.startswith("-") and "=" not in before and says_secret(before) and argument[:1] != "-"
        before = argument


def _is_secret(value: str) -> bool:
    """Whether a value is neither too short nor too common to be one."""
    return len(value) >= SHORTEST and MASK not in value and not is_ordinary(value)


def _forms(value: str) -> Iterator[str]:
    """How a secret may stand in a text."""
    yield value
    # A variable may hold bytes that are no UTF-8.
    printable = value.encode("utf-8", "backslashreplace").decode()
    raw = value.encode("utf-8", "surrogateescape")
    yield from (printable, quote(raw), quote(raw, safe=""), quote_plus(raw))
    for form in (value, printable):
        yield from (repr(form)[1:-1], json.dumps(form)[1:-1], json.dumps(form, ensure_ascii=False)[1:-1])
        # In single quotes with both kinds inside; and the repr of a text that holds a repr.
        yield from (form.replace("'", "\\'"), json.dumps(repr(form))[2:-2], repr(json.dumps(form))[2:-2])


def _exact(form: str) -> str:
    """A pattern for the form; figures alone are a secret only where no other figures stand beside them."""
    return rf"(?<!\d){form}(?!\d)" if form.isdecimal() else re.escape(form)
