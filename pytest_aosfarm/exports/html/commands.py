"""The command lines that repeat a run, or one of its tests, on the same data."""

from __future__ import annotations

import re
from datetime import datetime
from shlex import quote
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.exports.html.markup import plain
from pytest_aosfarm.recording.properties import CHAOS
from pytest_aosfarm.recording.replay_tokens import is_replay_token

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ("again", "command_of", "replay_of")

LONGEST, LONGEST_REPLAY = 4000, 8000
"""Characters; some shells take no more than the second. `aosfarm show` prints every token."""

_RANDOM = re.compile(r"--farm-seed[=\0]random(?=\0|$)")
_TIME_OF_CHAOS = re.compile(r"(?:^|\0)(--farm-chaos-time)[=\0](\w+)(?=\0|$)")

DATA = {"farm-seed": "seed", "farm-anchor": "anchor"}
DATA_OF_A_TEST = {"farm-scale": "scale", "farm-profile": "profile", "farm-tenant": "data_tenant", **DATA}
"""Option -> the column that says what the data of a run depends on."""


def again(run: Mapping[str, Any]) -> str:
    """The run's own command line; seed and anchor are added where it does not name them."""
    arguments = "\0".join(run["arguments"] or ())
    kept = [one for one in _RANDOM.sub("", arguments).split("\0") if one]
    missing = {option: column for option, column in DATA.items() if not any(one.startswith(f"--{option}") for one in kept)}
    return _line([*kept, *_options(run, missing)])


def command_of(run: Mapping[str, Any], nodeid: str) -> str | None:
    """A command line for one test alone, or None for a name that no shell would take."""
    line = _line([nodeid, *_options(run, DATA_OF_A_TEST)])
    return line if len(line) <= LONGEST else None


def replay_of(run: Mapping[str, Any], row: Mapping[str, Any]) -> str | None:
    """A command line for a test alone with the faults that it had; None if it had none, or for one that is too long."""
    token = (row["properties"] or {}).get(CHAOS)
    if not isinstance(token, str) or not is_replay_token(token):
        return None
    times = _TIME_OF_CHAOS.findall("\0".join(run["arguments"] or ()))
    time = ["=".join(times[-1])] if times else []
    line = _line([row["nodeid"], *_options(run, DATA_OF_A_TEST), *time, f"--farm-replay={token}"])
    return line if len(line) <= LONGEST_REPLAY else None


def _options(run: Mapping[str, Any], options: Mapping[str, str]) -> Iterable[str]:
    for option, column in options.items():
        value = run[column]
        if value is not None:
            yield f"--{option}={value.isoformat() if isinstance(value, datetime) else value}"


def _line(arguments: Iterable[str]) -> str:
    return plain(" ".join(["pytest", *map(quote, arguments)]))
