"""Events keep every value on their way through a spool, and damaged lines cost nobody else their results."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.recording.events import (
    WIRE_VERSION,
    AttemptFinished,
    Event,
    RunCollected,
    RunFinished,
    RunStarted,
    decode,
    encode,
)
from pytest_aosfarm.recording.spool import SpoolWriter, claim, read_spool

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
    tenant=maybe_texts,
    database=texts,
    versions=st.dictionaries(texts, texts, max_size=3),
)
collected = st.builds(RunCollected, collected=st.integers(0), deselected=st.integers(0))
attempts = st.builds(
    AttemptFinished,
    nodeid=texts,
    attempt=st.integers(1),
    identity=texts,
    outcome=texts,
    phase=texts,
    worker=maybe_texts,
    started_at=times,
    setup_us=micros,
    call_us=micros,
    teardown_us=micros,
    message=maybe_texts,
    tenant=maybe_texts,
    properties=st.dictionaries(texts, scalars, max_size=4),
)
finished = st.builds(RunFinished, finished_at=st.none() | times, status=texts, exit_code=st.none() | st.integers())
events = st.one_of(started, collected, attempts, finished)


@given(events)
def test_an_event_comes_back_from_its_line_as_it_was(event: Event) -> None:
    line = encode(event)
    assert decode(line) == event
    assert line.isascii()
    assert "\n" not in line


@settings(max_examples=40)
@given(st.lists(events, max_size=8), st.data())
def test_a_spool_torn_anywhere_keeps_every_whole_line(written: list[Event], data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        writer = SpoolWriter(path)
        for event in written:
            writer.write(event)
        writer.close()
        whole = path.read_bytes()
        cut = data.draw(st.integers(0, len(whole)))
        path.write_bytes(whole[:cut])

        spool = read_spool(path)

        complete = whole[:cut].count(b"\n")
        torn = cut > 0 and whole[cut - 1 : cut] != b"\n"
        # A line that lost nothing but its line end still says everything.
        assert spool.events[:complete] == tuple(written[:complete])
        assert len(spool.events) + spool.damaged == complete + torn


def test_a_damaged_line_in_the_middle_costs_only_itself(tmp_path: Path) -> None:
    first, last = RunCollected(collected=1, deselected=0), RunCollected(collected=2, deselected=0)
    path = tmp_path / "run.jsonl"
    damaged = ["not json", "[1]", '{"event": "unheard_of"}', '{"event": "run_collected"}', '{"x": "\ud800"}']
    lines = [encode(first), *damaged, encode(last)]
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass") + b"\xff\xfe\n")
    assert read_spool(path).events == (first,)

    path.write_text("\n".join([encode(first), "not json", encode(last)]) + "\n", encoding="utf-8")
    spool = read_spool(path)
    assert spool.events == (first, last)
    assert spool.damaged == 1


def test_a_spool_of_a_newer_version_is_refused_and_not_guessed_at() -> None:
    line = encode(
        RunStarted(
            uuid="u",
            started_at=datetime(2026, 1, 1, tzinfo=UTC),
            labs=(),
            scale="small",
            seed=1,
            anchor=datetime(2026, 1, 1, tzinfo=UTC),
            profile="clean",
            tenant=None,
            database="/x",
            versions={},
        )
    )
    record = json.loads(line)
    record["version"] = WIRE_VERSION + 1
    with pytest.raises(RecordingError, match=f"version {WIRE_VERSION + 1}.*version {WIRE_VERSION}"):
        decode(json.dumps(record))


def test_a_spool_can_be_claimed_only_when_its_writer_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    writer = SpoolWriter(path)
    assert claim(path) is None
    writer.close()
    descriptor = claim(path)
    assert descriptor is not None
    assert claim(path) is None
    import os

    os.close(descriptor)


def test_a_full_disk_is_an_error_to_the_caller() -> None:
    writer = SpoolWriter(Path("/dev/full"))
    with pytest.raises(OSError, match="space"):
        writer.write(RunCollected(collected=1, deselected=0))
    writer.close()
