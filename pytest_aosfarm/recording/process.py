"""The process that owns the database of a run, as the controller sees it: it is started, told, asked, and outlived.

So no thread, no connection and no library of a database is ever in the process that runs the tests.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from select import POLLIN, POLLOUT, poll
from subprocess import DEVNULL, Popen, TimeoutExpired
from time import monotonic  # as it is now: a test may replace it in the module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("DatabaseProcess", "MistakeError", "OtherRun", "launch")

PROGRAM = """\
import os, sys
os.fork() and os._exit(0)
sys.path.insert(0, sys.argv[1])
import pytest_aosfarm
del sys.path[0]
from pytest_aosfarm.recording.serving import main
main()
"""
"""It leaves its parent at once: a test may wait for all children of its process. And it finds this very package."""

MOST_STARTS = 3
"""So often the process is started in one run, should somebody kill it."""

START_SECONDS = 5.0
"""How long the start may take, which is over before the first test."""

CLOSING_SECONDS = 1.0
"""How long its end is waited for: it may be in the middle of a batch."""

HELD_BYTES = 8 << 20
"""More than this is not kept in memory for it."""

_CHUNK = 1 << 16
_NOW = socket.MSG_DONTWAIT
_QUIETLY = _NOW | getattr(socket, "MSG_NOSIGNAL", 0)
"""A suite may let the signal of a broken pipe end its process."""


class OtherRun(NamedTuple):
    """A run whose process had died, and what it was found to have come to."""

    id: int
    status: str


class MistakeError(Exception):
    """An error of ours in the other process, in its own words; `trace` is the traceback."""

    def __init__(self, text: str, trace: str) -> None:
        super().__init__(text)
        self.trace = trace


def launch(end: int, spool: int | None, environment: Mapping[str, str] | None) -> Popen[bytes]:
    """Start the process with its end of the socket, and the spool to read; what is returned ends at once. Raises OSError.

    It is alone in its session: Ctrl-C is not meant for it, nor does it end with a terminal. Neither site-packages nor
    the current directory are looked at before it has been told where the controller finds its modules.
    """
    command = [sys.executable, "-S", "-P", "-W", "ignore", "-c", PROGRAM, str(Path(__file__).parents[2])]
    return Popen(  # noqa: S603 - our own program
        command, stdin=DEVNULL if spool is None else spool, stdout=end, stderr=end, env=environment, start_new_session=True
    )  # fmt: skip


class DatabaseProcess:
    """Tells the process what to do and hears what became of it; never waits but where it says so, and never raises.

    `run_id`, `loss`, `recovered` and `complete` are what it said last, `problem` why it cannot do its work, `mistake` an
    error of ours that it met. Everything it is told is kept, as far as memory may hold it, for another process that has
    to take its place.
    """

    def __init__(
        self, first: Mapping[str, object], *, spool: int | None, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start it. `first` is its first order; `spool` a file descriptor of the spool that it reads."""
        self.run_id: int | None = None
        self.problem: str | None = None
        self.loss: str | None = None
        self.mistake: MistakeError | None = None
        self.recovered: list[OtherRun] = []
        self.complete = False
        self._first = f"{json.dumps(first)}\n".encode("ascii")
        self._spool = spool
        self._environment = environment
        self._socket: socket.socket | None = None
        self._parent: Popen[bytes] | None = None
        self._starts = 0
        self._told = bytearray()
        self._sent = 0
        self._forgotten = self._closing = False
        self._heard = b""
        self._last_words = ""
        self._number = self._answered = 0
        self._found: Any = None
        self._start()

    def tell(self, line: bytes) -> None:
        """Give it an event that is in no spool, as a line."""
        self._say(line)

    def finish(self, size: int, seconds: float) -> bool:
        """Wait until the database holds everything, or cannot be reached, but no longer than this; whether it answered.

        `size` is how much of the spool is whole.
        """
        return self._wait_for({"size": size}, "finish", seconds)

    def ask(self, seconds: float) -> Any:
        """What the question finds; None when it finds nothing, fails, or takes longer than this."""
        return self._found if self._wait_for({}, "ask", seconds) else None

    def look(self) -> None:
        """Take in what it has said; if it has ended, start another one."""
        while self._socket is not None:
            try:
                said = self._socket.recv(_CHUNK, _NOW)
            except BlockingIOError:
                return
            except OSError:
                said = b""
            if not said:
                self._replace()
                return
            *lines, self._heard = (self._heard + said).split(b"\n")
            for line in lines:
                self._hear(line)

    def settle(self) -> None:
        """See the start through, so that no child of the controller's is left for a test to find."""
        if self._parent is not None:
            try:
                self._parent.wait(START_SECONDS)
            except TimeoutExpired:
                return
            self._parent = None

    def close(self) -> None:
        """Let it end, and wait a moment until it has let go of the database."""
        self.settle()
        if self._socket is None:
            return
        self._closing = True
        self._say(b'{"close":true}')
        until = monotonic() + CLOSING_SECONDS
        while self._socket is not None and self._wait(until):
            self.look()
        self.forget()

    def forget(self) -> None:
        """Let go of it without a word, in a child that a test has forked: it is the parent's."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._parent = None

    def _start(self) -> None:
        self._starts += 1
        self._sent, self._heard = -len(self._first), b""
        try:
            ours, theirs = socket.socketpair()
            with theirs:
                self._socket = ours
                self._parent = launch(theirs.fileno(), self._spool, self._environment)
        except (OSError, ValueError) as problem:
            self.problem = f"no process that writes to the database could be started: {problem}"
            self.forget()
        self._push()

    def _replace(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        said = f": {self._last_words}" if self._last_words else ""
        if self._closing:
            return
        if self._forgotten:
            self.loss = f"the process that writes to the database has ended{said}, and there was no spool for another one"
        elif self._starts < MOST_STARTS:
            self.settle()
            self._start()
            self.settle()
        else:
            self.problem = f"the process that writes to the database has ended{said}"

    def _say(self, line: bytes) -> None:
        if self._socket is None:
            return
        self._told += line + b"\n"
        self._push()
        if len(self._told) > HELD_BYTES and self._sent > 0:
            del self._told[: self._sent]
            self._sent, self._forgotten = 0, True
        if len(self._told) > HELD_BYTES:
            del self._told[-len(line) - 1 :]
            self.loss = "more results than memory may hold, without a spool and a process that takes them"

    def _push(self) -> None:
        """Send as much as it takes now; that it has ended is heard elsewhere."""
        try:
            while self._socket is not None and self._sent < len(self._told):
                unsent = self._first[self._sent :] if self._sent < 0 else self._told[self._sent : self._sent + _CHUNK]
                self._sent += self._socket.send(unsent, _QUIETLY)
        except OSError:
            return

    def _hear(self, line: bytes) -> None:
        try:
            answer = json.loads(line)
            number = answer["answer"]
        except (ValueError, TypeError, LookupError):
            self._last_words = line.decode("utf-8", "replace").strip() or self._last_words
            return
        self._answered, self._found = number, answer["found"]
        self.run_id, self.problem, self.loss = answer["run_id"], answer["problem"], self.loss or answer["loss"]
        self.complete = answer["complete"] and self.loss is None
        self.recovered = [OtherRun(*one) for one in answer["recovered"]]
        if answer["mistake"] is not None:
            self.mistake = MistakeError(*answer["mistake"])

    def _wait_for(self, order: dict[str, object], name: str, seconds: float) -> bool:
        self._number += 1
        until = monotonic() + seconds
        self._say(json.dumps({name: self._number, **order}).encode("ascii"))
        while self._socket is not None and self._answered < self._number and self._wait(until):
            self.look()
        return self._answered >= self._number

    def _wait(self, until: float) -> bool:
        """Until something can be sent or heard; False when the time is over."""
        left = until - monotonic()
        if self._socket is None or left <= 0:
            return False
        ready = poll()
        ready.register(self._socket, POLLIN | (POLLOUT if self._sent < len(self._told) else 0))
        if not ready.poll(left * 1000):
            return False
        self._push()
        return True
