"""The word lists that text is drawn from, frozen from Faker by `tools/freeze_vocabulary.py`."""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256

from pytest_aosfarm.errors import FarmError

__all__ = ("DIGEST", "Vocabulary", "vocabulary")

DIGEST = "d9b1c16bbf50e08bed1a8c54cee9ac0bbee8ea71ed98e700624b57d555f4cf0f"
"""SHA-256 of `words.json`. The words are part of the data definition: other words need another DATA_VERSION."""


class Vocabulary:
    """Sorted tuples of ASCII words, none of which discovery reads as a keyword."""

    def __init__(self, lists: dict[str, list[str]]) -> None:
        self.cities = tuple(lists["cities"])
        self.company_suffixes = tuple(lists["company_suffixes"])
        self.fields = tuple(lists["fields"])
        self.first_names = tuple(lists["first_names"])
        self.last_names = tuple(lists["last_names"])
        self.products = tuple(lists["products"])


@cache
def vocabulary() -> Vocabulary:
    """The frozen words. Raises FarmError when the file in the installation is not the one the data is defined by."""
    with open(f"{__path__[0]}/words.json", "rb") as file:  # noqa: PTH123 - pathlib takes longer to import than this to read
        raw = file.read()
    seen = sha256(raw).hexdigest()
    if seen != DIGEST:
        raise FarmError(
            f"vocabulary/words.json has SHA-256 {seen}, the data definition names {DIGEST}: reinstall pytest-aosfarm"
        )
    return Vocabulary(json.loads(raw))
