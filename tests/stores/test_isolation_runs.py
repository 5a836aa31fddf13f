"""Runs of tenants never meet in a PostgreSQL: raw SQL through the store, and broken guarantees that must be seen."""

from __future__ import annotations

from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from synthetic_data import dataset

from pytest_aosfarm.doctor.postgres import examine
from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.recording.isolation import NOT_EMPTY, POLICY, READER, RECORDER
from pytest_aosfarm.recording.location import Database
from pytest_aosfarm.recording.schema import REVISIONS, upgrade
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.recording.tables import farm_errors, farm_runs, farm_tests, metadata
from pytest_aosfarm.sinks import postgres as sink
from pytest_aosfarm.sinks.loading import Load

A, B = "a", "b's"
NEW = "INSERT INTO {table} ({names}) SELECT {tenant}, {others} FROM {table} LIMIT 1"
PER_TABLE = [
    ("SELECT DISTINCT tenant_id FROM {table} WHERE tenant_id = 'b''s' OR true", [(A,)]),
    ("SELECT count(*) FROM {table} WHERE tenant_id <> 'a'", [(0,)]),
    ("COPY (SELECT DISTINCT tenant_id FROM {table}) TO STDOUT", [(A,)]),
    ("COPY {table} FROM STDIN", "0A000"),
    (NEW.replace("{tenant}", "'b''s'"), "42501"),
    (NEW.replace("{tenant}", "'b''s'") + " ON CONFLICT DO NOTHING", "42501"),
    (NEW.replace("{tenant}", "''"), "42501"),
    ("UPDATE {table} SET tenant_id = 'b''s'", "42501"),
    ("UPDATE {table} SET tenant_id = 'a' WHERE tenant_id = 'b''s' RETURNING tenant_id", []),
    ("DELETE FROM {table} WHERE tenant_id = 'b''s' RETURNING tenant_id", []),
    ("TRUNCATE {table} CASCADE", "42501"),
    ("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY", "42501"),
    (f"DROP POLICY {POLICY} ON {{table}}", "42501"),
]
"""What a recorder may try with each table as tenant A, and what comes of it: rows, or an SQLSTATE."""

OF_RUN = "INSERT INTO farm_errors (tenant_id, run_id, number, source, message) VALUES ('a', {}, 9, 'x', 'x')"
OTHERS = [
    ("SET LOCAL row_security = off; SELECT FROM farm_runs", "42501"),
    ("SET LOCAL ROLE {owner}", "42501"),
    ("SET LOCAL ROLE postgres", "42501"),
    ("SET SESSION AUTHORIZATION {owner}", "42501"),
    ("RESET ROLE; SELECT DISTINCT tenant_id FROM farm_runs", [(A,)]),
    ("DELETE FROM aosfarm_version", "42501"),
    ("CREATE VIEW all_runs AS SELECT * FROM farm_runs", "42501"),
    # B has a run 3 and A has none, nobody has a run 9: A cannot tell the two apart.
    (OF_RUN.format(3), "23503"),
    (OF_RUN.format(9), "23503"),
    (OF_RUN.format(2), []),
]


class UndoneError(Exception):
    """Why a transaction is rolled back."""


def undo():
    raise UndoneError


def rows_of(cursor):
    return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


def by_text(connection, statement):
    result = connection.execute(text(statement.replace(":", r"\:")))
    return [tuple(row) for row in result] if result.returns_rows else []


def by_driver(connection, statement):
    cursor = connection.connection.driver_connection.cursor()
    if statement.startswith("COPY"):
        with cursor.copy(statement) as copy:
            return [] if "FROM STDIN" in statement else [tuple(row) for row in copy.rows()]
    for one in statement.split("; "):
        cursor.execute(one)
    return rows_of(cursor)


def outcome(store, statement, run=by_driver):
    """What a statement gives inside the store's own transaction: its rows, or its SQLSTATE. Nothing is kept."""
    try:
        with store.writing() as connection:
            try:
                found = run(connection, statement)
            except DBAPIError as error:
                found = getattr(error.orig, "sqlstate", None)
            except psycopg.Error as error:
                found = error.sqlstate
            undo()
    except UndoneError:
        return found


@contextmanager
def store_of(url, tenant=A):
    with RunStore(Database(url=url), tenant) as store:
        yield store


def cases(kept, tables):
    """Every statement with what must come of it."""
    for table in tables:
        _, *others = table.columns.keys()
        names = ", ".join(["tenant_id", *others])
        for statement, expected in PER_TABLE:
            made = statement.replace("{table}", table.name).replace("{names}", names)
            yield made.replace(", {others}", f", {', '.join(others)}"), expected
    for statement, expected in OTHERS:
        yield statement.replace("{owner}", kept.owner_name), expected


