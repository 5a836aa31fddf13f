"""Tenants never meet in a PostgreSQL: raw SQL against the policies, and broken guarantees that must be seen."""

from __future__ import annotations

import re

import psycopg
import pytest
from synthetic_data import by_id, dataset

from pytest_aosfarm.doctor.postgres import examine
from pytest_aosfarm.recording.isolation import NOT_EMPTY, POLICY, READER
from pytest_aosfarm.recording.location import Database
from pytest_aosfarm.sinks.postgres_tenant import as_tenant

A, B = "a", "b's"
INSERT = "INSERT INTO synthetic_databases VALUES ({}, 'x', 'x', 'x', 'x', 'x', 1, 'x')"
OWN, FOREIGN, NOBODYS = map(INSERT.format, ("'a'", "'b''s'", "''"))


def outcome(connection, tenant, statement):
    """What a statement gives, as a tenant or without one (None): its rows, or its SQLSTATE. Nothing is kept."""
    try:
        with connection.transaction(force_rollback=True):
            if tenant is not None:
                connection.execute("SELECT set_config('aosfarm.tenant_id', %s, true)", (tenant,))
            if statement.startswith("COPY"):
                with connection.cursor().copy(statement) as copy:
                    return [] if "FROM STDIN" in statement else [tuple(row) for row in copy.rows()]
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []
    except psycopg.Error as error:
        return error.sqlstate


def leaf(shared, tenant):
    with psycopg.connect(shared.url) as connection:
        query = "SELECT tableoid::regclass::text FROM synthetic_databases WHERE tenant_id = %s LIMIT 1"
        (row,) = connection.execute(query, (tenant,)).fetchall()
    return row[0]


CASES = [
    (A, "COPY (SELECT DISTINCT tenant_id FROM synthetic_databases) TO STDOUT", [(A,)]),
    (A, "SELECT DISTINCT tenant_id FROM synthetic_databases WHERE tenant_id = 'b''s' OR true", [(A,)]),
    (A, "SELECT count(*) FROM synthetic_databases JOIN synthetic_hosts USING (tenant_id)", [(25 * 40,)]),
    (A, "SELECT count(*) FROM synthetic_databases WHERE tenant_id <> 'a'", [(0,)]),
    (A, "COPY synthetic_databases FROM STDIN", "0A000"),
    (A, OWN, []),
    (A, FOREIGN, "42501"),
    (A, "UPDATE synthetic_databases SET tenant_id = 'b''s'", "42501"),
    (A, "UPDATE synthetic_databases SET owner = 'x' WHERE tenant_id = 'b''s' RETURNING id", []),
    (A, "DELETE FROM synthetic_databases WHERE tenant_id = 'b''s' RETURNING id", []),
    (A, "TRUNCATE synthetic_databases", "42501"),
    (A, "DELETE FROM synthetic_hosts", "42501"),
    (A, "UPDATE synthetic_assets SET owner = 'x'", "55000"),
    (A, "SELECT FROM {leaf of A} LIMIT 1", "42501"),
    (A, "SELECT FROM {leaf of B} LIMIT 1", "42501"),
    (A, "ALTER TABLE synthetic_databases DISABLE ROW LEVEL SECURITY", "42501"),
    (None, "SELECT FROM synthetic_databases", []),
    (None, "SELECT FROM synthetic_assets", []),
    (None, OWN, "42501"),
    ("", "SELECT FROM synthetic_databases", []),
    ("", OWN, "42501"),
    ("", NOBODYS, "23514"),
    ("", "UPDATE synthetic_databases SET owner = 'x' RETURNING id", []),
    ("nobody", "SELECT FROM synthetic_assets", []),
]


def battery(shared):
    """The cases that turn out otherwise than they must, and the relations that show a member or the owner too much."""
    wrong: list[tuple[str | None, str]] = []
    leaves = {f"{{leaf of {name}}}": leaf(shared, tenant) for name, tenant in (("A", A), ("B", B))}
    with psycopg.connect(shared.member, autocommit=True) as member, psycopg.connect(shared.owner, autocommit=True) as owner:
        for tenant, text, expected in CASES:
            statement = re.sub(r"\{.*\}", lambda found: leaves[found[0]], text)
            if outcome(member, tenant, statement) != expected:
                wrong.append((tenant, text))
        query = r"SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm') AND relname ~ '^synthetic_'"
        for (relation,) in owner.execute(query).fetchall():
            seen = [outcome(who, A, f"SELECT DISTINCT tenant_id FROM {relation}") for who in (member, owner)]
            wrong += [(A, relation) for rows in seen if rows not in ([(A,)], [], "42501")]
    return wrong


def found(shared, role=READER):
    return [(finding.at, finding.wrong) for finding in examine(Database(url=shared.url), role).findings]


def test_raw_sql_never_leaves_the_tenant(shared):
    assert battery(shared) == []
    assert found(shared) == found(shared, shared.member_name) == []


def test_the_role_that_connects_is_examined(shared):
    assert [wrong for _, wrong in found(shared, None)] == ["is superuser or BYPASSRLS: no policy binds it"]
    (owner,) = examine(Database(url=shared.owner)).findings
    assert owner.wrong.startswith("owns, or may become the owner of, synthetic_applications and ")
    assert examine(Database(url=shared.member)).findings == []


def test_the_same_ids_in_two_tenants_are_two_rows(shared):
    with psycopg.connect(shared.member) as connection:
        for tenant in (A, B):
            with as_tenant(connection, tenant):
                ids = connection.execute("SELECT id FROM synthetic_hosts").fetchall()
            assert sorted(i for (i,) in ids) == [row["id"] for row in by_id(dataset().table("hosts"))]


