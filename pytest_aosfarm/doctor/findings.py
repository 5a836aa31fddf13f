"""What an examination of a database says."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ("NOTHING", "Examined", "Finding")


class Finding(NamedTuple):
    """Something that is not as it must be."""

    at: str
    wrong: str
    do: str


class Examined(NamedTuple):
    """What was looked at: how many tables of each kind, and the run store's schema if there is one; what was found."""

    database: str
    role: str | None
    synthetic_tables: int
    partitions: int
    run_tables: int
    schema: str | None
    findings: list[Finding]


NOTHING = Finding(
    "the database",
    "holds neither a run store nor synthetic data",
    "`aosfarm db upgrade --db URL` makes a run store, `aosfarm data load --db URL` loads a tenant; or name another --db",
)
