"""Durations as people write them (`200ms`, `1.5 s`, `2 min 5 s`) and as chaos counts them, in whole microseconds."""

from __future__ import annotations

import re
from decimal import Decimal

__all__ = ("in_words", "microseconds")

_UNITS = {"us": 1, "ms": 1000, "s": 1_000_000, "min": 60_000_000, "m": 60_000_000, "h": 3_600_000_000}
_PART = re.compile(rf"\s*(\d+(?:\.\d+)?)\s*({'|'.join(_UNITS)})(?![a-z])\s*", re.ASCII)
_NUMBER = re.compile(r"\s*\d+(?:\.\d+)?\s*", re.ASCII)
_LONGEST = 1 << 62
"""Microseconds, some 146,000 years: a sum of two still fits into 64 bits."""


def microseconds(value: str | float) -> int:
    """The microseconds in `value`: a number of seconds, or a text of numbers with units (us, ms, s, min or m, h).

    What is finer than a microsecond is rounded to the nearest. ValueError if it is no duration, negative, or endless.
    """
    text = f"{value:.9f}" if isinstance(value, float) else str(value)
    if _NUMBER.fullmatch(text):
        exact = Decimal(text.strip()) * _UNITS["s"]
    else:
        exact = Decimal(0)
        at = 0
        while at < len(text) or not at:
            part = _PART.match(text, at)
            if part is None:
                raise _no_duration(value)
            exact += Decimal(part[1]) * _UNITS[part[2]]
            at = part.end()
    if exact > _LONGEST:
        raise _no_duration(value)
    return round(exact)


def in_words(us: int) -> str:
    """A duration of `us` >= 0 microseconds, exactly, in the units that suit it; `microseconds` reads it back."""
    if us < _UNITS["ms"]:
        return f"{us} us" if us else "0 s"
    if us < _UNITS["s"]:
        return f"{_short(us, 'ms')} ms"
    hours, rest = divmod(us, _UNITS["h"])
    minutes, rest = divmod(rest, _UNITS["min"])
    parts = [(f"{hours} h", hours), (f"{minutes} min", minutes), (f"{_short(rest, 's')} s", rest)]
    return " ".join(text for text, there in parts if there)


def _short(us: int, unit: str) -> str:
    whole, rest = divmod(us, _UNITS[unit])
    decimals = str(rest).zfill(len(str(_UNITS[unit])) - 1).rstrip("0")
    return f"{whole}.{decimals}" if decimals else str(whole)


def _no_duration(value: object) -> ValueError:
    return ValueError(f"{value!r} is no duration; write seconds as a number, or a text such as '200ms', '1.5s', '2 min 5 s'")
