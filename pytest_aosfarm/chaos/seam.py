"""Where chaos gets between a client and its transport: outermost, so that mocks, mounts and redirects are all below."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from weakref import ref

import httpx

from pytest_aosfarm.chaos.inject import Injection, asend, send
from pytest_aosfarm.errors import ChaosError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    from pytest_aosfarm.chaos.decide import Call
    from pytest_aosfarm.chaos.scope import Scope

__all__ = ("unwrap", "wrap")

ClientT = TypeVar("ClientT", httpx.Client, httpx.AsyncClient)

_SEAM = "_transport_for_url"
"""httpx asks this method of a client for the transport of each request; `tests/chaos/test_private_names.py` watches it."""


class Process(Protocol):
    """Who knows the test that is under way."""

    scope: Scope | None


def wrap(client: ClientT, label: str, process: Process) -> ClientT:
    """Let every request of `client` be decided by the scope that `process` has then; None leaves the request alone.

    `label` is the module that the client stands for, unless the request says. Returns the same client. Raises ChaosError
    for a client that is wrapped already, or of another make.
    """
    if not hasattr(type(client), _SEAM):
        raise ChaosError(f"{type(client).__name__} has no method {_SEAM}: chaos cannot get into this version of httpx")
    if _SEAM in vars(client):
        raise ChaosError(f"{client!r} is wrapped already; wrap a client once, under one module")

    def count(_: httpx.Request) -> None:
        if process.scope is not None:
            process.scope.sends += 1

    async def count_async(_: httpx.Request) -> None:
        if process.scope is not None:
            process.scope.sends += 1

    seam: _Seam | _AsyncSeam
    if isinstance(client, httpx.AsyncClient):
        seam = _AsyncSeam(client, label, process)
        count_it: Callable[..., Any] = count_async
    else:
        seam = _Seam(client, label, process)
        count_it = count
    hooks = client.event_hooks
    hooks["request"] = _Hooks(hooks["request"], count_it)
    setattr(client, _SEAM, lambda _: seam)
    return client


def unwrap(client: httpx.Client | httpx.AsyncClient) -> None:
    """Leave the client as it was; what it sends is nobody's business any more."""
    vars(client).pop(_SEAM, None)
    hooks = client.event_hooks
    if isinstance(hooks["request"], _Hooks):
        hooks["request"] = hooks["request"].theirs


class _Hooks(list[Any]):
    """The user's hooks of a client, also those that come later; when a request goes through them, one of ours comes last.

    So a request that one of them refuses is not counted as sent. A client whose `event_hooks` are set anew is not counted.
    """

    def __init__(self, hooks: Iterable[Any], last: Callable[..., Any]) -> None:
        super().__init__(hooks)
        self._last = last

    def __iter__(self) -> Iterator[Any]:
        # No generator: every call pays for this.
        return iter((*self[:], self._last))

    @property
    def theirs(self) -> list[Any]:
        """Only the user's."""
        return self[:]


