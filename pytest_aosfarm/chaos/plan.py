"""A schedule of faults, call by call, and its form as a token on a command line: what replays a test."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.chaos.calls import CallKey, CallRecord
from pytest_aosfarm.chaos.draws import CHAOS_VERSION
from pytest_aosfarm.chaos.faults import Fault, fault_from
from pytest_aosfarm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("Plan", "Planned", "Schedule")

PREFIX = "AC1:"
"""How a token begins; the digit is the version of what is behind it."""

LARGEST_PLAN = 1 << 20
SHOWN_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault for the call of this key and ordinal; `rule` says whose draws it has."""

    key: CallKey
    ordinal: int
    rule: str
    fault: Fault = field(hash=False)

    def __str__(self) -> str:
        """For people."""
        return f"{self.fault.label} into call {self.ordinal} of {self.key.method} {self.key.path}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """The faults of one test, in the order in which they were injected."""

    test: str
    seed: int
    faults: tuple[Planned, ...]

    @classmethod
    def of(cls, test: str, seed: int, calls: Iterable[CallRecord]) -> Schedule:
        """What was injected into these calls."""
        return cls(
            test,
            seed,
            tuple(
                Planned(call.key, call.ordinal, call.rule, call.fault)
                for call in calls
                if call.fault is not None and call.rule is not None
            ),
        )

    def token(self) -> str:
        """The schedule as one word: "AC1:" and URL-safe base64 of compressed JSON."""
        rows = [[*one.key.texts, one.ordinal, one.rule, one.fault.plain()] for one in self.faults]
        text = json.dumps([CHAOS_VERSION, self.test, self.seed, rows], separators=(",", ":"))
        return PREFIX + base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")

    @classmethod
    def from_token(cls, token: str) -> Schedule:
        """The schedule of a token. Raises ConfigurationError for what is none, or of another version."""
        if not token.startswith(PREFIX):
            raise _no_token(token, f"it should begin with {PREFIX!r}")
        packed = token.removeprefix(PREFIX)
        unpacker = zlib.decompressobj()
        try:
            packed_bytes = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
            version, test, seed, rows = json.loads(unpacker.decompress(packed_bytes, LARGEST_PLAN))
            schedule = cls(_text(test), int(seed), tuple(map(_planned, rows)))
        except (ValueError, TypeError, OverflowError, zlib.error, RecursionError) as problem:
            raise _no_token(token, str(problem).partition("\n")[0] or type(problem).__name__) from None
        if not unpacker.eof:
            raise _no_token(token, "it ends too early, or is too large")
        if version != CHAOS_VERSION:
            raise _no_token(token, f"it is of chaos version {version}, and this is {CHAOS_VERSION}")
        return schedule


class Plan:
    """A schedule while it is followed: who asks for a call's fault takes it.

    A `loose` one may go another way: with fewer faults than before, a test makes other calls. `taken` is what has happened,
    in a test of Hypothesis in any example.
    """

    def __init__(self, schedule: Schedule, *, loose: bool = False) -> None:
        self.schedule = schedule
        self.loose = loose
        self.taken: set[Planned] = set()
        self.start_again()

    def start_again(self) -> None:
        """Another example begins, in which nothing of it has happened."""
        self._left: dict[tuple[CallKey, int], Planned] = {(one.key, one.ordinal): one for one in self.schedule.faults}

    def take(self, key: CallKey, ordinal: int) -> Planned | None:
        """The fault for this call, if there is one."""
        planned = self._left.pop((key, ordinal), None)
        if planned is not None:
            self.taken.add(planned)
        return planned

    @property
    def left(self) -> tuple[Planned, ...]:
        """What has not happened."""
        return tuple(self._left.values())


def _planned(row: list[Any]) -> Planned:
    module, method, path, digest, lane, ordinal, rule, fault = row
    return Planned(
        CallKey(_text(module), _text(method), _text(path), _text(digest), _text(lane)),
        int(ordinal),
        _text(rule),
        fault_from(fault),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} should be a text")
    return value


def _no_token(token: str, reason: str) -> ConfigurationError:
    shown = token if len(token) <= SHOWN_CHARACTERS else token[:SHOWN_CHARACTERS] + "…"
    return ConfigurationError(f"replay {shown!r} is not what a red test prints ({reason}); copy the whole line")