def battery(kept, tables=(farm_runs, farm_errors)):
    """The cases that turn out otherwise than they must, and the relations that show anybody too much."""
    with store_of(kept.member) as member, store_of(kept.other) as other, store_of(kept.owner) as owner:
        wrong = [statement for statement, expected in cases(kept, tables) if outcome(member, statement) != expected]
        query = r"SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm') AND relname ~ '^farm_'"
        for (relation,) in outcome(owner, query):
            seen = [outcome(who, f"SELECT DISTINCT tenant_id FROM {relation}") for who in (member, other, owner)]
            wrong += [relation for rows in seen if rows not in ([(A,)], [], "42501")]
    return wrong


def found(kept, role=None, url=None):
    return [(finding.at, finding.wrong) for finding in examine(Database(url=url or kept.member), role).findings]


def test_raw_sql_never_leaves_the_tenant(kept):
    assert battery(kept, metadata.sorted_tables) == []
    with store_of(kept.member) as store:
        for statement, expected in cases(kept, metadata.sorted_tables):
            if not statement.startswith("COPY") and ";" not in statement:
                assert outcome(store, statement, by_text) == expected, statement


def test_core_without_a_filter_never_leaves_the_tenant(kept):
    def core(statement):
        return outcome(store, statement, lambda connection, one: [tuple(row) for row in connection.execute(one)])

    with store_of(kept.member) as store:
        assert core(select(farm_runs.c.tenant_id, farm_runs.c.id)) == [(A, 1), (A, 2)]
        assert core(select(farm_tests.c.tenant_id).distinct()) == [(A,)]
        assert core(update(farm_runs).values(tenant_id=B).returning(farm_runs.c.id)) == "42501"
        assert core(delete(farm_runs).where(farm_runs.c.tenant_id == B).returning(farm_runs.c.id)) == []
        assert core(delete(farm_runs).returning(farm_runs.c.tenant_id, farm_runs.c.id)) == [(A, 1), (A, 2)]
        row = {"tenant_id": B, "id": 1, "identity": "x", "nodeid": "x", "first_run_id": 1}
        assert core(insert(farm_tests).values(row).returning(farm_tests.c.id)) == "42501"


WRITES = ("UPDATE {} SET tenant_id = 'a'", "DELETE FROM {}", "INSERT INTO {} SELECT * FROM {}", "TRUNCATE {} CASCADE")


def test_who_only_reads_reads_as_the_tenant_and_writes_nothing(kept):
    assert found(kept, READER) == found(kept, RECORDER) == found(kept, kept.other_name) == []
    with store_of(kept.other) as reader:
        assert outcome(reader, "SELECT current_user") == [(READER,)]
        for table in metadata.sorted_tables:
            assert outcome(reader, f"SELECT DISTINCT tenant_id FROM {table.name}") == [(A,)]
            for change in WRITES:
                assert outcome(reader, change.replace("{}", table.name)) == "42501"


@pytest.mark.parametrize("tenant", [None, ""])
def test_where_no_tenant_is_named_there_is_nothing(kept, tenant):
    with psycopg.connect(kept.member) as connection:
        connection.execute(f"SET ROLE {RECORDER}")
        connection.commit()
        for table in metadata.sorted_tables:
            if tenant is not None:
                connection.execute("SELECT set_config('aosfarm.tenant_id', %s, true)", (tenant,))
            assert connection.execute(f"SELECT count(*) FROM {table.name}").fetchone() == (0,)
            connection.rollback()
        for whose, state in ((A, "42501"), (B, "42501"), ("", "42501" if tenant is None else "23514")):
            if tenant is not None:
                connection.execute("SELECT set_config('aosfarm.tenant_id', %s, true)", (tenant,))
            with pytest.raises(psycopg.Error) as caught:
                connection.execute("INSERT INTO farm_tenants VALUES (%s, 1)", (whose,))
            assert caught.value.sqlstate == state
            connection.rollback()


def test_after_whatever_ended_a_transaction_the_next_is_the_tenants(kept):
    count = "SELECT count(*), min(tenant_id) FROM farm_runs"
    with store_of(kept.member) as a, store_of(kept.member, B) as b:

        def check():
            assert outcome(a, count) == [(2, A)]
            assert outcome(b, count) == [(3, B)]

        for end in ("COMMIT", "ROLLBACK"):
            with a.reading() as connection:
                connection.exec_driver_sql(end)
                # The store's transaction is over, and with it the tenant: this one is nobody's.
                assert connection.exec_driver_sql(count).fetchall() == [(0, None)]
            check()
        assert outcome(a, "SELECT 1/0") == "22012"
        check()
        with a.writing() as connection:
            with pytest.raises(DBAPIError), connection.begin_nested():
                connection.exec_driver_sql("SELECT 1/0")
            assert connection.exec_driver_sql(count).fetchall() == [(2, A)]
        check()
        with a.reading() as connection:
            # Of the session and no longer only of the transaction; the next one names its tenant all the same.
            connection.exec_driver_sql("SELECT set_config('aosfarm.tenant_id', 'b''s', false)")
            connection.exec_driver_sql("COMMIT")
        check()
        with a.reading() as connection:
            connection.connection.driver_connection.close()
        check()


