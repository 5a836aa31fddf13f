"""What JUnit XML says, as the events of a run: in our own exports word for word, in other runners' as far as they say it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.exports.junit_parse import Suite, TestCase
from pytest_aosfarm.recording.events import OTHER, OUTCOMES, AttemptFinished, ErrorSeen, decode
from pytest_aosfarm.recording.failures import clean, cut, masked
from pytest_aosfarm.recording.properties import FAULTS, GRADE_PREFIX, IDENTITY, TENANT
from pytest_aosfarm.recording.tally import BAD

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_aosfarm.exports.junit_parse import Problem
    from pytest_aosfarm.recording.events import Scalar

__all__ = ("Reading", "micros", "moment")

YEARS = range(1970, 2200)
"""A time outside of them is a wrong one, and too near the ends of the calendar to count from."""

LONGEST = 10 * 366 * 86_400 * 1_000_000
"""Microseconds; what takes longer is a wrong number."""

FIGURES = 9
"""Of a count; one with more is a wrong number."""

ATTEMPTS = range(1, 1_000_000)
_SCALARS = {str, int, float, bool, type(None)}

_NOT_RUN = {"notrun", "disabled", "skipped", "ignored", "suppressed"}
"""Words of the attribute `status` or `result` by which GoogleTest and others say it."""

_PYTEST_PHASES = {
    "failed on setup with": "setup",
    "failed on teardown with": "teardown",
    "collection failure": "collect",
    "collection skipped": "collect",
}
"""How messages in pytest's own JUnit XML begin."""

PYTEST_SUITE = "pytest"
SEVERITY = {"failure": 0, "error": 1, "skipped": 2}
"""Where a test has several of them, the first decides."""

_OUTPUTS = {"system-out": "stdout", "system-err": "stderr"}


def micros(text: str | None) -> int:
    """Seconds, written as "0.5", "1,234.5" (Surefire) or "0,5", as microseconds; 0 for what is no such number."""
    text = (text or "").strip()
    text = text.replace(",", "") if "." in text else text.replace(",", ".")
    try:
        seconds = float(text)
    except ValueError:
        return 0
    return min(round(seconds * 1e6), LONGEST) if math.isfinite(seconds) and seconds > 0 else 0


def moment(text: str | None) -> datetime | None:
    """The time of an attribute `timestamp`, taken to be in UTC when it names no zone; None for what is no time."""
    try:
        found = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    if found.year not in YEARS:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


