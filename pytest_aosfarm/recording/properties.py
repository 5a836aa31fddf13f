"""What a test said of itself in its user properties: who it is, whose data it has, and what it wants to have kept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_aosfarm.recording.failures import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_aosfarm.recording.events import Scalar
    from pytest_aosfarm.recording.secrets import Redactor

__all__ = ("GRADE_PREFIX", "IDENTITY", "LAB", "TENANT", "told")

IDENTITY = "farm.identity"
TENANT = "farm.tenant"
LAB = "farm.lab"
GRADE_PREFIX = "farm.grade."
"""A metric that a lab graded: `farm.grade.SUBJECT.METRIC`."""

_PAIR = 2


def told(pairs: Iterable[object], secrets: Redactor) -> tuple[str | None, str | None, dict[str, Scalar]]:
    """Identity, tenant, and all other properties in a form that every store can hold; of one name the last counts."""
    identity = tenant = None
    properties: dict[str, Scalar] = {}
    for pair in pairs:
        # What other plugins append need not be a pair.
        if not isinstance(pair, tuple | list) or len(pair) != _PAIR:
            continue
        name, value = pair
        if name == IDENTITY:
            identity = clean(str(value), limit=None)
        elif name == TENANT:
            tenant = clean(str(value), limit=None)
        else:
            properties[clean(secrets.redacted(str(name)))] = _scalar(secrets, str(name), value)
    return identity, tenant, properties


def _scalar(secrets: Redactor, name: str, value: object) -> Scalar:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    plain = secrets.value(value if isinstance(value, int | float) else str(value), name)
    return clean(plain) if isinstance(plain, str) else plain
