"""Renamed tests: the history of a former identity becomes that of the present one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, delete, func, or_, select, update

from pytest_aosfarm.errors import ConfigurationError, NotFoundError, ReadOnlyError
from pytest_aosfarm.history.runs import NO_BRANCH
from pytest_aosfarm.history.stats import stats_of, write_stats
from pytest_aosfarm.recording.tables import (
    farm_faults,
    farm_run_test_output,
    farm_run_tests,
    farm_runs,
    farm_test_aliases,
    farm_test_stats,
    farm_tests,
    identity_id,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pytest_aosfarm.history.runs import Row
    from pytest_aosfarm.recording.store import RunStore

__all__ = ("Renamed", "alias", "settle")

_tests, _aliases = farm_tests.c, farm_test_aliases.c


class Renamed(NamedTuple):
    """A test by its former and its present identity, and how many results were handed over."""

    old: str
    new: str
    results: int


def alias(store: RunStore, old: str, new: str) -> list[Renamed]:
    """Let the history of `old` be that of `new`, now and for whatever is recorded as `old` later.

    Without brackets `old` means every test `old[...]` of that name too. `new` need not have run yet; is it a former name
    itself, the present one takes all. Raises NotFoundError for an `old` that is not there, and ConfigurationError if one
    run holds results of both: then they are two tests.
    """
    if old == new:
        raise ConfigurationError(f"{old!r} is its own name already")
    with store.writing() as connection:
        found = _named(connection, store.tenant, old)
        if not found:
            return [_already(connection, store.tenant, old, new)]
        return [_rename(connection, store, test, new + test["identity"].removeprefix(old)) for test in found]


def settle(store: RunStore) -> list[Renamed]:
    """Hand over what runs that began before an alias was made have recorded under the former name since.

    Where a run holds both, the former name is another test's by now, and its results stay where they are; so do all
    in a store that may only be read.
    """
    with store.reading() as connection:
        named = and_(_tests.tenant_id == _aliases.tenant_id, _tests.identity == _aliases.identity)
        late = select(_tests.identity, _aliases.test_id).join(farm_test_aliases, named)
        found = connection.execute(late.where(_tests.tenant_id == store.tenant, _aliases.tenant_id == store.tenant)).all()
    settled = []
    for name, test_id in found:
        try:
            with store.writing() as connection:
                settled += _settle(connection, store, name, test_id)
        except ReadOnlyError:
            break
    return settled


def _settle(connection: Connection, store: RunStore, name: str, test_id: int) -> list[Renamed]:
    present = select(_tests.identity).where(_tests.tenant_id == store.tenant, _tests.id == test_id)
    new = connection.execute(present).scalar_one_or_none()
    old = next((one for one in _named(connection, store.tenant, name) if one["identity"] == name), None)
    both = _run_with_both(connection, store.tenant, identity_id(name), test_id)
    return [] if new is None or old is None or both is not None else [_rename(connection, store, old, new)]


def _named(connection: Connection, tenant: str, name: str) -> list[Row]:
    named = or_(_tests.identity == name, _tests.identity.startswith(f"{name}[", autoescape=True))
    found = connection.execute(select(farm_tests).where(_tests.tenant_id == tenant, named).order_by(_tests.identity))
    return [dict(row) for row in found.mappings()]


def _already(connection: Connection, tenant: str, old: str, new: str) -> Renamed:
    """Nothing is recorded as `old`: fine if it is an alias of `new` since an earlier time."""
    target = _target(connection, tenant, old)
    if target is None:
        raise NotFoundError(f"no test {old!r} of tenant {tenant}; an identity is MODULE::TEST, as `aosfarm show` gives it")
    present = connection.execute(select(_tests.identity).where(_tests.tenant_id == tenant, _tests.id == target))
    name = present.scalar_one_or_none()
    if target not in {identity_id(new), _target(connection, tenant, new)}:
        raise ConfigurationError(f"{old!r} is a former name of {name!r}; to rename that one, `aosfarm alias {name} {new}`")
    return Renamed(old, name or new, 0)


def _target(connection: Connection, tenant: str, name: str) -> int | None:
    found = select(_aliases.test_id).where(_aliases.tenant_id == tenant, _aliases.identity == name)
    return connection.execute(found).scalar_one_or_none()


def _rename(connection: Connection, store: RunStore, old: Row, new: str) -> Renamed:
    tenant, old_id = store.tenant, old["id"]
    new_id = _target(connection, tenant, new)
    if new_id == old_id:  # back to a former name
        connection.execute(delete(farm_test_aliases).where(_aliases.tenant_id == tenant, _aliases.identity == new))
        new_id = None
    new_id = identity_id(new) if new_id is None else new_id
    run_id = _run_with_both(connection, tenant, old_id, new_id)
    if run_id is not None:
        raise ConfigurationError(f"run {run_id} holds both {old['identity']!r} and {new!r}: these are two tests")
    known = connection.execute(select(farm_tests).where(_tests.tenant_id == tenant, _tests.id == new_id)).mappings()
    test = known.one_or_none()
    if test is None:
        row = {**old, "id": new_id, "identity": new}
        connection.execute(store.upsert(farm_tests).values(row))
    elif test["first_run_id"] > old["first_run_id"]:
        ours = and_(_tests.tenant_id == tenant, _tests.id == new_id)
        connection.execute(update(farm_tests).where(ours).values(first_run_id=old["first_run_id"]))
    moved = 0
    for table in (farm_run_tests, farm_run_test_output, farm_faults):
        theirs = and_(table.c.tenant_id == tenant, table.c.test_id == old_id)
        done = connection.execute(update(table).where(theirs).values(test_id=new_id))
        moved = done.rowcount if table is farm_run_tests else moved
    former = and_(_aliases.tenant_id == tenant, _aliases.test_id == old_id)
    connection.execute(update(farm_test_aliases).where(former).values(test_id=new_id))
    insert = store.upsert(farm_test_aliases).values(tenant_id=tenant, identity=old["identity"], test_id=new_id)
    connection.execute(
        insert.on_conflict_do_update(index_elements=["tenant_id", "identity"], set_={"test_id": new_id})
    )
    connection.execute(delete(farm_tests).where(_tests.tenant_id == tenant, _tests.id == old_id))
    _judge_again(connection, store, old_id, new_id, old["first_run_id"])
    return Renamed(old["identity"], new if test is None else test["identity"], moved)


def _run_with_both(connection: Connection, tenant: str, test_id: int, other_id: int) -> int | None:
    """The newest run with results of both tests."""
    one, other = farm_run_tests.c, farm_run_tests.alias("other")
    both = and_(other.c.tenant_id == one.tenant_id, other.c.run_id == one.run_id, other.c.test_id == other_id)
    found = select(one.run_id).join(other, both).where(one.tenant_id == tenant, one.test_id == test_id)
    return connection.execute(found.order_by(one.run_id.desc()).limit(1)).scalar_one_or_none()


def _judge_again(connection: Connection, store: RunStore, old_id: int, new_id: int, first_run_id: int) -> None:
    stats, one, runs = farm_test_stats.c, farm_run_tests.c, farm_runs.c
    theirs = and_(stats.tenant_id == store.tenant, stats.test_id.in_((old_id, new_id)))
    connection.execute(delete(farm_test_stats).where(theirs))
    branches = (
        select(func.coalesce(runs.vcs_branch, NO_BRANCH))
        .join(farm_run_tests, and_(runs.tenant_id == one.tenant_id, runs.id == one.run_id))
        .where(one.tenant_id == store.tenant, one.test_id == new_id)
        .distinct()
    )
    for branch in list(connection.execute(branches).scalars()):
        write_stats(connection, store, stats_of(connection, store.tenant, branch, {new_id: first_run_id}))
