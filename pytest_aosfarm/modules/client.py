"""The HTTP side of every module client: one shared pool, explicit timeouts, errors that show the exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from pytest_aosfarm.errors import ModuleError

if TYPE_CHECKING:
    from pytest_aosfarm.tenants import Tenant

__all__ = (
    "ModuleClient",
    "ModuleContractError",
    "ModuleReplyError",
    "ModuleStatusError",
    "ModuleTimeoutError",
    "ModuleUnreachableError",
    "open_pool",
)

ReplyT = TypeVar("ReplyT", bound=BaseModel)

HEAD_CHARACTERS = 300
CONNECT_SECONDS = 5.0


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


def open_pool(*, timeout: float = 30.0, connections: int = 16) -> httpx.Client:
    """The connection pool that all module clients of a process share; the caller closes it.

    `timeout` (seconds) bounds each read, each write and the wait for a free connection. A twin is on the loopback, so
    a proxy named in the environment is not asked for it.
    """
    return httpx.Client(
        timeout=_timeout(timeout),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        mounts={"all://127.0.0.1": None, "all://localhost": None},
        headers={"user-agent": "pytest-aosfarm"},
    )


class ModuleClient:
    """A module, as one tenant sees it. Subclasses add one method an endpoint.

    `http` is the shared pool (`open_pool`), `base_url` the module's address, `timeout` seconds for each read.
    """

    title = "module"

    def __init__(self, http: httpx.Client, base_url: str, tenant: Tenant, *, timeout: float = 30.0) -> None:
        self.http = http
        self.base_url = base_url.rstrip("/")
        self.tenant = tenant
        self.timeout = timeout

    @property
    def address(self) -> str:
        """`base_url` as it may be shown: without user name and password."""
        return _shown(httpx.URL(self.base_url))

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request and return the reply, whatever its status; `options` are httpx's.

        Raises ModuleTimeoutError or ModuleUnreachableError.
        """
        options.setdefault("timeout", _timeout(self.timeout))
        request_line = f"{method} {_shown(httpx.URL(self.base_url + path))}"
        try:
            return self.http.request(method, self.base_url + path, **options)
        except httpx.TimeoutException as error:
            raise ModuleTimeoutError(
                f"{request_line}: {self.title} gave no answer within {self.timeout:g} s ({type(error).__name__}); "
                f"raise the timeout if it is only slow"
            ) from error
        except httpx.RequestError as error:
            raise ModuleUnreachableError(
                f"{request_line}: {self.title} cannot be reached: {error or type(error).__name__}"
            ) from error

    def call(self, method: str, path: str, reply: type[ReplyT], *, status: int = 200, **options: Any) -> ReplyT:
        """Send one request and return its body as `reply`.

        Raises ModuleStatusError for another status than `status`, ModuleContractError for a body that does not fit.
        """
        response = self.request(method, path, **options)
        if response.status_code != status:
            raise ModuleStatusError(f"expected status {status}", response)
        try:
            return reply.model_validate_json(response.content)
        except ValidationError as error:
            raise ModuleContractError(f"not a {reply.__name__}: {_problems(error)}", response) from error


def _timeout(seconds: float) -> httpx.Timeout:
    return httpx.Timeout(connect=min(CONNECT_SECONDS, seconds), read=seconds, write=seconds, pool=seconds)


def _problems(error: ValidationError, shown: int = 3) -> str:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    texts = [f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}" for item in found[:shown]]
    more = f" (and {len(found) - shown} more)" if len(found) > shown else ""
    return "; ".join(texts) + more


def _shown(url: httpx.URL) -> str:
    """The address without user name and password: error texts end up in reports."""
    return str(url.copy_with(username=None, password=None))
