"""What a caller of httpx sees of one call, with async or without, over a real connection or with a fault put in."""

from __future__ import annotations

import asyncio
import re
import ssl
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx
from chaos.real_server import BODY, HEAD, answering, serving

from pytest_aosfarm.chaos.clock import RealClock
from pytest_aosfarm.chaos.draws import FaultDraws
from pytest_aosfarm.chaos.inject import Injection, asend, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_aosfarm.chaos.faults import Fault

    Progress = Callable[[], object]

__all__ = ("Seen", "StillClock", "call", "injected", "of_error")

HEADERS = ("content-type", "content-length", "content-encoding", "transfer-encoding", "retry-after")


@dataclass(frozen=True)
class Seen:
    """What the caller sees; two are equal if it cannot tell the one call from the other."""

    error: tuple[str, ...] = ()
    """The exception's class and what is below it, as `of_error` says."""
    message: str = ""
    request: bool = True
    """Whether the exception, or the response, knows the request that was made."""
    status: int | None = None
    said: tuple[Any, ...] = ()
    """Of a response: its reason, its version of HTTP, its headers that matter, the bytes it counted, whether it closed."""
    body: bytes = b""
    """What could be read of it, decoded, before the exception if there was one."""


class StillClock(RealClock):
    """A clock that only waiting moves, and that counts what is read from sockets."""

    def __init__(self) -> None:
        self.time = 0.0
        self.reading: list[str] = []

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:  # type: ignore[override]  # time.sleep takes more than float
        self.time += seconds

    async def asleep(self, seconds: float) -> None:
        self.time += seconds

    def io_begins(self) -> None:
        self.reading.append("begins")

    def io_ends(self) -> None:
        self.reading.append("ends")


@cache
def tls() -> ssl.SSLContext:
    """One for all clients: to make it takes longer than all they do."""
    return ssl.create_default_context()


def of_error(error: BaseException) -> tuple[str, ...]:
    """The class of an exception; of its cause, or else what it came up in; of the cause of that; and so on."""
    names = [_name(error)]
    while (below := error.__cause__ or error.__context__) is not None:
        if isinstance(below, asyncio.CancelledError | ssl.SSLWantReadError):
            break  # how asyncio waits
        names.append(f"{'because of' if below is error.__cause__ else 'in'} {_name(below)}")
        error = below
    return tuple(names)


def _name(error: BaseException) -> str:
    return f"{type(error).__module__.partition('.')[0]}.{type(error).__name__}"


def call(asynchronous: bool, url: str, transport: Any = None, **more: Any) -> Seen:
    """Make one call; `more` goes to the client (timeout, limits, proxy) or, as `method` and `content`, to the request.

    `holding`: while another reply of the same client is not yet read. `progress` is called when the head of the reply has
    come, and with every part of its body.
    """
    request = {"method": more.pop("method", "GET"), "url": url, "content": more.pop("content", None)}
    how = (more.pop("holding", False), more.pop("progress", lambda: None))
    client = {"transport": transport, "verify": tls(), "trust_env": False, **more}
    return asyncio.run(_acall(client, request, *how)) if asynchronous else _call(client, request, *how)


def _call(client_args: dict[str, Any], request_args: dict[str, Any], holding: bool, progress: Progress) -> Seen:
    body = b""
    response = None
    with ExitStack() as stack:
        client = stack.enter_context(httpx.Client(**client_args))
        if holding:
            stack.enter_context(client.stream("GET", request_args["url"]))
        request = client.build_request(**request_args)
        try:
            response = client.send(request, stream=True)
            progress()
            for part in response.iter_bytes():
                body += part
                progress()
            response.close()
        except httpx.HTTPError as error:
            return _failed(error, request, response, body)
    return Seen(**_told(response, request), body=body)


async def _acall(client_args: dict[str, Any], request_args: dict[str, Any], holding: bool, progress: Progress) -> Seen:
    body = b""
    response = None
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(**client_args))
        if holding:
            await stack.enter_async_context(client.stream("GET", request_args["url"]))
        request = client.build_request(**request_args)
        try:
            response = await client.send(request, stream=True)
            progress()
            async for part in response.aiter_bytes():
                body += part
                progress()
            await response.aclose()
        except httpx.HTTPError as error:
            return _failed(error, request, response, body)
    return Seen(**_told(response, request), body=body)


def _failed(error: httpx.HTTPError, request: httpx.Request, response: httpx.Response | None, body: bytes) -> Seen:
    told = {} if response is None else _told(response, request)
    message = re.sub(r"_ssl\.c:\d+", "_ssl.c", str(error))  # where in CPython
    return Seen(**{**told, "request": error.request is request}, error=of_error(error), message=message, body=body)


def _told(response: httpx.Response, request: httpx.Request) -> dict[str, Any]:
    headers = tuple((name, response.headers[name]) for name in HEADERS if name in response.headers)
    closed = response.is_closed and response.elapsed is not None
    return {
        "request": response.request is request,
        "status": response.status_code,
        "said": (response.reason_phrase, response.http_version, headers, response.num_bytes_downloaded, closed),
    }


class _Seam(httpx.BaseTransport):
    def __init__(self, injection: Injection, clock: StillClock) -> None:
        self.injection, self.clock = injection, clock
        self.below = httpx.HTTPTransport(verify=tls(), trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return send(self.injection, request, self.below.handle_request, self.clock)

    def close(self) -> None:
        self.below.close()


class _AsyncSeam(httpx.AsyncBaseTransport):
    def __init__(self, injection: Injection, clock: StillClock) -> None:
        self.injection, self.clock = injection, clock
        self.below = httpx.AsyncHTTPTransport(verify=tls(), trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await asend(self.injection, request, self.below.handle_async_request, self.clock)

    async def aclose(self) -> None:
        await self.below.aclose()


def injected(asynchronous: bool, fault: Fault, **more: Any) -> tuple[Seen, Injection, StillClock]:
    """Make a call with the fault to a real server that behaves."""
    clock = StillClock()
    injection = Injection(fault, FaultDraws(b"any draw"))
    behaves: Callable[[Any], None] = answering(HEAD, b"content-length: %d\r\n\r\n" % len(BODY), BODY)
    seam = (_AsyncSeam if asynchronous else _Seam)(injection, clock)
    with serving(behaves) as port:
        return call(asynchronous, f"http://127.0.0.1:{port}/orders", seam, **more), injection, clock
