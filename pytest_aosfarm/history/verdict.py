"""Whether a test is broken, flaky or healthy, from its recent results, each verdict with its evidence."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.recording.tally import BAD

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

__all__ = ("BROKEN", "FLAKY", "HEALTHY", "WINDOW", "Attempt", "Result", "RunFacts", "Verdict", "judge")

BROKEN, FLAKY, HEALTHY = "broken", "flaky", "healthy"

WINDOW = 30
"""How many of a test's runs are looked at."""

RECOVERY = 20
"""So many passes without a flip, and what was before them no longer counts."""

FLIPS, FLIP_RATE = 3, 0.10
BROKEN_RUNS = 3
BROKEN_OF, BROKEN_SHARE = 5, 0.80
EVIDENCE = 5
"""How much evidence of one kind is kept, the newest."""

Evidence = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What is asked of a run; runs whose `conditions` (scale, profile, chaos, …) are equal are alike."""

    id: int
    sha: str | None = None
    dirty: bool | None = None
    scenario: int | None = None
    seed: int = 1
    environment: str | None = None
    conditions: Hashable = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at the test. `faulted` says that chaos injected faults into it."""

    number: int
    outcome: str
    is_final: bool = True
    variant: str | None = None
    worker: str | None = None
    faulted: bool = False

    @property
    def went_wrong(self) -> bool:
        """Whether it failed. Another plugin's word for an attempt that did not decide, such as "rerun", means so too."""
        return self.outcome in BAD or (self.outcome == "other" and not self.is_final)


