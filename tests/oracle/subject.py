"""A snapshot as the checks of the planting limits look at it, everything they share worked out once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .domains import EXCLUDED
from .evidence import Estate, Evidence, Record
from .rederive import governance, verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

__all__ = ("Subject",)


class Subject:
    """A farm.v1 document, the keys truth was planted for, and what the rules make of it.

    `verdicts` is what `rederive` says. Raises ValueError if meta.created_at is no timestamp.
    """

    def __init__(self, document: Mapping[str, Any], truth_keys: Collection[str]) -> None:
        self.document = document
        self.truth_keys = frozenset(truth_keys)
        self.estate = Estate(document)
        self.governed = governance(self.estate)
        self.verdicts = {key: verdict(self.estate, found, self.governed[key]) for key, found in self.estate.keys.items()}

    def records(self, plane: str, name: str) -> list[Record]:
        """The usable records of one list."""
        return self.estate.records(plane, name)

    def graded(self) -> Iterator[Evidence]:
        """The evidence of every discovered key that policy does not exclude."""
        return (found for found in self.estate.keys.values() if found.key not in EXCLUDED)
