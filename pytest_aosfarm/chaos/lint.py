"""What a test's calls say about how its code retries: findings from the history alone, each with the calls it rests on.

The rules, and what they take for a defect:

- `unsafe-retry`: a call that is not idempotent, and has no idempotency key, was sent again though the module may have
  done it. It has not if the fault says `delivered=False`, if no connection came about, or if the module itself answered a
  status that refuses (`attempts.REFUSED`). A status that a fault put in the place of the reply to a delivered request
  refuses nothing; neither do 500, 502 and 504. Who read the same path, or one below it, in between may know better.
- `ignored-retry-after`: a retry came earlier than the reply had asked for, by a second or more (dates in Retry-After are
  in whole seconds), or by half of what it asked for where that is less.
- `retry-storm`: more than three attempts at one logical call, faster than a wait that starts with 10 ms and doubles up to
  a second would make them. Retries that back off are none, however many they are.
- `no-jitter`: all logical calls to a module that waited before their retries waited exactly as long, at least two calls and
  three waits. Waits that do not grow may be the rhythm in which a test asks: they count only if nothing else was asked of
  the module in between, and the same call did not come in that rhythm after a success. A wait that Retry-After asked for
  says nothing. A history must not be of several runs whose random numbers start anew: jitter would repeat in each.
- `breaker-never-half-opens`: calls to a module that came in turn with those to another one ended with five failures or
  more, and then none came for two minutes (and three times its longest pause so far), while the other was called on.
- `timeout-beyond-deadline`: a logical call, with its waits, took longer than its caller's deadline; needs `deadline_us`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from pytest_aosfarm.chaos.attempts import REFUSED, LogicalCall, failed, logical_calls
from pytest_aosfarm.chaos.durations import in_words
from pytest_aosfarm.chaos.rhythm import fixed_waits, given_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_aosfarm.chaos.calls import CallKey, CallRecord

__all__ = ("RULES", "Finding", "lint")

RULES = (
    *("unsafe-retry", "ignored-retry-after", "retry-storm", "no-jitter"),
    *("breaker-never-half-opens", "timeout-beyond-deadline"),
)
"""The names of all rules, in the order in which findings about the same call are told."""

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
_READS = frozenset({"GET", "HEAD"})
_UNSENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"})
_DATE_US = 1_000_000
_FREE_RETRIES = 2
_FIRST_WAIT_US, _LAST_WAIT_US = 10_000, 1_000_000
_MOST_NUMBERS = 8


@dataclass(frozen=True, slots=True)
class Finding:
    """A defect in how calls are made: `rule` is one of RULES; `endpoint` is "POST /path", or "" for the whole module.

    `calls` are the numbers of the calls it rests on; `seen` says in a sentence what was seen there, `advice` what to do.
    """

    rule: str
    module: str
    endpoint: str
    calls: tuple[int, ...]
    seen: str
    advice: str

    def __str__(self) -> str:
        numbers = ", ".join(map(str, self.calls[:_MOST_NUMBERS])) + ("…" if len(self.calls) > _MOST_NUMBERS else "")
        word = "call" if len(self.calls) == 1 else "calls"
        subject = f"{self.module} {self.endpoint}".rstrip()
        return f"{self.rule}: {subject}: {self.seen} ({word} {numbers}); {self.advice}"


def lint(history: Sequence[CallRecord], *, deadline_us: int | None = None) -> list[Finding]:
    """The findings about the calls of one test (or one Hypothesis example), those about the earliest calls first.

    `deadline_us` is how long a caller may wait for one logical call, in microseconds. There is one finding for each rule and
    endpoint: it tells the first case and counts the others.
    """
    calls = logical_calls(history)
    found = chain(
        chain.from_iterable(_unsafe_retries(call, calls) for call in calls),
        chain.from_iterable(map(_ignored_retry_after, calls)),
        chain.from_iterable(map(_storms, calls)),
        _no_jitter(calls),
        _closed_breakers(calls),
        () if deadline_us is None else chain.from_iterable(_late(call, deadline_us) for call in calls),
    )
    return sorted(_one_each(found), key=lambda one: (one.calls[0], RULES.index(one.rule), one.module))


def _one_each(found: Iterable[Finding]) -> Iterator[Finding]:
    alike: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for finding in found:
        alike[finding.rule, finding.module, finding.endpoint].append(finding)
    for first, *more in alike.values():
        numbers = {number for one in (first, *more) for number in one.calls}
        seen = f"{first.seen}; {len(more)} more like it" if more else first.seen
        yield replace(first, calls=tuple(sorted(numbers)), seen=seen)


def _unsafe_retries(call: LogicalCall, calls: Sequence[LogicalCall]) -> Iterator[Finding]:
    if call.first.key.method.upper() in _IDEMPOTENT:
        return
    for before, retry in call.retries:
        keyed = before.idempotency_key and retry.idempotency_key
        if keyed or _surely_not_done(before) or _looked(before, retry, calls):
            continue
        doubt = "had got it" if before.delivered else "may have got it"
        yield Finding(
            "unsafe-retry",
            *_subject(before.key),
            (before.number, retry.number),
            f"sent again after {before.observed}, though the module {doubt} and the request has no idempotency key",
            "retry only what was surely not delivered, or send an Idempotency-Key",
        )


def _surely_not_done(record: CallRecord) -> bool:
    if record.delivered is False:
        return True
    if record.error is not None:
        return record.fault is None and record.error in _UNSENT
    return record.status in REFUSED and not _made_by_fault(record)


def _looked(before: CallRecord, retry: CallRecord, calls: Sequence[LogicalCall]) -> bool:
    """Whether the caller read there in between, and so may know that nothing was done."""
    return any(
        before.number < call.last.number < retry.number
        and call.last.key.module == before.key.module
        and call.last.key.method.upper() in _READS
        and f"{call.last.key.path}/".startswith(f"{before.key.path}/")
        and not failed(call.last)
        for call in calls
    )


def _made_by_fault(record: CallRecord) -> bool:
    """Whether the status is the fault's, not the module's."""
    return record.fault is not None and record.fault.family == "status"


def _ignored_retry_after(call: LogicalCall) -> Iterator[Finding]:
    for before, retry in call.retries:
        asked = before.retry_after_us
        if asked is None or before.ended_us is None:
            continue
        waited = retry.sent_us - before.ended_us
        if waited < asked - min(_DATE_US, asked // 2):
            yield Finding(
                "ignored-retry-after",
                *_subject(before.key),
                (before.number, retry.number),
                f"{before.observed} asked to wait {_about(asked)}, and the retry came after {_about(waited)}",
                "wait at least as long as Retry-After says",
            )


def _storms(call: LogicalCall) -> Iterator[Finding]:
    start = call.first.sent_us
    allowed, wait = 0, _FIRST_WAIT_US
    for number, retry in enumerate(call.attempts[1:], 1):
        allowed, wait = allowed + wait, min(2 * wait, _LAST_WAIT_US)
        if number > _FREE_RETRIES and retry.sent_us - start < allowed:
            yield Finding(
                "retry-storm",
                *_subject(retry.key),
                call.numbers,
                f"one call became {len(call.attempts)} attempts within {_about(call.last.sent_us - start)}",
                "wait longer after each failure, and stop after a few; only one layer may retry",
            )
            return


def _no_jitter(calls: Sequence[LogicalCall]) -> Iterator[Finding]:
    for module, (same, waits) in fixed_waits(calls).items():
        yield Finding(
            "no-jitter",
            module,
            "",
            tuple(sorted(number for call in same for number in call.numbers)),
            f"{len(same)} calls each waited {', '.join(map(_about, waits))} before they were tried again",
            "add a random part to each wait, or all callers come back at the same moment",
        )


def _closed_breakers(calls: Sequence[LogicalCall]) -> Iterator[Finding]:
    for module, (last, silence) in given_up(calls).items():
        yield Finding(
            "breaker-never-half-opens",
            module,
            "",
            tuple(one.number for one in last),
            f"after {len(last)} failures in a row no call came in the {_about(silence)} that followed, while the calls"
            " made in turn with them went on",
            "let the breaker try one call again after a while",
        )


def _late(call: LogicalCall, deadline_us: int) -> Iterator[Finding]:
    ended = call.last.ended_us
    if ended is not None and ended - call.first.sent_us > deadline_us:
        count = len(call.attempts)
        yield Finding(
            "timeout-beyond-deadline",
            *_subject(call.first.key),
            call.numbers,
            f"{count} attempt{'s'[: count > 1]} took {_about(ended - call.first.sent_us)} where the caller's deadline is"
            f" {in_words(deadline_us)}",
            "give each attempt what is left of the deadline as its timeout, and do not wait beyond it",
        )


def _subject(key: CallKey) -> tuple[str, str]:
    return key.module, f"{key.method} {key.path}"


def _about(us: int) -> str:
    """A duration for people: to the millisecond."""
    return in_words(round(us, -3))
