"""The word lists that text is drawn from, frozen from Faker by `tools/freeze_vocabulary.py`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

from pytest_aosfarm.errors import FarmError

__all__ = ("DIGEST", "Vocabulary", "vocabulary")

DIGEST = "d9b1c16bbf50e08bed1a8c54cee9ac0bbee8ea71ed98e700624b57d555f4cf0f"
"""SHA-256 of `words.json`. The words are part of the data definition: other words need another DATA_VERSION."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Sorted tuples of ASCII words, none of which discovery reads as a keyword."""

    cities: tuple[str, ...]
    company_suffixes: tuple[str, ...]
    fields: tuple[str, ...]
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    products: tuple[str, ...]


@cache
def vocabulary() -> Vocabulary:
    """The frozen words. Raises FarmError when the file in the installation is not the one the data is defined by."""
    raw = (files(__package__) / "words.json").read_bytes()
    seen = sha256(raw).hexdigest()
    if seen != DIGEST:
        raise FarmError(
            f"vocabulary/words.json has SHA-256 {seen}, the data definition names {DIGEST}: reinstall pytest-aosfarm"
        )
    return Vocabulary(**{name: tuple(words) for name, words in json.loads(raw).items()})
