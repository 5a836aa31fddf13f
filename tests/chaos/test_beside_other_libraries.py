"""Beside other people's mocks, transports, hooks and retries: every call is seen once, and goes where it should."""

from __future__ import annotations

import asyncio
import inspect
import time

import httpx
import pytest
import respx
import stamina
import tenacity
from chaos.observed import StillClock, tls

from pytest_aosfarm.chaos.handle import Chaos
from pytest_aosfarm.chaos.seam import unwrap
from pytest_aosfarm.chaos.virtual_time import VirtualClock, virtual_time
from pytest_aosfarm.errors import ChaosError, ChaosTimeError

URL = "http://shop.test/orders"
WAYS = pytest.mark.parametrize("kind", [httpx.Client, httpx.AsyncClient], ids=["sync", "async"])


def begun():
    chaos = Chaos(7, StillClock)
    chaos.begin("a::test", None)
    return chaos


def conserved(chaos, calls):
    scope = chaos.scope
    assert chaos.complaints() == []
    return [scope.sends, scope.decided, len(chaos.calls)] == [calls] * 3


def get(client, url=URL, **more):
    """The reply of one call, or the name of the exception."""

    async def main():
        async with client:
            return await client.get(url, **more)

    try:
        return asyncio.run(main()) if isinstance(client, httpx.AsyncClient) else client.get(url, **more)
    except httpx.HTTPError as error:
        return type(error).__name__


def client_of(chaos, kind, answer=lambda _: httpx.Response(200), **options):
    return chaos.wrap(kind(**{"transport": httpx.MockTransport(answer), "verify": tls(), **options}), "shop")


# mocks


@WAYS
@pytest.mark.parametrize("using", ["httpx", "httpcore"])
@pytest.mark.parametrize("first", ["respx", "chaos"])
def test_respx(kind, using, first):
    chaos, client = begun(), kind(verify=tls())
    if first == "chaos":
        chaos.wrap(client, "shop")
    with respx.mock(using=using) as mock:
        route = mock.get(URL).respond(201)
        if first == "respx":
            chaos.wrap(client, "shop")
        with chaos.on("shop", fault="read_timeout delivered"):
            assert get(client) == "ReadTimeout"
        assert route.call_count == 1
        again = chaos.wrap(kind(verify=tls()), "shop")
        with chaos.on("shop", fault="reset not delivered"):
            assert get(again) == "ReadError"
        assert route.call_count == 1
        assert get(chaos.wrap(kind(verify=tls()), "shop")).status_code == 201
        assert route.call_count == 2
    assert conserved(chaos, 3)
    assert [call.observed for call in chaos.calls] == ["ReadTimeout", "ReadError", "201"]


@WAYS
@pytest.mark.parametrize("using", ["httpx", "httpcore"])
def test_respx_says_itself_what_was_not_called(kind, using):
    chaos = begun()

    def calls(fault):
        with respx.mock(using=using, assert_all_called=True) as mock, chaos.on("shop", fault=fault):
            mock.get(URL).respond(200)
            return get(chaos.wrap(kind(verify=tls()), "shop"))

    assert calls("500 delivered").status_code == 500
    with pytest.raises(AssertionError, match="some routes were not called"):
        calls("refused")


@WAYS
def test_respx_as_a_decorator(kind):
    chaos = begun()
    client = chaos.wrap(kind(verify=tls()), "shop")

    @respx.mock
    def test():
        respx.get(URL).respond(200)
        return get(client)

    with chaos.on("shop", fault="503 delivered"):
        assert test().status_code == 503
    assert conserved(chaos, 1)


def test_respx_as_a_fixture(respx_mock):
    chaos = begun()
    route = respx_mock.get(URL).respond(200)
    with chaos.on("shop", fault="503 delivered"):
        assert get(chaos.wrap(httpx.Client(verify=tls()), "shop")).status_code == 503
    assert route.called


@WAYS
@pytest.mark.parametrize("using", ["httpx", "httpcore"])
def test_what_respx_has_no_route_for_is_its_own_error(kind, using):
    chaos = begun()
    with respx.mock(using=using), pytest.raises(respx.models.AllMockedAssertionError):
        get(chaos.wrap(kind(verify=tls()), "shop"))
    assert conserved(chaos, 1)
    assert chaos.calls[0].error == "AllMockedAssertionError"


