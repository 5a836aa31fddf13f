"""A module's two clients are one: the same methods, the same requests, the same answers, one with await."""

from __future__ import annotations

import asyncio
import inspect
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from twin_evidence import HEALTHY, SAMPLE, TENANT

from pytest_aosfarm.farm import _loaded
from pytest_aosfarm.modules.aod import AodClient, AsyncAodClient
from pytest_aosfarm.modules.catalog import MODULES
from pytest_aosfarm.modules.client import AsyncModuleClient, ModuleClient, ModuleStatusError
from pytest_aosfarm.modules.contracts.aod import Health
from pytest_aosfarm.modules.endpoint import Call, Steps, endpoint
from pytest_aosfarm.modules.pools import open_async_pool, open_pool
from pytest_aosfarm.tenants import Tenant
from pytest_aosfarm.twins.process import TwinProcess

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SNAPSHOT = {**SAMPLE, "meta": {**SAMPLE["meta"], "snapshot_id": "one"}}
ACME = Tenant("acme", TENANT, "acme-1")
READS: dict[str, tuple[dict[str, Any], ...]] = {
    "all_runs": ({},),
    "assets": ({}, {"classification": "shadow"}),
    "catalog": ({},),
    "classifications": ({},),
    "derived": ({}, {"activity_window_days": 30}),
    "health": ({},),
    "latest": ({}, {"tenant_id": TENANT, "snapshot_id": "one"}),
    "observations": ({}, {"limit": 2, "offset": 1}),
    "openapi": ({},),
    "probe": ({},),
    "reconcile": ({}, {"activity_window_days": 30}),
    "reconcile_payload": ({},),
    "rejections": ({}, {"limit": 1, "offset": 1}),
    "run": ({},),
    "runs": ({}, {"tenant_id": "nobody"}),
    "verdicts": ({},),
}
"""Endpoints that change nothing, each with the arguments of a few calls; those of a run get its id as well."""
WRITES = {"discover"}
OF_NO_RUN = {"all_runs", "health", "latest", "openapi", "probe", "runs"}


def public(client: type) -> dict[str, Any]:
    return {name: getattr(client, name) for name in dir(client) if not name.startswith("_")}


def unlike(blocking: type, awaited: type) -> Iterator[str]:
    """In what the two clients of a module differ, but for await."""
    ours, theirs = public(blocking), public(awaited)
    yield from sorted(ours.keys() ^ theirs.keys())
    for name in ours.keys() & theirs.keys():
        one, other = ours[name], theirs[name]
        if inspect.isfunction(one) and (
            inspect.signature(one) != inspect.signature(other)
            or inspect.iscoroutinefunction(one)
            or not inspect.iscoroutinefunction(other)
        ):
            yield name


@pytest.mark.parametrize("name", MODULES)
def test_both_clients_of_a_module_have_the_same_methods(name):
    blocking, awaited = _loaded(MODULES[name].client), _loaded(MODULES[name].async_client)
    assert list(unlike(blocking, awaited)) == []
    assert blocking.name == awaited.name == name
    assert blocking.title == awaited.title


def test_a_method_of_one_client_alone_is_seen():
    def with_method(client: type, name: str, method: Any) -> type:
        return type("Changed", (client,), {name: method})

    assert list(unlike(with_method(AodClient, "more", AodClient.run), AsyncAodClient)) == ["more"]
    assert list(unlike(AodClient, with_method(AsyncAodClient, "more", AsyncAodClient.run))) == ["more"]
    assert list(unlike(with_method(AodClient, "run", AodClient.latest), AsyncAodClient)) == ["run"]
    assert list(unlike(AodClient, with_method(AsyncAodClient, "run", AodClient.run))) == ["run"]
    assert list(unlike(with_method(AodClient, "run", AsyncAodClient.run), AsyncAodClient)) == ["run"]


def sent(requests: Iterable[httpx.Request]) -> list[tuple[Any, ...]]:
    return [(each.method, str(each.url), each.content, each.headers.get("content-type")) for each in requests]


