"""The event tables as tables: one formula in two forms, unique ids, a weekly rhythm."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta, timezone
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_examples import examples
from table_forms import by_block, one_by_one
from unit.estates import ANCHOR, TABLES, estate, events, small_rows

from pytest_aosfarm.synthetic.clock import Clock
from pytest_aosfarm.synthetic.rows import Block, OneRow

END = int(ANCHOR.timestamp() * 1_000_000)
WEEK = 7 * 86_400_000_000
_UNSAFE = {chr(c) for c in (*range(32), *range(127, 256), ord('"'), ord("'"), ord("\\"))}


def table(name, scale="small", seed=1, tenant="acme"):
    return getattr(events(scale, seed, tenant), name)


@st.composite
def slices(draw, longest=90):
    """A table and some of its rows, often at the edge of an incident or at the end."""
    found = table(draw(st.sampled_from(TABLES)), draw(st.sampled_from(("small", "large", "planet"))))
    count = draw(st.integers(64, longest))
    edges = [edge for incident in found.incidents() for edge in (incident.rows.start, incident.rows.stop)]
    middle = draw(st.one_of(st.integers(0, len(found)), st.sampled_from([0, len(found), *edges])))
    start = max(0, min(len(found) - count, middle - count // 2))
    return found, range(start, start + count)


@given(slices())
@settings(max_examples=examples(50), deadline=None)
def test_one_row_and_a_block_of_rows_are_the_same(drawn):
    of, rows = drawn
    assert by_block(of, rows) == one_by_one(of, rows)


@pytest.mark.parametrize("scale", ["small", "medium", "planet"])
@pytest.mark.parametrize("name", TABLES)
def test_the_last_row_is_the_same_in_both_forms(name, scale):
    of = table(name, scale)
    last = range(len(of) - 70, len(of))
    assert of.to_arrow(last).num_rows == 70
    assert list(of[last.start : last.stop])[-1] == of[-1] == of.row(len(of) - 1)


@given(slices(), st.integers(0, 2**32))
@settings(max_examples=examples(20), deadline=None)
def test_any_rows_in_any_order_have_the_cells_of_each(drawn, seed):
    of, rows = drawn
    some = np.random.default_rng(seed).integers(0, len(of), 20)
    some[:10] = rows[:10]
    block = Block(of, some)
    for name in of.formulas:
        if name not in {"trace", "first"}:  # rows of another table
            cells = block[name]
            if not isinstance(cells, tuple):
                assert np.broadcast_to(cells, 20).tolist() == [OneRow(of, int(i))[name] for i in some], name


@given(slices(longest=300), st.integers(1, 299))
@settings(max_examples=examples(25), deadline=None)
def test_it_does_not_matter_where_rows_are_split(drawn, cut):
    of, rows = drawn
    cut = min(rows.start + cut, rows.stop)
    whole = of.to_arrow(rows)
    parts = pa.concat_tables([of.to_arrow(range(rows.start, cut)), of.to_arrow(range(cut, rows.stop))])
    assert whole.combine_chunks().equals(parts.combine_chunks())


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("scale", ["small", "large"])
def test_events_come_in_order_of_time_and_never_after_the_anchor(name, scale):
    of = table(name, scale)
    arrival = "received_at" if name == "logs" else "timestamp"
    times = np.concatenate([block[arrival] for block in of.arrays([arrival])])
    assert (np.diff(times) >= 0).all()
    assert times[-1] < END
    assert times[0] >= END - 4 * WEEK
    ends = [block["timestamp"].max() for block in of.arrays(["timestamp"])]
    assert max(ends) < END


def test_the_planet_is_in_order_too():
    of = table("logs", "planet")
    for start in (0, 499_990_000, len(of) - 40_000):
        times = np.concatenate([block["received_at"] for block in of.arrays(["received_at"], range(start, start + 40_000))])
        assert (np.diff(times) >= 0).all()
        assert END - 4 * WEEK <= times[0] <= times[-1] < END


def test_a_week_has_its_rhythm():
    times = np.concatenate([block["timestamp"] for block in table("network_flows", "large").arrays(["timestamp"])])
    hours = Counter(((times - (END - 4 * WEEK)) // 3_600_000_000).tolist())
    assert len(hours) == 672
    assert all(abs(hours[h] - hours[h + 168]) <= 1 for h in range(504))
    begin = ANCHOR - timedelta(weeks=4)
    rate: dict[tuple[bool, int], float] = defaultdict(float)
    for hour, count in hours.items():
        at = begin + timedelta(hours=hour)
        rate[at.weekday() >= 5, at.hour] += count / (2 if at.weekday() >= 5 else 5)
    assert rate[False, 10] > 8 * rate[False, 3]
    assert rate[False, 10] > 3 * rate[True, 10]
    assert rate[False, 14] > 2 * rate[False, 20]


@given(st.integers(0, 3_000), st.integers(0, 10**9))
@settings(max_examples=examples(30), deadline=None)
def test_a_clock_allots_every_row_at_any_anchor(rows, seconds):
    clock = Clock(rows, ANCHOR + timedelta(seconds=seconds, microseconds=7))

    class Lone(OneRow):
        def __init__(self, i):
            self.i = i

    times = [clock.moment(one, clock.hour(one), 0) for one in map(Lone, range(rows))]
    latest = [clock.moment(one, clock.hour(one), (1 << 20) - 1) for one in map(Lone, range(rows))]
    end = END + seconds * 1_000_000 + 7
    assert all(early <= late for early, late in zip(times, latest, strict=True))
    assert all(late < after for late, after in zip(latest, times[1:], strict=False))
    assert not rows or end - 4 * WEEK <= times[0] <= latest[-1] < end


@pytest.mark.parametrize("scale", ["small", "medium"])
def test_ids_are_unique(scale):
    for name in TABLES:
        of = table(name, scale)
        for column in of.unique:
            ids = np.concatenate([block[column] for block in of.arrays([column])])
            assert ids.dtype == np.uint64
            assert len(ids) == len(of)
            assert np.diff(np.sort(ids)).all(), f"{name}.{column}"


def test_tenants_and_seeds_share_no_id():
    for name in TABLES:
        seen = [{row["id"] for row in table(name, "small", *who)[:2_000]} for who in ((1, "acme"), (2, "acme"), (1, "zeta"))]
        assert len(set.union(*seen)) == sum(map(len, seen))


def test_no_text_needs_escaping():
    for name in TABLES:
        of = table(name, "planet")
        for row in [*small_rows()[name], *of[len(of) - 500 :]]:
            for text in row.values():
                assert not isinstance(text, str) or not _UNSAFE & set(text), text


def test_the_anchor_is_a_moment_not_a_spelling():
    _, other = estate(anchor=ANCHOR.astimezone(timezone(timedelta(hours=5))))
    assert other.logs[77] == small_rows()["logs"][77]


def test_events_can_be_looked_at():
    assert repr(events()) == "<events: 5,000 logs, 5,000 network_flows, 2,000 auth_events>"
    assert all(a["email"] != b["email"] for a, b in pairwise(events().employees))
