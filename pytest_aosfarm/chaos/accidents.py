"""What breaks a connection, as httpcore raises it over a real one: without async, and with it.

Each is an exception of httpcore whose context is what the socket, ssl or anyio said. `tests/chaos` compares
them with real sockets.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
from typing import TYPE_CHECKING

import anyio
import httpcore

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("accident",)


def accident(name: str, *, in_async: bool) -> Exception:
    """A new exception for the accident of this name: a key of the table below, or `proxy` and what the proxy said."""
    if name.startswith("proxy "):
        return httpcore.ProxyError(name.removeprefix("proxy "))
    error, *roots = _KNOWN[name]
    root = roots[in_async]
    if root is None:
        return error()
    cause = root()
    raised = error(cause)
    raised.__context__ = cause  # and no cause: httpcore's pool of connections raises `from None` what comes up to it
    return raised


def _errno(number: int) -> OSError:
    return OSError(number, os.strerror(number))  # of the class that goes with the number


def _refused() -> Exception:
    return _errno(errno.ECONNREFUSED)


def _all_refused() -> Exception:
    failed = OSError("All connection attempts failed")
    failed.__cause__ = _errno(errno.ECONNREFUSED)
    return failed


def _unknown_name() -> Exception:
    return socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def _unknown_certificate() -> Exception:
    said = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1006)"
    return ssl.SSLCertVerificationError(ssl.SSL_ERROR_SSL, said)


def _no_tls() -> Exception:
    return ssl.SSLError(ssl.SSL_ERROR_SSL, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)")


def _late() -> Exception:
    return TimeoutError("timed out")


def _reset() -> Exception:
    return _errno(errno.ECONNRESET)


def _broken() -> Exception:
    broken = anyio.BrokenResourceError()
    broken.__cause__ = _reset()
    return broken


_KNOWN: dict[str, tuple[type[Exception], Callable[[], Exception] | None, Callable[[], Exception] | None]] = {
    "refused": (httpcore.ConnectError, _refused, _all_refused),
    "name_not_found": (httpcore.ConnectError, _unknown_name, _unknown_name),
    "connect_timeout": (httpcore.ConnectTimeout, _late, TimeoutError),
    "pool_timeout": (httpcore.PoolTimeout, None, TimeoutError),
    "write_timeout": (httpcore.WriteTimeout, _late, TimeoutError),
    "read_timeout": (httpcore.ReadTimeout, _late, TimeoutError),
    "tls_certificate": (httpcore.ConnectError, _unknown_certificate, _unknown_certificate),
    "tls_protocol": (httpcore.ConnectError, _no_tls, _no_tls),
    "reset": (httpcore.ReadError, _reset, _broken),
    "reset_upload": (httpcore.WriteError, _reset, _broken),
}
"""Name -> what httpcore raises, and what that comes up in without async, and with it (None: in nothing)."""
