"""The process that owns the database of a run: reads on in the spool that the controller writes, and brings it there.

Its standard input is the spool, its standard output a socket. Orders come from there as lines of JSON, and so do the
events that the spool could not take; answers go back. It loads what the controller is to be spared.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
import traceback
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.recording.backlog import Backlog
from pytest_aosfarm.recording.events import RunCollected, RunStarted, decode
from pytest_aosfarm.recording.flusher import BEAT_SECONDS, Flusher
from pytest_aosfarm.recording.location import Database
from pytest_aosfarm.recording.owner import is_alive, owner_of
from pytest_aosfarm.recording.spool import SpoolReader
from pytest_aosfarm.recording.tidy import Tidy

if TYPE_CHECKING:
    from pytest_aosfarm.recording.events import Event

__all__ = ("main", "serve")

BATCH_EVENTS = 1_000
"""The database is given so many at a time, or what there is after a second."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 0.5
"""Seconds between two looks into the spool; while nothing comes, each pause is twice the one before."""

LINGER_SECONDS = 10.0
"""When the controller is gone: how long a database may take for what the spool still holds."""

_DEAF_TO = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""What ends the controller is no business of this process: it sees the end of the socket."""

_GARBAGE = (100_000, 50, 100)
"""What is loaded stays; to look through it every few hundred objects takes a tenth of the start."""

_NICE = 5
"""The tests come first."""


def main() -> None:
    """All that the process does. It ends without taking anything apart, which would take longer than its work."""
    try:
        for one in _DEAF_TO:
            signal.signal(one, signal.SIG_IGN)
        gc.set_threshold(*_GARBAGE)
        with suppress(OSError):
            os.nice(_NICE)
        serve(1, 0)
    except BaseException:  # noqa: BLE001 - its last words go to the controller
        traceback.print_exc()
    finally:
        os._exit(0)


def serve(controller: int, spool: int) -> None:
    """Do what the controller at the other end of the socket says, until it lets go of it.

    The first order holds `started`, the first event as a line; `database`, the fields of a Database; `spool`, the path of
    the spool, or None when there is none; `path`, where modules are looked for; and the `question` that will be asked.
    """
    orders = _Orders(controller)
    while not (lines := orders.wait(None)):
        if orders.ended:
            return
    first, *rest = lines
    service = _Service(json.loads(first), controller, spool)
    service.run(orders, rest)


class _Orders:
    """Lines that come through a socket."""

    def __init__(self, socket: int) -> None:
        self.ended = False
        self._socket = socket
        self._poll = select.poll()
        self._poll.register(socket, select.POLLIN)
        self._torn = b""

    def wait(self, seconds: float | None) -> list[bytes]:
        """The lines that have come, after at most so many seconds."""
        if not self._poll.poll(None if seconds is None else seconds * 1000):
            return []
        try:
            said = os.read(self._socket, 1 << 16)
        except ConnectionError:
            said = b""
        self.ended = not said
        *lines, self._torn = (self._torn + said).split(b"\n")
        return lines


class _Service:
    """One run on its way to its database."""

    def __init__(self, first: dict[str, Any], controller: int, spool: int) -> None:
        sys.path += [place for place in first["path"] if place not in sys.path]
        started = decode(first["started"])
        assert isinstance(started, RunStarted)
        path = first["spool"] and Path(first["spool"])
        place = first["database"]["path"]
        database = Database(place and Path(place), first["database"]["url"])
        self._controller = controller
        self._owner = owner_of(partial(getattr, started))
        self._reader = SpoolReader(spool) if path else None
        self._backlog = Backlog(started, Path(f"/dev/fd/{spool}") if path else None)
        self._tidy = Tidy(path.parent, database, self._backlog) if path else None
        self._flusher = Flusher(database, started, self._backlog, self._tidy, self._answer, question=first["question"])
        self._closed = False

    def run(self, orders: _Orders, lines: list[bytes]) -> None:
        """Take what comes until nothing can come any more, and then see to it that it is written."""
        pause, alive_at = FIRST_PAUSE, monotonic() + BEAT_SECONDS
        while True:
            for line in lines:
                self._take(json.loads(line), line)
            pause = FIRST_PAUSE if self._read_on() else min(2 * pause, LONGEST_PAUSE)
            if self._closed or orders.ended:
                break
            if monotonic() > alive_at:
                if not self._has_controller():
                    break
                alive_at += BEAT_SECONDS
            lines = orders.wait(pause)
        if not self._closed:
            self._flusher.outlive(LINGER_SECONDS)
        self._flusher.close(LINGER_SECONDS)

    def _take(self, order: dict[str, Any], line: bytes) -> None:
        if "event" in order:
            self._read_on()
            self._add(decode(line.decode("ascii")))
        elif "finish" in order:
            self._read_on()
            if self._reader is not None and self._reader.offset < order["size"]:
                self._backlog.loss = "the spool has become shorter, and not all results could be read"
            self._flusher.finish(order["finish"])
        elif "ask" in order:
            self._flusher.ask(order["ask"])
        else:
            self._closed = True

    def _read_on(self) -> bool:
        """Take what the spool has had since the last time; whether that was anything."""
        if self._reader is None:
            return False
        before = self._reader.offset
        for event, start, end in self._reader.news():
            self._add(event, start, end)
        return self._reader.offset > before

    def _add(self, event: Event, start: int | None = None, end: int | None = None) -> None:
        at = 0 if self._reader is None else self._reader.offset
        waiting = self._backlog.add(event, at if start is None else start, at if end is None else end)
        # That tests are under way is told at once.
        if waiting % BATCH_EVENTS == 0 or isinstance(event, RunCollected):
            self._flusher.wake()

    def _has_controller(self) -> bool:
        """False when it has died and a process that it forked keeps its end of the socket open."""
        return self._owner is None or is_alive(self._owner) is not False

    def _answer(self, number: int, found: object = None) -> None:
        flusher, backlog = self._flusher, self._backlog
        told = {
            "answer": number,
            "run_id": flusher.run_id,
            "problem": flusher.problem,
            "mistake": flusher.mistake and _told(flusher.mistake),
            "loss": backlog.loss,
            "complete": backlog.empty,
            "recovered": [[one.id, one.status] for one in self._tidy.recovered] if self._tidy else [],
            "found": found,
        }
        flusher.mistake = None
        line = memoryview(f"{json.dumps(told)}\n".encode("ascii"))
        with suppress(OSError):
            while line:
                line = line[os.write(self._controller, line) :]


def _told(mistake: Exception) -> list[str]:
    return [f"{type(mistake).__name__}: {mistake}", "".join(traceback.format_exception(mistake))]
