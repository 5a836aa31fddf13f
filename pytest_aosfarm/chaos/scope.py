"""What chaos knows of one attempt at one test: its rules, the calls it made, and what was decided for each."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import current_thread
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx

from pytest_aosfarm.chaos.below import what_is_below
from pytest_aosfarm.chaos.calls import CallKey, Note
from pytest_aosfarm.chaos.decide import Call, RuleInTest, decide, strike
from pytest_aosfarm.chaos.draws import rule_draws
from pytest_aosfarm.chaos.keys import digest_of, steady, wait_asked
from pytest_aosfarm.chaos.plan import Schedule
from pytest_aosfarm.errors import ChaosError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Callable, Collection, Iterator, Sequence

    from pytest_aosfarm.chaos.calls import CallRecord, Raw
    from pytest_aosfarm.chaos.clock import Clock
    from pytest_aosfarm.chaos.decide import ActiveRule
    from pytest_aosfarm.chaos.inject import Injection
    from pytest_aosfarm.chaos.plan import Plan

__all__ = ("Scope", "Surroundings", "lane")

MODULE, TENANT = "aosfarm.module", "aosfarm.tenant"
"""The request extensions in which a module client says who is called, and for whom."""

ASKS_TO_WAIT = {429, 503}
"""The statuses whose Retry-After says when to come back."""

SAFE_TO_REPEAT = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}
"""The methods whose calls need no idempotency key: RFC 9110, section 9.2.2."""

LARGEST_CACHED_BODY = 4096
MOST_CACHED = 10_000
"""Of a body, and of how many calls, it is remembered what they are called."""

BODILESS = {"GET", "HEAD"}
"""The methods whose requests have no body, as a rule; if one has, it does not tell calls apart that are only noted."""

lane: ContextVar[str] = ContextVar("aosfarm chaos lane", default="")
"""Tells apart calls that are made at the same time."""


class _Place:
    """All calls of one key: the latest, and the rules that may be meant."""

    __slots__ = ("key", "last", "ordinal", "rules", "task", "thread")

    def __init__(self, key: CallKey) -> None:
        self.key = key
        self.rules: list[RuleInTest] = []
        self.ordinal = 0
        self.last: Call | None = None
        self.thread: threading.Thread | None = None
        self.task: Task[Any] | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a scope is told of the world.

    `check` raises for an address that must not be called, `is_own` says whether the Farm itself has started what answers at
    one. `example` gives an object that is another one in every example of Hypothesis: each begins anew. `left_over` are the
    threads and tasks of earlier tests.
    """

    check: Callable[[httpx.URL], None] = lambda _: None
    is_own: Callable[[httpx.URL], bool] = lambda _: False
    example: Callable[[], object] | None = None
    left_over: Collection[object] = ()


