"""The HTTP side of every module client, blocking and async: explicit timeouts, errors that show the exchange."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from pytest_aosfarm.errors import ModuleError
from pytest_aosfarm.modules.pools import LoopPools, timeouts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_aosfarm.modules.endpoint import Call, Exchange
    from pytest_aosfarm.tenants import Tenant

__all__ = (
    "AsyncModuleClient",
    "BoundClient",
    "ModuleClient",
    "ModuleContractError",
    "ModuleReplyError",
    "ModuleStatusError",
    "ModuleTimeoutError",
    "ModuleUnreachableError",
)

T = TypeVar("T")
ReplyT = TypeVar("ReplyT", bound=BaseModel)

HEAD_CHARACTERS = 300


class ModuleUnreachableError(ModuleError):
    """Nothing answered: no connection, or one that broke before a whole reply had come."""


class ModuleTimeoutError(ModuleUnreachableError):
    """The module took longer than the timeout."""


class ModuleReplyError(ModuleError):
    """The module answered, and the answer is not what was asked for.

    Attributes: `method`, `url`, `status` (int) and `head`, the first characters of the body.
    """

    def __init__(self, problem: str, response: httpx.Response) -> None:
        self.method = response.request.method
        self.url = _shown(response.request.url)
        self.status = response.status_code
        body = " ".join(response.text.split())
        self.head = body if len(body) <= HEAD_CHARACTERS else body[:HEAD_CHARACTERS] + "…"
        super().__init__(f"{self.method} {self.url} -> {self.status}: {problem}\n  body: {self.head or '(empty)'}")


class ModuleStatusError(ModuleReplyError):
    """The status is not the expected one."""


class ModuleContractError(ModuleReplyError):
    """The status is right and the body breaks the contract."""


class BoundClient:
    """A module, as one tenant sees it: what the blocking and the async client have in common.

    `base_url` is the module's address, `timeout` seconds for each read. Every request carries two labels for whoever
    wraps a pool's transport, the httpx request extensions `aosfarm.module` (`name`) and `aosfarm.tenant` (its key).
    """

    name: ClassVar[str] = "module"
    title: ClassVar[str] = "module"

    def __init__(self, base_url: str, tenant: Tenant, *, timeout: float) -> None:
        self.base_url = base_url.rstrip("/")
        self.tenant = tenant
        self.timeout = timeout

    @property
    def address(self) -> str:
        """`base_url` as it may be shown: without user name and password."""
        return _shown(httpx.URL(self.base_url))

    def _completed(self, options: dict[str, Any]) -> dict[str, Any]:
        labels = {"aosfarm.module": self.name, "aosfarm.tenant": self.tenant.key}
        extensions = {**(options.get("extensions") or {}), **labels}
        return {"timeout": timeouts(self.timeout), **options, "extensions": extensions}

    @contextmanager
    def _explained(self, method: str, path: str) -> Iterator[None]:
        """Turn what httpx raises into ModuleTimeoutError and ModuleUnreachableError."""
        request_line = f"{method} {_shown(httpx.URL(self.base_url + path))}"
        try:
            yield
        except httpx.TimeoutException as error:
            raise ModuleTimeoutError(
                f"{request_line}: {self.title} gave no answer within {self.timeout:g} s ({type(error).__name__}); "
                f"raise the timeout if it is only slow"
            ) from error
        except httpx.RequestError as error:
            raise ModuleUnreachableError(
                f"{request_line}: {self.title} cannot be reached: {error or type(error).__name__}"
            ) from error


class ModuleClient(BoundClient):
    """A client that blocks; `http` is the shared pool (`open_pool`). Subclasses add the module's endpoints."""

    def __init__(self, http: httpx.Client, base_url: str, tenant: Tenant, *, timeout: float = 30.0) -> None:
        super().__init__(base_url, tenant, timeout=timeout)
        self.http = http

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request and return the reply, whatever its status; `options` are httpx's.

        Raises ModuleTimeoutError or ModuleUnreachableError.
        """
        with self._explained(method, path):
            return self.http.request(method, self.base_url + path, **self._completed(options))

    def perform(self, exchange: Exchange[T]) -> T:
        """Send the calls of the exchange, one after the other, and return what it comes to.

        Raises ModuleStatusError for another status than expected, ModuleContractError for a body that does not fit.
        """
        with closing(iter(exchange)) as steps:
            try:
                call = next(steps)
                while True:
                    try:
                        reply = _read(self.request(call.method, call.path, **_options(call)), call)
                    except ModuleError as error:
                        call = steps.throw(error)
                    else:
                        call = steps.send(reply)
            except StopIteration as done:
                result: T = done.value
                return result


class AsyncModuleClient(BoundClient):
    """A client that is awaited; `http` is the pool of one event loop (`open_async_pool`), or the pools of all."""

    def __init__(
        self, http: httpx.AsyncClient | LoopPools, base_url: str, tenant: Tenant, *, timeout: float = 30.0
    ) -> None:
        super().__init__(base_url, tenant, timeout=timeout)
        self.http = http

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """As ModuleClient's."""
        http = await self.http.here() if isinstance(self.http, LoopPools) else self.http
        with self._explained(method, path):
            return await http.request(method, self.base_url + path, **self._completed(options))

    async def perform(self, exchange: Exchange[T]) -> T:
        """As ModuleClient's."""
        with closing(iter(exchange)) as steps:
            try:
                call = next(steps)
                while True:
                    try:
                        reply = _read(await self.request(call.method, call.path, **_options(call)), call)
                    except ModuleError as error:
                        call = steps.throw(error)
                    else:
                        call = steps.send(reply)
            except StopIteration as done:
                result: T = done.value
                return result


def _options(call: Call[Any]) -> dict[str, Any]:
    """The call's parameters and body, as httpx takes them."""
    body = {} if call.body is None else {"content": call.body, "headers": {"content-type": "application/json"}}
    return {"params": call.params, **body}


def _read(response: httpx.Response, call: Call[ReplyT]) -> ReplyT:
    """The reply to the call; raises ModuleStatusError or ModuleContractError."""
    if response.status_code != call.status:
        raise ModuleStatusError(f"expected status {call.status}", response)
    try:
        return call.reply.model_validate_json(response.content)
    except ValidationError as error:
        raise ModuleContractError(f"not a {call.reply.__name__}: {_problems(error)}", response) from error


def _problems(error: ValidationError, shown: int = 3) -> str:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    texts = [f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}" for item in found[:shown]]
    more = f" (and {len(found) - shown} more)" if len(found) > shown else ""
    return "; ".join(texts) + more


def _shown(url: httpx.URL) -> str:
    """The address without user name and password: error texts end up in reports."""
    return str(url.copy_with(username=None, password=None))
