"""Databases in which nobody but the test's own hand is superuser: who loads, who reads and writes, and three tenants."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import NamedTuple
from uuid import uuid4

import psycopg
import pytest
from kept_runs import keep_runs
from synthetic_data import dataset

from pytest_aosfarm.recording.isolation import READER, RECORDER
from pytest_aosfarm.recording.location import Database
from pytest_aosfarm.recording.schema import upgrade
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.sinks import postgres as sink
from pytest_aosfarm.sinks.loading import Load

TENANTS = ("a", "b's", "c\\c")


class Shared(NamedTuple):
    """URLs of one database: of the superuser, of the plain role that owns the tables, and of two more plain roles."""

    url: str
    owner: str
    member: str
    other: str
    owner_name: str
    member_name: str
    other_name: str

    def run(self, *statements):
        with psycopg.connect(self.url) as connection:
            for statement in statements:
                connection.execute(statement)


def as_role(url, role):
    return re.sub(r"//[^@/]*@", f"//{role}:x@", url, count=1)


@contextmanager
def plain_roles(postgres):
    """An empty database with an owner who may make roles."""
    owner, *plain = names = [f"aosfarm_{kind}_{uuid4().hex[:12]}" for kind in ("owner", "member", "other")]
    with psycopg.connect(postgres.url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {owner} LOGIN CREATEROLE PASSWORD 'x'")
        for name in plain:
            admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
        try:
            with postgres.database() as url:
                with psycopg.connect(url) as connection:
                    connection.execute(f"GRANT CREATE ON SCHEMA public TO {owner}")
                yield Shared(url, *(as_role(url, name) for name in names), *names)
        finally:
            for name in names:
                admin.execute(f"DROP ROLE {name}")


@pytest.fixture
def empty(postgres):
    with plain_roles(postgres) as shared:
        yield shared


@pytest.fixture(scope="module")
def shared(postgres):
    """Three tenants of the same rows, loaded by a plain owner; the member may also write to synthetic_databases."""
    with plain_roles(postgres) as shared:
        for tenant in TENANTS:
            sink.load(shared.owner, Load.of(dataset(), tenant, ["services"]))
        shared.run(
            f"GRANT {READER} TO {shared.member_name}",
            f"GRANT INSERT, UPDATE, DELETE ON synthetic_databases TO {shared.member_name}",
        )
        yield shared


@pytest.fixture(scope="module")
def kept(postgres):
    """A run store of three tenants with the same runs, made by a plain owner: the member records, the other reads."""
    with plain_roles(postgres) as shared:
        upgrade(Database(url=shared.owner))
        shared.run(f"GRANT {RECORDER} TO {shared.member_name}", f"GRANT {READER} TO {shared.other_name}")
        for number, tenant in enumerate(TENANTS):
            with RunStore(Database(url=shared.member), tenant) as store:
                keep_runs(store, runs=2 + number)
        yield shared


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path):
    """An empty place for runs: a SQLite file that is not there yet, or a PostgreSQL that has been upgraded."""
    if request.param == "sqlite":
        yield Database(tmp_path / "deep" / "farm.db")
        return
    with request.getfixturevalue("postgres").database() as url:
        place = Database(url=url)
        upgrade(place)
        yield place
