"""What comes over a connection, as data: a reply in bytes, and a script of bytes, pauses and breaks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TypeAlias

__all__ = ("Break", "NothingToSpoilError", "Pause", "Reply", "Script", "json_reply", "phrase")

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]


class NothingToSpoilError(Exception):
    """A reply has nothing that the fault could change; the message says what it looked for."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing comes for so many microseconds; None: nothing ever comes again."""

    us: int | None


@dataclass(frozen=True, slots=True)
class Break:
    """The connection breaks, in the way that `accidents` has under this name."""

    accident: str


Script: TypeAlias = tuple[bytes | Pause | Break, ...]
"""What the caller reads from its connection, in order. Behind the last of it the connection is closed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of HTTP/1.1 whose whole body is here, as it is sent: framed by its length, or in chunks if it says so."""

    status: int
    headers: Headers
    body: bytes
    reason: bytes = b""

    def header(self, name: bytes) -> bytes:
        """The value of the first header of that lower-case name, or b""."""
        return next((value for key, value in self.headers if key.lower() == name), b"")

    def without(self, *names: bytes) -> Reply:
        """The reply without the headers of these lower-case names."""
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0].lower() not in names))

    def having(self, name: bytes, value: bytes) -> Reply:
        """The reply with this header, where it stood before or behind the others."""
        at = [number for number, (key, _) in enumerate(self.headers) if key.lower() == name.lower()]
        rest = self.without(name.lower()).headers
        where = at[0] if at else len(rest)
        return replace(self, headers=(*rest[:where], (name, value), *rest[where:]))

    def with_body(self, body: bytes) -> Reply:
        """The reply with another body and the length that goes with it."""
        return replace(self, body=body)

    @property
    def chunked(self) -> bool:
        """Whether its body goes in chunks."""
        return self.header(b"transfer-encoding").lower() == b"chunked"

    @property
    def bodiless(self) -> bool:
        """Whether its status allows no body."""
        return self.status in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}

    def head(self) -> bytes:
        """Status line and headers, with the length of the body unless it goes in chunks."""
        sent = self
        if not self.chunked and not (self.bodiless or (not self.body and self.header(b"content-length"))):
            name = next((key for key, _ in self.headers if key.lower() == b"content-length"), b"content-length")
            sent = self.having(name, str(len(self.body)).encode())
        lines = [b"HTTP/1.1 %d %b" % (self.status, self.reason), *(b"%b: %b" % pair for pair in sent.headers)]
        return b"\r\n".join([*lines, b"", b""])

    def framed(self, part: bytes) -> bytes:
        """A part of the body (not empty) as it is sent."""
        return b"%x\r\n%b\r\n" % (len(part), part) if self.chunked else part

    @property
    def end(self) -> bytes:
        """What is sent behind the last part of the body."""
        return b"0\r\n\r\n" if self.chunked else b""

    def opening(self, length: int) -> bytes:
        """The reply as far as `length` bytes of its body."""
        part = self.body[:length]
        return self.head() + (self.framed(part) if part else b"")

    def whole(self) -> bytes:
        """All of it."""
        return self.opening(len(self.body)) + self.end


def json_reply(status: int, body: str, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """A reply that nobody but the fault wrote; JSON, unless the headers name another type."""
    reply = Reply(status, (), body.encode(), phrase(status).encode())
    if body:
        reply = reply.having(b"content-type", b"application/json")
    for name, value in headers:
        reply = reply.having(name.encode("ascii"), value.encode("latin-1"))
    return reply


def phrase(status: int) -> str:
    """What is said beside a status, "Not Found" beside 404; "" if the status has no name."""
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
