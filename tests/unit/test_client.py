"""Both module clients against a real server on the loopback: what they send, and what they say of a wrong reply."""

from __future__ import annotations

import asyncio
import inspect
import json
import socket
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from pytest_aosfarm.errors import ModuleError
from pytest_aosfarm.modules.aod import AodClient, AsyncAodClient
from pytest_aosfarm.modules.client import (
    ModuleContractError,
    ModuleStatusError,
    ModuleTimeoutError,
    ModuleUnreachableError,
)
from pytest_aosfarm.modules.contracts import aod as contract
from pytest_aosfarm.modules.pools import LoopPools, open_async_pool, open_pool
from pytest_aosfarm.tenants import Tenant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TENANT = Tenant("acme", "11111111-1111-4111-8111-111111111111", "acme-1")


class Server(ThreadingHTTPServer):
    """Answers every path with `replies[path]` = (status, body), and remembers what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies: dict[str, tuple[int | str, Any]] = {}
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.connections = 0
        self.released = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        self.server.connections += 1
        super().setup()

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.requests.append((self.command, self.path, dict(self.headers), body))
        status, reply = self.server.replies.get(self.path.partition("?")[0], (404, {"detail": "Not Found"}))
        if status == "wait":
            self.server.released.wait(10)
        if not isinstance(status, int):
            self.close_connection = True
            return
        payload = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = answer  # noqa: N815 - the names that the base class looks for

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.01,))
        thread.start()
        yield found
        found.released.set()
        found.shutdown()
        thread.join()


class Waiting:
    """The async client as a blocking one: whatever is awaited is waited for on one event loop."""

    def __init__(self, client: AsyncAodClient, runner: asyncio.Runner) -> None:
        self._client, self._runner = client, runner

    def __getattr__(self, name: str) -> Any:
        thing = getattr(self._client, name)
        return (lambda *args, **named: self._runner.run(thing(*args, **named))) if inspect.ismethod(thing) else thing


@pytest.fixture(params=["blocking", "async"])
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """A function that gives a client of a URL and tenant; all have one pool, opened by the first."""
    with ExitStack() as stack:
        if request.param == "blocking":
            blocking: list[Any] = []

            def client(url: str, tenant: Tenant = TENANT, **options: Any) -> Any:
                if not blocking:
                    blocking.append(stack.enter_context(open_pool()))
                return AodClient(blocking[0], url, tenant, **options)
        else:
            runner, pools = stack.enter_context(asyncio.Runner()), LoopPools(open_async_pool)

            def client(url: str, tenant: Tenant = TENANT, **options: Any) -> Any:
                return Waiting(AsyncAodClient(pools, url, tenant, **options), runner)

        yield client


@pytest.fixture
def aod(server: Server, connect: Callable[..., Any]) -> Any:
    return connect(server.url + "/", timeout=5)


def test_a_status_that_was_not_expected(server: Server, aod: Any) -> None:
    server.replies["/health"] = (503, b"the  database\n is " + b"x" * 1000)

    with pytest.raises(ModuleStatusError) as caught:
        aod.health()

    error = caught.value
    assert isinstance(error, ModuleError)
    assert (error.method, error.url, error.status) == ("GET", f"{server.url}/health", 503)
    assert error.head.startswith("the database is xxx")
    assert len(error.head) == 301
    assert str(error).startswith(f"GET {server.url}/health -> 503: expected status 200\n  body: the database")


def test_a_body_that_is_not_json(server: Server, aod: Any) -> None:
    server.replies["/health"] = (200, b"<html>hello</html>")

    with pytest.raises(ModuleContractError, match=r"-> 200: not a Health: .*\n  body: <html>hello</html>"):
        aod.health()


def test_a_body_that_breaks_the_contract(server: Server, aod: Any) -> None:
    counts = {"observations_in": "many", "candidates_out": 1, "assets_admitted": 1, "rejected": 0}
    server.replies["/api/runs/json"] = (200, {"aod_discovery_id": "x", "tenant_id": "t", "counts": counts})

    with pytest.raises(ModuleContractError) as caught:
        aod.discover({})

    text = str(caught.value)
    assert "not a RunResponse: aod_discovery_id: String should match" in text
    assert "status: Field required" in text
    assert "(and 1 more)" in text


def test_an_empty_body(server: Server, aod: Any) -> None:
    server.replies["/health"] = (500, b"")

    with pytest.raises(ModuleStatusError, match=r"body: \(empty\)"):
        aod.health()


def test_nobody_listens(connect: Callable[..., Any]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(ModuleUnreachableError, match=f"GET {url}/health: AOD cannot be reached"):
            connect(url).health()


def test_a_connection_that_breaks(server: Server, aod: Any) -> None:
    server.replies["/health"] = ("close", None)

    with pytest.raises(ModuleUnreachableError, match="cannot be reached: Server disconnected"):
        aod.health()


def test_a_module_that_is_too_slow(server: Server, connect: Callable[..., Any]) -> None:
    server.replies["/health"] = ("wait", None)
    started = time.monotonic()
    with pytest.raises(ModuleTimeoutError, match=r"no answer within 0\.1 s \(ReadTimeout\)"):
        connect(server.url, timeout=0.1).health()

    assert time.monotonic() - started < 5


def test_user_and_password_do_not_show(server: Server, connect: Callable[..., Any]) -> None:
    url = server.url.replace("//", "//me:secret@")
    with pytest.raises(ModuleStatusError) as caught:
        connect(url).health()

    assert "secret" not in str(caught.value)
    assert caught.value.url == f"{server.url}/health"
    assert "Authorization" in {name.title() for name in server.requests[0][2]}


def test_one_pool_is_one_connection_for_all_clients(server: Server, connect: Callable[..., Any]) -> None:
    server.replies["/health"] = (200, {"status": "ok"})
    for number in range(5):
        connect(server.url, Tenant(f"t{number}", str(number), "e")).health()

    assert len(server.requests) == 5
    assert server.connections == 1


def test_a_proxy_in_the_environment_is_not_asked_for_the_loopback(
    server: Server, connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    server.replies["/health"] = (200, {"status": "ok"})

    assert connect(server.url).health().status == "ok"


def test_probe_accepts_what_serves_the_feed(server: Server, aod: Any) -> None:
    server.replies["/health"] = (200, {"status": "ok"})
    server.replies["/openapi.json"] = (200, {"openapi": "3.1.0", "paths": {contract.FEED_PATH: {}}})

    aod.probe()


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        ({}, "404: expected status 200"),
        ({"/health": (200, {"status": "ok"})}, "404: expected status 200"),
        ({"/health": (200, {"status": "ok"}), "/openapi.json": (200, {"paths": {}})}, "does not mention"),
        ({"/health": (200, {"status": "ok"}), "/openapi.json": (200, {"paths": None})}, "does not mention"),
        ({"/health": (200, b"hello")}, "not a Health"),
    ],
)
def test_probe_says_in_one_line_what_is_no_aod(
    server: Server, aod: Any, replies: dict[str, tuple[int, Any]], reason: str
) -> None:
    server.replies.update(replies)

    with pytest.raises(ModuleError, match=reason) as caught:
        aod.probe()

    assert str(caught.value).startswith(f"no AOD at {server.url}: ")
    assert "\n" not in str(caught.value)


def test_what_is_sent(server: Server, aod: Any) -> None:
    server.replies["/api/runs"] = (200, [])
    aod.runs()
    aod.runs("other")
    aod.all_runs()
    for call in (lambda: aod.discover(b'{"a": 1}'), lambda: aod.discover({"a": 1}), lambda: aod.reconcile("run_1")):
        with pytest.raises(ModuleStatusError):
            call()

    sent = [(method, path, body) for method, path, _, body in server.requests]
    assert sent == [
        ("GET", f"/api/runs?tenant_id={TENANT.id}", b""),
        ("GET", "/api/runs?tenant_id=other", b""),
        ("GET", "/api/runs", b""),
        ("POST", "/api/runs/json", b'{"a": 1}'),
        ("POST", "/api/runs/json", b'{"a": 1}'),
        ("POST", contract.FEED_PATH, b'{"aod_discovery_id":"run_1","activity_window_days":90}'),
    ]
    assert {headers.get("content-type") or headers.get("Content-Type") for *_, headers, _ in server.requests[3:]} == {
        "application/json"
    }
