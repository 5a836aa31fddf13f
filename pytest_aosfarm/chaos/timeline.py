"""One line of virtual time that threads and event loops wait on: it jumps to what is due next when nobody does anything."""

from __future__ import annotations

import math
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ("GRACE_SECONDS", "Job", "Timeline", "Waiter")

GRACE_SECONDS = 0.01
"""How long a thread that makes calls may do something else before time goes on without it, in real seconds."""

T = TypeVar("T")

_disturbed: ContextVar[tuple[Timeline, bool] | None] = ContextVar("_disturbed", default=None)

_thread = threading.local()


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Waiter:
    """Who waits until `due` (nanoseconds of the line).

    Called with the lock held: `gone` when it no longer waits, `look` when no work is left and it may be able to jump.
    """

    due: float
    gone: Callable[[], None]
    look: Callable[[], None] = _nothing


class Timeline:
    """Nanoseconds that were skipped (`jumped`), and those that were really waited for real work (`flowed`).

    The threads that take part are the one that made the line and those that make calls. Time jumps to the earliest of what
    they wait for, and only when all of them wait; one that does something else for `GRACE_SECONDS` is not counted any more,
    until it waits or calls again. While real work is under way nothing jumps, and time goes by as it really does.
    """

    def __init__(self) -> None:
        self.jumped = 0
        self.refused: str | None = None
        self.changed = threading.Condition()
        self.waiting: dict[threading.Thread, Waiter] = {}
        self._delays = self._flowed = self._working = self._working_since = 0
        self._sockets = self._shaken = False
        self._here = {threading.current_thread()}
        self._away: set[threading.Thread] = set()

    # Who sleeps in virtual time, and when.

    def take_part(self) -> None:
        """Count the current thread in."""
        me = threading.current_thread()
        if me not in self._here or me in self._away:
            with self.changed:
                self._here.add(me)
                self._away.discard(me)

    def takes_part(self) -> bool:
        """Whether the current thread is counted in, or works for a loop that is."""
        return threading.current_thread() in self._here

    def leave(self) -> None:
        """Count the current thread out."""
        with self.changed:
            self._here.discard(threading.current_thread())
            self.changed.notify_all()

    def skips_sleeps(self) -> bool:
        """Whether a sleep of the code under test, here and now, is virtual: not after a real answer, as it may be a poll."""
        if self.refused is not None or not self.takes_part():
            return False
        if not self._sockets:
            return True
        mine = _disturbed.get()
        return mine[1] if mine is not None and mine[0] is self else self._shaken

    def jumps(self) -> bool:
        """Whether a loop with nothing to do may jump."""
        return self._delays > 0 or (self.refused is None and (not self._sockets or self._shaken))

    def answered(self, *, disturbed: bool) -> None:
        """Note what the last call of this task (thread), and of all, came to."""
        self._shaken = disturbed
        _disturbed.set((self, disturbed))

    @contextmanager
    def delay(self) -> Iterator[None]:
        """Have loops jump, whatever was called last: somebody waits in virtual time."""
        with self.changed:
            self._delays += 1
        try:
            yield
        finally:
            with self.changed:
                self._delays -= 1

    # Time.

    def now(self) -> int:
        """Nanoseconds of this line."""
        flowing = monotonic_ns() - self._working_since if self._working else 0
        return self.jumped + self._flowed + flowing

    def flow(self, nanoseconds: int) -> None:
        """Let time go by as it really did."""
        with self.changed:
            self._flowed += nanoseconds

    def work_begins(self) -> None:
        """Begin real work: until it ends, nothing jumps."""
        with self.changed:
            if not self._working:
                self._working_since = monotonic_ns()
            self._working += 1

    def work_ends(self) -> None:
        """End real work."""
        with self.changed:
            self._working -= 1
            if not self._working:
                self._flowed += monotonic_ns() - self._working_since
                self.changed.notify_all()
                for waiter in self.waiting.values():
                    waiter.look()

    def io_begins(self) -> None:
        """Begin a real call."""
        self._sockets = True
        self.work_begins()

    # Waiting.

    def sleep(self, nanoseconds: int) -> None:
        """Wait in the current thread."""
        job: Job | None = getattr(_thread, "job", None)
        with self.changed:
            self.take_part()
            if job is None and not self._working and not self.waiting and not self.busy():
                self.jumped += nanoseconds
                return
            due = self.now() + nanoseconds
            if job is not None:
                job.pause()
            with self.registered(Waiter(due, _nothing if job is None else job.resume)):
                self.changed.notify_all()
                while (left := due - self.now()) > 0:
                    if self._working:
                        self.changed.wait(left / 1e9)
                    elif not (busy := self.busy()):
                        self.jump()
                    elif not self.changed.wait(GRACE_SECONDS):
                        self.give_up(busy)

    @contextmanager
    def registered(self, waiter: Waiter) -> Iterator[None]:
        """Have the current thread among those that wait; take the lock for the rest."""
        me = threading.current_thread()
        with self.changed:
            self.waiting[me] = waiter
        try:
            yield
        finally:
            with self.changed:
                if self.waiting.get(me) is waiter:
                    del self.waiting[me]
                    waiter.gone()

    def busy(self) -> set[threading.Thread]:
        """Those that take part and neither wait nor were given up; the lock is held."""
        if len(self._here) == 1:
            return self._here - self.waiting.keys() - {threading.current_thread()} - self._away
        self._here = {one for one in self._here if one.is_alive()}
        return self._here - self.waiting.keys() - {threading.current_thread()} - self._away

    def give_up(self, threads: set[threading.Thread]) -> None:
        """Go on without these threads; the lock is held."""
        self._away |= threads & self.busy()

    def works(self) -> bool:
        """Whether real work is under way; the lock is held."""
        return self._working > 0

    def jump(self) -> bool:
        """Go to what is due next and let go who waits for it; False if nobody waits for a time. The lock is held."""
        first = min((waiter.due for waiter in self.waiting.values()), default=math.inf)
        if first == math.inf:
            return False
        now = max(self.now(), int(first))
        self.jumped += now - self.now()
        for thread, waiter in list(self.waiting.items()):
            if waiter.due <= now:
                del self.waiting[thread]
                waiter.gone()
        self.changed.notify_all()
        return True


class Job:
    """What a loop has another thread do: real work while it runs, and none while it sleeps in virtual time."""

    def __init__(self, line: Timeline) -> None:
        self._line = line
        self._counted = self._ended = False
        self.resume()

    def run(self, function: Callable[..., T], *args: Any) -> T:
        """Call the function in the current thread."""
        _thread.job = self
        self._line.take_part()
        try:
            return function(*args)
        finally:
            self._line.leave()
            _thread.job = None

    def pause(self) -> None:
        """Be no work for now."""
        with self._line.changed:
            if self._counted:
                self._counted = False
                self._line.work_ends()

    def resume(self) -> None:
        """Be work again."""
        with self._line.changed:
            if not self._ended:
                self._counted = True
                self._line.work_begins()

    def end(self) -> None:
        """Be no work from now on: nobody waits for it."""
        with self._line.changed:
            self._ended = True
            self.pause()
