"""What is planted in the network flows: a host that sends the company's data away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic.actors import outside
from pytest_aosfarm.synthetic.columns import IPv4, Number, Of
from pytest_aosfarm.synthetic.incidents import Plan
from pytest_aosfarm.synthetic.table import column, hidden

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.actors import Running
    from pytest_aosfarm.synthetic.rows import Cell, Rows

__all__ = ("Exfiltrations",)

_GIB = 1 << 30


class Exfiltrations(Plan):
    """One host sends far more than any other flow, all of it to one address outside."""

    name = "exfiltration"
    sizes = (20, 400, 200)

    def __init__(self, events: int, running: Running, seed: int, tenant_key: str) -> None:
        super().__init__(events, seed, tenant_key)
        self.hosts = running.assets.hosts
        self._running = running

    @hidden
    def _host(self, r: Rows) -> Cell:
        return r.take(self._running.hosts, r.below("host", len(self._running.hosts)))

    @hidden
    def _bytes_each(self, r: Rows) -> Cell:
        return _GIB // 2 + r.below("bytes", _GIB)

    @column(Of("hosts", "id"))
    def _source_host_id(self, r: Rows) -> Cell:
        return r["host"]

    @column(Of("hosts", "ip_address"))
    def _source_ip(self, r: Rows) -> Cell:
        return r["host"]

    @column(IPv4())
    def _destination_ip(self, r: Rows) -> Cell:
        return outside(r, "destination")

    @column(Number())
    def _total_bytes_sent(self, r: Rows) -> Cell:
        return r["size"] * r["bytes_each"]
