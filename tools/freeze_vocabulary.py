"""Freezes the word lists of Faker into `pytest_aosfarm/synthetic/vocabulary/words.json`.

Run by hand when DATA_VERSION changes, never at test time: Faker's lists differ between releases, so data drawn from the
live lists would not be the same data next month. `python tools/freeze_vocabulary.py` rewrites the file in place.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from faker.providers.address.en_US import Provider as Address
from faker.providers.company import Provider as Company
from faker.providers.job import Provider as Job
from faker.providers.person.en_US import Provider as Person

if TYPE_CHECKING:
    from collections.abc import Iterable

TARGET = Path(__file__).parent.parent / "pytest_aosfarm" / "synthetic" / "vocabulary" / "words.json"

# Words that discovery reads as something else: artifact names, marks of a retired IdP object.
RESERVED = re.compile(
    r"dashboard|report|calculator|worksheet|spreadsheet|view|file|legacy|deprecated|prod|dev|stag|test|qa|"
    r"global|platform|python|docker|elastic|apache|ground",
    re.IGNORECASE,
)


def plain(words: Iterable[str], *, most: int) -> list[str]:
    """At most `most` ASCII words of 4 to 14 letters, sorted and evenly spread, none reserved, none twice."""
    kept = sorted({w for w in words if re.fullmatch(r"[A-Za-z]{4,14}", w) and not RESERVED.search(w)})
    return [kept[i * len(kept) // most] for i in range(most)] if len(kept) > most else kept


def main() -> None:
    """Write the vocabulary file."""
    slogans = [word.capitalize() for group in Company.catch_phrase_words for word in group]
    business = [word.capitalize() for group in Company.bsWords for word in group]
    titles = (word for title in Job.jobs for word in re.split(r"[^A-Za-z]+", title))
    words = {
        "first_names": plain(Person.first_names, most=400),
        "last_names": plain(Person.last_names, most=500),
        "company_suffixes": sorted(set(Company.company_suffixes)),
        "products": plain(slogans + business, most=200),
        "fields": plain((title.capitalize() for title in titles), most=120),
        "cities": plain((name + suffix for name in ("North", "East", "West", "South", "Port", "Lake")
                         for suffix in Address.city_suffixes), most=80),
    }
    TARGET.write_text(json.dumps(words, indent=0, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
