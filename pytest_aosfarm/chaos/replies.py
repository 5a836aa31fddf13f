"""Faults that are replies of their own: statuses that say no, rate limits, emptiness."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus
from math import ceil
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field

from pytest_aosfarm.chaos.exchange import Reply, Script, json_reply, phrase
from pytest_aosfarm.chaos.fault_base import Duration, Family, Fault

if TYPE_CHECKING:
    from pytest_aosfarm.chaos.draws import FaultDraws

__all__ = ("Empty", "RateLimited", "Status")

SAY_NO = {HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.SERVICE_UNAVAILABLE}


def _pairs(value: Any) -> Any:
    return tuple(value.items()) if isinstance(value, dict) else value


HeaderName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
HeaderValue = Annotated[str, Field(pattern=r"^([!-~]([ -~]*[!-~])?)?$")]
HeaderPairs = Annotated[tuple[tuple[HeaderName, HeaderValue], ...], BeforeValidator(_pairs)]


class Status(Fault):
    """A reply with a status from 400 to 599, in JSON; 4xx, 501 and 503 say that nothing was done, the others leave it open.

    With `body` (a text) and `headers` it says something else than that.
    """

    family: ClassVar[Family] = "status"
    nature: ClassVar[bool | None] = None
    main: ClassVar[str] = "code"
    forms: ClassVar[tuple[str, ...]] = ("503", "status:404", "500 delivered")
    kind: Literal["status"] = "status"
    code: Annotated[int, Field(ge=400, le=599)]
    body: str | None = None
    headers: HeaderPairs = ()

    def __init__(self, *main: int, **data: Any) -> None:
        super().__init__(*main, **data)

    @classmethod
    def of_nothing(cls) -> Self:
        """There is no status without its number."""
        raise ValueError(f"it needs a number from 400 to 599: {', '.join(cls.forms)}")

    def by_nature(self) -> bool | None:
        """As `Fault.by_nature` says."""
        says_no = self.code < HTTPStatus.INTERNAL_SERVER_ERROR or self.code in SAY_NO
        return False if says_no else None

    def script(self, reply: Reply | None, draws: FaultDraws, wall: float) -> Script:  # noqa: ARG002
        """As `Fault.script` says."""
        said = f'{{"detail":"{phrase(self.code) or self.code}"}}' if self.body is None else self.body
        return (json_reply(self.code, said, self.headers).whole(),)


class RateLimited(Fault):
    """429 with a Retry-After, in seconds (whole ones, rounded up) or, with `as_date`, as the time of day it comes to.

    The date is counted from the time that the clock has on the wall, in whole seconds and never too early.
    """

    family: ClassVar[Family] = "status"
    nature: ClassVar[bool | None] = False
    main: ClassVar[str] = "retry_after"
    forms: ClassVar[tuple[str, ...]] = ("rate_limited", "rate_limited:2s")
    kind: Literal["rate_limited"] = "rate_limited"
    retry_after_us: Duration = Field(default=1_000_000, alias="retry_after")
    as_date: bool = False

    def __init__(self, *main: str | float, **data: Any) -> None:
        super().__init__(*main, **data)

    def script(self, reply: Reply | None, draws: FaultDraws, wall: float) -> Script:  # noqa: ARG002
        """As `Fault.script` says."""
        seconds = -(-self.retry_after_us // 1_000_000)
        later = formatdate(ceil(wall) + seconds, usegmt=True) if self.as_date else str(seconds)
        return (json_reply(429, '{"detail":"Too Many Requests"}', (("retry-after", later),)).whole(),)


class Empty(Fault):
    """200 and nothing in it."""

    family: ClassVar[Family] = "body"
    nature: ClassVar[bool | None] = True
    forms: ClassVar[tuple[str, ...]] = ("empty",)
    kind: Literal["empty"] = "empty"

    def script(self, reply: Reply | None, draws: FaultDraws, wall: float) -> Script:  # noqa: ARG002
        """As `Fault.script` says."""
        return (Reply(200, ((b"content-type", b"application/json"), (b"content-length", b"0")), b"", b"OK").whole(),)