class _Seam(httpx.BaseTransport):
    """Stands before the transports of a client."""

    def __init__(self, client: httpx.Client, label: str, process: Process) -> None:
        self._client = ref(client)
        self._kind: Any = type(client)
        self._label = label
        self._process = process

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        # Asked of the class each time: respx puts its own there while it mocks.
        inner: httpx.BaseTransport = self._kind._transport_for_url(self._client(), request.url)  # noqa: SLF001 - see _SEAM
        scope = self._process.scope
        if scope is None:
            return inner.handle_request(request)
        if scope.is_quiet and (note := scope.note(request, self._label)) is not None:
            try:
                mocked = type(inner) is httpx.MockTransport
                response = inner.handle_request(request) if mocked else _ask(scope, inner, request)
            except BaseException as error:
                scope.noted(note, None, error)
                raise
            scope.noted(note, response)
            return response
        call = scope.begin(request, self._label)
        try:
            response = _ask(scope, inner, request) if call.draws is None else self._strike(scope, call, inner, request)
        except BaseException as error:
            scope.failed(call, error)
            raise
        scope.answered(call, response)
        return response

    def _strike(self, scope: Scope, call: Call, inner: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
        injection = _injection_of(call, over_socket=scope.goes_over_a_socket(inner, request))
        try:
            response = send(injection, request, partial(_ask, scope, inner), _Asking(scope, inner, request))
        finally:
            scope.struck(call, injection)
        response.stream = _Watched(response.stream, scope, call, injection)
        return response


class _AsyncSeam(httpx.AsyncBaseTransport):
    """Stands before the transports of an async client."""

    def __init__(self, client: httpx.AsyncClient, label: str, process: Process) -> None:
        self._client = ref(client)
        self._kind: Any = type(client)
        self._label = label
        self._process = process

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        inner: httpx.AsyncBaseTransport = self._kind._transport_for_url(self._client(), request.url)  # noqa: SLF001 - see _SEAM
        scope = self._process.scope
        if scope is None:
            return await inner.handle_async_request(request)
        if scope.is_quiet and (note := scope.note(request, self._label)) is not None:
            try:  # noqa: SIM105 - `suppress` costs more than all the rest here
                scope.loops.add(asyncio.get_running_loop())
            except RuntimeError:
                pass  # another kind of loop: trio's
            try:
                mocked = type(inner) is httpx.MockTransport
                response = await (inner.handle_async_request(request) if mocked else _ask_async(scope, inner, request))
            except BaseException as error:
                scope.noted(note, None, error)
                raise
            scope.noted(note, response)
            return response
        call = scope.begin(request, self._label, _current_task())
        try:
            asked = _ask_async(scope, inner, request) if call.draws is None else self._strike(scope, call, inner, request)
            response = await asked
        except BaseException as error:
            scope.failed(call, error)
            raise
        scope.answered(call, response)
        return response

    async def _strike(
        self, scope: Scope, call: Call, inner: httpx.AsyncBaseTransport, request: httpx.Request
    ) -> httpx.Response:
        injection = _injection_of(call, over_socket=scope.goes_over_a_socket(inner, request))
        try:
            response = await asend(injection, request, partial(_ask_async, scope, inner), _Asking(scope, inner, request))
        finally:
            scope.struck(call, injection)
        response.stream = _AsyncWatched(response.stream, scope, call, injection)
        return response


def _ask(scope: Scope, inner: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
    """Send the request on its way; over a socket, time goes by as it really does."""
    if not scope.goes_over_a_socket(inner, request):
        return inner.handle_request(request)
    scope.clock.io_begins()
    try:
        return inner.handle_request(request)
    finally:
        scope.clock.io_ends()


async def _ask_async(scope: Scope, inner: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
    """The same, in async code."""
    if not scope.goes_over_a_socket(inner, request):
        return await inner.handle_async_request(request)
    scope.clock.adopt_running_loop()
    scope.clock.io_begins()
    try:
        return await inner.handle_async_request(request)
    finally:
        scope.clock.io_ends()


class _Asking:
    """The clock of a call, which asks before it waits whether it may: not virtually over a foreign socket."""

    def __init__(self, scope: Scope, inner: object, request: httpx.Request) -> None:
        self._clock = scope.clock
        self._may = partial(scope.may_be_delayed, inner, request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._clock, name)

    def sleep(self, seconds: float) -> None:
        self._may()
        self._clock.sleep(seconds)

    async def asleep(self, seconds: float) -> None:
        self._may()
        await self._clock.asleep(seconds)


class _Watched(httpx.SyncByteStream):
    """The body of a reply that a fault is in: what the caller meets while reading is noted."""

    def __init__(self, body: Any, scope: Scope, call: Call, injection: Injection) -> None:
        self._body = body
        self._scope = scope
        self._call = call
        self._injection = injection

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._body
        except Exception as error:
            self._scope.failed(self._call, error)
            raise
        finally:
            self._call.delay_us = self._injection.delay_us

    def close(self) -> None:
        self._body.close()


class _AsyncWatched(httpx.AsyncByteStream):
    """The same, of an async reply."""

    def __init__(self, body: Any, scope: Scope, call: Call, injection: Injection) -> None:
        self._body = body
        self._scope = scope
        self._call = call
        self._injection = injection

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._body:
                yield part
        except Exception as error:
            self._scope.failed(self._call, error)
            raise
        finally:
            self._call.delay_us = self._injection.delay_us

    async def aclose(self) -> None:
        await self._body.aclose()


def _injection_of(call: Call, *, over_socket: bool) -> Injection:
    assert call.fault is not None
    assert call.draws is not None
    return Injection(call.fault, call.draws, over_socket)


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        # Another kind of loop: trio's.
        return None
