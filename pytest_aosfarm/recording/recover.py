"""Brings the spools of dead runs into the database; doing it twice gives the same rows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.recording.events import AttemptFinished, ErrorSeen, RunFinished, RunStarted
from pytest_aosfarm.recording.location import parse_db
from pytest_aosfarm.recording.spool import claim, read_spool
from pytest_aosfarm.recording.status import LIVE, LOST
from pytest_aosfarm.recording.tally import Tally
from pytest_aosfarm.recording.writer import run_columns

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_aosfarm.recording.location import Database

__all__ = ("Recovered", "recover")


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


def recover(folder: Path, database: Database | None = None) -> list[Recovered]:
    """Import every spool in `folder`, oldest first, into `database`, or into the one that its run was meant for.

    A spool whose run still lives is left alone. A spool is removed once the database holds it.
    """
    results = []
    for path in sorted(folder.glob("*.jsonl"), key=_age):
        try:
            lock = claim(path)
        except FileNotFoundError:
            continue
        except OSError as problem:
            results.append(Recovered(path, left=str(problem)))
            continue
        if lock is None:
            results.append(Recovered(path, left="its run still goes on", alive=True))
            continue
        try:
            results.append(_import(path, database))
        except (RecordingError, OSError) as problem:
            results.append(Recovered(path, left=str(problem)))
        finally:
            os.close(lock)
    return results


def _import(path: Path, database: Database | None) -> Recovered:
    from pytest_aosfarm.recording.store import RunStore

    spool = read_spool(path)
    started = next((event for event in spool.events if isinstance(event, RunStarted)), None)
    if started is None:
        raise RecordingError("no readable run in it; delete the file if nobody needs it")
    tally = Tally()
    for event in spool.events:
        tally.add(event)
    results = [event for event in spool.events if isinstance(event, AttemptFinished | ErrorSeen)]
    ends = [event for event in spool.events if isinstance(event, RunFinished)]
    finished = ends[-1] if ends else RunFinished(finished_at=None, status=LOST, exit_code=None)
    with RunStore(database or parse_db(started.database, path.parent), started.tenant, create=True) as store:
        run_id = store.begin_run(started)
        status = store.status(run_id)
        # A spool that stopped early (disk full) knows less than the database, which saw the run end.
        if ends or status in {*LIVE, LOST}:
            store.save(run_id, results, run_columns(started, tally, finished))
            status = finished.status
    path.unlink(missing_ok=True)
    return Recovered(path, id=run_id, status=status, tests=sum(tally.outcomes.values()), damaged=spool.damaged)


def _age(path: Path) -> tuple[int, str]:
    try:
        return path.stat().st_mtime_ns, path.name
    except FileNotFoundError:
        return 0, path.name
