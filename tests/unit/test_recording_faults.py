"""What a report says of injected faults: what can be kept is kept, nothing is invented, and no text of it loses a test."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_examples import examples

from pytest_aosfarm.recording.attempts import Attempts
from pytest_aosfarm.recording.events import decode, encode
from pytest_aosfarm.recording.faults import FIELDS, MOST, listed
from pytest_aosfarm.recording.secrets import Redactor
from pytest_aosfarm.recording.tables import farm_faults
from pytest_aosfarm.recording.tally import Tally

if TYPE_CHECKING:
    from pytest_aosfarm.recording.events import AttemptFinished

FAULT = {
    "kind": "status", "rule": "flaky orders", "module": "aod", "method": "GET", "path": "/api/runs", "status": 503,
    "delay_us": 0, "delivered": False, "observed": "503", "at_us": 1200,
}  # fmt: skip

ALWAYS = {"kind": "unknown", "at_us": 0}


@dataclass
class Report:
    when: str | None
    outcome: str = "passed"
    user_properties: list[Any] = field(default_factory=list)
    nodeid: str = "t.py::test"
    duration: float = 0.25
    start: float = 1_000_000.0
    longrepr: Any = None
    sections: list[tuple[str, str]] = field(default_factory=list)


def said(*texts: object) -> list[tuple[str, object]]:
    return [("farm.faults", text if isinstance(text, str) else json.dumps(text)) for text in texts]


def fold(*reports: Report, environment: dict[str, str] | None = None) -> list[AttemptFinished]:
    attempts = Attempts(secrets=Redactor(environment or {}))
    return [done for report in reports for done in attempts.add(report, None)] + attempts.close()


def one(properties: list[Any], **environment: str) -> AttemptFinished:
    reports = [Report("setup"), Report("call", user_properties=properties), Report("teardown", user_properties=properties)]
    (done,) = fold(*reports, environment=environment)
    return done


def test_faults_become_a_field_of_their_own_and_the_property_says_how_many() -> None:
    late = {**FAULT, "kind": "latency", "status": None, "more": [1]}
    done = one([("a", 1), *said([FAULT, late]), ("farm.chaos", "storm")])
    assert done.properties == {"a": 1, "farm.faults": 2, "farm.chaos": "storm"}
    assert done.faults == (FAULT, {name: value for name, value in FAULT.items() if name != "status"} | {"kind": "latency"})
    assert decode(encode(done)) == done


def test_a_test_without_faults_is_as_ever() -> None:
    for properties in ([], said([])):
        done = one(properties)
        assert (done.faults, done.faults_before, done.properties) == ((), 0, {})


def test_a_value_of_a_wrong_type_is_left_out_and_the_rest_is_kept() -> None:
    wrong: list[Any] = [None, True, "1", "", 1.5, [1], {"a": 1}, -1, 1 << 64]
    for name in FIELDS:
        for value in wrong:
            if (name == "delivered" and value is True) or (value == "1" and isinstance(FAULT[name], str)):
                continue
            (fault,) = one(said([{**FAULT, name: value}])).faults
            assert fault == {**ALWAYS, **{key: known for key, known in FAULT.items() if key != name}}
    done = one(said([FAULT, 5, "x", None, FAULT]))
    assert (done.properties["farm.faults"], done.faults) == (5, (FAULT, FAULT))


@pytest.mark.parametrize("text", ["", "[{", "12", '{"kind": "status"}', "[" * 100_000, '[{"status": 1' + "0" * 5_000 + "}]"])
def test_a_text_that_is_no_list_stays_what_it_was(text: str) -> None:
    done = one(said(text))
    assert (done.outcome, done.faults, done.properties) == ("passed", (), {"farm.faults": text[:2000]})


def test_something_that_is_no_text_is_a_property_like_any_other() -> None:
    assert one([("farm.faults", 3)]).properties == {"farm.faults": 3}
    assert one([("farm.faults", [FAULT])]).faults == ()


@settings(max_examples=examples(30))
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner)
       | st.dictionaries(st.sampled_from([*FIELDS, "other"]), inner)))  # fmt: skip
def test_whatever_is_said_can_be_kept(value: object) -> None:
    done = one(said(value))
    assert done.outcome == "passed"
    assert len(done.faults) == sum(isinstance(fault, dict) for fault in listed(json.dumps(value)) or ())
    for fault in done.faults:
        assert fault.keys() <= set(FIELDS)
        assert {"kind", "at_us"} <= fault.keys()
        texts = "".join(text for text in fault.values() if isinstance(text, str))
        assert b"\0" not in texts.encode()
    assert decode(encode(done)) == done


def test_more_faults_than_are_kept_are_counted() -> None:
    done = one(said([FAULT] * (MOST + 7)))
    assert (len(done.faults), done.properties["farm.faults"]) == (MOST, MOST + 7)
    tally = Tally()
    tally.add(done)
    assert (tally.faults_in_all, tally.faults, tally.faulted) == (MOST + 7, {"status": MOST}, {done.identity})


def test_no_secret_is_in_a_fault_nor_in_a_text_that_cannot_be_read() -> None:
    told = {**FAULT, "path": "/runs/hunter2-and-more?token=abcdefgh", "rule": "https://u:pass-word@h/", "observed": "é ö"}
    shown = repr(one(said([told]), SERVICE_PASSWORD="hunter2-and-more").faults)
    assert "/runs/***" in shown
    assert not {secret for secret in ("hunter2", "abcdefgh", "pass-word") if secret in shown}
    torn = one(said(json.dumps([told])[:-1]), SERVICE_PASSWORD="hunter2-and-more").properties["farm.faults"]
    assert not {secret for secret in ("hunter2", "abcdefgh", "pass-word") if secret in str(torn)}
    long = one(said([{**FAULT, "path": "/" * 1990 + "hunter2-and-more"}]), SERVICE_PASSWORD="hunter2-and-more")
    assert long.faults[0]["path"] == "/" * 1990 + "***"


def test_a_replay_token_is_kept_to_the_last_letter() -> None:
    # The shape of a token of GitHub, and longer than other properties may be.
    token = "AC1:" + "x" * 3000 + "_ghp_abcdefghijklmnopqrstuvwxyz0123456789"
    text = f"replay: pytest t.py --password=hunter2 --farm-replay={token}"
    kept = one([("farm.chaos", text)]).properties["farm.chaos"]
    assert kept == f"replay: pytest t.py --password=*** --farm-replay={token}"


def test_each_attempt_has_its_own_faults_be_they_the_same_ones() -> None:
    def attempt(call: str, properties: list[Any]) -> list[Report]:
        return [Report("setup"), Report("call", call, user_properties=properties)]

    tries = [attempt("rerun", said([FAULT, FAULT])), attempt("rerun", said([FAULT, FAULT])), attempt("passed", [])]
    done = fold(*(report for reports in tries for report in reports))
    assert [(len(one.faults), one.properties, one.faults_before) for one in done] == [
        (2, {"farm.faults": 2}, 0), (2, {"farm.faults": 2}, 2), (0, {}, 0),
    ]  # fmt: skip


def test_what_a_fault_has_are_the_columns_of_its_table() -> None:
    columns = [column.name for column in farm_faults.columns]
    assert columns[-len(FIELDS) :] == [*FIELDS]
    assert columns[: -len(FIELDS)] == ["tenant_id", "run_id", "number", "test_id", "attempt", "worker"]
