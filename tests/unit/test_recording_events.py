"""Events keep every value on their way through a line of a spool, and lines of former versions are still read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.recording.events import (
    WIRE_VERSION,
    AttemptFinished,
    ErrorSeen,
    Event,
    RunCollected,
    RunFinished,
    RunStarted,
    decode,
    encode,
)
from pytest_aosfarm.recording.spool import read_spool

texts = st.text(max_size=30)
maybe_texts = st.none() | texts
times = st.datetimes(timezones=st.just(UTC))
micros = st.integers(0, 1 << 70)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts

started = st.builds(
    RunStarted,
    uuid=st.uuids().map(str),
    started_at=times,
    labs=st.lists(texts, max_size=3).map(tuple),
    scale=texts,
    seed=st.integers(0, (1 << 64) - 1),
    anchor=times,
    profile=texts,
    tenant=texts,
    data_tenant=maybe_texts,
    database=texts,
    dist=maybe_texts,
    worker_count=st.integers(0, 9),
    arguments=st.lists(texts, max_size=3).map(tuple),
    environment=st.dictionaries(texts, texts, max_size=3),
    selection=st.dictionaries(texts, st.lists(texts, max_size=2), max_size=3),
    vcs_dirty=st.none() | st.booleans(),
    owner_pid=st.none() | st.integers(0),
)
collected = st.builds(RunCollected, collected=st.integers(0), deselected=st.integers(0))
attempts = st.builds(
    AttemptFinished,
    nodeid=texts,
    identity=texts,
    attempt=st.integers(1),
    variant=maybe_texts,
    outcome=texts,
    raw_outcome=maybe_texts,
    phase=texts,
    cause=texts,
    replaces=st.none() | st.integers(1),
    worker=maybe_texts,
    started_us=st.integers(),
    setup_us=micros,
    call_us=micros,
    teardown_us=micros,
    error_type=maybe_texts,
    error_signature=maybe_texts,
    error_location=maybe_texts,
    message=maybe_texts,
    data_tenant=maybe_texts,
    properties=st.dictionaries(texts, scalars, max_size=4),
    outputs=st.dictionaries(st.sampled_from(["longrepr", "stdout"]), texts),
    faults=st.lists(st.dictionaries(texts, scalars, max_size=2), max_size=2).map(tuple),
    faults_before=st.integers(0),
)
errors = st.builds(ErrorSeen, source=texts, message=texts, body=maybe_texts)
finished = st.builds(
    RunFinished, finished_at=st.none() | times, status=texts, exit_code=st.none() | st.integers(), reason=maybe_texts
)
events = st.one_of(started, collected, attempts, errors, finished)

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
RUN = RunStarted(
    uuid="u", started_at=NEW_YEAR, labs=(), scale="small", seed=1, anchor=NEW_YEAR, profile="clean", data_tenant=None,
    database="/x",
)  # fmt: skip


@given(events)
def test_an_event_comes_back_from_its_line_as_it_was(event: Event) -> None:
    line = encode(event)
    assert decode(line) == event
    assert line.isascii()
    assert "\n" not in line


def test_a_spool_of_a_newer_version_is_refused_and_not_guessed_at() -> None:
    record = json.loads(encode(RUN))
    record["version"] = WIRE_VERSION + 1
    with pytest.raises(RecordingError, match=f"version {WIRE_VERSION + 1}.*version {WIRE_VERSION}"):
        decode(json.dumps(record))


def test_a_line_of_the_second_version_is_read_and_an_attempt_without_faults_is_as_long_as_it_was() -> None:
    attempt = AttemptFinished(nodeid="t.py::t", identity="t::t", attempt=1, outcome="passed", phase="call", started_us=5)
    line = encode(attempt)
    assert "fault" not in line
    assert decode(line) == attempt
    run = json.loads(encode(RUN))
    assert run["version"] == 3
    assert decode(json.dumps(run | {"version": 2})) == RUN


@pytest.mark.parametrize("version", [0, 4, "3", None, [3], 2.5])
def test_a_version_that_nobody_knows_is_refused(version: object) -> None:
    with pytest.raises(RecordingError, match="use the version that wrote it"):
        decode(json.dumps(json.loads(encode(RUN)) | {"version": version}))


def test_a_spool_of_the_first_version_says_the_same_in_todays_words() -> None:
    run, bad, counted, ok, wrong, odd, again, end = (
        event for event, _ in read_spool(Path(__file__).with_name("spool_v1.jsonl"))
    )

    assert isinstance(run, RunStarted)
    assert (run.tenant, run.data_tenant, run.seed, run.labs) == ("default", None, 7, ())
    assert run.environment["python"] == "3.11.7"
    assert run.environment["os"].startswith("Linux-")
    assert run.environment["plugins"]["pytest-xdist"] == "3.8.0"
    assert isinstance(bad, AttemptFinished)
    assert (bad.nodeid, bad.phase, bad.outcome, bad.started_us) == ("test_bad.py", "collect", "error", 223_229)
    assert counted == again == RunCollected(collected=3, deselected=0)
    assert ok == AttemptFinished(
        nodeid="test_shop.py::test_ok", identity="test_shop::test_ok", attempt=1, outcome="passed", phase="call",
        started_us=225_195, setup_us=30_881, call_us=101, teardown_us=90,
    )  # fmt: skip
    assert isinstance(wrong, AttemptFinished)
    assert (wrong.outcome, wrong.message) == ("failed", "assert 1 == 2")
    assert isinstance(odd, AttemptFinished)
    assert (odd.outcome, odd.raw_outcome) == ("other", "quarantined")
    assert end == RunFinished(
        finished_at=datetime.fromisoformat("2026-11-25T00:19:31.244059+00:00"), status="error", exit_code=1
    )


def test_a_second_try_of_the_first_version_replaces_the_first_one() -> None:
    line = (
        '{"event": "attempt_finished", "nodeid": "t.py::t", "attempt": 2, "identity": "t::t", "outcome": "passed", '
        '"phase": "call", "worker": "gw0", "started_at": "2026-11-25T00:19:31.208643+00:00", "tenant": "mine", '
        '"properties": {}}'
    )
    attempt = decode(line)
    assert isinstance(attempt, AttemptFinished)
    assert (attempt.cause, attempt.replaces, attempt.data_tenant, attempt.started_us) == ("rerun", 1, "mine", 0)
