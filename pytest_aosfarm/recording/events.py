"""What a run tells its spool: five kinds of events and their form as one line of JSON each."""

from __future__ import annotations

import json
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.recording import events_v1

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = (
    "OTHER",
    "OUTCOMES",
    "WIRE_VERSION",
    "AttemptFinished",
    "ErrorSeen",
    "Event",
    "RunCollected",
    "RunFinished",
    "RunStarted",
    "Scalar",
    "decode",
    "encode",
)

WIRE_VERSION = 3
"""Written into every `run_started` line; a spool of a newer version is refused, never guessed at."""

OUTCOMES = ("passed", "failed", "error", "skipped", "xfailed", "xpassed", "crashed")
"""The outcomes that are counted."""

OTHER = "other"
"""The outcome of an attempt for which another plugin has a word of its own ("rerun"), kept as `raw_outcome`."""

Scalar = str | int | float | bool | None

# None of these is frozen: one is made for every test, and a frozen one takes four times as long to make.


@dataclass(slots=True, kw_only=True)
class RunStarted:
    """The first event of a run: who it is, under which settings it runs, and where.

    Times are aware UTC. `tenant` owns the record; `data_tenant` is the key of all data of the run, None when each test
    has its own. `database` is the absolute path or the URL, without a password, of where the run is recorded.
    `environment` holds `python`, `os`, `pytest`, and `plugins` by name; `selection` what was asked for.
    """

    uuid: str
    started_at: datetime
    tenant: str = "default"
    data_tenant: str | None
    labs: tuple[str, ...]
    scale: str
    seed: int
    anchor: datetime
    profile: str
    chaos: str | None = None
    database: str
    dist: str | None = None
    worker_count: int = 0
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)
    rootdir: str | None = None
    selection: Mapping[str, Any] = field(default_factory=dict)
    vcs_branch: str | None = None
    vcs_sha: str | None = None
    vcs_dirty: bool | None = None
    vcs_change: str | None = None
    ci_provider: str | None = None
    ci_url: str | None = None
    owner_host: str | None = None
    owner_boot: str | None = None
    owner_pid: int | None = None
    owner_started: int | None = None
    owner_token: str | None = None


@dataclass(slots=True, kw_only=True)
class RunCollected:
    """How many results are to come, and how many tests were left out."""

    collected: int
    deselected: int


@dataclass(slots=True, kw_only=True)
class AttemptFinished:
    """One attempt at one test, or one file that could not be collected (`phase` is then "collect").

    `attempt` counts from 1 within an identity. `cause` is one of first, rerun (by a plugin), crash (the worker died in the
    attempt before), each (another worker under --dist=each; `variant` names it) and repeat (another test of the same
    identity, or the same one asked for twice). `replaces` is the number of the attempt that this one makes void, and
    `replaced_outcome` what that one came to; an attempt decides (`is_final`) until another replaces it.

    `phase` is where the outcome was decided. Times are integer microseconds, `started_us` from the start of the run.
    `message` is the head of the error, or the reason of a skip or xfail. `data_tenant` is None when it is the identity.
    `outputs` maps longrepr, stdout, stderr and log to their texts.
    `faults` are those that chaos injected (`recording.faults`), `faults_before` how many the run had had until then.
    """

    nodeid: str
    identity: str
    attempt: int
    variant: str | None = None
    outcome: str
    raw_outcome: str | None = None
    phase: str
    cause: str = "first"
    replaces: int | None = None
    replaced_outcome: str | None = None
    worker: str | None = None
    started_us: int
    setup_us: int = 0
    call_us: int = 0
    teardown_us: int = 0
    error_type: str | None = None
    error_signature: str | None = None
    error_location: str | None = None
    message: str | None = None
    data_tenant: str | None = None
    properties: Mapping[str, Scalar] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Mapping[str, Scalar], ...] = ()
    faults_before: int = 0


@dataclass(slots=True, kw_only=True)
class ErrorSeen:
    """Something went wrong outside any test; `source` is internal (pytest), worker or recording."""

    source: str
    message: str
    body: str | None = None


@dataclass(slots=True, kw_only=True)
class RunFinished:
    """The last event of a run. `exit_code` is None when nobody saw how the process ended; `reason` says why it ended.

    `vcs_dirty` is as in `RunStarted`, where it is missing if git was slow.
    """

    finished_at: datetime | None
    status: str
    exit_code: int | None
    reason: str | None = None
    vcs_dirty: bool | None = None


Event = RunStarted | RunCollected | AttemptFinished | ErrorSeen | RunFinished

