"""How many results a session is going to give, from what was collected here or in xdist's workers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_aosfarm.recording.attempts import ungrouped

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = ("Expected",)


class Expected:
    """Counts what was collected; workers that share the tests all collect the same."""

    def __init__(self, dist: str | None, worker_count: int) -> None:
        self.deselected = 0
        self.twice: Collection[str] = ()
        """The node ids that were collected more than once."""
        self._dist = dist
        self._worker_count = worker_count
        self._counts: dict[str | None, int] = {}

    @property
    def collected(self) -> int:
        """How many results are to come."""
        counts = self._counts.values()
        return sum(counts) if self._dist == "each" else max(counts, default=0)

    def take(self, nodeids: Sequence[str], worker: str | None = None) -> None:
        """Note what was collected here, or by a worker."""
        # Under --dist=each a worker that comes later takes over from one that has died.
        if worker in self._counts or len(self._counts) < max(self._worker_count, 1):
            self._counts[worker] = len(nodeids)
        if len(set(nodeids)) < len(nodeids):
            names = nodeids if self._dist != "loadgroup" else [ungrouped(nodeid) for nodeid in nodeids]
            self.twice = {nodeid for nodeid, times in Counter(names).items() if times > 1}
