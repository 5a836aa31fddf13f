"""Names that stay apart: unique labels for systems, their look-alikes, and the people of a company.

Every label is eight letters, consonant and vowel by turns. Labels of one length are never substrings of each other, and
the letters are chosen so that no label contains a word that discovery gives a meaning to.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_aosfarm.synthetic.hashing import Draws, Shuffle
from pytest_aosfarm.synthetic.vocabulary import vocabulary

__all__ = ("Names", "Person")

_CONSONANTS = "bdhjklmnrstw"
_VOWELS = "aeiou"
_SYLLABLES = tuple(c + v for c in _CONSONANTS for v in _VOWELS)
STEMS = len(_SYLLABLES) ** 3 * len(_CONSONANTS)
"""How many stems (seven-letter beginnings) there are; each carries a label and up to four look-alikes."""

_SUFFIXES = ("com", "com", "com", "io", "net", "app", "co.uk", "com.au", "co.jp", "de")


@dataclass(frozen=True, slots=True)
class Person:
    """An employee: full name and an e-mail address that no colleague shares."""

    name: str
    email: str


class Names:
    """All names of one tenant, by number."""

    def __init__(self, seed: int, tenant_key: str) -> None:
        self._stems = Shuffle(STEMS, seed, tenant_key, "names", "stem")
        self._ending = Draws(seed, tenant_key, "names", "ending")
        self._other_ending = Draws(seed, tenant_key, "names", "other ending")
        self._suffix = Draws(seed, tenant_key, "names", "suffix")
        self._first = Draws(seed, tenant_key, "people", "first name")
        self._last = Draws(seed, tenant_key, "people", "last name")
        self._words = vocabulary()
        self._people: dict[int, Person] = {}
        self.company_label = self.label(STEMS - 1)
        self.company_domain = f"{self.company_label}.com"

    def _stem(self, number: int) -> str:
        rest, last = divmod(self._stems[number], len(_CONSONANTS))
        rest, third = divmod(rest, len(_SYLLABLES))
        first, second = divmod(rest, len(_SYLLABLES))
        return _SYLLABLES[first] + _SYLLABLES[second] + _SYLLABLES[third] + _CONSONANTS[last]

    def label(self, number: int) -> str:
        """The label of system `number`, 0 <= number < STEMS: eight lower-case letters, unique."""
        return self._stem(number) + self._ending.pick(number, _VOWELS)

    def lookalike(self, number: int) -> str:
        """Another label that differs from `label(number)` in its last letter only, and from all others."""
        at = _VOWELS.index(self._ending.pick(number, _VOWELS))
        return self._stem(number) + _VOWELS[(at + 1 + self._other_ending.below(number, 4)) % 5]

    def suffix(self, number: int) -> str:
        """The public suffix under which system `number` is registered, such as "com" or "co.uk"."""
        return self._suffix.pick(number, _SUFFIXES)

    def other_suffix(self, number: int) -> str:
        """A public suffix other than `suffix(number)`, for a different company of the same label."""
        own = self.suffix(number)
        return self._other_ending.pick(number, [suffix for suffix in _SUFFIXES if suffix != own])

    def person(self, number: int) -> Person:
        """Employee `number`; kept once made, since a few people own and use most of what there is."""
        if number not in self._people:
            first = self._first.pick(number, self._words.first_names)
            last = self._last.pick(number, self._words.last_names)
            email = f"{first}.{last}.{number}@{self.company_domain}".lower()
            self._people[number] = Person(f"{first} {last}", email)
        return self._people[number]
