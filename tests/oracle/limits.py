"""The planting limits: inside them AOD's verdict on a snapshot is beyond dispute; here is what lies outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import limits_keys, limits_names, limits_records
from .integrity import banned, references
from .subject import Subject

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ("banned", "outside", "references", "violations")


def violations(document: Mapping[str, Any], truth_keys: Collection[str]) -> list[str]:
    """Every way in which a farm.v1 document leaves the planting limits, one line each.

    A line begins with the number of the limit, or with what else it is about (`truth`, `key`, `quirk`, `source`,
    `agreement`, `undecided`). `truth_keys` are the keys that truth was planted for. Raises ValueError if
    meta.created_at is no timestamp.
    """
    return outside(Subject(document, truth_keys))


def outside(subject: Subject) -> list[str]:
    """`violations` of a subject that is there already."""
    checks = (*limits_names.CHECKS, *limits_keys.CHECKS, *limits_records.CHECKS)
    return [line for check in checks for line in check(subject)]