class Scope:
    """One attempt at one test; threads may call at the same time.

    `sends` is how many calls the clients say they sent, `refused` how many of these went to an address that must not be
    called, and so are no calls. While `paused` is not 0, nothing is injected. With a `plan`, it alone decides.
    """

    def __init__(
        self,
        test: str,
        seed: int,
        rules: Sequence[ActiveRule],
        clock: Clock,
        *,
        plan: Plan | None = None,
        is_a_test: bool = True,
        around: Surroundings | None = None,
    ) -> None:
        self.test = test
        self.seed = seed
        self.clock = clock
        self.plan = plan
        self.is_quiet = False
        """Whether no rule can ever hit a call: then calls are only noted, with `note`."""
        self.is_a_test = is_a_test
        self._calls: list[Call] = []
        self._notes: list[Note] = []
        self._hosts: set[bytes] = set()
        self.sends = self.refused = self.paused = self._decided = 0
        around = around or Surroundings()
        self._check, self._is_own = around.check, around.is_own
        self._example, self._left_over = around.example, around.left_over
        self._in_example: object = None
        self._example_from = 0
        self.loops: set[AbstractEventLoop] = set()
        """The asyncio loops that calls came from."""
        self._watchers: list[Callable[[], None]] = []
        self._now = clock.recorded_us
        self._began = self._now()
        self._lock = threading.Lock()
        self._rules: list[RuleInTest] = []
        self._places: dict[CallKey, _Place] = {}
        self._seen: dict[tuple[object, ...], _Place] = {}
        self.set_rules(rules)

    def set_rules(self, rules: Sequence[ActiveRule]) -> None:
        """From now on these rules, the first that fires decides; those that stay have spent what they have spent."""
        with self._lock:
            self._name_all()
            known = {id(one.active): one for one in self._rules}
            self._rules = [known.get(id(active)) or RuleInTest(active, self.seed, self.test) for active in rules]
            self._seen.clear()
        self._see_whether_quiet()

    @contextmanager
    def watched(self, watcher: Callable[[], None]) -> Iterator[None]:
        """Have `watcher` called after each call within the block."""
        self._watchers.append(watcher)
        self._see_whether_quiet()
        try:
            yield
        finally:
            self._watchers.remove(watcher)
            self._see_whether_quiet()

    def _see_whether_quiet(self) -> None:
        idle = self.plan is None and self._example is None and not self._left_over and not self._watchers
        self.is_quiet = idle and all(one.rule.when.never for one in self._rules)

    @property
    def calls(self) -> list[Call]:
        """All calls, in order."""
        with self._lock:
            self._name_all()
        return self._calls

    @property
    def schedule(self) -> Schedule:
        """What was injected; in a test of Hypothesis, into the calls of the latest example."""
        return Schedule.of(self.test, self.seed, self.latest)

    @property
    def count(self) -> int:
        """How many calls there were."""
        return len(self._calls) + len(self._notes)

    @property
    def decided(self) -> int:
        """For how many calls a decision was made or a rule raised; of those only noted it was made beforehand."""
        return self._decided + len(self._notes) + sum(call.unruled for call in self._calls)

    @property
    def latest(self) -> list[Call]:
        """The calls; in a test of Hypothesis, those of the latest example."""
        return self.calls[self._example_from :]

    @property
    def log(self) -> str:
        """One line of JSON for every fault, in order of key and ordinal: the same wherever and in whatever order."""
        return "".join(map(_line, sorted(self.faults, key=lambda call: (call.key, call.ordinal))))

    @property
    def faults(self) -> list[Call]:
        """The calls that something was injected into."""
        return [record for record in self._calls if record.fault is not None]

    def begin(self, request: httpx.Request, label: str, task: Task[Any] | None = None) -> Call:
        """Decide one call, before it is sent; `label` is the module that the client stands for, "" for the host's name."""
        # Every call pays for this: benchmarks/chaos.py.
        raw = _raw(request, label, _body_of(request))
        thread = current_thread()
        with self._lock:
            now = self._now()
            if self._example is not None and (example := self._example()) is not self._in_example:
                self._in_example = example
                self._start_again(now)
            if self._notes:
                self._name_all()
            place = self._seen.get(raw) or self._look(raw, request)
            place.ordinal = ordinal = place.ordinal + 1
            calls = self._calls
            call = Call(len(calls) + 1, place.key, ordinal, now - self._began)
            calls.append(call)
            if request.method not in SAFE_TO_REPEAT:
                call.idempotency_key = "idempotency-key" in request.headers
            last = place.last
            if last is not None and (last.ended_us is None or place.thread is not thread or place.task is not task):
                self._mark_racy(place, last, call, thread, task)
            place.last, place.thread, place.task = call, thread, task
            if task is not None:
                self.loops.add(task.get_loop())
            if self._left_over and (thread in self._left_over or task in self._left_over):
                call.stray = True
            elif not self.paused:
                if self.plan is not None:
                    self._follow(self.plan, call)
                elif place.rules:
                    decide(place.rules, call, request, raw[-1])
            self._decided += 1
        return call

    def note(self, request: httpx.Request, label: str) -> Note | None:
        """Begin one call of a quiet scope; None if its body says what it is called, so that it cannot wait."""
        # What is kept is small, and refers to nothing of httpx's: fresh memory and its collection cost most of all.
        if request.method not in BODILESS:
            return None
        raw = _raw(request, label, b"")
        host = raw[3]
        if host not in self._hosts:
            self._ask_about(request.url)
            self._hosts.add(host)
        note = Note(raw, self._now())
        self._notes.append(note)
        return note

    def noted(self, note: Note, response: httpx.Response | None, error: BaseException | None = None) -> None:
        """Note the reply, or the exception."""
        note.ended = self._now()
        if response is None:
            note.error = type(error).__name__
            return
        note.status = response.status_code
        if note.status in ASKS_TO_WAIT:
            note.retry_after_us = wait_asked(response.headers)

    def _name_all(self) -> None:
        """Make calls of those that were only noted; with the lock held."""
        notes, self._notes = self._notes, []
        for note in notes:
            place = self._seen.get(note.raw) or self._name(note.raw)
            place.ordinal += 1
            place.last = call = Call(len(self._calls) + 1, place.key, place.ordinal, note.sent - self._began)
            call.status, call.error, call.retry_after_us = note.status, note.error, note.retry_after_us
            call.ended_us = None if note.ended is None else note.ended - self._began
            self._calls.append(call)
            self._decided += 1

    def struck(self, call: Call, injection: Injection) -> None:
        """Note what became of a fault; one that found nothing to change in the reply is none, and does not count."""
        call.delay_us, call.delivered = injection.delay_us, injection.delivered
        if injection.missed is None:
            self.clock.fault_injected()
            return
        if call.spent is not None:
            with self._lock:
                call.spent.fired -= 1
                call.spent.active.fired -= 1
                call.spent.active.missed = injection.missed
        call.rule = call.fault = None

    def answered(self, call: Call, response: httpx.Response) -> None:
        """Note the caller's reply."""
        call.status = status = response.status_code
        if status in ASKS_TO_WAIT:
            call.retry_after_us = wait_asked(response.headers)
        self._end(call)

    def failed(self, call: Call, error: BaseException) -> None:
        """Note the caller's exception, instead of a reply or on the way of its body."""
        call.error = type(error).__name__
        if call.ended_us is None:
            self._end(call)

    def goes_over_a_socket(self, transport: object, request: httpx.Request) -> bool:
        """Whether a request leaves this process; if to somebody who is not the Farm's own, the clock is told."""
        if what_is_below(transport) == "mock":
            return False
        if not self._is_own(request.url):
            self.clock.real_socket(_origin(request))
        return True

    def may_be_delayed(self, transport: object, request: httpx.Request) -> None:
        """Raise ChaosTimeError if waiting for this request could not be what it seems."""
        if what_is_below(transport) == "socket" and not self._is_own(request.url):
            self.clock.over_real_socket(_origin(request))

    def _ask_about(self, url: httpx.URL) -> None:
        try:
            self._check(url)
        except ChaosError:
            self.refused += 1
            raise

    def _end(self, call: Call) -> None:
        call.ended_us = self._now() - self._began
        if call.spent is not None:
            with self._lock:
                call.spent.flying -= 1
        for watcher in self._watchers:
            watcher()

    def _start_again(self, now: int) -> None:
        """Count everything from the beginning: Hypothesis has begun another example."""
        self._rules = [RuleInTest(one.active, self.seed, self.test) for one in self._rules]
        self._places.clear()
        self._seen.clear()
        self._began, self._example_from = now, len(self._calls)
        if self.plan is not None:
            self.plan.start_again()

    def _look(self, raw: Raw, request: httpx.Request) -> _Place:
        self._ask_about(request.url)
        return self._name(raw, request.headers.get("content-type", ""))

    def _name(self, raw: Raw, content_type: str = "") -> _Place:
        module, tenant, method, _, target, in_lane, body = raw
        raw_path, _, query = target.partition(b"?")
        key = CallKey(module, method, steady(raw_path).decode("ascii"), digest_of(query, body, content_type), in_lane)
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = _Place(key)
        plain_path = unquote(raw_path.decode("ascii"))
        place.rules = [
            one
            for one in self._rules
            if not one.rule.when.never and one.rule.match.fits_place(module, tenant or "", method, plain_path)
        ]
        if len(body) <= LARGEST_CACHED_BODY and len(self._seen) < MOST_CACHED:
            self._seen[raw] = place
        return place

    def _mark_racy(self, place: _Place, last: Call, call: Call, thread: threading.Thread, task: Task[Any] | None) -> None:
        """Mark both calls if the one before is under way, or was made by somebody who still runs beside us."""
        if (
            last.ended_us is None
            or (place.task is not task and place.task is not None and not place.task.done())
            or (place.thread is not thread and place.thread is not None and place.thread.is_alive())
        ):
            call.racy = last.racy = True

    def _follow(self, plan: Plan, call: Call) -> None:
        try:
            planned = plan.take(call.key, call.ordinal)
        except BaseException:
            # Hypothesis ends an example in which too much is drawn, and goes on with the next.
            self._decided += 1
            raise
        if planned is not None:
            draw = rule_draws(plan.schedule.seed, plan.schedule.test, planned.rule)
            strike(call, planned.rule, planned.fault, draw(call.key, call.ordinal))


def _raw(request: httpx.Request, label: str, body: bytes) -> Raw:
    extensions, url = request.extensions, request.url
    module = extensions.get(MODULE) or label or url.host
    return module, extensions.get(TENANT), request.method, url.raw_host, url.raw_path, lane.get(), body


def _body_of(request: httpx.Request) -> bytes:
    """The body of a request; empty when it is a stream, which could be read only once."""
    try:
        return request.content
    except httpx.RequestNotRead:
        return b""


def _origin(request: httpx.Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"


def _line(call: CallRecord) -> str:
    assert call.fault is not None
    line = [*call.key.texts, call.ordinal, call.rule, call.fault.plain(), call.delay_us, call.delivered, call.observed]
    return json.dumps(line, separators=(",", ":")) + "\n"
