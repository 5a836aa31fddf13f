"""What is planted in the logs: bursts of errors, and clocks that are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic import log_words as words
from pytest_aosfarm.synthetic.columns import Number, Of, Words
from pytest_aosfarm.synthetic.incidents import Plan
from pytest_aosfarm.synthetic.table import column, hidden
from pytest_aosfarm.synthetic.traces import LINES

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.actors import Running
    from pytest_aosfarm.synthetic.rows import Cell, Rows

__all__ = ("Bursts", "Skews")


class Bursts(Plan):
    """One service fails, and nothing else is heard."""

    name = "error_burst"
    sizes = (32, 2_000, 200)

    def __init__(self, events: int, running: Running, seed: int, tenant_key: str) -> None:
        super().__init__(events, seed, tenant_key, turn=0, turns=2)
        self.services = running.assets.services
        self._running = running

    @hidden
    def _service(self, r: Rows) -> Cell:
        return r.take(self._running.services, r.below("service", len(self._running.services)))

    @column(Of("services", "id"))
    def _service_id(self, r: Rows) -> Cell:
        return r["service"]

    @column(Words(words.ERRORS))
    def _error_type(self, r: Rows) -> Cell:
        return r.below("error_type", len(words.ERRORS))

    @column(Number())
    def _errors(self, r: Rows) -> Cell:
        return r["size"]


class Skews(Plan):
    """The clock of one busy host is wrong."""

    name = "clock_skew"
    sizes = (400, 2_000_000, 200)

    def __init__(self, events: int, running: Running, seed: int, tenant_key: str) -> None:
        super().__init__(events, seed, tenant_key, turn=1, turns=2)
        self.hosts = running.assets.hosts
        self._running = running

    @hidden
    def _host(self, r: Rows) -> Cell:
        service = r.take(self._running.services, r.below("service", 1 << LINES))
        return r.of(self._running.assets.services, service)["host"]

    @column(Of("hosts", "id"))
    def _host_id(self, r: Rows) -> Cell:
        return r["host"]

    @column(Number())
    def _skew_seconds(self, r: Rows) -> Cell:
        size = 90 + r.part("seconds", 0, 11)
        return r.where(r.part("seconds", 11, 1) == 1, size, -size)
