"""Loading into PostgreSQL as a plain owner, whom row level security binds as it binds everybody."""

from __future__ import annotations

import psycopg
import pytest
from synthetic_data import Astray, Raising, dataset, like_services

from pytest_aosfarm.doctor.postgres import examine
from pytest_aosfarm.errors import LoadError
from pytest_aosfarm.recording.isolation import NOT_EMPTY, POLICY, READER
from pytest_aosfarm.recording.location import Database
from pytest_aosfarm.sinks import postgres as sink
from pytest_aosfarm.sinks.loading import Load
from pytest_aosfarm.sinks.postgres_tenant import as_tenant

A, B = "a", "b's"


def found(shared, role=READER):
    return [(finding.at, finding.wrong) for finding in examine(Database(url=shared.url), role).findings]


def wanted(tenant=A, **changed):
    load = Load.of(dataset(), tenant, ["services"])
    return Load(load.tenant_id, {**load.tables, **changed}, load.data_key)


def test_a_plain_owner_resumes_replaces_and_unloads(empty):
    sink.load(empty.owner, wanted(B))
    with pytest.raises(RuntimeError, match="midway"):
        sink.load(empty.owner, wanted(services=like_services(Raising)))
    assert set(sink.load(empty.owner, wanted()).resumed) == {"applications", "databases", "hosts"}
    assert sink.load(empty.owner, wanted()).resumed == ()
    with psycopg.connect(empty.owner) as connection:
        for tenant, rows in ((A, 90), (B, 90)):
            with as_tenant(connection, tenant):
                assert connection.execute("SELECT count(*) FROM synthetic_services").fetchall() == [(rows,)]
    sink.unload(empty.owner, B)
    assert found(empty) == []


def test_a_plain_owner_s_references_are_validated(empty):
    with pytest.raises(LoadError, match="violates foreign key constraint"):
        sink.load(empty.owner, wanted(services=like_services(Astray)))


def leaf(shared, name):
    with psycopg.connect(shared.url) as connection:
        query = f"SELECT tableoid::regclass::text FROM synthetic_{name} WHERE tenant_id = %s LIMIT 1"
        return connection.execute(query, (B,)).fetchall()[0][0]


def test_a_load_mends_a_database_of_an_earlier_version(empty):
    for tenant in (A, B):
        sink.load(empty.owner, wanted(tenant))
    for table in ("synthetic_hosts", leaf(empty, "hosts")):
        off = "DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY"
        empty.run(f"DROP POLICY {POLICY} ON {table}", f"ALTER TABLE {table} {off}")
    empty.run(f"ALTER TABLE synthetic_hosts DROP CONSTRAINT {NOT_EMPTY}", f"REVOKE SELECT ON synthetic_hosts FROM {READER}")
    assert len(found(empty)) == 8
    sink.load(empty.owner, wanted())
    assert found(empty) == []


def test_a_load_leaves_alone_what_is_in_order(empty):
    def policies():
        with psycopg.connect(empty.url) as connection:
            query = "SELECT polrelid::regclass::text, pg_policy.oid FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid"
            return connection.execute(f"{query} WHERE relkind = 'p' ORDER BY 1").fetchall()

    sink.load(empty.owner, wanted())
    before = policies()
    sink.load(empty.owner, wanted(B))
    assert policies() == before


def test_without_the_right_to_make_the_readers_role_there_is_none(empty, monkeypatch):
    for module in ("sinks.postgres_partitions", "doctor.postgres"):
        monkeypatch.setattr(f"pytest_aosfarm.{module}.READER", "aosfarm_not_there")
    empty.run(f"ALTER ROLE {empty.owner_name} NOCREATEROLE")
    sink.load(empty.owner, wanted())
    assert ("role aosfarm_not_there", "is not there") in found(empty, empty.member_name)
