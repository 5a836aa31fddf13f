"""Faults of the schema: exactly the fields that were asked for are changed, and nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis_examples import examples

from pytest_aosfarm.chaos.draws import FaultDraws
from pytest_aosfarm.chaos.exchange import NothingToSpoilError, json_reply
from pytest_aosfarm.chaos.faults import FieldAdded, FieldNested, FieldRemoved, FieldRenamed, FieldRetyped

BODY = {
    "total": 2,
    "items": [{"id": 1, "unit_price": 2.5}, {"id": 2, "note": None}],
    "by_day": {"mon": {"n": 1}, "tue": {"n": 2}},
}
DRAWS = FaultDraws(b"a call")
ONES = [FieldRemoved, FieldRenamed, FieldRetyped, FieldNested]

NAMES = st.text("abc_xyz", min_size=1, max_size=4)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=10
)
OBJECTS = st.dictionaries(NAMES, VALUES, min_size=1, max_size=4)


def changed(fault, value, draws=DRAWS, status=200):
    """The value after the fault, with the order of its fields."""
    (sent,) = fault.script(json_reply(status, json.dumps(value)), draws, 0.0)
    return json.loads(sent.partition(b"\r\n\r\n")[2])


def paths(value, above=""):
    """The paths of all fields, a star for each place in a list."""
    found = set()
    for name, child in value.items() if isinstance(value, dict) else [("*", one) for one in value]:
        found |= ({above + name} if isinstance(value, dict) else set()) | (
            paths(child, f"{above}{name}.") if isinstance(child, dict | list) else set()
        )
    return found


def fits(fault, value, draws):
    try:
        changed(fault, value, draws)
    except NothingToSpoilError:
        return False
    return True


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (FieldRemoved("total"), {**BODY, "total": ...}),
        (FieldRemoved("items.*.id"), {**BODY, "items": [{"unit_price": 2.5}, {"note": None}]}),
        (FieldRemoved("items.1.id"), {**BODY, "items": [{"id": 1, "unit_price": 2.5}, {"note": None}]}),
        (FieldRemoved("by_day.*.n"), {**BODY, "by_day": {"mon": {}, "tue": {}}}),
        (FieldRemoved("by_day.*"), {**BODY, "by_day": {}}),
        (FieldAdded("version"), {**BODY, "version": "unexpected"}),
        (FieldAdded("by_day.mon.extra", value=None), {**BODY, "by_day": {"mon": {"n": 1, "extra": None}, "tue": {"n": 2}}}),
        (
            FieldAdded("items.*.note", value="x"),
            {**BODY, "items": [{"id": 1, "unit_price": 2.5, "note": "x"}, {"id": 2, "note": None}]},
        ),
        (FieldRenamed("items.*.unit_price"), {**BODY, "items": [{"id": 1, "unitPrice": 2.5}, {"id": 2, "note": None}]}),
        (FieldRenamed("total"), {"total_v2": 2, **BODY, "total": ...}),
        (FieldRenamed("total", to="sum"), {"sum": 2, **BODY, "total": ...}),
        (FieldRetyped("total", to="string"), {**BODY, "total": "2"}),
        (FieldRetyped("total", to="boolean"), {**BODY, "total": True}),
        (FieldRetyped("total", to="null"), {**BODY, "total": None}),
        (FieldRetyped("total", to="array"), {**BODY, "total": [2]}),
        (FieldRetyped("total", to="object"), {**BODY, "total": {"value": 2}}),
        (FieldRetyped("items", to="number"), {**BODY, "items": 2}),
        (
            FieldRetyped("items.*.note", to="string"),
            {**BODY, "items": [{"id": 1, "unit_price": 2.5}, {"id": 2, "note": "null"}]},
        ),
        (FieldNested("total"), {**BODY, "total": {"value": 2}}),
        (FieldNested("by_day.tue", under="day"), {**BODY, "by_day": {"mon": {"n": 1}, "tue": {"day": {"n": 2}}}}),
    ],
    ids=lambda value: json.dumps(value.plain()) if hasattr(value, "plain") else "",
)
def test_the_field_at_the_path_is_changed(fault, expected):
    seen = changed(fault, BODY)
    assert seen == {name: value for name, value in expected.items() if value is not ...}


def test_a_renamed_field_keeps_its_place():
    assert list(changed(FieldRenamed("items", to="rows"), BODY)) == ["total", "rows", "by_day"]


@pytest.mark.parametrize(
    ("fault", "value", "status", "why"),
    [
        (FieldRemoved("items.*.price"), BODY, 200, "field_removed: the reply has no place for it at 'items.*.price'"),
        (FieldRemoved("items.id"), BODY, 200, "no place for it at 'items.id'"),
        (FieldRemoved("items.9.id"), BODY, 200, "no place for it"),
        (FieldAdded("total"), BODY, 200, "no place for it"),
        (FieldRenamed("items.*.id", to="note"), {"items": [{"id": 1, "note": 2}]}, 200, "no place for it"),
        (FieldRetyped("total", to="number"), BODY, 200, "no place for it"),
        (FieldRemoved(), [1, [2]], 200, "JSON without any field"),
        (FieldRemoved("total"), BODY, 422, "the reply has the status 422"),
    ],
)
def test_a_reply_without_such_a_field_is_no_place_for_it(fault, value, status, why):
    with pytest.raises(NothingToSpoilError) as caught:
        changed(fault, value, status=status)
    assert why in str(caught.value)


@settings(max_examples=examples(30))
@given(OBJECTS, st.sampled_from([*ONES, FieldAdded]), st.binary(min_size=8, max_size=8).map(FaultDraws))
def test_without_a_path_one_of_the_replys_own_is_drawn(value, kind, draws):
    try:
        after = changed(kind(), value, draws)
    except NothingToSpoilError:
        assert kind in {FieldRenamed, FieldAdded}, "a name may be taken"
        return
    possible = paths(value)
    if kind is FieldAdded:
        possible = {".".join([*path.split(".")[:-1], "unexpected"]) for path in possible}
    assert after in [changed(kind(path), value, draws) for path in possible if fits(kind(path), value, draws)]


@settings(max_examples=examples(50))
@given(OBJECTS, VALUES, st.data())
def test_a_path_changes_that_field_only(value, other, data):
    name = data.draw(st.sampled_from(sorted(value)))
    kind = data.draw(st.sampled_from(ONES))
    assume(kind is not FieldRenamed or kind(name).new_name(name) not in value)
    (after, untouched), kept = changed(kind(f"rows.*.{name}"), {"rows": [value, other], "kept": other}).values()
    assume(not isinstance(other, dict) or name not in other)
    assert untouched == kept == other
    others = {other: leaf for other, leaf in value.items() if other != name}
    assert {other: after[other] for other in others} == others
    now = {other: leaf for other, leaf in after.items() if other not in others}
    if kind is FieldRemoved:
        assert now == {}
    elif kind is FieldRenamed:
        assert now == {kind(name).new_name(name): value[name]}
    elif kind is FieldNested:
        assert now == {name: {"value": value[name]}}
    else:
        assert list(now) == [name]
        assert _type(now[name]) not in {_type(value[name]), "NoneType"}


def _type(value):
    return "number" if type(value) in {int, float} else type(value).__name__
