"""Databases in which nobody but the test's own hand is superuser: who owns the tables, and two more plain roles."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import psycopg

from pytest_aosfarm.recording.isolation import READER, RECORDER
from pytest_aosfarm.recording.location import Database
from pytest_aosfarm.recording.schema import upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.postgres import Postgres

__all__ = ("Shared", "plain_roles", "with_run_store")


class Shared(NamedTuple):
    """URLs of one database: of the superuser, of the plain role that owns the tables, and of two more plain roles."""

    url: str
    owner: str
    member: str
    other: str
    owner_name: str
    member_name: str
    other_name: str

    def run(self, *statements: str) -> None:
        """Run SQL as the superuser."""
        with psycopg.connect(self.url) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@contextmanager
def plain_roles(postgres: Postgres) -> Iterator[Shared]:
    """An empty database with an owner who may make roles."""
    owner, *plain = names = [f"aosfarm_{kind}_{uuid4().hex[:12]}" for kind in ("owner", "member", "other")]
    with psycopg.connect(postgres.url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {owner} LOGIN CREATEROLE PASSWORD 'x'".encode())
        for name in plain:
            admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'".encode())
        try:
            with postgres.database() as url:
                with psycopg.connect(url) as connection:
                    connection.execute(f"GRANT CREATE ON SCHEMA public TO {owner}".encode())
                urls = [re.sub(r"//[^@/]*@", f"//{name}:x@", url, count=1) for name in names]
                yield Shared(url, *urls, *names)
        finally:
            for name in names:
                admin.execute(f"DROP ROLE {name}".encode())


@contextmanager
def with_run_store(postgres: Postgres) -> Iterator[Shared]:
    """A run store that a plain owner has made: the member records, the other one only reads."""
    with plain_roles(postgres) as shared:
        upgrade(Database(url=shared.owner))
        shared.run(f"GRANT {RECORDER} TO {shared.member_name}", f"GRANT {READER} TO {shared.other_name}")
        yield shared