@WAYS
def test_pytest_httpx(kind, httpx_mock):
    httpx_mock.add_response(url=URL, status_code=201)
    httpx_mock.add_response(url=URL, status_code=202)
    chaos = begun()
    with chaos.on("shop", fault="refused"):
        assert get(chaos.wrap(kind(verify=tls()), "shop")) == "ConnectError"
    assert httpx_mock.get_requests() == []
    with chaos.on("shop", fault="read_timeout delivered"):
        assert get(chaos.wrap(kind(verify=tls()), "shop")) == "ReadTimeout"
    assert len(httpx_mock.get_requests()) == 1
    assert get(chaos.wrap(kind(verify=tls()), "shop")).status_code == 202
    assert conserved(chaos, 3)


@pytest.mark.parametrize("using", ["httpx", "httpcore"])
def test_a_delay_before_a_mock_is_virtual(using):
    clock = VirtualClock()
    chaos = Chaos(7, lambda: clock)
    chaos.begin("a::test", None)
    with virtual_time(clock), respx.mock(using=using) as mock, chaos.on("shop", fault="latency:1h"):
        mock.get(URL).respond(200)
        reply = get(chaos.wrap(httpx.Client(timeout=None, verify=tls()), "shop"))
    assert reply.elapsed.total_seconds() == pytest.approx(3600, abs=1)


# what httpx itself does


@WAYS
def test_mounts(kind):
    chaos = begun()
    mounted = httpx.MockTransport(lambda _: httpx.Response(202))
    client = client_of(chaos, kind, mounts={"http://shop.test/": mounted, "http://none.test": None})
    assert get(client).status_code == 202
    assert get(client_of(chaos, kind, mounts={"http://none.test": None}), "http://none.test/").status_code == 200
    assert conserved(chaos, 2)


@WAYS
def test_each_hop_of_a_redirect_is_a_call(kind):
    def answer(request):
        if request.url.path == "/orders":
            return httpx.Response(302, headers={"location": "/b"})
        return httpx.Response(200)

    chaos = begun()
    with chaos.on("shop", "/b", fault="503") as rule:
        reply = get(client_of(chaos, kind, answer, follow_redirects=True))
    assert [reply.status_code, len(reply.history), rule.calls] == [503, 1, 1]
    assert [call.key.path for call in chaos.calls] == ["/orders", "/b"]
    assert conserved(chaos, 2)


@WAYS
def test_each_attempt_of_an_auth_flow_is_a_call(kind):
    class Renewing(httpx.Auth):
        def auth_flow(self, request):
            response = yield request
            if response.status_code == 401:
                renewed = yield httpx.Request("POST", "http://shop.test/token")
                request.headers["authorization"] = str(renewed.status_code)
                yield request

    def answer(request):
        known = request.url.path == "/token" or "authorization" in request.headers
        return httpx.Response(200 if known else 401)

    chaos = begun()
    assert get(client_of(chaos, kind, answer, auth=Renewing())).status_code == 200
    assert [(call.key.path, call.ordinal, call.status) for call in chaos.calls] == [
        ("/orders", 1, 401),
        ("/token", 1, 200),
        ("/orders", 2, 200),
    ]
    assert conserved(chaos, 3)


@WAYS
def test_hooks_of_the_user_see_the_injected_reply_once(kind):
    seen = []

    def note(what):
        def hook(thing):
            seen.append((what, getattr(thing, "status_code", None)))

        async def asynchronous(thing):
            hook(thing)

        return asynchronous if kind is httpx.AsyncClient else hook

    chaos = begun()
    hooks = {"request": [note("request")], "response": [note("response")]}
    with chaos.on("shop", fault="503"):
        get(client_of(chaos, kind, event_hooks=hooks))
    assert seen == [("request", None), ("response", 503)]


def test_a_client_of_a_subclass():
    class Api(httpx.Client):
        def send(self, request, **options):
            request.headers["x-api"] = "1"
            return super().send(request, **options)

    chaos = begun()
    with chaos.on("shop", fault="503", headers={"x-api": "1"}):
        assert get(client_of(chaos, Api)).status_code == 503