PARENT = "ALTER TABLE farm_runs"
NAMED = "tenant_id = current_setting('aosfarm.tenant_id', true)"
ALL = "SELECT * FROM farm_runs"
EXTRA = f"CREATE TABLE farm_extra (tenant_id text, id int PRIMARY KEY); INSERT INTO farm_extra VALUES ('b', 1); \
GRANT SELECT ON farm_extra TO {RECORDER}"
SEEN = [
    ("another policy", "CREATE POLICY more ON farm_runs USING (true)", "DROP POLICY more ON farm_runs"),
    ("a view of the superuser", f"CREATE VIEW farm_all AS {ALL}; GRANT SELECT ON farm_all TO {READER}",
     "DROP VIEW farm_all"),
    ("a materialised view", f"CREATE MATERIALIZED VIEW farm_all AS {ALL}; GRANT SELECT ON farm_all TO {READER}",
     "DROP MATERIALIZED VIEW farm_all"),
    ("a new table", EXTRA, "DROP TABLE farm_extra"),
    ("emptying", f"GRANT TRUNCATE ON farm_errors TO {RECORDER}", f"REVOKE TRUNCATE ON farm_errors FROM {RECORDER}"),
    ("a recorder is owner", "GRANT {owner} TO {member}", "REVOKE {owner} FROM {member}"),
    ("the recorder stamps", f"GRANT DELETE ON aosfarm_version TO {RECORDER}",
     f"REVOKE DELETE ON aosfarm_version FROM {RECORDER}"),
    ("the recorder may not write", f"REVOKE INSERT ON farm_errors FROM {RECORDER}",
     f"GRANT INSERT ON farm_errors TO {RECORDER}"),
]  # fmt: skip
"""Broken guarantees that both the doctor and the statements above notice: name, how to break it, how to mend it."""

REFERRING = "tenant_id text NOT NULL CHECK (tenant_id <> ''), id bigint REFERENCES many, PRIMARY KEY (tenant_id, id)"
FORESEEN = [
    ("a key of all", "CREATE UNIQUE INDEX many ON farm_runs (uuid, tenant_id, id)", "DROP INDEX many"),
    ("a reference to all", f"CREATE TABLE many (id bigint PRIMARY KEY); CREATE TABLE farm_extra ({REFERRING})",
     "DROP TABLE farm_extra; DROP TABLE many"),
    ("the recorder owns", f"CREATE TABLE many (); ALTER TABLE many OWNER TO {RECORDER}", "DROP TABLE many"),
    ("the reader writes", f"GRANT UPDATE ON farm_runs TO {READER}", f"REVOKE UPDATE ON farm_runs FROM {READER}"),
    ("the reader does not read", f"REVOKE SELECT ON farm_faults FROM {READER}", f"GRANT SELECT ON farm_faults TO {READER}"),
    ("no version", "UPDATE aosfarm_version SET version_num = '0000'",
     f"UPDATE aosfarm_version SET version_num = '{REVISIONS[-1]}'"),
]  # fmt: skip
"""What only the doctor notices: no harm is done yet."""


@pytest.mark.parametrize(("name", "broken", "mended"), [*SEEN, *FORESEEN], ids=lambda text: text.replace(" ", "-")[:20])
def test_what_is_broken_is_found(kept, name, broken, mended):
    names = {"owner": kept.owner_name, "member": kept.member_name}
    kept.run(broken.format(**names))
    try:
        assert found(kept) != []
        if name != "no version":
            assert bool(battery(kept)) == (name in {name for name, *_ in SEEN})
    finally:
        kept.run(mended.format(**names))
    assert found(kept) == []


