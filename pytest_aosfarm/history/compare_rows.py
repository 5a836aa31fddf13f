"""The results in which two runs differ, found by the database."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select

from pytest_aosfarm.history.pace import MARGIN_US, PASSES, pace_of
from pytest_aosfarm.history.parts import parts
from pytest_aosfarm.history.runs import alike
from pytest_aosfarm.recording.status import LIVE
from pytest_aosfarm.recording.tables import farm_run_tests, farm_runs, farm_tests
from pytest_aosfarm.recording.tally import BAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Select

    from pytest_aosfarm.history.pace import Pace
    from pytest_aosfarm.history.runs import Row

__all__ = ("Pair", "differing", "has_results", "usual_paces")

_one = farm_run_tests.c
_ONE_SIDE = [
    *(_one.test_id, _one.outcome, _one.phase, _one.call_us, _one.error_signature),
    *(_one.error_type, _one.error_location, _one.message),
]

_RUNS_LOOKED_AT = PASSES + 10

_MILDEST_FIRST = ("passed", "xfailed", "xpassed", "skipped", "other", *BAD)


@dataclass(slots=True)
class Pair:
    """What decided a test in two runs; None where it has no result. The error is the newer one."""

    test_id: int
    now: str | None
    now_phase: str | None
    now_us: int | None
    now_signature: str | None
    error_type: str | None
    error_location: str | None
    message: str | None
    then: str | None
    then_phase: str | None
    then_us: int | None
    then_signature: str | None
    identity: str = ""
    nodeid: str = ""
    first_run_id: int = 0


def has_results(connection: Connection, tenant: str, run_id: int) -> bool:
    """Whether any result of the run is there."""
    found = select(_one.test_id).where(_one.tenant_id == tenant, _one.run_id == run_id).limit(1)
    return connection.execute(found).first() is not None


def differing(connection: Connection, tenant: str, run_id: int, base_id: int) -> dict[int, Pair]:
    """By test id, the tests that failed in the first run, or are otherwise not the same in both.

    Where several results of a test decide in one run (several workers under --dist=each), the worst one counts.
    """
    pairs: dict[int, Pair] = {}
    for statement in _statements(tenant, run_id, base_id, full_join=connection.dialect.name == "postgresql"):
        for row in connection.execute(statement).all():
            pair = Pair(*tuple(row))
            known = pairs.setdefault(pair.test_id, pair)
            if known is not pair:
                _keep_worst(known, pair)
    tests = farm_tests.c
    named = select(tests.id, tests.identity, tests.nodeid, tests.first_run_id).where(tests.tenant_id == tenant)
    for part in parts(list(pairs)):
        for test_id, identity, nodeid, first_run_id in connection.execute(named.where(tests.id.in_(part))).all():
            pair = pairs[test_id]
            pair.identity, pair.nodeid, pair.first_run_id = identity, nodeid, first_run_id
    return pairs


def _statements(tenant: str, run_id: int, base_id: int, *, full_join: bool) -> list[Select[Any]]:
    """Queries for the columns of Pair. Names are asked for afterwards: a join would look every one of them up."""
    new, old = (
        select(*_ONE_SIDE).where(_one.tenant_id == tenant, _one.run_id == run, _one.is_final).subquery(name)
        for run, name in ((run_id, "new"), (base_id, "old"))
    )
    error = [new.c.error_type, new.c.error_location, new.c.message]
    columns = [func.coalesce(new.c.test_id, old.c.test_id), *_side(new), *error, *_side(old)]
    same = old.c.test_id == new.c.test_id
    # What 1.5 times the other one is, is seen later: the margin alone leaves few enough.
    timed = and_(new.c.outcome == "passed", func.abs(new.c.call_us - old.c.call_us) > MARGIN_US)
    differs = or_(old.c.outcome.is_(None), new.c.outcome != old.c.outcome, new.c.outcome.in_(BAD), timed)
    only_old = new.c.outcome.is_(None)
    if full_join:
        return [select(*columns).select_from(new.join(old, same, full=True)).where(or_(only_old, differs))]
    # SQLite before 3.39 has no full join.
    return [
        select(*columns).select_from(new.outerjoin(old, same)).where(differs),
        select(*columns).select_from(old.outerjoin(new, same)).where(only_old),
    ]


def usual_paces(connection: Connection, tenant: str, base: Row, test_ids: Sequence[int]) -> dict[int, Pace]:
    """By test id, how long these tests took when they passed, in runs like `base` up to it."""
    runs = farm_runs.c
    earlier = select(runs.id).where(runs.tenant_id == tenant, runs.id <= base["id"], runs.status.not_in(LIVE), alike(base))
    run_ids = list(connection.execute(earlier.order_by(runs.id.desc()).limit(_RUNS_LOOKED_AT)).scalars())
    durations: dict[int, list[int]] = defaultdict(list)
    passed = select(_one.test_id, _one.call_us).where(
        _one.tenant_id == tenant, _one.run_id.in_(run_ids), _one.is_final, _one.outcome == "passed"
    )
    for part in parts(test_ids):
        wanted = passed.where(_one.test_id.in_(part)).order_by(_one.test_id, _one.run_id)
        for test_id, call_us in connection.execute(wanted).all():
            durations[test_id].append(call_us)
    return {test_id: pace for test_id, found in durations.items() if (pace := pace_of(found)) is not None}


def _side(result: Any) -> list[Any]:
    return [result.c.outcome, result.c.phase, result.c.call_us, result.c.error_signature]


def _keep_worst(known: Pair, other: Pair) -> None:
    if _MILDEST_FIRST.index(other.now or "passed") > _MILDEST_FIRST.index(known.now or "passed"):
        for name in ("now", "now_phase", "now_us", "now_signature", "error_type", "error_location", "message"):
            setattr(known, name, getattr(other, name))
    if _MILDEST_FIRST.index(other.then or "passed") > _MILDEST_FIRST.index(known.then or "passed"):
        for name in ("then", "then_phase", "then_us", "then_signature"):
            setattr(known, name, getattr(other, name))
