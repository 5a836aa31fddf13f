"""The runs an AOD remembers: the newest twenty, of all tenants together."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.twins.aod.policy import OBSERVATIONS_KEPT, RUNS_KEPT

if TYPE_CHECKING:
    from pytest_aosfarm.twins.aod.entities import Discovered
    from pytest_aosfarm.twins.aod.evidence import Evidence
    from pytest_aosfarm.twins.aod.records import Meta

__all__ = ("Run", "RunStore")

# A running AOD stamps its runs in this zone, whatever the zone of the snapshot.
_AOD_ZONE = timezone(timedelta(hours=-8))


@dataclass(slots=True)
class Run:
    """One discovery, and what is kept of its snapshot."""

    meta: Meta
    found: Discovered
    observations: list[dict[str, Any]]
    id: str = field(default_factory=lambda: f"run_{secrets.token_hex(6)}")
    started_at: str = field(default_factory=lambda: datetime.now(_AOD_ZONE).isoformat())

    @classmethod
    def of(cls, evidence: Evidence, found: Discovered) -> Run:
        """A new run, with the first observations of its snapshot."""
        sample = evidence.observations[:OBSERVATIONS_KEPT]
        return cls(evidence.meta, found, [item.model_dump(mode="json") for item in sample])

    @property
    def tenant_id(self) -> str:
        """Who the run belongs to."""
        return self.meta.tenant_id

    @property
    def status(self) -> str:
        """Completed: with results, or without an asset."""
        return "completed_with_results" if self.found.assets else "completed_no_assets"


class RunStore:
    """Runs by id, newest first. Safe to use from several threads."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._lock = threading.Lock()

    def add(self, run: Run) -> None:
        """Keep `run`; the oldest one goes if there are too many."""
        with self._lock:
            self._runs[run.id] = run
            for run_id in list(self._runs)[:-RUNS_KEPT]:
                del self._runs[run_id]

    def get(self, run_id: str) -> Run | None:
        """The run with this id, or None."""
        with self._lock:
            return self._runs.get(run_id)

    def newest_first(self) -> list[Run]:
        """Every run that is kept."""
        with self._lock:
            return list(reversed(self._runs.values()))

    def of_tenant(self, tenant_id: str, snapshot_id: str | None = None) -> list[Run]:
        """The runs of one tenant, and of one snapshot if asked for; newest first."""
        return [
            run
            for run in self.newest_first()
            if run.tenant_id == tenant_id and snapshot_id in (None, run.meta.snapshot_id)
        ]
