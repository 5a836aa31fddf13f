"""Faults in the body of the module's own reply: cut, stalled, slow, corrupt, malformed, or said to be what it is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from pytest_aosfarm.chaos.exchange import Break, NothingToSpoilError, Pause, Reply, Script, json_reply
from pytest_aosfarm.chaos.fault_base import Duration, Family, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_aosfarm.chaos.draws import FaultDraws

__all__ = (
    "BadChunk",
    "BadGzip",
    "Corrupt",
    "MalformedJson",
    "ResetBody",
    "SlowBody",
    "SpoiledReply",
    "Stall",
    "Truncated",
    "WrongContentType",
)

Keep = Annotated[int, Field(ge=0)] | None
"""How many bytes of the body come; always fewer than it has."""


class SpoiledReply(Fault):
    """The module's reply, spoiled; or, with `reply` (a text), one that the fault brings along."""

    family: ClassVar[Family] = "body"
    nature: ClassVar[bool | None] = True
    impossible: ClassVar[Mapping[bool, str]] = {
        False: "it spoils the reply of the module, which a request that never arrives does not get; "
        "give it a reply of its own (reply='{}'), or leave `delivered` out"
    }
    reply: str | None = None

    def needs_reply(self) -> bool:
        """As `Fault.needs_reply` says."""
        return self.reply is None

    def impossible_now(self) -> Mapping[bool, str]:
        """As `Fault.impossible_now` says."""
        return self.impossible if self.reply is None else {}

    def by_nature(self) -> bool:
        """As `Fault.by_nature` says."""
        return self.reply is None

    def own_reply(self) -> Reply | None:
        """As `Fault.own_reply` says."""
        return None if self.reply is None else json_reply(200, self.reply)

    def script(self, reply: Reply | None, draws: FaultDraws, wall: float) -> Script:  # noqa: ARG002
        """As `Fault.script` says."""
        if reply is None or not reply.body:
            raise NothingToSpoilError("the reply has no body")
        return self.spoiled(reply, draws)

    def spoiled(self, reply: Reply, draws: FaultDraws) -> Script:
        """The script of a reply that has a body."""
        raise NotImplementedError


class Truncated(SpoiledReply):
    """The connection is closed within the body: after `keep` bytes of it, or after a drawn share."""

    main: ClassVar[str] = "keep"
    forms: ClassVar[tuple[str, ...]] = ("truncated", "truncated:10")
    kind: Literal["truncated"] = "truncated"
    keep: Keep = None

    def __init__(self, *main: int, **data: Any) -> None:
        super().__init__(*main, **data)

    def spoiled(self, reply: Reply, draws: FaultDraws) -> Script:
        """As `SpoiledReply.spoiled` says."""
        return (reply.opening(_kept(self.keep, reply, draws)),)


class ResetBody(SpoiledReply):
    """The connection is reset (RST) within the body: after `keep` bytes of it, or after a drawn share."""

    main: ClassVar[str] = "keep"
    forms: ClassVar[tuple[str, ...]] = ("reset_body", "reset_body:10")
    kind: Literal["reset_body"] = "reset_body"
    keep: Keep = None

    def __init__(self, *main: int, **data: Any) -> None:
        super().__init__(*main, **data)

    def spoiled(self, reply: Reply, draws: FaultDraws) -> Script:
        """As `SpoiledReply.spoiled` says."""
        return (reply.opening(_kept(self.keep, reply, draws)), Break("reset"))


class Stall(SpoiledReply):
    """Nothing more comes within the body: after `keep` bytes of it, or after a drawn share."""

    main: ClassVar[str] = "keep"
    forms: ClassVar[tuple[str, ...]] = ("stall", "stall:10")
    kind: Literal["stall"] = "stall"
    keep: Keep = None

    def __init__(self, *main: int, **data: Any) -> None:
        super().__init__(*main, **data)

    def spoiled(self, reply: Reply, draws: FaultDraws) -> Script:
        """As `SpoiledReply.spoiled` says."""
        return (reply.opening(_kept(self.keep, reply, draws)), Pause(None))


class BadChunk(SpoiledReply):
    """The body comes in chunks, and what stands before one of them is no length."""

    main: ClassVar[str] = "keep"
    forms: ClassVar[tuple[str, ...]] = ("bad_chunk", "bad_chunk:10")
    kind: Literal["bad_chunk"] = "bad_chunk"
    keep: Keep = None

    def __init__(self, *main: int, **data: Any) -> None:
        super().__init__(*main, **data)

    def spoiled(self, reply: Reply, draws: FaultDraws) -> Script:
        """As `SpoiledReply.spoiled` says."""
        chunked = reply.without(b"content-length").having(b"transfer-encoding", b"chunked")
        return (chunked.opening(_kept(self.keep, reply, draws)), b"no length\r\n")