_KINDS: dict[str, type[Event]] = {
    "run_started": RunStarted,
    "run_collected": RunCollected,
    "attempt_finished": AttemptFinished,
    "error_seen": ErrorSeen,
    "run_finished": RunFinished,
}
_TIMES = {"started_at", "anchor", "finished_at"}
_TUPLES = {"labs", "arguments", "faults"}
_CONVERTED = _TIMES | _TUPLES


def _default(one: Field[Any]) -> object:
    return one.default if one.default_factory is MISSING else one.default_factory()


def _form(name: str, kind: type[Event]) -> tuple[str, tuple[tuple[str, object], ...], Callable[[Event], tuple[object, ...]]]:
    names = tuple(one.name for one in fields(kind))
    return name, tuple((one.name, _default(one)) for one in fields(kind)), attrgetter(*names)


_FORMS = {kind: _form(name, kind) for name, kind in _KINDS.items()}


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} has no form in JSON")


_to_json = json.JSONEncoder(separators=(",", ":"), default=_plain).encode


_text = json.encoder.encode_basestring_ascii
_MOST = (
    '{"event":"attempt_finished","nodeid":%s,"identity":%s,"attempt":%d,"outcome":%s,"phase":%s'
    ',"started_us":%d,"setup_us":%d,"call_us":%d,"teardown_us":%d'
)
"""The line of an attempt as far as nearly every one has it."""
_SELDOM = [one for one in _FORMS[AttemptFinished][1] if f'"{one[0]}":' not in _MOST and one[0] != "worker"]
_SELDOM_VALUES = attrgetter(*(name for name, _ in _SELDOM))
_SELDOM_DEFAULTS = tuple(default for _, default in _SELDOM)


def encode(event: Event) -> str:
    """One line of JSON in ASCII, without the newline; what is as ever is left out."""
    if type(event) is AttemptFinished:
        try:
            return _attempt(event)
        except TypeError:
            pass  # a value that is not of the type it should be: JSON knows a form for it, or says what it is
    return _encode(event)


def _attempt(one: AttemptFinished) -> str:
    """What `_encode` gives in another order, in a third of its time: there is one for every test."""
    line = _MOST % (
        _text(one.nodeid), _text(one.identity), one.attempt, _text(one.outcome), _text(one.phase),
        one.started_us, one.setup_us, one.call_us, one.teardown_us,
    )  # fmt: skip
    if one.worker is not None:
        line += f',"worker":{_text(one.worker)}'
    seldom = _SELDOM_VALUES(one)
    if seldom == _SELDOM_DEFAULTS:
        return line + "}"
    more = {name: value for (name, default), value in zip(_SELDOM, seldom, strict=True) if value != default}
    return f"{line},{_to_json(more)[1:]}"


def _encode(event: Event) -> str:
    name, names, values = _FORMS[type(event)]
    record: dict[str, object] = {"event": name}
    if name == "run_started":
        record["version"] = WIRE_VERSION
    for (key, default), value in zip(names, values(event), strict=True):
        if value != default:
            record[key] = value
    return _to_json(record)


def decode(line: str, run: RunStarted | None = None) -> Event:
    """The event of one line; `run` is how its spool began, which only lines of version 1 need.

    Raises ValueError for a line that is torn or not ours, RecordingError for one that a newer version wrote.
    """
    try:
        record = json.loads(line)
    except RecursionError as problem:
        raise ValueError("a spool line that is nested too deeply") from problem
    if not isinstance(record, dict):
        raise ValueError("a spool line is a JSON object")  # noqa: TRY004 - the caller tells damaged lines by ValueError
    name = record.pop("event", None)
    version = record.pop("version", WIRE_VERSION)
    if version not in range(1, WIRE_VERSION + 1):
        raise RecordingError(
            f"the spool is of version {version}, this pytest-aosfarm reads up to version {WIRE_VERSION}; "
            "use the version that wrote it"
        )
    if name not in _KINDS:
        raise ValueError(f"unknown spool event {name!r}; known: {', '.join(_KINDS)}")
    try:
        if not _CONVERTED.isdisjoint(record):
            record = _converted(name, version, record, run)
        return _KINDS[name](**record)
    except (TypeError, KeyError, AttributeError) as problem:
        raise ValueError(f"a {name} line with wrong fields: {problem!r}") from problem


def _converted(name: str, version: int, record: dict[str, Any], run: RunStarted | None) -> dict[str, Any]:
    """The fields of an event whose values JSON has no form for, or that a former version wrote."""
    for key in _TIMES & record.keys():
        record[key] = None if record[key] is None else datetime.fromisoformat(record[key])
    if version == 1:
        record = events_v1.run_started(record)
    elif name == "attempt_finished" and "started_at" in record:
        record = events_v1.attempt_finished(record, None if run is None else run.started_at, OUTCOMES, OTHER)
    for key in _TUPLES & record.keys():
        record[key] = tuple(record[key])
    return record
