"""Which attempt at a test this is, why it was made, and which earlier one it makes void."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_aosfarm.recording.events import OTHER, OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ("FIRST", "Number", "Numbering")

_CODES = {outcome: code for code, outcome in enumerate((*OUTCOMES, OTHER))}
_OUTCOMES = tuple(_CODES)
_CODE_BITS = 3
_PLACE_MASK = (1 << 24) - 1
_WHO_MASK = (1 << 59) - 1


class Number(NamedTuple):
    """The fields of an AttemptFinished that depend on the attempts before it."""

    attempt: int
    cause: str
    replaces: int | None
    replaced_outcome: str | None


FIRST = Number(1, "first", None, None)


class Numbering:
    """Remembers the attempts of a run, in some 100 bytes a test: hashes as small integers, no texts.

    A place is a node id on a worker (or on any of them, when the workers share the tests). A test is run again in the
    same place; in another place it is another test that has the same identity.
    """

    def __init__(self) -> None:
        self._only: dict[int, int] = {}
        """Identity -> place and outcome of its only attempt, packed into one number."""
        self._several: dict[int, tuple[int, dict[int, tuple[int, str]]]] = {}
        """Identity -> how many attempts, and the last one with its outcome at each place."""

    def next(
        self, identity: str, nodeid: str, variant: str | None, outcome: str, *, twice: Collection[str] = ()
    ) -> Number:
        """Number the attempt that has just ended with `outcome`; `twice` are the node ids that were collected twice."""
        who = hash(identity) & _WHO_MASK
        place = hash(nodeid if variant is None else (nodeid, variant)) & _PLACE_MASK
        only = self._only.get(who)
        if only is None:
            self._only[who] = place << _CODE_BITS | _CODES[outcome]
            return FIRST
        count, places = self._several.get(who) or (
            1,
            {only >> _CODE_BITS: (1, _OUTCOMES[only & ((1 << _CODE_BITS) - 1)])},
        )
        count += 1
        before = places.get(place)
        places[place] = count, outcome
        self._several[who] = count, places
        if before is None:
            return Number(count, "repeat" if variant is None else "each", None, None)
        if before[1] == "crashed":
            return Number(count, "crash", *before)
        if nodeid in twice and before[1] != OTHER:
            return Number(count, "repeat", None, None)
        return Number(count, "crash" if outcome == "crashed" else "rerun", *before)