class SlowBody(SpoiledReply):
    """The body comes in pieces of `chunk` bytes with a pause after each but the last.

    A client's read timeout is about one piece, so that a pause below it never ends in a timeout, however long it all takes.
    """

    main: ClassVar[str] = "pause"
    forms: ClassVar[tuple[str, ...]] = ("slow_body", "slow_body:50ms")
    kind: Literal["slow_body"] = "slow_body"
    pause_us: Duration = Field(default=50_000, alias="pause")
    chunk: Annotated[int, Field(ge=1)] = 64

    def __init__(self, *main: str | float, **data: Any) -> None:
        super().__init__(*main, **data)

    def spoiled(self, reply: Reply, draws: FaultDraws) -> Script:  # noqa: ARG002
        """As `SpoiledReply.spoiled` says."""
        pieces = [reply.framed(reply.body[at : at + self.chunk]) for at in range(0, len(reply.body), self.chunk)]
        first, *rest = pieces
        rest[-1:] = [piece + reply.end for piece in rest[-1:]]
        opening = reply.head() + first + (b"" if rest else reply.end)
        return (opening, *(event for piece in rest for event in (Pause(self.pause_us), piece)))


class Corrupt(SpoiledReply):
    """Some bytes of the body (`count`, drawn) are others; its length is right."""

    main: ClassVar[str] = "count"
    forms: ClassVar[tuple[str, ...]] = ("corrupt", "corrupt:5")
    kind: Literal["corrupt"] = "corrupt"
    count: Annotated[int, Field(ge=1, le=1000)] = 1

    def __init__(self, *main: int, **data: Any) -> None:
        super().__init__(*main, **data)

    def spoiled(self, reply: Reply, draws: FaultDraws) -> Script:
        """As `SpoiledReply.spoiled` says."""
        body = bytearray(reply.body)
        places = list(range(len(body)))
        for number in range(min(self.count, len(body))):
            place = places.pop(draws.below(f"byte {number}", len(places)))
            body[place] ^= 1 + draws.below(f"change {number}", 255)
        return (reply.with_body(bytes(body)).whole(),)


class MalformedJson(SpoiledReply):
    """A body that is no JSON: cut (its length is right), with a comma too many, or with single quotes; drawn if not said."""

    main: ClassVar[str] = "how"
    rereads: ClassVar[bool] = True
    forms: ClassVar[tuple[str, ...]] = ("malformed_json", "malformed_json:cut")
    kind: Literal["malformed_json"] = "malformed_json"
    how: Literal["cut", "comma", "quotes"] | None = None

    def __init__(self, *main: str, **data: Any) -> None:
        super().__init__(*main, **data)

    def spoiled(self, reply: Reply, draws: FaultDraws) -> Script:
        """As `SpoiledReply.spoiled` says."""
        text = reply.body.decode(errors="replace").strip()
        how = self.how or ("cut", "comma", "quotes")[draws.below("how", 3)]
        if how == "cut":
            broken = text[: 1 + draws.below("cut", max(len(text) - 1, 1))]
        elif how == "comma":
            broken = f"{text[:-1]},{text[-1:]}"
        else:
            broken = text.replace('"', "'")
        if _is_json(broken):
            broken += ","
        return (reply.with_body(broken.encode()).whole(),)


class WrongContentType(SpoiledReply):
    """The body is as it was, and its content type says that it is something else."""

    main: ClassVar[str] = "to"
    forms: ClassVar[tuple[str, ...]] = ("wrong_content_type", "wrong_content_type:text/plain")
    kind: Literal["wrong_content_type"] = "wrong_content_type"
    to: Annotated[str, Field(pattern=r"^[!-~]([ -~]*[!-~])?$")] = "text/html; charset=utf-8"

    def __init__(self, *main: str, **data: Any) -> None:
        super().__init__(*main, **data)

    def spoiled(self, reply: Reply, draws: FaultDraws) -> Script:  # noqa: ARG002
        """As `SpoiledReply.spoiled` says."""
        return (reply.having(b"content-type", self.to.encode()).whole(),)


class BadGzip(SpoiledReply):
    """The reply says that its body is compressed, and it is not."""

    rereads: ClassVar[bool] = True
    forms: ClassVar[tuple[str, ...]] = ("bad_gzip",)
    kind: Literal["bad_gzip"] = "bad_gzip"

    def spoiled(self, reply: Reply, draws: FaultDraws) -> Script:  # noqa: ARG002
        """As `SpoiledReply.spoiled` says."""
        looks_right = reply.body.startswith(b"\x1f")
        return (reply.with_body(b"!" * looks_right + reply.body).having(b"content-encoding", b"gzip").whole(),)


def _kept(keep: int | None, reply: Reply, draws: FaultDraws) -> int:
    return draws.below("keep", len(reply.body)) if keep is None else min(keep, len(reply.body) - 1)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
