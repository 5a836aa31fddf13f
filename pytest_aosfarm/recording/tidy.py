"""Brings in what dead runs of the same directory left behind, on the way of a run that lives."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.recording.recover import Recovered, recover

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_aosfarm.recording.backlog import Backlog
    from pytest_aosfarm.recording.events import RunStarted
    from pytest_aosfarm.recording.location import Database
    from pytest_aosfarm.recording.store import RunStore

__all__ = ("Tidy",)

TIDY_SECONDS = 2.0
TIDY_BYTES = 16 << 20
"""It goes on for so long, and only with spools of this size; the rest can wait."""


class Tidy:
    """Recovers the spools in `folder` that are meant for `database`, and reaps; `recovered` is what came of it."""

    def __init__(self, folder: Path, database: Database, backlog: Backlog) -> None:
        self.recovered: list[Recovered] = []
        self._folder = folder
        self._database = database
        self._backlog = backlog

    def __call__(self, store: RunStore) -> None:
        """Do it, but for no longer than the run itself goes on. Raises RecordingError."""
        deadline = time.monotonic() + TIDY_SECONDS
        for one in recover(self._folder, self._meant_here, most_bytes=TIDY_BYTES):
            if one.id is not None:
                self.recovered.append(one)
            if self._backlog.finished is not None or time.monotonic() > deadline:
                break
        from pytest_aosfarm.recording.reap import reap

        reap(store)

    def _meant_here(self, started: RunStarted) -> Database:
        if started.database != self._database.public:
            raise RecordingError(f"it is meant for {started.database}")
        return self._database
