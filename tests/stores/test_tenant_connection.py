"""Working as one tenant: a connection of its own, or one that many tenants take in turn."""

from __future__ import annotations

import random

import psycopg
import pytest
from psycopg.rows import dict_row

from pytest_aosfarm import tenant_connection
from pytest_aosfarm.errors import LoadError
from pytest_aosfarm.recording.isolation import READER
from pytest_aosfarm.sinks.postgres_tenant import as_tenant

TENANTS = ("a", "b's", "c\\c")
A = TENANTS[0]
COUNT = "SELECT DISTINCT tenant_id, count(*) OVER () FROM synthetic_databases"
INSERT = "INSERT INTO synthetic_databases VALUES (%(tenant)s, %(id)s, %(id)s, 'x', 'x', 'x', 1, %(id)s)"


def test_every_transaction_is_the_tenants(shared):
    with tenant_connection(shared.member, A) as connection:
        own = [(A, 25)]
        assert connection.execute("SELECT current_user").fetchall() == [(READER,)]
        for end in (connection.commit, connection.rollback, lambda: connection.execute("COMMIT")):
            assert connection.execute(COUNT).fetchall() == own
            end()
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute(INSERT, {"tenant": A, "id": "x"})
        with connection.transaction():
            assert connection.execute(COUNT).fetchall() == own
            with connection.transaction(force_rollback=True):
                assert connection.execute(COUNT).fetchall() == own
            assert connection.execute(COUNT).fetchall() == own


def test_no_other_role_and_no_setting_leads_out(shared):
    with tenant_connection(shared.member, A) as connection:
        for role in (shared.owner_name, "postgres"):
            for change in (f"SET ROLE {role}", f"SET SESSION AUTHORIZATION {role}"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(change)
                connection.rollback()
        connection.execute("RESET ROLE")
        connection.commit()
        assert connection.execute("SELECT current_user").fetchall() == [(shared.member_name,)]
        assert connection.execute(COUNT).fetchall() == [(A, 25)]
        # Of the session and no longer only of the transaction; the next one names its tenant all the same.
        connection.execute("SELECT set_config('aosfarm.tenant_id', %s, false)", (TENANTS[1],))
        connection.commit()
        assert connection.execute(COUNT).fetchall() == [(A, 25)]
        connection.execute("SET LOCAL row_security = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            connection.execute(COUNT)


def test_every_kind_of_cursor_is_the_tenants(shared):
    with tenant_connection(shared.member, A) as connection:
        assert connection.cursor(row_factory=dict_row).execute(COUNT).fetchone() == {"tenant_id": A, "count": 25}
        connection.commit()
        assert [*connection.cursor().stream(COUNT)] == [(A, 25)]
        connection.commit()
        with connection.cursor().copy(f"COPY ({COUNT}) TO STDOUT") as copy:
            assert [*copy.rows()] == [(A, "25")]
        connection.commit()
        cursor = connection.cursor()
        cursor.executemany(COUNT, [()], returning=True)
        assert cursor.fetchall() == [(A, 25)]
        connection.commit()
        with connection.cursor("named") as named:
            assert named.execute(COUNT).fetchall() == [(A, 25)]
        connection.commit()
        connection.autocommit = True
        with pytest.raises(LoadError, match="autocommit"):
            connection.execute(COUNT)


def test_a_role_that_cannot_be_the_reader_is_bound_all_the_same(shared):
    with tenant_connection(shared.owner.replace("postgresql:", "postgresql+psycopg:"), A) as connection:
        assert connection.execute("SELECT current_user <> %s", (READER,)).fetchall() == [(True,)]
        assert connection.execute(COUNT).fetchall() == [(A, 25)]


def test_a_superuser_reads_as_the_reader_or_not_at_all(shared, monkeypatch):
    with tenant_connection(shared.url, A) as connection:
        assert connection.execute(COUNT).fetchall() == [(A, 25)]
    monkeypatch.setattr("pytest_aosfarm.sinks.postgres_tenant.READER", "aosfarm_not_there")
    with pytest.raises(LoadError, match="no policy binds"), tenant_connection(shared.url, A):
        pass


def test_no_tenant_is_refused(shared):
    with pytest.raises(LoadError, match="no tenant, no data"), tenant_connection(shared.member, ""):
        pass
    with psycopg.connect(shared.member) as connection:
        with pytest.raises(LoadError, match="no tenant, no data"), as_tenant(connection, ""):
            pass
        with as_tenant(connection, A), pytest.raises(LoadError, match="under way"), as_tenant(connection, TENANTS[1]):
            pass


class UndoneError(Exception):
    """Why a transaction is rolled back."""


@pytest.mark.parametrize("seed", range(3))
def test_one_connection_in_turn_for_many_tenants(shared, seed):
    """Against a model: what each tenant has after commits, rollbacks, errors and savepoints of all of them."""
    draw = random.Random(seed)
    with psycopg.connect(shared.member) as connection:

        def ids():
            return {i for (i,) in connection.execute("SELECT id FROM synthetic_databases").fetchall()}

        def change(tenant, now):
            one = f"made-{draw.randrange(12)}"
            if one in now:
                connection.execute("DELETE FROM synthetic_databases WHERE id = %s", (one,))
                return now - {one}
            connection.execute(INSERT, {"tenant": tenant, "id": one})
            return now | {one}

        def fail(tenant):
            other = draw.choice([other for other in TENANTS if other != tenant])
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                connection.execute(INSERT, {"tenant": other, "id": "foreign"})
            undo()

        def undo():
            raise UndoneError

        def spoil(tenant, now):
            with connection.transaction():
                change(tenant, now)
                fail(tenant)

        model = {}
        for tenant in TENANTS:
            with as_tenant(connection, tenant):
                model[tenant] = ids()
        for _ in range(150):
            tenant, how = draw.choice(TENANTS), draw.choice(("commit", "rollback", "error", "savepoint", "nobody"))
            if how == "nobody":
                assert ids() == set()
                connection.rollback()
                continue
            try:
                with as_tenant(connection, tenant):
                    now = change(tenant, model[tenant])
                    if how == "savepoint":
                        with pytest.raises(UndoneError):
                            spoil(tenant, now)
                    assert ids() == now
                    if how == "error":
                        fail(tenant)
                    if how == "rollback":
                        undo()
                model[tenant] = now
            except UndoneError:
                pass
        for tenant in TENANTS:
            with as_tenant(connection, tenant):
                assert ids() == model[tenant]
                connection.execute("DELETE FROM synthetic_databases WHERE id LIKE 'made-%'")
