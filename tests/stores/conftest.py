"""Databases with three tenants in each: synthetic data, or runs; who loads, who writes and who reads are plain roles."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from history_samples import Sampler
from kept_runs import keep_runs
from shared_postgres import plain_roles, with_run_store
from synthetic_data import dataset

from pytest_aosfarm.recording.isolation import READER
from pytest_aosfarm.recording.location import Database
from pytest_aosfarm.recording.schema import upgrade
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.sinks import postgres as sink
from pytest_aosfarm.sinks.loading import Load

TENANTS = ("a", "b's", "c\\c")


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
    with with_run_store(postgres) as shared:
        for number, tenant in enumerate(TENANTS):
            with RunStore(Database(url=shared.member), tenant) as store:
                keep_runs(store, runs=2 + number)
        yield shared


@contextmanager
def empty_place(request, tmp_path):
    """An empty place for runs: a SQLite file that is not there yet, or a PostgreSQL that has been upgraded."""
    if request.param == "sqlite":
        yield Database(tmp_path / "deep" / "farm.db")
        return
    with request.getfixturevalue("postgres").database() as url:
        place = Database(url=url)
        upgrade(place)
        yield place


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path):
    """An empty place for runs, on both stores."""
    with empty_place(request, tmp_path) as place:
        yield place


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def store(request, tmp_path):
    """An open store, for tests of what is read of runs."""
    with empty_place(request, tmp_path) as place, RunStore(place, "me", create=True) as store:
        yield store


@pytest.fixture
def sample(store):
    """Writes runs into the store."""
    return Sampler(store)
