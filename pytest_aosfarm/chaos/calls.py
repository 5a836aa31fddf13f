"""A call as chaos sees it: what names it, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pytest_aosfarm.chaos.faults import Fault

__all__ = ("CallKey", "CallRecord", "Note", "Raw")

Raw: TypeAlias = "tuple[str, str | None, str, bytes, bytes, str, bytes]"
"""What two calls have in common that have the same name for sure.

The module, the tenant if it is known, the method, host, path with query, lane and body.
"""


@dataclass(frozen=True, slots=True, order=True)
class CallKey:
    """What two calls have in common that are the same to chaos: one of them may be a retry of the other.

    `path` is without what is new in every run (ids, times); `digest` is 16 hexadecimal digits over query and body, without
    it either, and empty when there is neither. `lane` tells calls apart that are made at the same time ("" is none).
    """

    module: str
    method: str
    path: str
    digest: str = ""
    lane: str = ""
    encoded: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Put the parts into one text, each with its length in front."""
        parts = [text.encode("utf-8", "surrogatepass") for text in self.texts]
        object.__setattr__(self, "encoded", b"".join(len(part).to_bytes(4, "little") + part for part in parts))

    @property
    def texts(self) -> tuple[str, str, str, str, str]:
        """The parts, in order."""
        return self.module, self.method, self.path, self.digest, self.lane


@dataclass(kw_only=True)
class CallRecord:
    """One attempt on the wire, in the order in which a test made them; times are microseconds of the test's clock.

    `number` counts from 1 in the test, `ordinal` from 1 among the calls of one key. `rule` and `fault` are None when
    nothing was injected. `delivered` says whether the module got the request; None: an injected fault leaves it open.
    `status` or `error` (the name of httpx's exception) is what the caller saw, both None while it waits.
    `retry_after_us` is what a reply asked the caller to wait. `idempotency_key` says whether the request had one.
    `racy`: an identical call was under way at the same time, so which of the two was hit may differ next time.
    `stray`: made by what an earlier test left running; never faulted.
    """

    number: int
    key: CallKey
    ordinal: int
    rule: str | None = None
    fault: Fault | None = None
    delay_us: int = 0
    sent_us: int = 0
    ended_us: int | None = None
    delivered: bool | None = True
    status: int | None = None
    error: str | None = None
    retry_after_us: int | None = None
    idempotency_key: bool = False
    racy: bool = False
    stray: bool = False

    @property
    def observed(self) -> str | None:
        """What the caller saw: the name of an exception, or a status."""
        return self.error or (None if self.status is None else str(self.status))


class Note:
    """A call of a quiet scope: what it takes to make a `Call` of it, if somebody asks. Every call pays for this."""

    __slots__ = ("ended", "error", "raw", "retry_after_us", "sent", "status")

    def __init__(self, raw: Raw, sent: int) -> None:
        self.raw = raw
        self.sent = sent
        self.ended: int | None = None
        self.status: int | None = None
        self.error: str | None = None
        self.retry_after_us: int | None = None
