"""The Farm as tests hold it: tenants, their data, and clients of the modules, twins started when first needed."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.errors import ModuleError
from pytest_aosfarm.settings import MODULE_URLS
from pytest_aosfarm.tenants import Tenant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    import httpx

    from pytest_aosfarm.modules.pools import LoopPools
    from pytest_aosfarm.settings import Settings
    from pytest_aosfarm.synthetic.dataset import Dataset
    from pytest_aosfarm.twins.process import TwinProcess

__all__ = ("Farm",)

DATASETS_KEPT = 2
"""A test's own and one that is shared; a large one with its snapshot takes some 200 MB."""

PROBE_SECONDS = 10.0
"""How long a live module may take to say who it is."""


class Farm:
    """One run's Farm. It holds one connection pool and at most one twin per module; `close` ends both.

    Async clients have a pool for each event loop, which ends with its loop. `on_pool` is called once with each pool
    that the Farm opens, before anything is sent through it.
    """

    def __init__(
        self,
        settings: Settings,
        run_uuid: str,
        *,
        on_pool: Callable[[httpx.Client | httpx.AsyncClient], None] | None = None,
    ) -> None:
        self.settings = settings
        self.run_uuid = run_uuid
        self.on_pool = on_pool
        self._pool: httpx.Client | None = None
        self._loop_pools: LoopPools | None = None
        self._twins: dict[str, TwinProcess] = {}
        self._datasets: dict[tuple[Any, ...], Dataset] = {}
        self._no_module: dict[str, str | None] = {}

    def __repr__(self) -> str:
        return f"<farm of run {self.run_uuid}: seed {self.settings.seed}, {self.settings.scale}>"

    def tenant(self, key: str) -> Tenant:
        """The tenant called `key` in this run. Raises ValueError for an empty key."""
        return Tenant.of_run(self.run_uuid, key)

    def dataset(
        self, tenant: Tenant, *, scale: str | None = None, profile: str | None = None, anchor: datetime | None = None
    ) -> Dataset:
        """The data of `tenant`; what is not given comes from the settings. The last few are kept."""
        from pytest_aosfarm.synthetic.dataset import Dataset

        settings = self.settings
        wanted = (tenant.key, scale or settings.scale, profile or settings.profile, anchor or settings.anchor)
        if wanted not in self._datasets:
            while len(self._datasets) >= DATASETS_KEPT:
                self._datasets.pop(next(iter(self._datasets)))
            key, size, mess, moment = wanted
            self._datasets[wanted] = Dataset(key, seed=settings.seed, scale=size, anchor=moment, profile=mess)
        return self._datasets[wanted]

    def module(self, name: str, tenant: Tenant) -> Any:
        """A client of the module called `name`, bound to `tenant`.

        Raises ConfigurationError for an unknown module or a bad address, ModuleError when a live module does not answer
        as itself, TwinError when the embedded module cannot be started.
        """
        self._look_for(name)
        return self._client(name, tenant, timeout=self.settings.timeout)

    def async_module(self, name: str, tenant: Tenant) -> Any:
        """The async client of the module called `name`, bound to `tenant`; it may be used on any event loop, one or many.

        Raises as `module` does. It blocks until a twin has started, or until a live module has first said who it is.
        """
        from pytest_aosfarm.modules.catalog import module
        from pytest_aosfarm.modules.pools import LoopPools

        self._look_for(name)
        client = _loaded(module(name).async_client)
        if self._loop_pools is None:
            self._loop_pools = LoopPools(self._open_async_pool)
        return client(self._loop_pools, self.base_url(name), tenant, timeout=self.settings.timeout)

    def pools(self) -> Iterator[httpx.Client | httpx.AsyncClient]:
        """The pools that are open: one for the blocking clients, one for each event loop that async clients were used on."""
        if self._pool is not None:
            yield self._pool
        if self._loop_pools is not None:
            yield from self._loop_pools

    def is_live(self, name: str) -> bool:
        """Whether the module called `name` is a live instance and not an embedded twin."""
        return self.settings.url_of(name) is not None

    def base_url(self, name: str) -> str:
        """The address of the module called `name`; starts its twin if it is embedded and not running yet."""
        url = self.settings.url_of(name)
        if url is not None:
            return url
        if name not in self._twins:
            from pytest_aosfarm.twins.process import TwinProcess

            self._twins[name] = TwinProcess.start(name)
        return self._twins[name].url

    def twin_pid(self, name: str) -> int | None:
        """The process id of the module's embedded twin, or None when none was started."""
        return self._twins[name].pid if name in self._twins else None

    def twin_addresses(self) -> frozenset[str]:
        """The address of each embedded twin that the Farm started and that is running, as "host:port"."""
        return frozenset(twin.url.removeprefix("http://") for twin in self._twins.values())

    def probe(self) -> None:
        """Return if every live module that has a client answers as the module it should be; raise ModuleError if not."""
        from pytest_aosfarm.modules.catalog import MODULES

        for name in MODULES:
            self._look_for(name)

    def _look_for(self, name: str) -> None:
        """Ask a module, if it is live, once who it is. A hundred tests need not wait for the same silence."""
        from pytest_aosfarm.modules.catalog import module

        if not self.is_live(module(name).name):
            return
        if name not in self._no_module:
            try:
                self._client(name, self.tenant("probe"), timeout=min(PROBE_SECONDS, self.settings.timeout)).probe()
                self._no_module[name] = None
            except ModuleError as error:
                self._no_module[name] = str(error)
        problem = self._no_module[name]
        if problem is not None:
            raise ModuleError(f"{MODULE_URLS[name]}: {problem}")

    def _client(self, name: str, tenant: Tenant, *, timeout: float) -> Any:
        from pytest_aosfarm.modules.catalog import module
        from pytest_aosfarm.modules.pools import open_pool

        client = _loaded(module(name).client)
        if self._pool is None:
            self._pool = open_pool(timeout=self.settings.timeout)
            self._tell(self._pool)
        return client(self._pool, self.base_url(name), tenant, timeout=timeout)

    def _open_async_pool(self) -> httpx.AsyncClient:
        from pytest_aosfarm.modules.pools import open_async_pool

        pool = open_async_pool(timeout=self.settings.timeout)
        self._tell(pool)
        return pool

    def _tell(self, pool: httpx.Client | httpx.AsyncClient) -> None:
        if self.on_pool is not None:
            self.on_pool(pool)

    @contextmanager
    def exclusive(self, name: str) -> Iterator[None]:
        """Hold a live module alone, across processes of this machine: it keeps few runs, of all tenants together.

        Does nothing for an embedded twin, which is this process's own. Tests of one process may nest it.
        """
        if not self.is_live(name):
            yield
            return
        import tempfile
        from hashlib import sha256
        from pathlib import Path

        from filelock import FileLock

        address = sha256(self.base_url(name).encode()).hexdigest()[:16]
        with FileLock(Path(tempfile.gettempdir()) / f"aosfarm-{name}-{address}.lock", is_singleton=True):
            yield

    def close(self) -> None:
        """Close the pool and end the twins; the Farm may be used again afterwards. Async pools end with their loops."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        while self._twins:
            self._twins.popitem()[1].stop()


def _loaded(place: str) -> Any:
    """What is at "package.module:attribute"."""
    where, _, attribute = place.partition(":")
    return getattr(import_module(where), attribute)
