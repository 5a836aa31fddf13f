"""The results in which two runs differ, found by the database."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, exists, func, not_, null, or_, select

from pytest_aosfarm.history.pace import MARGIN_US, PASSES, pace_of
from pytest_aosfarm.history.runs import alike
from pytest_aosfarm.recording.status import LIVE
from pytest_aosfarm.recording.tables import farm_run_tests, farm_runs, farm_tests
from pytest_aosfarm.recording.tally import BAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from pytest_aosfarm.history.pace import Pace
    from pytest_aosfarm.history.runs import Row

__all__ = ("Pair", "differing", "has_results", "usual_paces")

_RUNS_LOOKED_AT = 2 * PASSES
_IDS_AT_ONCE = 500

_MILDEST_FIRST = ("passed", "xfailed", "xpassed", "skipped", "other", *BAD)


@dataclass(slots=True)
class Pair:
    """What decided a test in two runs; None where it has no result. The error is the newer one."""

    test_id: int
    identity: str
    nodeid: str
    first_run_id: int
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


def has_results(connection: Connection, tenant: str, run_id: int) -> bool:
    """Whether any result of the run is there."""
    one = farm_run_tests.c
    found = select(one.test_id).where(one.tenant_id == tenant, one.run_id == run_id).limit(1)
    return connection.execute(found).first() is not None


def differing(connection: Connection, tenant: str, run_id: int, base_id: int) -> dict[int, Pair]:
    """By test id, the tests that failed in the first run, or are otherwise not the same in both.

    Where several results of a test decide in one run (several workers under --dist=each), the worst one counts.
    """
    new, old = farm_run_tests.alias("new"), farm_run_tests.alias("old")
    same = and_(old.c.tenant_id == new.c.tenant_id, old.c.test_id == new.c.test_id)
    named = and_(farm_tests.c.tenant_id == tenant, farm_tests.c.id == new.c.test_id)
    test = [new.c.test_id, farm_tests.c.identity, farm_tests.c.nodeid, farm_tests.c.first_run_id]
    of_new = and_(new.c.tenant_id == tenant, new.c.run_id == run_id, new.c.is_final)
    of_old = and_(old.c.tenant_id == tenant, old.c.run_id == base_id, old.c.is_final)
    # What 1.5 times the other one is, an index cannot tell anyway: the margin alone leaves few enough.
    timed = and_(new.c.outcome == "passed", func.abs(new.c.call_us - old.c.call_us) > MARGIN_US)
    differs = or_(old.c.outcome.is_(None), new.c.outcome != old.c.outcome, new.c.outcome.in_(BAD), timed)
    in_new = (
        select(*test, *_side(new), new.c.error_type, new.c.error_location, new.c.message, *_side(old))
        .select_from(new)
        .outerjoin(old, and_(same, of_old))
        .join(farm_tests, named)
        .where(of_new, differs)
    )
    # The same test under the name of the other run, which is the only one that has it.
    gone = select(new.c.test_id).where(of_new, same).correlate(old)
    named_old = and_(farm_tests.c.tenant_id == tenant, farm_tests.c.id == old.c.test_id)
    only_old = (
        select(old.c.test_id, *test[1:], *[null()] * 7, *_side(old))
        .select_from(old)
        .join(farm_tests, named_old)
        .where(of_old, not_(exists(gone)))
    )
    pairs: dict[int, Pair] = {}
    for statement in (in_new, only_old):
        for row in connection.execute(statement):
            pair = Pair(*tuple(row))
            known = pairs.get(pair.test_id)
            if known is None:
                pairs[pair.test_id] = pair
            else:
                _keep_worst(known, pair)
    return pairs


def usual_paces(connection: Connection, tenant: str, base: Row, test_ids: Sequence[int]) -> dict[int, Pace]:
    """By test id, how long these tests took when they passed, in runs like `base` up to it."""
    one, runs = farm_run_tests.c, farm_runs.c
    earlier = select(runs.id).where(runs.tenant_id == tenant, runs.id <= base["id"], runs.status.not_in(LIVE), alike(base))
    run_ids = list(connection.execute(earlier.order_by(runs.id.desc()).limit(_RUNS_LOOKED_AT)).scalars())
    durations: dict[int, list[int]] = defaultdict(list)
    for start in range(0, len(test_ids), _IDS_AT_ONCE):
        wanted = select(one.test_id, one.call_us).where(
            one.tenant_id == tenant,
            one.test_id.in_(test_ids[start : start + _IDS_AT_ONCE]),
            one.run_id.in_(run_ids),
            one.is_final,
            one.outcome == "passed",
        )
        for test_id, call_us in connection.execute(wanted.order_by(one.test_id, one.run_id)):
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
