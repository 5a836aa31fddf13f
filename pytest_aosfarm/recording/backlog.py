"""What waits for the database: the newest events in memory, older ones in the spool, from where they are read back."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_aosfarm.recording.columns import run_columns
from pytest_aosfarm.recording.events import AttemptFinished, ErrorSeen, Event, RunFinished
from pytest_aosfarm.recording.spool import read_spool
from pytest_aosfarm.recording.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_aosfarm.recording.events import RunStarted

__all__ = ("Backlog", "Batch")

HELD_EVENTS = 5_000
HELD_BYTES = 8 << 20
"""More than this is not kept in memory while the spool has it."""

UNSPOOLED_EVENTS = 50_000
"""More than this is not kept in memory even when there is no spool."""

READ_BACK_EVENTS = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that lie between two offsets of the spool, and the columns of the run that go with them.

    `columns` is None when later events wait in the spool: they are counted already, but not in the batch.
    `errors_before` is how many of the events before the batch were errors, `size` what it takes of the memory.
    """

    events: list[Event]
    start: int
    end: int
    columns: Mapping[str, object] | None
    errors_before: int
    size: int = 0


class Backlog:
    """Takes the events of one thread and gives them in batches to another; sums them up on the way.

    Memory stays flat however long nobody fetches a batch. `loss` says what could not be kept for the database.
    """

    def __init__(self, started: RunStarted, spool: Path | None) -> None:
        self.tally = Tally()
        self.finished: RunFinished | None = None
        self.loss: str | None = None
        self._started = started
        self._spool = spool
        self._lock = threading.Lock()
        self._held: list[Event] = []
        self._held_from = self._taken = self._confirmed = 0
        self._held_bytes = 0
        self._errors = 0
        self._unspooled = self._irretrievable = False
        self._given: Batch | None = None

    def add(self, event: Event, start: int, end: int) -> int:
        """Take an event that lies between these offsets of the spool (equal: it is not in it); how many wait now."""
        with self._lock:
            if start > self._taken and self._spool is not None:
                # Ctrl-C came when an event was in the spool and not yet here.
                for missed, offset in read_spool(self._spool, self._taken, start):
                    if missed is not None:
                        self._take(missed, offset)
            self._take(event, end)
            return len(self._held)

    def fetch(self, *, anyway: bool) -> Batch | None:
        """The next batch, to be confirmed or put back before another is fetched; None when nothing waits.

        With `anyway` there is always one, if need be without events. The columns are those of a run that has taken
        exactly the events up to this batch.
        """
        with self._lock:
            start, end = self._confirmed, self._held_from
            if start >= end:
                if not (self._held or anyway):
                    return None
                columns = run_columns(self._started, self.tally, self.finished)
                self._given = Batch(self._held, start, self._taken, columns, self._errors, self._held_bytes)
                self._held, self._held_from, self._held_bytes = [], self._taken, 0
                return self._given
        self._given = self._read_back(start, end)
        return self._given

    def confirm(self) -> None:
        """The database holds the batch that was given last."""
        with self._lock:
            if self._given is not None:
                self._confirmed = self._given.end
                self._errors += sum(isinstance(event, ErrorSeen) for event in self._given.events)
                self._irretrievable |= self._unspooled and any(map(_is_kept, self._given.events))
            self._given = None

    def put_back(self) -> None:
        """The database refused the batch that was given last."""
        with self._lock:
            if self._given is not None and self._given.columns is not None:
                self._held[:0] = self._given.events
                self._held_from = self._given.start
                self._held_bytes += self._given.size
                self._trim()
            self._given = None

    def start_again(self) -> None:
        """The database is another one, which holds nothing of this run: give everything once more."""
        with self._lock:
            if self._irretrievable:
                self.loss = "the database was replaced, and not all results are in the spool"
            self._confirmed = self._errors = 0

    @property
    def empty(self) -> bool:
        """Whether the database has confirmed everything."""
        with self._lock:
            return not self._held and self._given is None and self._confirmed == self._taken

    def _take(self, event: Event, end: int) -> None:
        if not self._held:
            self._held_from = self._taken
        self._held.append(event)
        self.tally.add(event)
        if isinstance(event, RunFinished):
            self.finished = event
        self._unspooled |= end == self._taken
        self._held_bytes += end - self._taken or _outputs_of(event)
        self._taken = end
        self._trim()

    def _trim(self) -> None:
        too_much = self._held_bytes > HELD_BYTES
        if not self._unspooled:
            if too_much or len(self._held) > HELD_EVENTS:
                self._held, self._held_from, self._held_bytes = [], self._taken, 0
            return
        if too_much:
            self._held = [_without_outputs(event) for event in self._held]
            self._held_bytes = 0
        if len(self._held) > UNSPOOLED_EVENTS:
            del self._held[UNSPOOLED_EVENTS:]
            self.loss = "more results than memory may hold, without a spool or a database"

    def _read_back(self, start: int, end: int) -> Batch:
        events: list[Event] = []
        offset = start
        try:
            if self._spool is not None:
                for event, offset in read_spool(self._spool, start, end):  # noqa: B007 - needed after the loop
                    if event is not None:
                        events.append(event)
                    if len(events) >= READ_BACK_EVENTS:
                        break
        except OSError as problem:
            self.loss = f"results could not be read back from the spool: {problem}"
        if offset == start:
            # Somebody cut or took away the file; what is not there cannot be waited for.
            self.loss = self.loss or "results could not be read back from the spool: it has become shorter"
            offset = end
        return Batch(events, start, offset, None, self._errors)


def _is_kept(event: Event) -> bool:
    return isinstance(event, AttemptFinished | ErrorSeen)


def _without_outputs(event: Event) -> Event:
    return replace(event, outputs={}) if isinstance(event, AttemptFinished) and event.outputs else event


def _outputs_of(event: Event) -> int:
    return sum(map(len, event.outputs.values())) if isinstance(event, AttemptFinished) else 0