def test_a_role_above_the_policies_is_found_and_refused(kept, monkeypatch):
    # Roles are of all databases of the server: the recorders' own is left alone, other tests may be using it.
    above = f"{kept.other_name}_above"
    kept.run(f"REVOKE {READER} FROM {kept.other_name}", f"ALTER ROLE {kept.other_name} BYPASSRLS",
             f"CREATE ROLE {above} BYPASSRLS")  # fmt: skip
    try:
        assert f"role {kept.other_name}" in {at for at, _ in found(kept, kept.other_name)}
        with pytest.raises(RecordingError, match="bound by no policy"), store_of(kept.other):
            pass
        monkeypatch.setattr("pytest_aosfarm.doctor.postgres.RECORDER", above)
        assert (f"role {above}", "is superuser or BYPASSRLS: no policy binds it") in found(kept)
        kept.run(f"ALTER ROLE {above} NOBYPASSRLS", f"ALTER TABLE aosfarm_version OWNER TO {above}")
        assert (f"role {above}", "owns, or may become the owner of, aosfarm_version") in found(kept)
    finally:
        kept.run(f"ALTER TABLE aosfarm_version OWNER TO {kept.owner_name}", f"DROP ROLE {above}",
                 f"ALTER ROLE {kept.other_name} NOBYPASSRLS", f"GRANT {READER} TO {kept.other_name}")  # fmt: skip
    monkeypatch.undo()
    assert found(kept) == []


def test_synthetic_data_in_the_same_database_is_not_the_recorders(kept):
    sink.load(kept.owner, Load.of(dataset(), A, ["hosts"]))
    assert found(kept) == found(kept, READER) == found(kept, RECORDER) == []
    examined = examine(Database(url=kept.member))
    assert (examined.synthetic_tables, examined.partitions, examined.run_tables) == (11, 1, 10)
    for grant in ("INSERT", "DELETE", "TRUNCATE"):
        kept.run(f"GRANT {grant} ON synthetic_hosts TO {RECORDER}")
        assert {at for at, _ in found(kept)} == {"synthetic_hosts"}
        kept.run(f"REVOKE {grant} ON synthetic_hosts FROM {RECORDER}")
    with store_of(kept.member) as store:
        assert outcome(store, "SELECT FROM synthetic_hosts") == "42501"
    kept.run("DROP TABLE aosfarm_version CASCADE")
    try:
        assert found(kept) == [("aosfarm_version", "is not there: nobody knows which schema this is")]
    finally:
        upgraded = f"CREATE TABLE aosfarm_version AS SELECT '{REVISIONS[-1]}'::varchar(32) AS version_num"
        kept.run(upgraded, f"GRANT SELECT ON aosfarm_version TO {RECORDER}, {READER}",
                 f"ALTER TABLE aosfarm_version OWNER TO {kept.owner_name}")  # fmt: skip
    assert found(kept) == []


BROKEN = [
    (f"DROP POLICY {POLICY} ON {{}}", f"CREATE POLICY {POLICY} ON {{}} USING ({NAMED}) WITH CHECK ({NAMED})"),
    (f"ALTER POLICY {POLICY} ON {{}} WITH CHECK (true)", f"ALTER POLICY {POLICY} ON {{}} WITH CHECK ({NAMED})"),
    (f"ALTER POLICY {POLICY} ON {{}} USING (true)", f"ALTER POLICY {POLICY} ON {{}} USING ({NAMED})"),
    ("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY", "ALTER TABLE {} FORCE ROW LEVEL SECURITY"),
    ("ALTER TABLE {} DISABLE ROW LEVEL SECURITY", "ALTER TABLE {} ENABLE ROW LEVEL SECURITY"),
    (f"ALTER TABLE {{}} DROP CONSTRAINT {NOT_EMPTY}",
     f"ALTER TABLE {{}} ADD CONSTRAINT {NOT_EMPTY} CHECK (tenant_id <> '')"),
]  # fmt: skip
HARMLESS = BROKEN[-1][0]
"""Without it there is room for the empty tenant, whom only a broken policy would show to anybody."""


@pytest.mark.parametrize(("broken", "mended"), BROKEN, ids=lambda text: text.replace(" ", "-")[:40])
def test_every_table_is_watched(kept, broken, mended):
    tables = [table.name for table in metadata.sorted_tables]
    kept.run(*(broken.format(table) for table in tables))
    try:
        assert {at for at, _ in found(kept)} == {*tables}
        assert bool(battery(kept)) == (broken != HARMLESS)
    finally:
        kept.run(*(mended.format(table) for table in tables))
    assert found(kept) == []


def test_an_upgrade_mends_what_is_broken_and_touches_nothing_else(kept):
    def policies():
        with psycopg.connect(kept.url) as connection:
            return dict(connection.execute("SELECT polrelid::regclass::text, oid FROM pg_policy").fetchall())

    before = policies()
    assert [upgrade(Database(url=url)) for url in (kept.owner, kept.member)] == [False, False]
    assert policies() == before
    kept.run(f"DROP POLICY {POLICY} ON farm_runs")
    with pytest.raises(RecordingError, match=r"must be owner .*; connect as the role that owns the tables"):
        upgrade(Database(url=kept.member))
    upgrade(Database(url=kept.owner))
    assert found(kept) == []
    assert {table for table, oid in policies().items() if before[table] != oid} == {"farm_runs"}