@dataclass(frozen=True, slots=True)
class Result:
    """A test in one run: every attempt, in order."""

    run: RunFacts
    attempts: tuple[Attempt, ...]

    @property
    def passed(self) -> bool | None:
        """Whether the deciding attempts passed; None when they say nothing: skipped, xfailed, failed under a fault."""
        finals = {one.outcome in BAD for one in self.attempts if one.is_final and _decides(one)}
        return None if not finals else True not in finals

    @property
    def is_clean(self) -> bool:
        """Whether it passed and no attempt went wrong, but for those that had faults."""
        return self.passed is True and not any(one.went_wrong and not one.faulted for one in self.attempts)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`evidence` is a list of JSON objects with a `rule` each: S1, S2, S3, W, broken, and faults, which accuse nobody."""

    health: str
    evidence: list[Evidence] = field(default_factory=list)
    runs: int = 0
    passes: int = 0
    fails: int = 0
    flips: int = 0
    flip_rate: float = 0.0
    pass_streak: int = 0
    fail_streak: int = 0
    last_fail_run_id: int | None = None


def judge(results: Sequence[Result], *, default_branch: bool) -> Verdict:
    """The verdict over the last 30 of `results`, the oldest first and all of one branch.

    Only like is compared with like, so results are taken apart by the conditions of their runs; a failure under
    injected faults says nothing about the test. On another branch than the default one a test may well change its
    mind: there the flip rate (W) is no evidence.
    """
    window = results[-WINDOW:]
    alike: dict[Hashable, list[Result]] = defaultdict(list)
    for one in window:
        alike[one.run.conditions].append(one)
    broken = [found for group in alike.values() for found in _broken(group)]
    flaky = [found for group in alike.values() for found in _flaky(_since_recovery(group), rate_counts=default_branch)]
    decided = [one for one in window if one.passed is not None]
    said = [bool(one.passed) for one in decided]
    sequences = [[one.passed for one in group if one.passed is not None] for group in alike.values()]
    flips, steps = sum(map(_flips, sequences)), sum(max(0, len(one) - 1) for one in sequences)
    return Verdict(
        health=BROKEN if broken else FLAKY if flaky else HEALTHY,
        evidence=[*broken, *flaky, *_under_faults(window)],
        runs=len(decided),
        passes=sum(said),
        fails=len(said) - sum(said),
        flips=flips,
        flip_rate=flips / steps if steps else 0.0,
        pass_streak=_streak(said, of=True),
        fail_streak=_streak(said, of=False),
        last_fail_run_id=next((one.run.id for one in reversed(decided) if not one.passed), None),
    )


def _decides(attempt: Attempt) -> bool:
    return attempt.outcome == "passed" or (attempt.outcome in BAD and not attempt.faulted)


def _flips(said: Sequence[bool | None]) -> int:
    return sum(one != next_one for one, next_one in pairwise(said))


def _streak(said: Sequence[bool], *, of: bool) -> int:
    return next((length for length, one in enumerate(reversed(said)) if one is not of), len(said))


def _since_recovery(group: Sequence[Result]) -> Sequence[Result]:
    """From the last pass on that completed a recovery; all of it when there was none."""
    start = streak = 0
    for index, one in enumerate(group):
        if one.is_clean:
            streak += 1
        elif one.passed is not None:
            streak = 0
        if streak >= RECOVERY:
            start = index
    return group[start:]


def _broken(group: Sequence[Result]) -> Iterator[Evidence]:
    decided = [one for one in group if one.passed is not None]
    last, lately = decided[-BROKEN_RUNS:], decided[-BROKEN_OF:]
    failed = [one.run.id for one in lately if not one.passed]
    in_a_row = len(last) == BROKEN_RUNS and not any(one.passed for one in last)
    mostly = len(lately) == BROKEN_OF and len(failed) >= BROKEN_SHARE * BROKEN_OF
    if in_a_row or mostly:
        yield {"rule": BROKEN, "runs": failed, "of": len(lately), **_where(decided[-1])}


def _flaky(group: Sequence[Result], *, rate_counts: bool) -> Iterator[Evidence]:
    yield from _newest(found for one in group for found in _retried(one, crashed=False))
    yield from _newest(_both_ways(group))
    yield from _newest(found for one in group for found in _retried(one, crashed=True))
    decided = [one for one in group if one.passed is not None]
    turns = [later for earlier, later in pairwise(decided) if earlier.passed != later.passed]
    if rate_counts and len(turns) >= FLIPS and len(turns) >= FLIP_RATE * (len(decided) - 1):
        runs = [one.run.id for one in turns]
        yield {"rule": "W", "flips": len(turns), "steps": len(decided) - 1, "runs": runs, **_where(turns[-1])}


def _retried(result: Result, *, crashed: bool) -> Iterator[Evidence]:
    """S1: wrong, then passed on a retry in the same run; S3: crashed, then passed on the worker that came instead."""
    for final in result.attempts:
        if not final.is_final or final.outcome != "passed":
            continue
        earlier = [
            one
            for one in result.attempts
            if not one.is_final and one.variant == final.variant and one.number < final.number and not one.faulted
        ]
        wrong = [one for one in earlier if one.went_wrong and (one.outcome == "crashed") is crashed]
        if wrong:
            yield {
                "rule": "S3" if crashed else "S1",
                "run": result.run.id,
                "attempts": [one.number for one in (*wrong, final)],
                "outcomes": [one.outcome for one in (*wrong, final)],
                "workers": [one.worker for one in (*wrong, final)],
                **_where(result),
            }


def _both_ways(group: Sequence[Result]) -> Iterator[Evidence]:
    """S2: passed and failed on the same clean commit with the same scenario, seed and environment, or in one run."""
    same: dict[Hashable, dict[bool, Result]] = defaultdict(dict)
    for one in group:
        finals = [final for final in one.attempts if final.is_final and _decides(final)]
        if len({final.outcome in BAD for final in finals}) > 1:
            runs = {"passed": one.run.id, "failed": one.run.id}
            yield {"rule": "S2", **runs, "attempts": [final.number for final in finals], **_where(one)}
        elif one.passed is not None and one.run.sha is not None and one.run.dirty is False:
            run = one.run
            same[run.sha, run.scenario, run.seed, run.environment][one.passed] = one
    for ways in same.values():
        if len(ways) > 1:
            runs = {"passed": ways[True].run.id, "failed": ways[False].run.id}
            yield {"rule": "S2", **runs, "seed": ways[True].run.seed, **_where(ways[True])}


def _under_faults(window: Sequence[Result]) -> list[Evidence]:
    runs = [one.run.id for one in window if any(attempt.faulted and attempt.went_wrong for attempt in one.attempts)]
    return [{"rule": "faults", "runs": runs}] if runs else []


def _newest(found: Iterable[Evidence]) -> list[Evidence]:
    return list(found)[-EVIDENCE:]


def _where(result: Result) -> Evidence:
    return {"sha": result.run.sha}
