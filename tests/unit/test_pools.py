"""Pools: one for all that block, one for each event loop, each closed where it was opened, nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import threading
from contextlib import closing
from datetime import UTC, datetime

import httpx
import pytest

from pytest_aosfarm.errors import ModuleError
from pytest_aosfarm.farm import Farm
from pytest_aosfarm.modules import pools
from pytest_aosfarm.modules.pools import LoopPools, open_async_pool, open_pool
from pytest_aosfarm.settings import resolve

RUN = "0b5c4a7e-7e7f-4a3b-9b1a-2f1d9c0c1d2e"


def test_each_loop_has_a_pool_that_ends_with_it():
    one = LoopPools(open_async_pool)

    async def main():
        assert await one.here() is await one.here()
        assert list(one) == [await one.here()]
        return await one.here()

    first, second = asyncio.run(main()), asyncio.run(main())
    assert first is not second
    assert first.is_closed
    assert second.is_closed
    assert list(one) == []


def test_tasks_that_ask_together_have_one_pool():
    opened = []

    def open_one():
        opened.append(open_async_pool())
        return opened[-1]

    async def main():
        one = LoopPools(open_one)
        return await asyncio.gather(*(one.here() for _ in range(10)))

    assert asyncio.run(main()) == opened * 10
    assert len(opened) == 1


def test_loops_of_threads_have_their_own():
    one, found, both = LoopPools(open_async_pool), [], threading.Barrier(2, timeout=10)

    async def main():
        found.append(await one.here())
        both.wait()
        assert set(one) == set(found)
        both.wait()

    threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 2
    assert [pool.is_closed for pool in found] == [True, True]


def test_a_pool_that_was_closed_is_replaced():
    async def main():
        one = LoopPools(open_async_pool)
        await (first := await one.here()).aclose()
        assert await one.here() is not first
        assert not (await one.here()).is_closed

    asyncio.run(main())


def test_certificates_are_read_once(monkeypatch):
    pools._certificates.cache_clear()
    read, create = [], httpx.create_ssl_context

    def certificates():
        read.append(1)
        return create()

    monkeypatch.setattr(httpx, "create_ssl_context", certificates)
    with open_pool():
        for _ in range(2):
            asyncio.run(open_async_pool().aclose())
    assert read == [1]


@pytest.fixture(scope="module")
def shown():
    """The pools that `farm` has opened."""
    return []


@pytest.fixture(scope="module")
def farm(shown):
    settings = resolve({}, {}, {}, now=datetime(2030, 1, 1, tzinfo=UTC), draw_seed=lambda _: 1)
    with closing(Farm(settings, RUN, on_pool=shown.append)) as one:
        yield one


def test_one_async_client_on_many_loops_leaves_no_socket(farm):
    aod = farm.async_module("aod", farm.tenant("acme"))

    async def main():
        assert (await asyncio.gather(*(aod.health() for _ in range(4))))[0].status

    with asyncio.Runner() as runner:  # a loop that goes on from one test to the next
        runner.run(main())
        asyncio.run(main())
        runner.run(main())
    asyncio.run(main())
    gc.collect()  # what is left open says so now, which is an error here


def test_a_farm_shows_each_pool_that_it_opens_once(farm, shown):
    farm.close()
    shown.clear()
    assert (list(farm.pools()), farm.twin_addresses()) == ([], frozenset())
    aod, async_aod = (get("aod", farm.tenant("acme")) for get in (farm.module, farm.async_module))
    assert shown == list(farm.pools()) == [aod.http]
    assert farm.twin_addresses() == {httpx.URL(farm.base_url("aod")).netloc.decode()}

    async def main():
        await async_aod.health()
        await farm.async_module("aod", farm.tenant("other")).health()
        assert list(farm.pools()) == shown

    with asyncio.Runner() as runner:
        runner.run(main())
        farm.close()
        blocking, awaited = shown
        assert [type(pool) for pool in shown] == [httpx.Client, httpx.AsyncClient]
        assert (list(farm.pools()), farm.twin_addresses()) == ([awaited], frozenset())
        assert blocking.is_closed
    assert list(farm.pools()) == []
    assert awaited.is_closed
    gc.collect()


def test_a_farm_needs_no_one_to_show_pools_to():
    settings = resolve({}, {"AOD_BASE_URL": "http://127.0.0.1:9"}, {}, now=datetime(2030, 1, 1, tzinfo=UTC), draw_seed=int)
    with closing(Farm(settings, RUN)) as farm:
        for get in (farm.module, farm.async_module):
            with pytest.raises(ModuleError, match="AOD_BASE_URL: no AOD at"):
                get("aod", farm.tenant("acme"))
        assert len(list(farm.pools())) == 1
        assert farm.twin_addresses() == frozenset()
