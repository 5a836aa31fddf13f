"""Connection pools: one for the blocking clients of a process, and one for the async clients of each event loop."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import httpx
from anyio.lowlevel import RunVar

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Callable, Iterator

__all__ = ("LoopPools", "open_async_pool", "open_pool", "timeouts")

CONNECT_SECONDS = 5.0


def open_pool(*, timeout: float = 30.0, connections: int = 16) -> httpx.Client:
    """The connection pool that all module clients of a process share; the caller closes it.

    `timeout` (seconds) bounds each read, each write and the wait for a free connection. A twin is on the loopback, so
    a proxy named in the environment is not asked for it.
    """
    return httpx.Client(**_options(timeout, connections))


def open_async_pool(*, timeout: float = 30.0, connections: int = 16) -> httpx.AsyncClient:
    """The same for the async clients of one event loop; the caller closes it there."""
    return httpx.AsyncClient(**_options(timeout, connections))


class LoopPools:
    """An async pool for each event loop that asks: `opened` makes it at the first request, it is closed with its loop.

    A pool belongs to the loop on which it was made, and many tests have a loop of their own. Iterating gives the pools
    that are open.
    """

    def __init__(self, opened: Callable[[], httpx.AsyncClient]) -> None:
        self._opened = opened
        self._here: RunVar[tuple[httpx.AsyncClient, AsyncGenerator[httpx.AsyncClient, None]]] = RunVar("aosfarm pool")
        self._pools: WeakSet[httpx.AsyncClient] = WeakSet()

    def __iter__(self) -> Iterator[httpx.AsyncClient]:
        return iter([pool for pool in self._pools if not pool.is_closed])

    async def here(self) -> httpx.AsyncClient:
        """The pool of the running loop."""
        pool, _ = self._here.get((None, None))
        if pool is None or pool.is_closed:
            lent = self._lent()
            pool = await anext(lent)
            self._here.set((pool, lent))
            self._pools.add(pool)
        return pool

    async def _lent(self) -> AsyncGenerator[httpx.AsyncClient, None]:
        # Every loop that ends as asyncio.run ends one closes the async generators which began on it, and so the pool.
        async with self._opened() as pool:
            yield pool


def timeouts(seconds: float) -> httpx.Timeout:
    """`seconds` for each read, each write and the wait for a connection; less to connect."""
    return httpx.Timeout(connect=min(CONNECT_SECONDS, seconds), read=seconds, write=seconds, pool=seconds)


def _options(timeout: float, connections: int) -> dict[str, Any]:
    return {
        "timeout": timeouts(timeout),
        "limits": httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        "mounts": {"all://127.0.0.1": None, "all://localhost": None},
        "headers": {"user-agent": "pytest-aosfarm"},
        "verify": _certificates(),
    }


@cache
def _certificates() -> ssl.SSLContext:
    """Whom a pool believes; reading them takes 30 ms, so all pools share them."""
    return httpx.create_ssl_context()
