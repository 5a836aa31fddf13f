"""Calls that get a fault, with async and without, to a module that counts them, in a time that only waiting moves."""

from __future__ import annotations

import asyncio

import httpx
from chaos.observed import StillClock

from pytest_aosfarm.chaos.draws import FaultDraws
from pytest_aosfarm.chaos.inject import Injection, asend, send

REPLY = {"id": 7, "items": [{"id": 1}, {"id": 2}]}
YES, NO = FaultDraws(b"arrives"), FaultDraws(b"lost")
"""Draws of a call whose request arrives, and of one whose does not, where that is left to chance."""


class Module:
    """What the calls are made to: it counts them, and answers alike."""

    def __init__(self, answer=None, takes=0.0, clock=None):
        self.requests: list[httpx.Request] = []
        self.answer = answer or (lambda _: httpx.Response(200, json=REPLY))
        self.takes, self.clock = takes, clock

    def __call__(self, request):
        self.requests.append(request)
        if self.clock:
            self.clock.time += self.takes
        return self.answer(request)

    async def asynchronous(self, request):
        return self(request)


class Caller:
    """A client whose calls to a module all get one fault."""

    def __init__(self, asynchronous):
        self.asynchronous = asynchronous
        self.clock = StillClock()

    def get(self, fault, module=None, draws=YES, *, over_socket=False, **more):
        """The response of one call, or its exception; the last injection stays to be looked at."""
        module = module or Module()
        self.injection = Injection(fault, draws, over_socket)
        request = {"method": more.pop("method", "GET"), "url": "http://module.test/x", "content": more.pop("content", None)}
        client = {"timeout": more.pop("timeout", httpx.Timeout(5.0, connect=1.0, pool=2.0)), **more}
        return asyncio.run(self.acall(module, client, request)) if self.asynchronous else self.call(module, client, request)

    def call(self, module, client, request):
        caller = self

        class Seam(httpx.BaseTransport):
            def handle_request(self, request):
                return send(caller.injection, request, module, caller.clock)

        with httpx.Client(transport=Seam(), **client) as opened:
            return opened.request(**request)

    async def acall(self, module, client, request):
        caller = self

        class Seam(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request):
                return await asend(caller.injection, request, module.asynchronous, caller.clock)

        async with httpx.AsyncClient(transport=Seam(), **client) as opened:
            return await opened.request(**request)


class Parts(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes in parts and once, and knows whether it was closed."""

    def __init__(self, *parts, error=None):
        self.parts, self.error, self.closed = list(parts), error, False

    def __iter__(self):
        while self.parts:
            yield self.parts.pop(0)
        if self.error:
            raise self.error

    async def __aiter__(self):
        for part in iter(self):
            yield part

    def close(self):
        self.closed = True

    async def aclose(self):
        self.closed = True
