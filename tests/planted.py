"""Three tenants with words nobody could guess in everything that is recorded or loaded of them, in one place."""

from __future__ import annotations

import random
import sqlite3
import string
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
from kept_runs import attempts, keep_runs, started
from shared_postgres import with_run_store

from pytest_aosfarm.recording.events import ErrorSeen
from pytest_aosfarm.recording.location import Database, spool_folder
from pytest_aosfarm.recording.spool import SpoolWriter
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.sinks import postgres, sqlite
from pytest_aosfarm.sinks.loading import Load
from pytest_aosfarm.synthetic.dataset import ANCHOR, Dataset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tools.postgres import Postgres

__all__ = ("Planted", "planted_in_postgres", "planted_in_sqlite", "tenant_of")


@dataclass(frozen=True)
class Planted:
    """Where all that lies, and the word of each tenant; the first is the one that looks, in the folder `here`."""

    writes: str
    """The database of runs, as a path or URL, for commands that change something."""

    reads: str
    """The same, for commands that only read."""

    data: str
    """Where the first tenant's synthetic data is."""

    theirs: str
    """Where another one's is: in PostgreSQL the same place, in SQLite a file of its own."""

    here: Path
    words: tuple[str, str, str]

    @property
    def tenant(self) -> str:
        """The key of the one that looks."""
        return tenant_of(self.words[0])

    @property
    def is_file(self) -> bool:
        """Whether it is SQLite."""
        return not self.writes.startswith("postgresql:")

    def leaked(self, *seen: str | bytes) -> set[str]:
        """The words of others that are in what was seen."""
        texts = [one.encode("utf-8", "replace") if isinstance(one, str) else one for one in seen]
        return {word for word in self.words[1:] if any(word.encode() in text for text in texts)}


def tenant_of(word: str) -> str:
    """The key of the tenant with this word."""
    return f"team {word}'s"


def say_with(word: str) -> Callable[[str], str]:
    """What makes a tenant's own text; the word comes first, where nothing is cut off."""
    return lambda text: f"{word}-{text}"


def plant(writes: Database, spool_in: Path, words: tuple[str, str, str]) -> None:
    """Record runs of all three, with the same numbers and uuids, and leave spools of the second one's runs behind."""
    for number, word in enumerate(words):
        with RunStore(writes, tenant_of(word), create=True) as store:
            keep_runs(store, say_with(word), runs=2 + number)
    say = say_with(words[1])
    torn = f'{{"event":"attempt_finished","nodeid":"{say("torn")}'
    for number, rest in ((50, ""), (51, torn)):
        path = spool_folder(spool_in) / f"{number}.jsonl"
        spool = SpoolWriter(path)
        spool.write(started(str(UUID(int=number)), say, tenant=tenant_of(words[1]), database=writes.public))
        for attempt in attempts(say, 1):
            spool.write(attempt)
        spool.write(ErrorSeen(source="worker", message=say("error")))
        spool.close()
        with path.open("a") as file:
            file.write(rest)
    newer = f'{{"event":"run_started","version":99,"uuid":"{say("newer")}"}}\n'
    (spool_folder(spool_in) / "newer.jsonl").write_text(newer, encoding="utf-8")


def words() -> tuple[str, str, str]:
    """Words that look like words: what looks like a secret would be hidden by other rules than those that are tried."""
    draw = random.SystemRandom()
    one, two, three = ("canary" + "".join(draw.choices(string.ascii_lowercase, k=14)) for _ in range(3))
    return one, two, three


def load_of(word: str) -> Load:
    """Synthetic data of the tenant with this word."""
    data = Dataset(tenant_of(word), seed=1, scale="small", anchor=ANCHOR)
    return Load.of(data, tenant_of(word), ["services"])


@contextmanager
def planted_in_sqlite(here: Path) -> Iterator[Planted]:
    """All runs in one file, and a file of synthetic data for each."""
    chosen = words()
    runs = here / ".aosfarm" / "farm.db"
    plant(Database(runs), here, chosen)
    places = [here / f"{number}.db" for number in range(3)]
    for place, word in zip(places, chosen, strict=True):
        sqlite.load(place, load_of(word))
        with closing(sqlite3.connect(place)) as connection, connection:
            connection.execute("UPDATE synthetic_services SET owner = ?", (f"{word}-owner",))
    yield Planted(str(runs), str(runs), str(places[0]), str(places[1]), here, chosen)


@contextmanager
def planted_in_postgres(postgres_server: Postgres, here: Path) -> Iterator[Planted]:
    """All in one database; who records and who reads are plain roles that own nothing."""
    with with_run_store(postgres_server) as shared:
        chosen = words()
        plant(Database(url=shared.member), here, chosen)
        for word in chosen:
            postgres.load(shared.owner, load_of(word))
            with psycopg.connect(shared.owner) as connection:
                connection.execute("SELECT set_config('aosfarm.tenant_id', %s, true)", (tenant_of(word),))
                connection.execute("UPDATE synthetic_services SET owner = %s", (f"{word}-owner",))
        yield Planted(shared.member, shared.other, shared.owner, shared.owner, here, chosen)
