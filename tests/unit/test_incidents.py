"""The answer key of incidents against the rows, by plain code that knows nothing of how they were planted."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_examples import examples
from unit.estates import ANCHOR, TABLES, estate, events, moment, small_rows
from unit.incident_checks import complaints, guesses

from pytest_aosfarm.synthetic.incidents import Plan
from pytest_aosfarm.synthetic.rows import OneRow

SEEDS = (1, 2, 3)
KINDS = {
    "brute_force": "auth_events",
    "exfiltration": "network_flows",
    "error_burst": "logs",
    "clock_skew": "logs",
}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rows_show_what_is_declared_and_nothing_else(seed):
    assert complaints(small_rows(seed), events("small", seed).incidents) == []


@pytest.mark.parametrize("scale", ["medium", "large", "planet"])
def test_each_incident_of_a_large_table_is_as_declared(scale):
    made = events(scale)
    for kind, name in KINDS.items():
        mine = [one for one in made.incidents if one.kind == kind]
        assert len(mine) > 1
        for one in (mine[0], mine[-1]):
            if len(one.rows) < 5_000:
                start, stop = one.rows.start - 70, one.rows.stop + 70
                rows = {other: [] for other in TABLES} | {name: getattr(made, name)[start:stop]}
                assert complaints(rows, [one], start) == []


def test_a_whole_medium_table_of_logins_shows_no_other_brute_force():
    of = events("medium").auth_events
    rows = of.to_arrow(columns=["event_type", "user_id", "username", "ip_address", "application_id"]).to_pylist()
    assert guesses(rows) == [(one.rows, one.facts) for one in of.incidents()]


def test_no_clock_is_wrong_outside_and_every_line_of_the_host_is_inside():
    of = events("large").logs
    told = [one for one in of.incidents() if one.kind == "clock_skew"]
    hosts = {row["id"]: i for i, row in enumerate(estate("large")[0].hosts)}
    seen: dict[int, int] = defaultdict(int)
    at = 0
    for cells in of.arrays(["timestamp", "received_at", "service"]):
        shift = cells["timestamp"] - cells["received_at"]
        host = of.services.whole("host").take(cells["service"])
        for one in told:
            low, high = (min(max(edge - at, 0), len(shift)) for edge in (one.rows.start, one.rows.stop))
            within = shift[low:high][host[low:high] == hosts[one.facts["host_id"]]]
            lag = one.facts["skew_seconds"] * 1_000_000 - within
            assert ((lag > 0) & (lag < 1_000_000)).all()
            seen[one.rows.start] += len(within)
            shift[low:high][host[low:high] == hosts[one.facts["host_id"]]] = -1
        assert ((shift < 0) & (shift > -1_000_000)).all()
        at += len(shift)
    assert len(told) == len(seen)
    assert all(seen.values())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_check_notices_a_wrong_answer_key(kind, seed):
    told = events("small", seed).incidents
    one = next(one for one in told if one.kind == kind)
    wrong = [replace(one, rows=range(one.rows.start - 40, one.rows.stop - 40)), replace(one, started_at="2026")]
    wrong += [replace(one, facts=one.facts | {name: fact}) for name, fact in _altered(one.facts)]
    for other in wrong:
        assert complaints(small_rows(seed), [other if x is one else x for x in told]), other
    assert complaints(small_rows(seed), [x for x in told if x is not one])


def _altered(facts):
    return [(name, fact + 1 if isinstance(fact, int) else fact + "0") for name, fact in facts.items()]


@pytest.mark.parametrize("name", TABLES)
def test_the_check_notices_an_incident_that_is_not_declared_elsewhere(name):
    other = small_rows() | {name: small_rows(2)[name]}
    assert complaints(other, events().incidents)


@given(st.sampled_from(["small", "medium", "large", "planet"]), st.integers(0, 5))
@settings(max_examples=examples(25), deadline=None)
def test_incidents_of_a_table_never_meet_and_lie_well_inside(scale, seed):
    made = estate(scale, seed)[1]
    counts = Counter(one.kind for one in made.incidents)
    assert counts.keys() == KINDS.keys()
    assert (min(counts.values()) > 1) == (scale != "small")
    for name in TABLES:
        spans = sorted((one.rows.start, one.rows.stop) for one in made.incidents if one.table == name)
        edges = [edge for span in spans for edge in span]
        assert edges == sorted(edges)
        rows = len(getattr(made, name))
        assert rows / 20 < edges[0] < edges[-1] < rows * 0.95
    for one in made.incidents:
        assert KINDS[one.kind] == one.table
        assert len(one.rows) >= 20
        assert one.started_at < one.ended_at
        skew = timedelta(seconds=abs(one.facts.get("skew_seconds", 0)))
        assert moment(one.ended_at) + skew.total_seconds() < ANCHOR.timestamp()


def test_incidents_do_not_begin_at_blocks():
    starts = [one.rows.start for one in events("planet").incidents]
    assert len(starts) > 50
    assert sum(start % 32 == 0 for start in starts) < len(starts) / 8


def test_seeds_and_tenants_have_incidents_of_their_own():
    keys = {tuple(one.rows for one in events("small", seed, who).incidents) for seed in SEEDS for who in ("acme", "zeta")}
    assert len(keys) == 6


def test_a_tiny_table_has_no_incident():
    class Fires(Plan):
        name = "fires"
        sizes = (8, 8, 1)

    assert len(Fires(1_000, 1, "acme").spans) == 1
    fires = Fires(999, 1, "acme")
    assert fires.spans == []
    assert [fires.segment(OneRow(fires, i)) for i in (0, 998)] == [0, 0]
