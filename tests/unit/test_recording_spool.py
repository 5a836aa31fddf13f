"""A spool keeps every whole line, however it was cut; a full one drops outputs, never outcomes."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_examples import examples

from pytest_aosfarm.recording import spool
from pytest_aosfarm.recording.events import AttemptFinished, ErrorSeen, Event, RunCollected, encode
from pytest_aosfarm.recording.spool import SpoolReader, SpoolWriter, claim, read_spool

ATTEMPT = AttemptFinished(nodeid="a", identity="a", attempt=1, outcome="failed", phase="call", started_us=0)
NOISY = replace(ATTEMPT, outputs={"stdout": "x" * 500})

events = st.one_of(
    st.builds(RunCollected, collected=st.integers(0), deselected=st.integers(0)),
    st.builds(ErrorSeen, source=st.text(), message=st.text(), body=st.none() | st.text()),
    st.builds(replace, st.just(ATTEMPT), nodeid=st.text(), outputs=st.dictionaries(st.text(), st.text(), max_size=1)),
)


def written(path: Path, *events: Event, most_bytes: int = 1 << 30) -> list[int]:
    """Write a spool; the offset behind each event."""
    writer = SpoolWriter(path, most_bytes=most_bytes)
    offsets = []
    for event in events:
        writer.write(event)
        offsets.append(writer.size)
    writer.close()
    return offsets


def read(path: Path, start: int = 0, end: int | None = None) -> list[Event | None]:
    return [event for event, _ in read_spool(path, start, end)]


@settings(max_examples=examples(40))
@given(st.lists(events, max_size=8), st.lists(st.integers(0, 2000), max_size=5))
def test_who_reads_on_meanwhile_gets_every_event_once_and_whole(some: list[Event], cuts: list[int]) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "READ_BYTES", 50)
        path = Path(folder) / "run.jsonl"
        offsets = written(path, *some)
        whole = path.read_bytes()
        path.write_bytes(b"")
        fd = os.open(path, os.O_RDONLY)
        reader = SpoolReader(fd)
        found: list[tuple[Event, int, int]] = []
        for cut in [*sorted(cuts), len(whole)]:
            path.write_bytes(whole[:cut])
            found += reader.news()
            assert reader.offset == max([0, *(one for one in offsets if one <= cut)])
        os.close(fd)
        assert found == list(zip(some, [0, *offsets], offsets, strict=False))


@settings(max_examples=examples(40))
@given(st.lists(events, max_size=8), st.data())
def test_a_spool_torn_anywhere_keeps_every_whole_line(some: list[Event], data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        written(path, *some)
        whole = path.read_bytes()
        cut = data.draw(st.integers(0, len(whole)))
        path.write_bytes(whole[:cut])

        found = read(path)

        complete = whole[:cut].count(b"\n")
        torn = cut > 0 and whole[cut - 1 : cut] != b"\n"
        # A line that lost nothing but its line end still says everything.
        assert found[:complete] == some[:complete]
        assert len(found) == complete + torn


@given(st.lists(events, max_size=8), st.data())
def test_a_part_of_a_spool_is_read_by_the_offsets_between_its_events(some: list[Event], data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        offsets = [0, *written(path, *some)]
        assert [offset for _, offset in read_spool(path)] == offsets[1:]
        start = data.draw(st.integers(0, len(some)))
        end = data.draw(st.integers(start, len(some)))
        assert read(path, offsets[start], offsets[end]) == some[start:end]
        assert read(path, offsets[start]) == some[start:]


def test_a_damaged_line_in_the_middle_costs_only_itself(tmp_path: Path) -> None:
    first, last = RunCollected(collected=1, deselected=0), RunCollected(collected=2, deselected=0)
    path = tmp_path / "run.jsonl"
    damaged = ["not json", "[1]", '{"event": "unheard_of"}', '{"event": "run_collected"}', '{"x": "\ud800"}']
    lines = [encode(first), *damaged, encode(last)]
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass") + b"\xff\xfe\n")
    assert read(path) == [first, None, None, None, None, None, None]

    path.write_text("\n".join([encode(first), "not json", encode(last)]) + "\n", encoding="utf-8")
    assert read(path) == [first, None, last]


def test_a_full_spool_drops_outputs_and_never_outcomes(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    offsets = written(path, NOISY, NOISY, ATTEMPT, NOISY, most_bytes=1200)
    assert read(path) == [NOISY, ATTEMPT, ATTEMPT, ATTEMPT]
    assert offsets[-1] == path.stat().st_size < 1200


def test_a_spool_can_be_claimed_only_when_its_writer_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    writer = SpoolWriter(path)
    assert claim(path) is None
    with pytest.raises(BlockingIOError):
        SpoolWriter(path)
    writer.close()
    descriptor = claim(path)
    assert descriptor is not None
    assert claim(path) is None
    os.close(descriptor)


def test_a_full_disk_is_an_error_to_the_caller() -> None:
    writer = SpoolWriter(Path("/dev/full"))
    with pytest.raises(OSError, match="space"):
        writer.write(RunCollected(collected=1, deselected=0))
    writer.close()
