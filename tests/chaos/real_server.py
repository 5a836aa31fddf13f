"""A real server on loopback that misbehaves as told, byte by byte and in threads of its own."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ("Connection", "answering", "deaf", "full", "serving")

BODY = b'{"id": 7, "name": "seven", "items": [{"id": 1}, {"id": 2}]}'
HEAD = b"HTTP/1.1 200 OK\r\nserver: real\r\ncontent-type: application/json\r\n"
SELF_SIGNED = Path(__file__).with_name("self_signed.pem")


class Connection:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, stopped: threading.Event) -> None:
        self._sock = sock
        self._stopped = stopped

    def read_request(self) -> None:
        """Read a request, with its body if it says how long that is."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._some()
        head, _, body = data.partition(b"\r\n\r\n")
        length = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        while length and len(body) < length[0]:
            body += self._some()

    def _some(self) -> bytes:
        got = self._sock.recv(65536)
        if not got:
            raise ConnectionAbortedError("the client has gone")
        return got

    def read_a_little(self) -> None:
        """Read the beginning of a request."""
        self._some()

    def send(self, *data: bytes) -> None:
        """Send at once."""
        self._sock.sendall(b"".join(data))

    def wait(self, seconds: float = 60) -> None:
        """Do nothing, until the test is over at the latest."""
        self._stopped.wait(seconds)

    def reset(self) -> None:
        """Close with RST."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def handshake(self) -> None:
        """Speak TLS, with a certificate that nobody vouches for."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(SELF_SIGNED)
        self._sock = context.wrap_socket(self._sock, server_side=True)

    def close(self) -> None:
        """Close, if it is open."""
        self._sock.close()


@contextmanager
def serving(handler: Callable[[Connection], object]) -> Iterator[int]:
    """The port at which `handler` is called with every connection, which is closed afterwards."""
    stopped = threading.Event()
    threads: list[threading.Thread] = []

    def handle(sock: socket.socket) -> None:
        connection = Connection(sock, stopped)
        with suppress(OSError):  # the client may go first
            handler(connection)
        connection.close()

    def accept() -> None:
        while not stopped.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.settimeout(10)
            threads.append(threading.Thread(target=handle, args=(sock,)))
            threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stopped.set()
            listener.shutdown(socket.SHUT_RDWR)  # wakes up accept; closing alone does not
            accepting.join()
            for thread in threads:
                thread.join()


def answering(*data: bytes, then: Callable[[Connection], object] | None = None) -> Callable[[Connection], None]:
    """A handler that reads the request, sends this, and does that."""

    def handler(connection: Connection) -> None:
        connection.read_request()
        if data:
            connection.send(*data)
        if then is not None:
            then(connection)

    return handler


@contextmanager
def deaf() -> Iterator[int]:
    """A port at which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # it stays taken, so nobody else begins to listen there
        yield sock.getsockname()[1]


@contextmanager
def full() -> Iterator[int]:
    """A port at which connections are neither made nor refused: its queue is full, and nobody accepts."""
    waiting = []
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            with suppress(BlockingIOError):
                sock.connect(listener.getsockname())
            waiting.append(sock)
        try:
            yield listener.getsockname()[1]
        finally:
            for sock in waiting:
                sock.close()