class Clock:
    """When tests began: what JUnit XML leaves out is summed up from their times, suite by suite."""

    def __init__(self, began: datetime) -> None:
        self._began = began
        self._suite: Suite | None = None
        self._now = 0

    def start(self, test: TestCase, duration: int) -> int:
        """Microseconds from the start of the run to the start of the test."""
        said = moment(test.attributes.get("timestamp"))
        if said is not None:
            self._now = self.of(said)
        elif test.suite is not self._suite:
            self._now = self.of(moment(test.suite.attributes.get("timestamp")))
        self._suite = test.suite
        self._now += duration
        return self._now - duration

    def of(self, when: datetime | None) -> int:
        """Microseconds from the start of the run to a time; when it is not known, to the end of the test before."""
        return self._now if when is None else max(0, (when - self._began) // timedelta(microseconds=1))


class Reading:
    """Turns suites and tests into events. `numbers` counts the attempts at each identity, over all files of a run."""

    def __init__(self, began: datetime, numbers: Counter[str]) -> None:
        self._clock = Clock(began)
        self._numbers = numbers
        self._before: dict[str, int] = {}

    def events(self, found: Iterable[Suite | TestCase]) -> Iterator[AttemptFinished | ErrorSeen]:
        """The attempts at each test, and the errors outside tests."""
        for one in found:
            told = _told(one.told)
            yield from (event for event in told if isinstance(event, ErrorSeen))
            if isinstance(one, TestCase):
                attempts = [event for event in told if isinstance(event, AttemptFinished)]
                if attempts:
                    yield from self._ours(one, attempts)
                elif not told:
                    yield from self._theirs(one)

    def _ours(self, test: TestCase, told: list[AttemptFinished]) -> Iterator[AttemptFinished]:
        start = self._clock.of(moment(test.suite.attributes.get("timestamp")))
        wrong = [event for event in told if event.outcome in BAD or (event.outcome == OTHER and event is not told[-1])]
        elements = [problem for problem in test.problems if problem.tag != "skipped"]
        outputs = {id(event): _outputs(test, [problem]) for event, problem in zip(wrong, elements, strict=False)}
        for event in told:
            # Another file may hold attempts at the same test.
            before = self._before.setdefault(event.identity, self._numbers[event.identity])
            event.attempt += before
            event.replaces = None if event.replaces is None else event.replaces + before
            event.started_us += start
            event.outputs = outputs.get(id(event), {})
            self._numbers[event.identity] = max(self._numbers[event.identity], event.attempt)
            yield event

    def _theirs(self, test: TestCase) -> Iterator[AttemptFinished]:
        identity, nodeid = _names(test)
        duration = micros(test.attributes.get("time"))
        start = self._clock.start(test, duration)
        properties = {name: _value(name, text) for name, text in test.properties.items() if name not in {IDENTITY, TENANT}}
        tenant = test.properties.get(TENANT)
        attempts = _attempts(test)
        replaced = replaced_outcome = None
        for problems in attempts:
            number = self._numbers[identity] = self._numbers[identity] + 1
            last = problems is attempts[-1]
            outcome, phase = _outcome(test, problems)
            kind = clean(problems[0].attributes.get("type", "")) or None if outcome in BAD else None
            message = _message(problems)
            yield AttemptFinished(
                nodeid=nodeid,
                identity=identity,
                attempt=number,
                outcome=outcome,
                phase=phase,
                cause="rerun" if replaced is not None else "first" if number == 1 else "repeat",
                replaces=replaced,
                replaced_outcome=replaced_outcome,
                started_us=start,
                call_us=duration if last else 0,
                error_type=kind,
                error_signature=_signature(kind, message) if outcome in BAD else None,
                message=message,
                data_tenant=None if tenant == identity else tenant,
                properties=properties if last else {},
                outputs=_outputs(test, problems) if outcome in BAD else {},
            )
            replaced, replaced_outcome = number, outcome


def _told(lines: Sequence[str]) -> list[AttemptFinished | ErrorSeen]:
    """The events of our own export; none at all when one of them is damaged."""
    try:
        told = [event for line in lines if isinstance(event := decode(line), AttemptFinished | ErrorSeen)]
    except (ValueError, RecordingError):
        return []
    return [_cleaned(event) for event in told] if all(map(_is_sound, told)) else []


def _is_sound(event: AttemptFinished | ErrorSeen) -> bool:
    """Whether every column has a value that it can hold; what JSON says need not be what we wrote."""
    if isinstance(event, ErrorSeen):
        return type(event.source) is type(event.message) is str
    texts = (event.nodeid, event.identity, event.phase, event.cause)
    times = (event.started_us, event.setup_us, event.call_us, event.teardown_us)
    numbers = (event.attempt, 1 if event.replaces is None else event.replaces)
    return (
        event.outcome in {*OUTCOMES, OTHER}
        and all(type(text) is str for text in texts)
        and all(type(time) is int and 0 <= time <= LONGEST for time in times)
        and all(type(number) is int and number in ATTEMPTS for number in numbers)
        and type(event.properties) is dict
        and all(type(value) in _SCALARS for value in event.properties.values())
    )


def _cleaned(event: AttemptFinished | ErrorSeen) -> AttemptFinished | ErrorSeen:
    for name in event.__slots__:
        value = getattr(event, name)
        if isinstance(value, str):
            setattr(event, name, clean(value, limit=None))
    if isinstance(event, AttemptFinished):
        event.properties = {
            clean(name): clean(value) if isinstance(value, str) else value for name, value in event.properties.items()
        }
    return event


def _names(test: TestCase) -> tuple[str, str]:
    """Identity and node id. A part of the class name with a capital begins the classes: what is before is the module."""
    attributes = test.attributes
    name = clean(attributes.get("name", ""), limit=None) or "unnamed"
    dotted = clean(attributes.get("classname", ".".join(filter(None, test.suite.names))), limit=None)
    of_pytest = test.suite.names[-1:] == (PYTEST_SUITE,)
    if not dotted:
        # A file that pytest could not collect, or a test that is said to be nowhere.
        name = f"{name.replace('.', '/')}.py" if of_pytest else name
        return name, name
    parts = dotted.split(".")
    first = next((number for number, part in enumerate(parts) if part[:1].isupper()), len(parts)) or len(parts)
    module, classes = parts[:first], parts[first:]
    identity = test.properties.get(IDENTITY) or f"{'.'.join(module)}::{'.'.join([*classes, name])}"
    path = attributes.get("file") or (f"{'/'.join(module)}.py" if of_pytest else "")
    nodeid = "::".join([path, *classes, name]) if path else f"{dotted}::{name}"
    return clean(identity, limit=None), clean(nodeid, limit=None)


def _attempts(test: TestCase) -> list[list[Problem]]:
    """What is said of each attempt, the last being the one that decides; nothing of one that passed."""
    of_kind = {kind: [one for one in test.problems if one.tag.startswith(kind)] for kind in ("rerun", "flaky")}
    own = sorted((one for one in test.problems if one.tag in SEVERITY), key=lambda one: SEVERITY[one.tag])
    if of_kind["flaky"]:
        return [*([one] for one in of_kind["flaky"]), own]
    return [own, *([one] for one in of_kind["rerun"])]


def _outcome(test: TestCase, problems: list[Problem]) -> tuple[str, str]:
    """Outcome and phase of an attempt."""
    if not problems:
        words = {test.attributes.get(name, "").lower() for name in ("status", "result")}
        return ("passed" if words.isdisjoint(_NOT_RUN) else "skipped"), "call"
    problem = problems[0]
    message = problem.attributes.get("message", "")
    phase = next((phase for words, phase in _PYTEST_PHASES.items() if message.startswith(words)), "call")
    if problem.tag == "skipped":
        return ("xfailed" if problem.attributes.get("type") == "pytest.xfail" else "skipped"), phase
    return ("failed" if problem.tag.lower().endswith("failure") else "error"), phase


def _message(problems: list[Problem]) -> str | None:
    texts = (text for one in problems for text in (one.attributes.get("message"), one.text, one.printed.get("stackTrace")))
    return clean(next(filter(None, texts), "")) or None


def _signature(kind: str | None, message: str | None) -> str:
    """The same for errors of one type that differ at most in numbers, hexadecimal ids and paths."""
    return blake2b(f"{kind or ''}\0{masked(message or '')}".encode(), digest_size=8).hexdigest()


def _outputs(test: TestCase, problems: list[Problem]) -> dict[str, str]:
    """The texts of an attempt; what it printed stands with the test unless it is one of several."""
    traces = [one.text or one.printed.get("stackTrace", "") for one in problems]
    again = problems[0].tag not in SEVERITY
    printed = problems[0].printed if again else test.printed
    texts = {"longrepr": "\n\n".join(filter(None, traces)), **{_OUTPUTS[t]: printed.get(t, "") for t in _OUTPUTS}}
    return {kind: cut(text) for kind, text in texts.items() if text}


def _value(name: str, text: str) -> Scalar:
    """A property, which XML holds as text; a grade is a number, and so is how many faults there were."""
    if name == FAULTS and text.isdecimal() and len(text) <= FIGURES:
        return int(text)
    if name.startswith(GRADE_PREFIX):
        try:
            number = float(text)
        except ValueError:
            return clean(text)
        return number if math.isfinite(number) else clean(text)
    return clean(text)
