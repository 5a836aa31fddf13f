"""Which keys a piece of text speaks of: by substring (cloud names) or by whole word (finance texts), in linear time."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from pytest_aosfarm.twins.aod.domains import label_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ("Substrings", "Words")

_PROBE = 4
_CHUNK = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class Substrings:
    """Finds the keys whose domain or label is contained in a text; labels shorter than four letters only as the domain.

    The first four characters of every needle are looked up at each position of the text, so the cost is the length of
    the text, however many keys there are.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys: defaultdict[str, set[str]] = defaultdict(set)
        self._lengths: defaultdict[str, set[int]] = defaultdict(set)
        for key in keys:
            for needle in (key, label_of(key)):
                if len(needle) >= _PROBE:
                    self._keys[needle].add(key)
                    self._lengths[needle[:_PROBE]].add(len(needle))

    def keys_in(self, text: str) -> set[str]:
        """The keys that `text` contains, in any case."""
        text = text.lower()
        found: set[str] = set()
        for start in range(len(text) - _PROBE + 1):
            for length in self._lengths.get(text[start : start + _PROBE], ()):
                found |= self._keys.get(text[start : start + length], frozenset())
        return found


class Words:
    """Finds the keys whose label stands in a text as a word: "Label", "LABEL, Inc.", "label-prod", "Label (Legacy)"."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys: defaultdict[str, set[str]] = defaultdict(set)
        for key in keys:
            self._keys[label_of(key)].add(key)
        self._longest = max((label.count("-") + 1 for label in self._keys), default=1)

    def keys_in(self, text: str) -> set[str]:
        """The keys that `text` names, in any case."""
        found: set[str] = set()
        for word in self._words(text.lower()):
            found |= self._keys.get(word, frozenset())
        return found

    def _words(self, text: str) -> Iterator[str]:
        """Each word, and each run of hyphenated words that may be a label."""
        for chunk in _CHUNK.findall(text):
            if "-" not in chunk:
                yield chunk
                continue
            parts = chunk.split("-")
            for start in range(len(parts)):
                for end in range(start + 1, min(start + self._longest, len(parts)) + 1):
                    yield "-".join(parts[start:end])
