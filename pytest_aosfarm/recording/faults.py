"""The faults that chaos injected into an attempt, from the text that comes up with its report to what is kept of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_aosfarm.recording.failures import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_aosfarm.recording.events import Scalar
    from pytest_aosfarm.recording.secrets import Redactor

__all__ = ("FIELDS", "MOST", "Fault", "kept_faults", "listed")

Fault = dict[str, "Scalar"]
"""One fault by FIELDS; what nobody knows is left out, but never `kind` and `at_us`."""

MOST = 1_000
"""Faults of one attempt that are recorded; any more are counted."""

UNKNOWN = "unknown"
"""The kind of a fault that does not tell it."""

_TEXTS = ("kind", "module", "method", "path", "rule", "observed")
_NUMBERS = {"at_us": 62, "status": 31, "delay_us": 63}
"""Name -> bits: what a column takes, and `at_us` has the start of the attempt added to it."""

FIELDS = ("at_us", "kind", "module", "method", "path", "status", "delay_us", "rule", "delivered", "observed")
"""As the columns of farm_faults are called; `at_us` counts from the start of the attempt."""


def listed(text: str) -> list[object] | None:
    """What a property that tells of faults lists, one by one; None when it is no list in JSON."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None


def kept_faults(found: Iterable[object], secrets: Redactor) -> tuple[Fault, ...]:
    """The first faults of what is listed, without secrets and in a form that every store can hold.

    A value of a wrong type is left out, and so is whatever is no object; nothing is raised.
    """
    faults: list[Fault] = []
    for one in found:
        if len(faults) == MOST:
            break
        if isinstance(one, dict):
            faults.append(_fault(one, secrets))
    return tuple(faults)


def _fault(told: Mapping[str, object], secrets: Redactor) -> Fault:
    fault: Fault = {"at_us": 0, "kind": UNKNOWN}
    for name in _TEXTS:
        text = told.get(name)
        if isinstance(text, str) and text:
            fault[name] = clean(secrets.redacted(text))
    for name, bits in _NUMBERS.items():
        number = told.get(name)
        if type(number) is int and 0 <= number < 1 << bits:
            fault[name] = number
    delivered = told.get("delivered")
    if isinstance(delivered, bool):
        fault["delivered"] = delivered
    return fault
