"""For every fault a real one: what the server does that the fault is about, and what the client must be like to see it.

The bytes of real replies are written by hand here, and what draws decide is given, so that both sides must agree.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import httpx
from chaos.observed import Seen, call
from chaos.real_server import BODY, HEAD, Connection, answering, deaf, full, serving

from pytest_aosfarm.chaos import faults as f

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

__all__ = ("CASES", "SLOW_CASES", "Case")


@dataclass(frozen=True)
class Case:
    """A fault; how to make the real call (async or not, with these arguments for the client); and these arguments."""

    fault: f.Fault
    real: Callable[..., Seen]
    client: dict[str, Any] = field(default_factory=dict)
    instead: dict[str, Any] = field(default_factory=dict)
    """Arguments that the call with the fault gets instead, because it really arrives."""
    waits: float = 0.0
    """The seconds that the injected fault takes, by its clock."""
    or_else: frozenset[tuple[str, str]] = frozenset()
    """(exception of httpx, message) that the real call may also end in: which, is a race in the operating system."""
    same_bytes: bool = True
    """Whether both bodies are equal; else they differ from what was sent in equally many places."""

    def compared(self, seen: Seen) -> Seen:
        """What of this must agree."""
        if self.same_bytes:
            return seen
        return replace(seen, body=b"%d" % sum(a != b for a, b in zip(seen.body, BODY, strict=True)))


def over(handler: Callable[[Connection], object], scheme: str = "http") -> Callable[..., Seen]:
    """A real call to a server that does this with the connection."""

    def real(asynchronous: bool, **client: Any) -> Seen:
        with serving(handler) as port:
            return call(asynchronous, f"{scheme}://127.0.0.1:{port}/orders", **client)

    return real


def at(place: Callable[[], AbstractContextManager[int]]) -> Callable[..., Seen]:
    """A real call to a port where no server answers."""

    def real(asynchronous: bool, **client: Any) -> Seen:
        with place() as port:
            return call(asynchronous, f"http://127.0.0.1:{port}/orders", **client)

    return real


def unknown_name(asynchronous: bool, **client: Any) -> Seen:
    return call(asynchronous, "http://nobody.invalid/orders", **client)


def by_proxy(handler: Callable[[Connection], object]) -> Callable[..., Seen]:
    def real(asynchronous: bool, **client: Any) -> Seen:
        with serving(handler) as port:
            return call(asynchronous, "https://module.test/orders", proxy=f"http://127.0.0.1:{port}", **client)

    return real


def pool_of_one(asynchronous: bool, **client: Any) -> Seen:
    begins = answering(HEAD, LENGTH, BODY[:10], then=Connection.wait)
    return over(begins)(asynchronous, limits=httpx.Limits(max_connections=1), holding=True, **client)


def reset_when_read(*parts: bytes) -> Callable[..., Seen]:
    """A real call whose connection is reset when the caller has what came so far; a reset throws away what it has not."""

    def real(asynchronous: bool, **client: Any) -> Seen:
        arrived = threading.Semaphore(0)

        def reset(connection: Connection) -> None:
            for _ in [HEAD, *parts]:
                arrived.acquire(timeout=10)
            connection.reset()

        return over(answering(HEAD, LENGTH, *parts, then=reset))(asynchronous, progress=arrived.release, **client)

    return real


def soon(**parts: float) -> dict[str, Any]:
    """A client whose timeouts are long, except for these parts of a call."""
    return {"timeout": httpx.Timeout(20, **parts)}


def dribbling(*pieces: bytes, pause: float) -> Callable[[Connection], None]:
    def rest(connection: Connection) -> None:
        for piece in pieces:
            connection.wait(pause)
            connection.send(piece)

    return answering(HEAD, LENGTH, BODY[:20], then=rest)


def speak_no_tls(connection: Connection) -> None:
    connection.read_a_little()
    connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def reset_early(connection: Connection) -> None:
    connection.read_a_little()
    connection.reset()


def json(status: bytes, body: bytes, *more: bytes) -> Callable[[Connection], None]:
    headers = b"".join(line + b"\r\n" for line in more)
    return answering(b"HTTP/1.1 %b\r\n%bcontent-length: %d\r\n" % (status, headers, len(body)), JSON, body)


JSON = b"content-type: application/json\r\n\r\n"
LENGTH = b"content-length: %d\r\n\r\n" % len(BODY)
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
UPLOAD = {"method": "POST", "content": b"x" * 8_000_000}
PART = BODY[:10]
SOON = 0.06
"""Seconds of a timeout that ends a call to which nobody answers."""
LATER = 0.4
"""Seconds of a timeout before which a part of a reply must come, on a busy machine too."""
LOST = ("httpx.RemoteProtocolError", "Server disconnected without sending a response.")
BROKEN = ("httpx.ReadError", "[Errno 104] Connection reset by peer")
BROKEN_IN_ASYNC = ("httpx.ReadError", "")
UNREACHED = ("httpx.ConnectError", "[Errno -3] Temporary failure in name resolution")

CASES: dict[str, Case] = {
    "latency": Case(f.Latency.fixed("30ms"), over(dribbling(BODY[20:], pause=0.03)), waits=0.03),
    "latency-too-long": Case(
        f.Latency.fixed("1 h"), over(answering(then=Connection.wait)), soon(read=SOON), waits=SOON
    ),
    "connect_timeout": Case(f.ConnectTimeout(), at(full), soon(connect=SOON), waits=SOON),
    "read_timeout": Case(
        f.ReadTimeout(delivered=True), over(answering(then=Connection.wait)), soon(read=SOON), waits=SOON
    ),
    "write_timeout": Case(f.WriteTimeout(), over(Connection.wait), {**UPLOAD, **soon(write=SOON)}, waits=SOON),
    "pool_timeout": Case(f.PoolTimeout(), pool_of_one, soon(pool=SOON), waits=SOON),
    "blackhole": Case(f.Blackhole(), over(Connection.wait), soon(read=SOON), waits=SOON),
    "refused": Case(f.Refused(), at(deaf)),
    "tls_error": Case(f.TlsError(), over(Connection.handshake, "https")),
    "tls_error-protocol": Case(f.TlsError("protocol"), over(speak_no_tls, "https")),
    "proxy_error": Case(f.ProxyError(), by_proxy(answering(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n"))),
    "reset": Case(f.Reset(delivered=False), over(answering(then=Connection.reset))),
    "reset-delivered": Case(f.Reset(delivered=True), over(answering(then=Connection.reset))),
    "reset_upload": Case(
        f.ResetUpload(), over(reset_early), UPLOAD, or_else=frozenset({LOST, BROKEN, BROKEN_IN_ASYNC})
    ),
    "reset_body": Case(f.ResetBody(10), reset_when_read(PART)),
    "closed": Case(f.Closed(), over(answering())),
    "status": Case(
        f.Status(503), over(json(b"503 Service Unavailable", b'{"detail":"Service Unavailable"}'))
    ),
    "status-of-its-own": Case(
        f.Status(404, body="no such thing", headers={"content-type": "text/plain"}, delivered=True),
        over(answering(b"HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n\r\nno such thing")),
    ),
    "rate_limited": Case(
        f.RateLimited("2s"),
        over(json(b"429 Too Many Requests", b'{"detail":"Too Many Requests"}', b"retry-after: 2")),
    ),
    "rate_limited-date": Case(
        f.RateLimited("2s", as_date=True),
        over(
            json(
                b"429 Too Many Requests",
                b'{"detail":"Too Many Requests"}',
                b"Retry-After: Thu, 01 Jan 1970 00:00:02 GMT",
            )
        ),
    ),
    "garbage": Case(f.Garbage("SSH-2.0"), over(answering(b"SSH-2.0\r\n\r\n"))),
    "bad_chunk": Case(
        f.BadChunk(10), over(answering(HEAD, CHUNKED, b"a\r\n%b\r\nno length\r\n" % PART, then=Connection.wait))
    ),
    "truncated": Case(f.Truncated(10), over(answering(HEAD, LENGTH, PART))),
    "truncated-before-the-body": Case(f.Truncated(0), over(answering(HEAD, LENGTH))),
    "stall": Case(
        f.Stall(10), over(answering(HEAD, LENGTH, PART, then=Connection.wait)), soon(read=LATER), waits=LATER
    ),
    "slow_body": Case(
        f.SlowBody("10ms", chunk=20), over(dribbling(BODY[20:40], BODY[40:], pause=0.01)), soon(read=LATER), waits=0.02
    ),
    "corrupt": Case(f.Corrupt(3), over(json(b"200 OK", b"???" + BODY[3:])), same_bytes=False),
    "malformed_json": Case(f.MalformedJson("comma"), over(json(b"200 OK", BODY[:-1] + b",}"))),
    "wrong_content_type": Case(
        f.WrongContentType("text/plain"), over(answering(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n", LENGTH, BODY))
    ),
    "bad_gzip": Case(f.BadGzip(), over(answering(HEAD, b"content-encoding: gzip\r\n", LENGTH, BODY))),
    "empty": Case(f.Empty(), over(answering(HEAD, b"content-length: 0\r\n\r\n"))),
    "field_added": Case(
        f.FieldAdded("more"),
        over(json(b"200 OK", b'{"id":7,"name":"seven","items":[{"id":1},{"id":2}],"more":"unexpected"}')),
    ),
    "field_removed": Case(
        f.FieldRemoved("items.*.id"), over(json(b"200 OK", b'{"id":7,"name":"seven","items":[{},{}]}'))
    ),
    "field_renamed": Case(
        f.FieldRenamed("id", to="key"), over(json(b"200 OK", b'{"key":7,"name":"seven","items":[{"id":1},{"id":2}]}'))
    ),
    "field_retyped": Case(
        f.FieldRetyped("items.1.id", to="string"),
        over(json(b"200 OK", b'{"id":7,"name":"seven","items":[{"id":1},{"id":"2"}]}')),
    ),
    "field_nested": Case(
        f.FieldNested("name"), over(json(b"200 OK", b'{"id":7,"name":{"value":"seven"},"items":[{"id":1},{"id":2}]}'))
    ),
}
"""Name, which begins with the kind -> a case."""

SLOW_CASES: dict[str, Case] = {
    "name_not_found": Case(f.NameNotFound(), unknown_name, or_else=frozenset({UNREACHED})),
    "latency-to-connect": Case(f.Latency("1 h", at="connect"), at(full), soon(connect=SOON), waits=SOON),
    "latency-of-the-pool": Case(f.Latency("1 h", at="pool"), pool_of_one, soon(pool=SOON), waits=SOON),
    "latency-of-the-upload": Case(
        f.Latency("1 h", at="write"), over(Connection.wait), {**UPLOAD, **soon(write=SOON)}, waits=SOON
    ),
    "read_timeout-not-delivered": Case(
        f.ReadTimeout(delivered=False), over(answering(then=Connection.wait)), soon(read=SOON), waits=SOON
    ),
    "write_timeout-delivered": Case(
        f.WriteTimeout(delivered=True),
        over(Connection.wait),
        {**UPLOAD, **soon(write=SOON)},
        instead={"content": b"x"},
        waits=SOON,
    ),
    "blackhole-of-replies": Case(
        f.Blackhole(delivered=True), over(answering(then=Connection.wait)), soon(read=SOON), waits=SOON
    ),
    "proxy_error-wants-a-password": Case(
        f.ProxyError(407),
        by_proxy(answering(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")),
    ),
    "closed-delivered": Case(f.Closed(delivered=True), over(answering())),
    "reset_body-before-the-body": Case(f.ResetBody(0), reset_when_read()),
    "slow_body-too-slow": Case(
        f.SlowBody("5s", chunk=20), over(dribbling(BODY[20:], pause=5)), soon(read=LATER), waits=LATER
    ),
    "truncated-own-reply": Case(
        f.Truncated(10, reply=BODY.decode(), delivered=False),
        over(answering(b"HTTP/1.1 200 OK\r\n", LENGTH[:-2], JSON, PART)),
    ),
}