def test_they_ask_the_same_and_hear_the_same():
    endpoints = {name for name in public(AodClient) if inspect.isfunction(public(AodClient)[name])} - {"request", "perform"}
    assert endpoints == READS.keys() | WRITES

    with TwinProcess.start("aod") as twin, open_pool() as pool:
        aod, requests = AodClient(pool, twin.url, ACME), list[httpx.Request]()
        run_id = aod.discover(SNAPSHOT).aod_discovery_id
        calls = [
            (name, arguments if name in OF_NO_RUN else {"run_id": run_id, **arguments})
            for name, variants in READS.items()
            for arguments in variants
        ]
        pool.event_hooks = {"request": [requests.append]}
        replies = [getattr(aod, name)(**arguments) for name, arguments in calls]
        awaited, awaited_requests = asyncio.run(ask_async(twin.url, calls))
        discovered = aod.discover(SNAPSHOT)
        (again,), (request,) = asyncio.run(ask_async(twin.url, [("discover", {"snapshot": SNAPSHOT})]))

    assert replies == awaited
    assert HEALTHY in replies
    assert discovered.counts == again.counts
    assert sent(requests) == sent([*awaited_requests, request])


async def ask_async(url: str, calls: list[tuple[str, Any]]) -> tuple[list[Any], list[httpx.Request]]:
    requests: list[httpx.Request] = []

    async def note(request: httpx.Request) -> None:
        requests.append(request)

    async with open_async_pool() as pool:
        pool.event_hooks = {"request": [note]}
        aod = AsyncAodClient(pool, url, ACME)
        return [await getattr(aod, name)(**arguments) for name, arguments in calls], requests


@pytest.mark.parametrize("given", [{}, {"extensions": {"of": "mine"}}], ids=["bare", "with-own"])
def test_every_request_says_of_which_module_and_tenant_it_is(given):
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"status": "ok"})

    async def awaited() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as pool:
            aod = AsyncAodClient(pool, "http://aod.test", ACME, timeout=7)
            await aod.health()
            await aod.request("GET", "/other", **given)

    with httpx.Client(transport=httpx.MockTransport(answer)) as pool:
        aod = AodClient(pool, "http://aod.test", ACME, timeout=7)
        aod.health()
        aod.request("GET", "/other", **given)
    asyncio.run(awaited())

    assert len(seen) == 4
    for request in seen:
        assert (request.extensions["aosfarm.module"], request.extensions["aosfarm.tenant"]) == ("aod", "acme")
        assert request.extensions["timeout"] == {"connect": 5.0, "read": 7, "write": 7, "pool": 7}
    assert [request.extensions.get("of") for request in seen[1::2]] == [given.get("extensions", {}).get("of")] * 2


def test_steps_see_the_error_of_the_call_that_failed():
    class Endpoints:
        @endpoint
        def first_that_is_well(self, *paths: str) -> Steps[str]:
            for path in paths:
                try:
                    return (yield from Call("GET", path, Health)).status
                except ModuleStatusError as error:
                    last = error
            raise last

    class Blocking(Endpoints, ModuleClient): ...

    class Awaited(Endpoints, AsyncModuleClient): ...

    def answer(request: httpx.Request) -> httpx.Response:
        well = request.url.path == "/well"
        return httpx.Response(200 if well else 500, json={"status": "ok"})

    async def awaited(*paths: str) -> str:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as pool:
            return await Awaited(pool, "http://aod.test", ACME).first_that_is_well(*paths)

    with httpx.Client(transport=httpx.MockTransport(answer)) as pool:
        blocking = Blocking(pool, "http://aod.test", ACME)
        assert blocking.first_that_is_well("/a", "/b", "/well") == "ok"
        with pytest.raises(ModuleStatusError, match=r"GET http://aod\.test/b -> 500") as one:
            blocking.first_that_is_well("/a", "/b")
    assert asyncio.run(awaited("/a", "/b", "/well")) == "ok"
    with pytest.raises(ModuleStatusError) as other:
        asyncio.run(awaited("/a", "/b"))
    assert str(one.value) == str(other.value)


def test_a_cancelled_exchange_ends_what_it_began():
    async def main() -> None:
        waiting = asyncio.Event()

        async def answer(_: httpx.Request) -> httpx.Response:
            waiting.set()
            await asyncio.Event().wait()
            raise AssertionError

        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as pool:
            task = asyncio.create_task(AsyncAodClient(pool, "http://aod.test", ACME).discover({}))
            await waiting.wait()
            assert "aosfarm-progress" in {thread.name for thread in threading.enumerate()}
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert "aosfarm-progress" not in {thread.name for thread in threading.enumerate()}

    asyncio.run(main())
