"""Brings the spools of dead runs into the database; doing it twice gives the same rows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_aosfarm.errors import FarmError, RecordingError
from pytest_aosfarm.recording.columns import run_columns
from pytest_aosfarm.recording.events import AttemptFinished, ErrorSeen, RunFinished, RunStarted
from pytest_aosfarm.recording.location import parse_db
from pytest_aosfarm.recording.owner import is_alive, owner_of
from pytest_aosfarm.recording.spool import claim, read_spool
from pytest_aosfarm.recording.status import LIVE, LOST
from pytest_aosfarm.recording.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_aosfarm.recording.events import Event
    from pytest_aosfarm.recording.location import Database

__all__ = ("Recovered", "meant_for", "recover")

BATCH_EVENTS = 500


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of one spool: the id and status of its run, or the reason why it was left where it is."""

    spool: Path
    id: int | None = None
    status: str | None = None
    tests: int = 0
    damaged: int = 0
    left: str | None = None
    alive: bool = False


def meant_for(started: RunStarted) -> Database:
    """The database that a run was recorded in. Raises RecordingError for a PostgreSQL: its password is not in a spool."""
    where = parse_db(started.database, Path("/"))
    if where.path is None:
        raise RecordingError(f"it is meant for {where}, and a spool holds no password: name it with --db or AOSFARM_DB")
    return where


def recover(
    folder: Path, choose: Callable[[RunStarted], Database] = meant_for, *, most_bytes: int | None = None
) -> Iterator[Recovered]:
    """Import every spool in `folder`, oldest first, into the database that `choose` gives for its run.

    A spool whose run still lives is left alone, and so is one for which `choose` raises RecordingError, or that is
    larger than `most_bytes`. A spool is removed once the database holds it.
    """
    for path in sorted(folder.glob("*.jsonl"), key=_age):
        # Whoever opens a named pipe waits for somebody to write into it.
        if path.exists() and not path.is_file():
            yield Recovered(path, left="it is no regular file")
            continue
        try:
            lock = claim(path)
            if lock is None and not _is_orphan(path):
                yield Recovered(path, left="its run still goes on", alive=True)
                continue
            try:
                if most_bytes is not None and path.stat().st_size > most_bytes:
                    raise RecordingError("it is large; `aosfarm recover` imports it")
                yield _import(path, choose)
            finally:
                if lock is not None:
                    os.close(lock)
        except FileNotFoundError:
            continue
        except (FarmError, OSError) as problem:
            yield Recovered(path, left=str(problem))
        except Exception as problem:  # noqa: BLE001 - a damaged spool may hold anything, and must not stop the others
            yield Recovered(path, left=f"it cannot be imported: {problem!r}")


def _is_orphan(path: Path) -> bool:
    """Whether the run is dead though the file is locked: a child that a test forked and left behind holds the lock too."""
    first = next(read_spool(path), (None, 0))[0]
    owner = owner_of(partial(getattr, first)) if isinstance(first, RunStarted) else None
    return owner is not None and is_alive(owner) is False


def _import(path: Path, choose: Callable[[RunStarted], Database]) -> Recovered:
    from pytest_aosfarm.recording.store import RunStore

    tally = Tally()
    started: RunStarted | None = None
    where: Database | None = None
    ended: RunFinished | None = None
    damaged = 0
    for event, _ in read_spool(path):
        if event is None:
            damaged += 1
            continue
        tally.add(event)
        if isinstance(event, RunStarted):
            # At once: a large spool that is meant for another database need not be read.
            started, where = event, choose(event)
        elif isinstance(event, RunFinished):
            ended = event
    if started is None or where is None:
        raise RecordingError("no readable run in it; delete the file if nobody needs it")
    with RunStore(where, started.tenant, create=True) as store:
        run_id = store.begin_run(started)
        status = store.status(run_id)
        # A spool that stopped early (disk full) knows less than the database, which saw the run end.
        if ended is not None or status in {*LIVE, LOST}:
            end = ended or RunFinished(finished_at=None, status=LOST, exit_code=None, reason="its process died")
            errors = 0
            for batch in _batches(path):
                store.save(run_id, batch, {}, errors_before=errors)
                errors += sum(isinstance(event, ErrorSeen) for event in batch)
            store.save(run_id, [], run_columns(started, tally, end))
            status = end.status
    path.unlink(missing_ok=True)
    return Recovered(path, id=run_id, status=status, tests=sum(tally.outcomes.values()), damaged=damaged)


def _batches(path: Path) -> Iterator[list[Event]]:
    batch: list[Event] = []
    for event, _ in read_spool(path):
        if isinstance(event, AttemptFinished | ErrorSeen):
            batch.append(event)
        if len(batch) >= BATCH_EVENTS:
            yield batch
            batch = []
    if batch:
        yield batch


def _age(path: Path) -> tuple[int, str]:
    try:
        return path.stat().st_mtime_ns, path.name
    except FileNotFoundError:
        return 0, path.name
