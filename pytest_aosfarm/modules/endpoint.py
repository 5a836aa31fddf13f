"""An endpoint is described once, as the requests it makes; the blocking client sends them, the async client awaits them."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import wraps
from types import MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, TypeAlias, TypeVar, overload

from pydantic import BaseModel

from pytest_aosfarm.modules.client import AsyncModuleClient, ModuleClient

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

__all__ = ("Call", "Exchange", "Steps", "endpoint")

T = TypeVar("T")
ReplyT = TypeVar("ReplyT", bound=BaseModel)
T_co = TypeVar("T_co", covariant=True)
P = ParamSpec("P")


class Exchange(Protocol[T_co]):
    """What takes replies to calls and comes to a T: one `Call`, or `Steps`."""

    def __iter__(self) -> Generator[Call[Any], Any, T_co]: ...


@dataclass(frozen=True, slots=True)
class Call(Generic[ReplyT]):
    """One request, and the pydantic model that its reply must fit. `body` is JSON, or None for no body.

    `reply = yield from Call(…)` makes it a step of a longer exchange.
    """

    method: str
    path: str
    reply: type[ReplyT]
    params: Mapping[str, str | int] | None = None
    body: bytes | str | None = None
    status: int = 200

    def __iter__(self) -> Generator[Call[Any], Any, ReplyT]:
        """The exchange that is this call alone."""
        reply: ReplyT = yield self
        return reply


Steps: TypeAlias = Generator[Call[Any], Any, T]
"""An exchange written as a generator; a ModuleError is raised in it, at the call that failed."""


class endpoint(Generic[P, T]):  # noqa: N801 - a decorator, as property is
    """A method that describes an exchange becomes a method that has it.

    On a ModuleClient it returns what the exchange comes to, on an AsyncModuleClient it is awaited.
    """

    def __init__(self, describe: Callable[Concatenate[Any, P], Exchange[T]]) -> None:
        @wraps(describe)
        def blocking(client: ModuleClient, *args: P.args, **kwargs: P.kwargs) -> T:
            return client.perform(describe(client, *args, **kwargs))

        @wraps(describe)
        async def awaited(client: AsyncModuleClient, *args: P.args, **kwargs: P.kwargs) -> T:
            return await client.perform(describe(client, *args, **kwargs))

        self.__doc__ = describe.__doc__
        self._blocking, self._awaited = blocking, awaited

    @overload
    def __get__(self, client: ModuleClient, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: AsyncModuleClient, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, client: None, owner: type) -> Callable[..., Any]: ...

    def __get__(self, client: object, owner: type) -> Callable[..., Any]:
        function = self._awaited if issubclass(owner, AsyncModuleClient) else self._blocking
        return function if client is None else MethodType(function, client)
