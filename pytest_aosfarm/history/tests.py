"""One test through its runs, found by its identity, a former identity, or its nodeid."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, select

from pytest_aosfarm.errors import NotFoundError
from pytest_aosfarm.recording.tables import farm_run_tests, farm_runs, farm_test_aliases, farm_tests, identity_id

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pytest_aosfarm.history.runs import Row
    from pytest_aosfarm.recording.store import RunStore

__all__ = ("RUNS", "History", "find_test", "history_of", "results_of")

RUNS = 50

_LEFT_OUT = {"tenant_id", "test_id", "is_final", "data_tenant", "properties"}

_tests = farm_tests.c


class History(NamedTuple):
    """A test's row of farm_tests, and its deciding results, the newest first, each with columns of its run."""

    test: Row
    results: list[Row]


def find_test(connection: Connection, tenant: str, name: str) -> Row:
    """The test that `name` means. Raises NotFoundError, with names that are alike."""
    aliases = farm_test_aliases.c
    of_tenant = select(farm_tests).where(_tests.tenant_id == tenant)
    alias = select(aliases.test_id).where(aliases.tenant_id == tenant, aliases.identity == name)
    for wanted in (_tests.id == identity_id(name), _tests.id.in_(alias), _tests.nodeid == name):
        found = connection.execute(of_tenant.where(wanted).limit(1)).mappings().one_or_none()
        if found is not None:
            return dict(found)
    like = select(_tests.identity).where(_tests.tenant_id == tenant, _tests.identity.contains(name, autoescape=True))
    names = list(connection.execute(like.order_by(_tests.identity).limit(5)).scalars())
    hint = f"perhaps {', '.join(names)}" if names else "an identity is MODULE::TEST, as `aosfarm show RUN --json` gives it"
    raise NotFoundError(f"no test {name!r} of tenant {tenant}; {hint}")


def history_of(store: RunStore, name: str, limit: int = RUNS) -> History:
    """The last results of a test. Raises NotFoundError."""
    with store.reading() as connection:
        test = find_test(connection, store.tenant, name)
        return History(test, results_of(connection, store.tenant, test["id"], limit))


def results_of(connection: Connection, tenant: str, test_id: int, limit: int = RUNS) -> list[Row]:
    """The deciding results of a test in its last runs, the newest first."""
    one, runs = farm_run_tests.c, farm_runs.c
    of_run = (runs[name] for name in ("started_at", "vcs_branch", "vcs_sha", "seed", "scale", "chaos"))
    of_test = (column for column in one if column.name not in _LEFT_OUT)
    found = (
        select(*of_test, runs.status.label("run_status"), *of_run)
        .join(farm_runs, and_(runs.tenant_id == one.tenant_id, runs.id == one.run_id))
        .where(one.tenant_id == tenant, one.test_id == test_id, one.is_final)
        .order_by(one.run_id.desc(), one.attempt.desc())
        .limit(limit)
    )
    rows = connection.execute(found)
    names = list(rows.keys())
    return [dict(zip(names, row, strict=True)) for row in rows.all()]
