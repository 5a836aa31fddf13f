"""What answers below a client: a mock in this process, or whatever listens at a real socket."""

from __future__ import annotations

from typing import Any, Literal

__all__ = ("what_is_below",)

_CLIENTS = {"httpx", "httpx2"}
_IN_PROCESS = {"ASGITransport", "MockTransport", "WSGITransport"}
_OVER_SOCKETS = {"AsyncHTTPTransport", "HTTPTransport"}
_MOCKING = {"pytest_httpx", "respx"}
_METHODS = ("handle_request", "handle_async_request")


def what_is_below(transport: object) -> Literal["mock", "socket"]:
    """Whether a transport of httpx answers without any socket; what is not known is taken for a socket.

    respx and pytest-httpx put themselves in place of methods of httpx and httpcore, so that a transport made for sockets
    has none below. Whether they let single requests pass is not looked at.
    """
    for kind in type(transport).__mro__:
        if _package(kind) == "respx":  # TryTransport, which respx puts around a client's own
            parts: list[object] = getattr(transport, "transports", [])
            return "mock" if any(what_is_below(part) == "mock" for part in parts) else "socket"
        if _package(kind) in _CLIENTS and kind.__name__ in _IN_PROCESS:
            return "mock"
        if _package(kind) in _CLIENTS and kind.__name__ in _OVER_SOCKETS:
            pool = type(getattr(transport, "_pool", None))
            return "mock" if _is_mocked(kind) or _is_mocked(pool) else "socket"
    return "socket"


def _is_mocked(kind: type) -> bool:
    return any(_package(getattr(kind, method, None)) in _MOCKING for method in _METHODS)


def _package(thing: Any) -> str:
    """The package that a class or a function is from."""
    return str(getattr(thing, "__module__", "")).partition(".")[0]
