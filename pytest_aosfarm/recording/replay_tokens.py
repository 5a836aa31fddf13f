"""Replay tokens of chaos in a text: packed data, whose letters look like a secret by chance, in one of some 400 tokens."""

from __future__ import annotations

import base64
import re
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("is_replay_token", "replay_tokens")

MOST_UNPACKED = 1 << 20
"""What more would come of, no test has made; `chaos/plan.py` refuses it as well."""

_TOKEN = re.compile(r"(?<![\w.~+/-])AC\d{1,3}:(eN[A-Za-z0-9_-]+)")
"""A word of its own: the end of a secret would be hidden with the beginning. What zlib packs best begins with eN."""


def replay_tokens(text: str) -> Iterator[tuple[int, int]]:
    """Where in `text` tokens start and end, in order."""
    return (found.span() for found in _TOKEN.finditer(text) if _unpacks(found[1])) if "AC" in text else iter(())


def is_replay_token(text: str) -> bool:
    """Whether `text` is a token and nothing else."""
    found = _TOKEN.fullmatch(text)
    return found is not None and _unpacks(found[1])


def _unpacks(packed: str) -> bool:
    """Whether it is packed data with the right check sum to the last letter: what is put behind `AC1:` by hand is not."""
    unpacker = zlib.decompressobj()
    try:
        unpacker.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), MOST_UNPACKED)
    except (ValueError, zlib.error):
        return False
    return unpacker.eof and not unpacker.unused_data
