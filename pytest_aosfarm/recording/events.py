"""What a run tells its spool: four kinds of events and their form as one line of JSON each."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_aosfarm.errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = (
    "OUTCOMES",
    "WIRE_VERSION",
    "AttemptFinished",
    "Event",
    "RunCollected",
    "RunFinished",
    "RunStarted",
    "Scalar",
    "decode",
    "encode",
)

WIRE_VERSION = 1
"""Written into every `run_started` line; a spool of a newer version is refused, never guessed at."""

OUTCOMES = ("passed", "failed", "error", "skipped", "xfailed", "xpassed", "crashed")
"""The outcomes that are counted. Another plugin's own word ("rerun") is kept as it is and counted nowhere."""

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The first event of a run: who it is, and under which settings it ran.

    Times are aware UTC; `database` is the absolute path of the file that the run is recorded in.
    """

    uuid: str
    started_at: datetime
    labs: tuple[str, ...]
    scale: str
    seed: int
    anchor: datetime
    profile: str
    tenant: str | None
    database: str
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCollected:
    """How many tests are going to run, and how many were left out."""

    collected: int
    deselected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFinished:
    """One attempt at one test, or one file that could not be collected (`phase` is then "collect").

    `attempt` counts from 1 within a nodeid. `phase` is where the outcome was decided. Durations are integer
    microseconds. `message` is the head of the error, or the reason of a skip or xfail.
    """

    nodeid: str
    attempt: int
    identity: str
    outcome: str
    phase: str
    worker: str | None
    started_at: datetime
    setup_us: int = 0
    call_us: int = 0
    teardown_us: int = 0
    message: str | None = None
    tenant: str | None = None
    properties: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The last event of a run. `exit_code` is None when nobody saw how the process ended."""

    finished_at: datetime | None
    status: str
    exit_code: int | None


Event = RunStarted | RunCollected | AttemptFinished | RunFinished

_KINDS: dict[str, type[Event]] = {
    "run_started": RunStarted,
    "run_collected": RunCollected,
    "attempt_finished": AttemptFinished,
    "run_finished": RunFinished,
}
_FIELDS = {kind: (name, tuple(f.name for f in fields(kind))) for name, kind in _KINDS.items()}
_TIMES = ("started_at", "anchor", "finished_at")


def encode(event: Event) -> str:
    """One line of JSON in ASCII, without the newline."""
    name, names = _FIELDS[type(event)]
    record: dict[str, object] = {"event": name}
    if isinstance(event, RunStarted):
        record["version"] = WIRE_VERSION
    for field in names:
        value = getattr(event, field)
        record[field] = value.isoformat() if isinstance(value, datetime) else value
    return json.dumps(record)


def decode(line: str) -> Event:
    """The event of one line.

    Raises ValueError for a line that is torn or not ours, RecordingError for one that a newer version wrote.
    """
    record = json.loads(line)
    if not isinstance(record, dict):
        raise ValueError("a spool line is a JSON object")  # noqa: TRY004 - the caller tells damaged lines by ValueError
    name = record.pop("event", None)
    version = record.pop("version", WIRE_VERSION)
    if version != WIRE_VERSION:
        raise RecordingError(
            f"the spool is of version {version}, this pytest-aosfarm reads version {WIRE_VERSION}; "
            "use the version that wrote it"
        )
    if name not in _KINDS:
        raise ValueError(f"unknown spool event {name!r}; known: {', '.join(_KINDS)}")
    for field in _TIMES:
        if isinstance(record.get(field), str):
            record[field] = datetime.fromisoformat(record[field])
    if "labs" in record:
        record["labs"] = tuple(record["labs"])
    try:
        return _KINDS[name](**record)
    except TypeError as problem:
        raise ValueError(f"a {name} line with wrong fields: {problem}") from problem
