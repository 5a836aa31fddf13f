"""What must hold of any snapshot: references resolve, and nothing in it gives the truth away."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ("banned", "references")

BANNED_KEYS = frozenset(
    {
        *("is_shadow_it", "shadowscenario", "shadow_scenario", "shadowreasons", "shadow_reasons", "incmdb", "in_cmdb"),
        *("rulestriggered", "rules_triggered", "conflicttypes", "conflict_types", "sourcepresence"),
        *("source_presence", "parked_reason", "ground_truth", "groundtruth"),
    }
)
HINT_WORDS = ("shadow", "zombie", "parked", "junk", "planted", "stress", "expected", "near_collision", "ground")
_HINTS = re.compile("|".join(HINT_WORDS[:-1]) + r"|\bground", re.IGNORECASE)
_REFERENCES = (
    ("endpoint", "installed_apps", "device_id", "devices", "device_id"),
    ("finance", "contracts", "vendor_id", "vendors", "vendor_id"),
    ("finance", "transactions", "vendor_id", "vendors", "vendor_id"),
)


def references(document: Mapping[str, Any]) -> list[str]:
    """Every reference of a farm.v1 document that points at no record, one line each."""
    return [line for reference in _REFERENCES for line in _dangling(document["planes"], *reference)]


def _dangling(planes: Mapping[str, Any], plane: str, name: str, field: str, target: str, number: str) -> Iterator[str]:
    there = {row.get(number) for row in planes.get(plane, {}).get(target, ())}
    for row in planes.get(plane, {}).get(name, ()):
        if row.get(field) is not None and row[field] not in there:
            yield f"{plane}.{name}: {field} {row[field]!r} is in no {plane}.{target} record"


def banned(document: Mapping[str, Any]) -> list[str]:
    """Every banned key (any depth, any case) and every text value with a word that hints at the truth."""
    text = json.dumps(document).lower()
    if not any(word in text for word in (*HINT_WORDS, *BANNED_KEYS)):
        return []
    return list(_walk(document, "$"))


def _walk(value: object, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if str(key).lower() in BANNED_KEYS:
                yield f"{path}: banned key {key!r}"
            yield from _walk(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _walk(inner, f"{path}[{at}]")
    elif isinstance(value, str) and (hint := _HINTS.search(value)):
        yield f"{path}: {value!r} hints at the truth with {hint[0]!r}"
