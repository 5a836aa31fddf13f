"""What a test said of itself in its user properties: who it is, whose data it has, and what it wants to have kept."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from pytest_aosfarm.recording.failures import OUTPUT_LIMIT, clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_aosfarm.recording.events import Scalar
    from pytest_aosfarm.recording.secrets import Redactor

__all__ = ("CHAOS", "FAULTS", "GRADE_PREFIX", "IDENTITY", "LAB", "TENANT", "scalar", "told")

IDENTITY = "farm.identity"
TENANT = "farm.tenant"
LAB = "farm.lab"
GRADE_PREFIX = "farm.grade."
"""A metric that a lab graded: `farm.grade.SUBJECT.METRIC`."""
FAULTS = "farm.faults"
"""What chaos injected, as a list in JSON; in the record how many that were."""

CHAOS = "farm.chaos"
"""What gives the test the same faults again: the value of --farm-replay."""

_PAIR = 2
_LISTS = (tuple, list)
_REPLAY_TOKEN = re.compile(r"(AC\d+:[\w-]+)")


def told(pairs: Iterable[object], secrets: Redactor) -> tuple[str | None, str | None, str | None, dict[str, Scalar]]:
    """Identity, tenant, the text about faults, and all other properties in a form that every store can hold.

    Of one name the last counts.
    """
    identity = tenant = faults = None
    properties: dict[str, Scalar] = {}
    for pair in pairs:
        # What other plugins append need not be a pair.
        if not isinstance(pair, _LISTS) or len(pair) != _PAIR:
            continue
        name, value = pair
        if name == IDENTITY:
            identity = clean(str(value), limit=None)
        elif name == TENANT:
            tenant = clean(str(value), limit=None)
        elif name == FAULTS and isinstance(value, str):
            faults = value
        else:
            properties[clean(secrets.redacted(str(name)))] = scalar(secrets, str(name), value)
    return identity, tenant, faults, properties


def scalar(secrets: Redactor, name: str, value: object) -> Scalar:
    """The value of a property as every store can hold it, without secrets."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if name == CHAOS:
        return _replayable(secrets, str(value))
    plain = secrets.value(value if isinstance(value, int | float) else str(value), name)
    return clean(plain) if isinstance(plain, str) else plain


def _replayable(secrets: Redactor, text: str) -> str:
    """Without secrets, but with every letter of its token, which looks like one now and then."""
    parts = _REPLAY_TOKEN.split(text)
    parts[::2] = map(secrets.redacted, parts[::2])
    return clean("".join(parts), limit=OUTPUT_LIMIT)