NAMED = "tenant_id = current_setting('aosfarm.tenant_id', true)"
PARENT = "ALTER TABLE synthetic_databases"
VIEW = "ALTER VIEW synthetic_assets"
EXTRA = "CREATE TABLE synthetic_extra (tenant_id text, id int PRIMARY KEY); INSERT INTO synthetic_extra VALUES ('b', 1)"
MATERIALISED = "CREATE MATERIALIZED VIEW synthetic_all AS SELECT * FROM synthetic_hosts"
SEEN = [
    ("the policy is dropped", f"DROP POLICY {POLICY} ON synthetic_databases",
     f"CREATE POLICY {POLICY} ON synthetic_databases USING ({NAMED}) WITH CHECK ({NAMED})"),
    ("another policy", "CREATE POLICY more ON synthetic_databases USING (true)", "DROP POLICY more ON synthetic_databases"),
    ("no WITH CHECK", f"ALTER POLICY {POLICY} ON synthetic_databases WITH CHECK (true)",
     f"ALTER POLICY {POLICY} ON synthetic_databases WITH CHECK ({NAMED})"),
    ("no FORCE", f"{PARENT} NO FORCE ROW LEVEL SECURITY", f"{PARENT} FORCE ROW LEVEL SECURITY"),
    ("off", f"{PARENT} DISABLE ROW LEVEL SECURITY", f"{PARENT} ENABLE ROW LEVEL SECURITY"),
    ("no FORCE below", "ALTER TABLE {leaf} NO FORCE ROW LEVEL SECURITY", "ALTER TABLE {leaf} FORCE ROW LEVEL SECURITY"),
    ("a leaf is readable", f"GRANT SELECT ON {{leaf}} TO {READER}", f"REVOKE SELECT ON {{leaf}} FROM {READER}"),
    ("emptying", f"GRANT TRUNCATE ON synthetic_databases TO {READER}",
     f"REVOKE TRUNCATE ON synthetic_databases FROM {READER}"),
    ("writing", f"GRANT DELETE ON synthetic_hosts TO {READER}", f"REVOKE DELETE ON synthetic_hosts FROM {READER}"),
    ("a view of its owner's", f"{VIEW} RESET (security_invoker); {VIEW} OWNER TO CURRENT_USER",
     f"{VIEW} SET (security_invoker = true); {VIEW} OWNER TO {{owner}}"),
    ("a new table", f"{EXTRA}; GRANT SELECT ON synthetic_extra TO {READER}", "DROP TABLE synthetic_extra"),
    ("off below", "ALTER TABLE {leaf} DISABLE ROW LEVEL SECURITY",
     "ALTER TABLE {leaf} ENABLE ROW LEVEL SECURITY"),
    ("nobody reads", f"REVOKE SELECT ON synthetic_assets FROM {READER}",
     f"GRANT SELECT ON synthetic_assets TO {READER}"),
    ("a materialised view", f"{MATERIALISED}; GRANT SELECT ON synthetic_all TO {READER}",
     "DROP MATERIALIZED VIEW synthetic_all"),
]  # fmt: skip
"""Broken guarantees that both the doctor and the statements above notice: name, how to break it, how to mend it."""

REFERRING = "tenant_id text NOT NULL CHECK (tenant_id <> ''), id text REFERENCES {leaf} (id), PRIMARY KEY (tenant_id, id)"
FORESEEN = [
    ("below without tenant", "ALTER TABLE {leaf} ADD CHECK (size_gb > 0), DROP CONSTRAINT {check}",
     "ALTER TABLE {leaf} ADD CONSTRAINT {check} CHECK (tenant_id = 'b''s')"),
    ("a view over a view", "CREATE VIEW over AS SELECT * FROM synthetic_assets", "DROP VIEW over"),
    ("a key of all", "CREATE UNIQUE INDEX many ON synthetic_hosts (name, tenant_id)", "DROP INDEX many"),
    ("a reference to all",
     f"ALTER TABLE {{leaf}} ADD CONSTRAINT one UNIQUE (id); CREATE TABLE synthetic_extra ({REFERRING})",
     "DROP TABLE synthetic_extra; ALTER TABLE {leaf} DROP CONSTRAINT one"),
    ("a partition of all", "CREATE TABLE rest PARTITION OF synthetic_hosts DEFAULT", "DROP TABLE rest"),
    ("the empty tenant", f"{PARENT} DROP CONSTRAINT {NOT_EMPTY}",
     f"{PARENT} ADD CONSTRAINT {NOT_EMPTY} CHECK (tenant_id <> '')"),
]  # fmt: skip
"""What only the doctor notices: no harm is done yet."""


@pytest.mark.parametrize(("name", "broken", "mended"), [*SEEN, *FORESEEN], ids=lambda text: text.replace(" ", "-")[:20])
def test_what_is_broken_is_found(shared, name, broken, mended):
    names = {"leaf": leaf(shared, B), "owner": shared.owner_name, "check": f"{leaf(shared, B)}_tenant_id_check"}
    shared.run(broken.format(**names))
    try:
        assert found(shared) != []
        assert bool(battery(shared)) == (name in {name for name, *_ in SEEN})
    finally:
        shared.run(mended.format(**names))
    assert found(shared) == []


def test_a_role_above_the_policies_is_found(shared):
    shared.run(f"ALTER ROLE {shared.member_name} BYPASSRLS")
    try:
        assert [at for at, _ in found(shared, shared.member_name)] == [f"role {shared.member_name}"]
        assert battery(shared) != []
    finally:
        shared.run(f"ALTER ROLE {shared.member_name} NOBYPASSRLS")
