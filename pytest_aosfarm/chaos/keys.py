"""What of a request names the call: its path, query and body without what is new in every run."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

__all__ = ("digest_of", "steady", "wait_asked")

LOOKED_AT_BYTES = 1 << 16
"""Of a body, no more is looked at: a discovery snapshot has megabytes."""

_NEW_EVERY_TIME = re.compile(
    rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # a UUID
    rb"|\d{4}-\d\d-\d\d(?:[T +]|%20)\d\d(?::|%3A)\d\d(?:(?::|%3A)\d\d(?:[.,]\d+)?)?"  # a moment, as in a query, too
    rb"(?:Z|(?:[+ -]|%2B)\d\d(?::|%3A)?\d\d)?"
    rb"|(?<![0-9a-z])(?=[a-f]*\d)[0-9a-f]{8,}(?![0-9a-z])",  # a hexadecimal id, a long number, seconds since 1970
    re.IGNORECASE,
)


def steady(text: bytes) -> bytes:
    """`text` with "~" for every UUID, moment in ISO 8601, and hexadecimal or decimal number of 8 digits and more."""
    return _NEW_EVERY_TIME.sub(b"~", text)


def digest_of(query: bytes, body: bytes, content_type: str = "") -> str:
    """16 hexadecimal digits over the query and the body of a request, or "" if it has neither.

    A form in parts is told by its length alone, as the line between the parts is new every time.
    """
    if not query and not body:
        return ""
    if body and content_type.startswith("multipart/"):
        body = b"%d" % len(body)
    digest = blake2b(steady(query), digest_size=8)
    digest.update(b"\0" + steady(body[:LOOKED_AT_BYTES]))
    return digest.hexdigest()


def wait_asked(headers: httpx.Headers) -> int | None:
    """How many microseconds a reply asks to wait (Retry-After, seconds or a date); None if it does not, or not clearly."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return int(text) * 1_000_000
    try:
        return max(0, round((parsedate_to_datetime(text).timestamp() - time.time()) * 1e6))
    except (ValueError, TypeError):
        return None
