"""Serve a twin in the foreground, in this process."""

from __future__ import annotations

import gc
import os
import socket
import threading
from typing import TYPE_CHECKING

from pytest_aosfarm.errors import TwinError
from pytest_aosfarm.twins.twin import find, healthy_or_known

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("bind", "defects", "serve", "serve_socket")

HOST = "127.0.0.1"
BACKLOG = 128


def defects(name: str) -> Mapping[str, str]:
    """The defects of module `name`'s twin: name -> one line; raises ConfigurationError for an unknown module."""
    return find(name).defects()


def bind(port: int = 0) -> socket.socket:
    """A socket that listens on the loopback: from here on clients may connect, and are served when the twin is up.

    `port` 0 takes a free one. Raises TwinError if the port is taken or not allowed.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise TwinError(f"cannot listen on {HOST}:{port}: {error}; --port 0 takes a free port") from error
    return listener


def serve(name: str, *, port: int = 0, defect: str | None = None) -> int:
    """Serve the twin of `name` until Ctrl-C or SIGTERM; its URL is line 1 of standard output once it answers.

    Standard input is not looked at: started by hand, in the background or with `</dev/null`, it stays up. Raises
    ConfigurationError for an unknown name or defect, TwinError if the port cannot be had.
    """
    healthy_or_known(name, defect)
    with bind(port) as listener:
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        serve_socket(name, listener, defect=defect, announce=url)
    return 0


def serve_socket(
    name: str,
    listener: socket.socket,
    *,
    defect: str | None = None,
    announce: str | None = None,
    until_stdin_closes: bool = False,
) -> None:
    """Serve the twin of `name` on `listener`, which is bound already.

    `announce` is printed once the twin answers. With `until_stdin_closes` the process exits, at once and without
    clean-up, when its standard input ends: whoever started it holds the other end, so it cannot outlive them.
    """
    import uvicorn

    # A big snapshot is a million objects without a cycle: at the default threshold, looking for cycles among them
    # takes longer than the discovery.
    gc.set_threshold(500_000, 10, 10)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if announce is not None:
                print(announce, flush=True)  # noqa: T201 - the URL on line 1 is what a caller reads

    if until_stdin_closes:
        threading.Thread(target=_exit_when_stdin_closes, name="stdin", daemon=True).start()
    config = uvicorn.Config(
        healthy_or_known(name, defect).build(defect),
        log_level="warning",
        access_log=False,
        lifespan="off",
        loop="asyncio",
        http="h11",
        ws="none",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )
    try:
        Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        return


def _exit_when_stdin_closes() -> None:
    # os.read, not sys.stdin: a daemon thread inside a buffered read would abort an orderly interpreter exit.
    while os.read(0, 4096):
        pass
    os._exit(0)
