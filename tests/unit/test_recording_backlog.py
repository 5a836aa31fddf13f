"""Whatever the database does in between, it is given every event in order, with the sums that belong to them."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.recording import backlog
from pytest_aosfarm.recording.backlog import Backlog
from pytest_aosfarm.recording.events import AttemptFinished, ErrorSeen, Event, RunStarted
from pytest_aosfarm.recording.spool import SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

START = datetime(2026, 5, 4, tzinfo=UTC)
STARTED = RunStarted(
    uuid="u", started_at=START, data_tenant=None, labs=(), scale="small", seed=1, anchor=START, profile="clean", database=""
)


class Run:
    """A backlog with or without its spool, and a database that remembers what it was given."""

    def __init__(self, folder: Path | None) -> None:
        self.spool = None if folder is None else SpoolWriter(folder / "u.jsonl")
        self.backlog = Backlog(STARTED, None if folder is None else folder / "u.jsonl")
        self.added: list[Event] = []
        self.saved: list[Event] = []
        self._names = count()

    def add(self, *, outputs: int = 0, error: bool = False) -> None:
        name = str(next(self._names))
        event: Event = ErrorSeen(source="internal", message=name) if error else result(name, outputs)
        start = self.spool.size if self.spool else 0
        if self.spool:
            self.spool.write(event)
        self.added.append(event)
        self.backlog.add(event, start, self.spool.size if self.spool else 0)

    def fetch(self, *, works: bool = True) -> bool:
        batch = self.backlog.fetch(anyway=False)
        if batch is None:
            return False
        assert batch.errors_before == sum(isinstance(event, ErrorSeen) for event in self.saved)
        if not works:
            self.backlog.put_back()
            return True
        self.saved += batch.events
        if batch.columns is not None and self.backlog.loss is None:
            assert batch.columns["failed"] == sum(isinstance(event, AttemptFinished) for event in self.saved)
        self.backlog.confirm()
        return True


def result(name: str, outputs: int = 0) -> AttemptFinished:
    return AttemptFinished(
        nodeid=name, identity=name, attempt=1, outcome="failed", phase="call", started_us=0,
        outputs={"stdout": "x" * outputs} if outputs else {},
    )  # fmt: skip


@contextmanager
def little_memory(events: int, size: int = 1 << 20) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HELD_EVENTS", "READ_BACK_EVENTS", "UNSPOOLED_EVENTS"):
            patch.setattr(backlog, name, events)
        patch.setattr(backlog, "HELD_BYTES", size)
        yield


@given(st.integers(1, 5), st.lists(st.sampled_from(["add", "error", "noisy", "works", "fails"]), max_size=40))
def test_everything_is_given_once_confirmed_and_in_order(memory: int, steps: list[str]) -> None:
    with TemporaryDirectory() as folder, little_memory(memory, 400):
        run = Run(Path(folder))
        for step in steps:
            if step in {"works", "fails"}:
                run.fetch(works=step == "works")
            else:
                run.add(error=step == "error", outputs=300 * (step == "noisy"))
            assert len(run.backlog._held) <= memory
        while run.fetch():
            pass
        assert run.saved == run.added
        assert run.backlog.empty
        assert run.backlog.loss is None


def test_a_database_that_is_another_one_is_given_everything_again(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.add()
    run.add(error=True)
    run.fetch()
    run.add()
    run.saved.clear()
    run.backlog.start_again()
    while run.fetch():
        pass
    assert run.saved == run.added
    assert run.backlog.loss is None


def test_a_heartbeat_is_a_batch_without_events(tmp_path: Path) -> None:
    run = Run(tmp_path)
    assert run.backlog.fetch(anyway=False) is None
    batch = run.backlog.fetch(anyway=True)
    assert batch is not None
    assert (batch.events, batch.columns is None) == ([], False)


def test_what_came_between_spool_and_backlog_is_found(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.add()
    # Ctrl-C after the spool's line.
    assert run.spool is not None
    missed = result("missed")
    run.spool.write(missed)
    run.added.append(missed)
    run.add()
    assert run.backlog.tally.counts()["failed"] == 3
    run.fetch()
    assert run.saved == run.added


def test_without_a_spool_memory_is_limited_and_a_loss_is_said() -> None:
    with little_memory(3, 400):
        run = Run(None)
        for _ in range(3):
            run.add(outputs=300)
        assert run.backlog.loss is None
        run.fetch(works=False)
        assert [getattr(event, "outputs", None) for event in run.backlog._held[:2]] == [{}, {}]
        run.add()
        assert "without a spool" in str(run.backlog.loss)
        while run.fetch():
            pass
        assert len(run.saved) == 3


@pytest.mark.parametrize("left", [None, b""])
def test_a_spool_that_somebody_took_away_is_a_loss_and_no_endless_loop(tmp_path: Path, left: bytes | None) -> None:
    with little_memory(1):
        run = Run(tmp_path)
        run.add()
        run.add()
        path = tmp_path / "u.jsonl"
        path.unlink()
        if left is not None:
            path.write_bytes(left)
        while run.fetch():
            pass
        assert "could not be read back" in str(run.backlog.loss)
        assert run.backlog.empty
