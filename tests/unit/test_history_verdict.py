"""Broken, flaky, healthy: every rule by example, and all of them against a second formulation of the same rules."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_aosfarm.history.verdict import Attempt, Result, RunFacts, judge

BAD = {"failed", "error", "crashed"}


def results(*tests, **run):
    """Results of runs 1, 2, …: an outcome, a list of outcomes whose last decides, or a dict of RunFacts with `outcome`."""
    made = []
    for number, one in enumerate(tests, 1):
        given_ = one if isinstance(one, dict) else {"outcome": one}
        facts = {"sha": f"sha{number}", "dirty": False, **run, **given_}
        found = facts.pop("outcome")
        outcomes = found if isinstance(found, list) else [found]
        last = len(outcomes)
        attempts = tuple(Attempt(n, outcome, n == last, worker=f"gw{n}") for n, outcome in enumerate(outcomes, 1))
        made.append(Result(RunFacts(number, **facts), attempts))
    return made


def said(found, *, default_branch=True):
    verdict = judge(found, default_branch=default_branch)
    return verdict.health, [one["rule"] for one in verdict.evidence]


P, F = "passed", "failed"


@pytest.mark.parametrize(
    ("tests", "health", "rules"),
    [
        ([], "healthy", []),
        ([P, P, P], "healthy", []),
        ([F], "healthy", []),
        ([P, F, F], "healthy", []),
        ([P, F, F, F], "broken", ["broken"]),
        ([F, "error", "crashed"], "broken", ["broken"]),
        ([F, "skipped", F, "xfailed", F], "broken", ["broken"]),
        ([P, F, F, P, F, F], "broken", ["broken", "W"]),
        ([F, F, P, P, F], "healthy", []),
        ([P, [F, P]], "flaky", ["S1"]),
        ([P, ["error", P]], "flaky", ["S1"]),
        ([P, ["other", P]], "flaky", ["S1"]),
        ([P, ["crashed", P]], "flaky", ["S3"]),
        ([P, ["crashed", F, P]], "flaky", ["S1", "S3"]),
        ([P, [F, F]], "healthy", []),
        ([P, [P, F]], "healthy", []),
        ([P, F, P, P], "healthy", []),
        ([P, F, P, F, P], "flaky", ["W"]),
        ([P] * 15 + [F] + [P] * 12, "healthy", []),
        ([[F, P]] + [P] * 19, "flaky", ["S1"]),
        ([[F, P]] + [P] * 20, "healthy", []),
        ([[F, P]] + [P] * 20 + [F], "healthy", []),
        ([[F, P]] + [P] * 10 + ["skipped"] * 5 + [P] * 10, "healthy", []),
        ([[F, P]] + [P] * 30, "healthy", []),
        ([F, F, F, [F, P]], "flaky", ["S1"]),
        ([F, F, F, F, [F, P]], "broken", ["broken", "S1"]),
    ],
    ids=str,
)
def test_the_rules(tests, health, rules):
    assert said(results(*tests)) == (health, rules)


def test_a_rate_needs_flips_and_a_share_and_the_default_branch():
    flipping = results(P, F, P, F, P)
    assert said(flipping) == ("flaky", ["W"])
    assert said(flipping, default_branch=False) == ("healthy", [])
    verdict = judge(flipping, default_branch=True)
    assert (verdict.flips, verdict.flip_rate, verdict.passes, verdict.fails) == (4, 1.0, 3, 2)
    assert verdict.evidence == [{"rule": "W", "flips": 4, "steps": 4, "runs": [2, 3, 4, 5], "sha": "sha5"}]
    assert (verdict.pass_streak, verdict.fail_streak, verdict.last_fail_run_id) == (1, 0, 4)


def test_both_ways_on_one_clean_commit_with_the_same_scenario_seed_and_environment():
    same = {"sha": "abc", "scenario": 1, "seed": 7, "environment": "e"}
    found = results({"outcome": P, **same}, {"outcome": F, **same})
    verdict = judge(found, default_branch=False)
    assert verdict.health == "flaky"
    assert verdict.evidence == [{"rule": "S2", "passed": 1, "failed": 2, "seed": 7, "sha": "abc"}]
    for name, value in (("sha", "d"), ("scenario", 2), ("seed", 8), ("environment", "f"), ("dirty", True), ("sha", None)):
        other = results({"outcome": P, **same}, {"outcome": F, **same, name: value})
        assert said(other) == ("healthy", []), name


def test_workers_that_disagree_in_one_run_are_evidence_whatever_the_commit():
    each = Result(RunFacts(3), (Attempt(1, P, variant="gw0"), Attempt(2, F, variant="gw1")))
    assert said([each]) == ("flaky", ["S2"])
    assert each.passed is False


def test_evidence_names_attempts_workers_and_commit():
    (one,) = judge(results(["crashed", P]), default_branch=True).evidence
    assert one == {
        "rule": "S3", "run": 1, "attempts": [1, 2], "outcomes": ["crashed", "passed"], "workers": ["gw1", "gw2"],
        "sha": "sha1",
    }  # fmt: skip


def test_a_failure_under_faults_is_held_against_nobody():
    def faulted(number, outcome):
        return Result(RunFacts(number), (Attempt(1, outcome, faulted=True),))

    storm = [faulted(number, F) for number in range(1, 4)]
    verdict = judge(storm, default_branch=True)
    assert (verdict.health, verdict.runs) == ("healthy", 0)
    assert verdict.evidence == [{"rule": "faults", "runs": [1, 2, 3]}]
    retried = Result(RunFacts(4), (Attempt(1, F, is_final=False, faulted=True), Attempt(2, P)))
    assert said([retried]) == ("healthy", ["faults"])
    # A pass in spite of faults is a pass.
    assert judge([faulted(1, P)], default_branch=True).passes == 1


def test_only_like_is_compared_with_like():
    mixed = [{"outcome": P, "conditions": "small"}, {"outcome": F, "conditions": "large"}] * 2
    assert said(results(*mixed)) == ("healthy", [])
    assert judge(results(*mixed), default_branch=True).flips == 0
    assert said(results(*mixed, {"outcome": F, "conditions": "large"})) == ("broken", ["broken"])


def test_only_the_last_thirty_runs_are_looked_at():
    assert said(results([F, P], *["skipped"] * 29)) == ("flaky", ["S1"])
    assert said(results([F, P], *["skipped"] * 30)) == ("healthy", [])


outcome = st.sampled_from([P, P, P, P, F, "error", "crashed", "skipped", "xfailed", "xpassed", "other"])


@st.composite
def some_results(draw):
    made = []
    for number in range(1, draw(st.integers(0, 45)) + 1):
        length = draw(st.sampled_from([1, 1, 1, 1, 2, 3]))
        faulted = [draw(st.integers(0, 9)) == 0 for _ in range(length)]
        attempts = tuple(Attempt(n, draw(outcome), n == length, faulted=one) for n, one in enumerate(faulted, 1))
        run = RunFacts(
            number,
            sha=draw(st.sampled_from(["a", "b", None])) if draw(st.booleans()) else f"sha{number}",
            dirty=draw(st.booleans()),
            seed=draw(st.integers(1, 2)),
            conditions=draw(st.sampled_from(["calm", "calm", "storm"])),
        )
        made.append(Result(run, attempts))
    return made


def naive_verdict(found, *, default_branch):
    """The rules once more, as they are written down, in loops over plain lists."""
    found = found[-30:]
    broken = flaky = False
    for conditions in ("calm", "storm"):
        runs = []  # (final outcome as P, F or None, wrong attempts that a pass followed, the run)
        for one in found:
            if one.run.conditions != conditions:
                continue
            last = one.attempts[-1]
            words = BAD | {"other"}
            kept = [a for a in one.attempts if not (a.faulted and a.outcome in (BAD if a == last else words))]
            final = None
            if last in kept:
                final = P if last.outcome == P else F if last.outcome in BAD else None
            wrong = [a for a in kept if a is not last and (a.outcome in BAD or a.outcome == "other")]
            runs.append((final, wrong, one.run))
        said_ = [final for final, _, _ in runs if final]
        broken = broken or (len(said_) >= 3 and said_[-3:] == [F] * 3) or (len(said_) >= 5 and said_[-5:].count(F) >= 4)
        # Forget what was before the latest 20 clean passes in a row.
        start = 0
        for end in range(len(runs)):
            clean = 0
            for final, wrong, _ in reversed(runs[: end + 1]):
                if final == P and not wrong:
                    clean += 1
                elif final is not None:
                    break
            if clean >= 20:
                start = end
        runs = runs[start:]
        said_ = [final for final, _, _ in runs if final]
        flips = sum(said_[i] != said_[i + 1] for i in range(len(said_) - 1))
        flaky = flaky or any(final == P and wrong for final, wrong, _ in runs)
        flaky = flaky or (default_branch and flips >= 3 and flips * 10 >= len(said_) - 1)
        for one, _, run in runs:
            for other, _, run2 in runs:
                same = (run.sha, run.seed) == (run2.sha, run2.seed)
                clean = run.sha is not None and run.dirty is False and run2.dirty is False
                flaky = flaky or (same and clean and {one, other} == {P, F})
    return "broken" if broken else "flaky" if flaky else "healthy"


@settings(deadline=None)
@given(some_results(), st.booleans())
def test_both_formulations_agree(found, default_branch):
    verdict = judge(found, default_branch=default_branch)
    assert verdict.health == naive_verdict(found, default_branch=default_branch)
    assert verdict.passes + verdict.fails == verdict.runs <= 30
    assert (verdict.pass_streak == 0) or (verdict.fail_streak == 0)
    assert (verdict.last_fail_run_id is None) == (verdict.fails == 0)
    accusing = [one for one in verdict.evidence if one["rule"] != "faults"]
    assert bool(accusing) == (verdict.health != "healthy")


@settings(deadline=None)
@given(some_results())
def test_twenty_clean_passes_make_whoever_it_was_healthy(found):
    clean = [Result(RunFacts(n, conditions=c), (Attempt(1, P),)) for n in range(100, 120) for c in ("calm", "storm")]
    last = clean[-30:]
    assert judge([*found, *clean], default_branch=True).health == judge(last, default_branch=True).health == "healthy"
