"""Names that stay apart: unique labels for systems, their look-alikes, and the people of a company.

Every label is eight letters, consonant and vowel by turns. Labels of one length are never substrings of each other, and
the letters are chosen so that no label contains a word that discovery gives a meaning to.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_aosfarm.synthetic.columns import Constant, Number, Text, Words
from pytest_aosfarm.synthetic.hashing import Shuffle
from pytest_aosfarm.synthetic.rows import Cell, OneRow, Rows
from pytest_aosfarm.synthetic.table import Table, column, hidden
from pytest_aosfarm.synthetic.vocabulary import vocabulary

__all__ = ("CAPITAL_LABEL", "EMAIL", "LABEL", "STEMS", "SUFFIX", "Names", "Person")

_CONSONANTS = "bdhjklmnrstw"
_VOWELS = "aeiou"
_SYLLABLES = tuple(c + v for c in _CONSONANTS for v in _VOWELS)
STEMS = len(_SYLLABLES) ** 3 * len(_CONSONANTS)
"""How many stems (seven-letter beginnings) there are; each carries a label and up to four look-alikes."""

_SUFFIXES = ("com", "com", "com", "io", "net", "app", "co.uk", "com.au", "co.jp", "de")

_TAIL = (Words(_SYLLABLES), Words(_SYLLABLES), Words(_CONSONANTS), Words(_VOWELS))
LABEL = (Words(_SYLLABLES), *_TAIL)
"""Parts of a text that make a label; their cells are those of `Labels`."""
CAPITAL_LABEL = (Words([syllable.capitalize() for syllable in _SYLLABLES]), *_TAIL)
"""The same with a capital first letter."""
SUFFIX = Words(_SUFFIXES)
"""A public suffix as a part of a text."""

_FIRST, _LAST = vocabulary().first_names, vocabulary().last_names
EMAIL = Text(
    Words([name.lower() for name in _FIRST]), ".", Words([name.lower() for name in _LAST]), ".", Number(), "@", Constant()
)
"""The address of an employee; its cells are those of `People`."""


@dataclass(frozen=True, slots=True)
class Person:
    """An employee: full name and an e-mail address that no colleague shares."""

    name: str
    email: str


class _Labels(Table):
    """The labels of all systems, by number."""

    name = "names"
    unique = ("label",)

    def __init__(self, seed: int, tenant_key: str) -> None:
        super().__init__(STEMS, seed, tenant_key)
        self._stems = Shuffle(STEMS, seed, tenant_key, self.name, "stem")

    @column(Text(*LABEL))
    def _label(self, r: Rows) -> Cell:
        rest = r.shuffled(self._stems, r.i)
        stem = rest // len(_CONSONANTS)
        first_two = stem // len(_SYLLABLES)
        syllables = first_two // len(_SYLLABLES), first_two % len(_SYLLABLES), stem % len(_SYLLABLES)
        return (*syllables, rest % len(_CONSONANTS), r["ending"])

    @column(Text(*LABEL))
    def _lookalike(self, r: Rows) -> Cell:
        *stem, ending = r["label"]
        return (*stem, (ending + 1 + r.below("other ending", len(_VOWELS) - 1)) % len(_VOWELS))

    @hidden
    def _ending(self, r: Rows) -> Cell:
        return r.below("ending", len(_VOWELS))

    @column(SUFFIX)
    def _suffix(self, r: Rows) -> Cell:
        return r.below("suffix", len(_SUFFIXES))


class _People(Table):
    """Employees, by number."""

    name = "people"
    unique = ("email",)

    def __init__(self, seed: int, tenant_key: str, company_domain: str) -> None:
        super().__init__(1 << 32, seed, tenant_key)
        self._domain = company_domain

    @column(Text(Words(_FIRST), " ", Words(_LAST)))
    def _name(self, r: Rows) -> Cell:
        return r.below("first name", len(_FIRST)), r.below("last name", len(_LAST))

    @column(EMAIL)
    def _email(self, r: Rows) -> Cell:
        return (*r["name"], r.i, self._domain)


class Names:
    """All names of one tenant, by number."""

    def __init__(self, seed: int, tenant_key: str) -> None:
        self.labels = _Labels(seed, tenant_key)
        self.company_label = self.label(STEMS - 1)
        self.company_domain = f"{self.company_label}.com"
        self.people = _People(seed, tenant_key, self.company_domain)
        self._persons: dict[int, Person] = {}

    def label(self, number: int) -> str:
        """The label of system `number`, 0 <= number < STEMS: eight lower-case letters, unique."""
        text: str = self.labels.value(number, "label")
        return text

    def lookalike(self, number: int) -> str:
        """Another label that differs from `label(number)` in its last letter only, and from all others."""
        text: str = self.labels.value(number, "lookalike")
        return text

    def suffix(self, number: int) -> str:
        """The public suffix under which system `number` is registered, such as "com" or "co.uk"."""
        text: str = self.labels.value(number, "suffix")
        return text

    def other_suffix(self, number: int) -> str:
        """A public suffix other than `suffix(number)`, for a different company of the same label."""
        own = self.suffix(number)
        others = [suffix for suffix in _SUFFIXES if suffix != own]
        return others[OneRow(self.labels, number).below("other ending", len(others))]

    def person(self, number: int) -> Person:
        """Employee `number`; kept once made, since a few people own and use most of what there is."""
        if number not in self._persons:
            self._persons[number] = Person(self.people.value(number, "name"), self.people.value(number, "email"))
        return self._persons[number]