@pytest.mark.parametrize("inner", ["asgi", "wsgi"])
def test_an_app_in_this_process(inner):
    asked = []

    async def asgi(scope, receive, send):
        asked.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})

    def wsgi(environ, start_response):
        asked.append(environ["PATH_INFO"])
        start_response("200 OK", [])
        return [b"hello"]

    chaos = begun()

    def client():
        if inner == "asgi":
            return chaos.wrap(httpx.AsyncClient(transport=httpx.ASGITransport(asgi)), "shop")
        return chaos.wrap(httpx.Client(transport=httpx.WSGITransport(wsgi)), "shop")

    with chaos.on("shop", fault="truncated:2"):
        assert get(client()) == "RemoteProtocolError"
    with chaos.on("shop", fault="refused"):
        assert get(client()) == "ConnectError"
    assert get(client()).text == "hello"
    assert asked == ["/orders", "/orders"]
    assert conserved(chaos, 3)


@pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient` is deprecated")
def test_a_test_client_of_an_app():
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    app = FastAPI()
    app.get("/orders")(lambda: {"id": 7})
    chaos = begun()
    client = TestClient(app)
    if not isinstance(client, httpx.Client):
        # Starlette takes httpx2 where it is installed.
        with pytest.raises(ChaosError):
            chaos.wrap(client, "shop")
        return
    chaos.wrap(client, "shop")
    assert client.get("/orders").json() == {"id": 7}
    with chaos.on("shop", fault="malformed_json"), pytest.raises(ValueError, match=r"line 1 column"):
        client.get("/orders").json()
    assert conserved(chaos, 2)


def test_retries_in_the_transport_are_below_chaos_and_so_one_call():
    class Retrying(httpx.BaseTransport):
        def __init__(self, inner):
            self.inner = inner

        def handle_request(self, request):
            for _ in range(3):
                response = self.inner.handle_request(request)
                if response.is_success:
                    break
            return response

    answers = iter([503, 503, 200, 200])
    inner = httpx.MockTransport(lambda _: httpx.Response(next(answers)))
    chaos = begun()
    client = client_of(chaos, httpx.Client, transport=Retrying(inner))
    assert get(client).status_code == 200
    with chaos.on("shop", fault="503 delivered"):
        assert get(client).status_code == 503
    assert conserved(chaos, 2)


# retries


def times_of(chaos):
    return [round(call.sent_us / 1e6) for call in chaos.calls]


def retried(library, call):
    """The function, tried five times with waits of 10, 20, 40 and 80 seconds."""
    if library == "tenacity":
        wait = tenacity.wait_exponential(multiplier=10)
        return tenacity.retry(wait=wait, stop=tenacity.stop_after_attempt(5), reraise=True)(call)
    waits = {"wait_initial": 10, "wait_max": 1000, "wait_jitter": 0}
    return stamina.retry(on=httpx.HTTPError, attempts=5, timeout=None, **waits)(call)


@WAYS
@pytest.mark.parametrize("library", ["tenacity", "stamina"])
def test_retries_wait_in_virtual_time(library, kind):
    clock = VirtualClock()
    chaos = Chaos(7, lambda: clock)
    chaos.begin("a::test", None)
    client = client_of(chaos, kind)

    async def call():
        reply = client.get(URL)
        if inspect.isawaitable(reply):
            reply = await reply
        return reply.raise_for_status()

    def call_sync():
        return client.get(URL).raise_for_status()

    began = time.thread_time()
    with virtual_time(clock), chaos.on("shop", fault=["503", "reset"], first=4):
        if kind is httpx.AsyncClient:
            asyncio.run(retried(library, call)())
        else:
            retried(library, call_sync)()
    assert time.thread_time() - began < 0.3
    assert times_of(chaos) == [0, 10, 30, 70, 150]
    assert chaos.findings() == [] or {finding.rule for finding in chaos.findings()} == {"no-jitter"}


# async without asyncio


def test_in_another_loop_than_asyncios_faults_without_delay_work_and_others_say_why_not():
    def stepped(coroutine):
        """Drive a coroutine as a loop of another make does."""
        try:
            while True:
                coroutine.send(None)
        except StopIteration as end:
            return end.value

    clock = VirtualClock()
    chaos = Chaos(7, lambda: clock)
    chaos.begin("a::test", None)
    client = client_of(chaos, httpx.AsyncClient)
    with virtual_time(clock):
        with chaos.on("shop", fault="refused"), pytest.raises(httpx.ConnectError):
            stepped(client.get(URL))
        assert stepped(client.get(URL)).status_code == 200
        with chaos.on("shop", fault="latency:1s"), pytest.raises(ChaosTimeError, match="without an asyncio loop"):
            stepped(client.get(URL))
    unwrap(client)
