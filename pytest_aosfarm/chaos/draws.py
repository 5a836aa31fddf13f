"""The chance in chaos: 64 bits that depend on who draws them for what, and on nothing else.

The key of a call is BLAKE2b-64 over (seed, test identity, rule id) and then (module, method, path, digest of query and
body, lane, ordinal), each part with its length in front. There is no state: a call draws the same whatever was drawn
before it, in which order, and in which process.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_aosfarm.chaos.calls import CallKey

__all__ = ("CHAOS_VERSION", "FaultDraws", "rule_draws")

CHAOS_VERSION = 1
"""Part of every key. Raise it whenever equal calls begin to draw otherwise."""


class FaultDraws:
    """What one fault in one call may draw: any number of values, each by a label of its own."""

    __slots__ = ("_base",)

    def __init__(self, base: bytes) -> None:
        """`base` is the 8 bytes that said that the rule fires."""
        self._base = base

    def bits(self, label: str) -> int:
        """64 uniform bits."""
        return int.from_bytes(blake2b(self._base + label.encode(), digest_size=8).digest())

    def below(self, label: str, n: int) -> int:
        """A whole number in [0, n)."""
        return self.bits(label) * n >> 64


def rule_draws(seed: int, test: str, rule: str) -> Callable[[CallKey, int], bytes]:
    """A function that gives the 8 bytes of a call (its key and its ordinal) under the rule with this id."""
    start = blake2b(digest_size=8)
    for part in (str(CHAOS_VERSION), str(seed), test, rule):
        data = part.encode("utf-8", "surrogatepass")
        start.update(len(data).to_bytes(4, "little") + data)

    def draw(key: CallKey, ordinal: int) -> bytes:
        state = start.copy()
        state.update(key.encoded + b"%d" % ordinal)
        return state.digest()

    return draw
