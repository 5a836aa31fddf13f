"""Network flows between running hosts and with the world outside, with exfiltrations planted in them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic.actors import outside
from pytest_aosfarm.synthetic.columns import Id, IPv4, Number, Of, Timestamp, Words
from pytest_aosfarm.synthetic.exfiltrations import Exfiltrations
from pytest_aosfarm.synthetic.lookups import Lookup, weighted
from pytest_aosfarm.synthetic.rows import NULL, Cell, Rows
from pytest_aosfarm.synthetic.table import Table, column, hidden

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.actors import Running
    from pytest_aosfarm.synthetic.clock import Clock
    from pytest_aosfarm.synthetic.incidents import Incident

__all__ = ("NetworkFlows",)

_PROTOCOLS = ("tcp", "udp", "http", "https")
_DIRECTIONS = ("internal", "inbound", "outbound")
_BY_DIRECTION = weighted(70, 20, 10)
_INBOUND, _OUTBOUND = 1, 2
_TO_DATABASE = 4
_OUTSIDE = 8
_PORTS = (
    # 16 equally likely (port, protocol) for each type of service, then of database, then outside
    [(443, "https")] * 12 + [(80, "http")] * 2 + [(8443, "https")] * 2,
    [(443, "https")] * 14 + [(4000, "http")] * 2,
    [(50051, "tcp")] * 13 + [(443, "https")] * 3,
    [(443, "https")] * 11 + [(8080, "http")] * 5,
    [(5432, "tcp")] * 16,
    [(3306, "tcp")] * 16,
    [(27017, "tcp")] * 16,
    [(6379, "tcp")] * 16,
    [(443, "https")] * 10 + [(53, "udp")] * 3 + [(123, "udp")] + [(80, "http")] + [(22, "tcp")],
)
_PORT = Lookup(lambda: [port for ports in _PORTS for port, _ in ports])
_PROTOCOL = Lookup(lambda: [_PROTOCOLS.index(protocol) for ports in _PORTS for _, protocol in ports])
_STATUSES = ("success", "timeout", "refused")
_SUCCESS, _TIMEOUT = 0, 1
_BY_STATUS = weighted(965, 25, 10)
_SENT = Lookup(lambda: [200 + 12 * 4096**2 // (4096 - k) ** 2 for k in range(4096)])
"""Quantiles of a heavy tail: median 248 bytes, one in a hundred above 120 kB, the largest 201 MB."""
_ANSWERED = Lookup(lambda: [400 + 40 * 4096**2 // (4096 - k) ** 2 for k in range(4096)])


class NetworkFlows(Table):
    """Flows in the order in which they began."""

    name = "network_flows"
    references = MappingProxyType(
        {"source_host_id": "hosts", "destination_host_id": "hosts", "service_id": "services"}
    )  # fmt: skip

    def __init__(self, length: int, seed: int, tenant_key: str, running: Running, clock: Clock) -> None:
        super().__init__(length, seed, tenant_key)
        self.services = running.assets.services
        self.hosts = running.assets.hosts
        self._applications = running.assets.applications
        self._databases = running.assets.databases
        self._running = running
        self._clock = clock
        self._planted = Exfiltrations(length, running, seed, tenant_key)

    def incidents(self) -> list[Incident]:
        """What was planted in this table."""
        return self._planted.incidents(self, "timestamp")

    @hidden
    def _hour(self, r: Rows) -> Cell:
        return self._clock.hour(r)

    @hidden
    def _segment(self, r: Rows) -> Cell:
        return self._planted.segment(r)

    @hidden
    def _planned(self, r: Rows) -> Cell:
        return r["segment"] & 1 == 1

    @hidden
    def _target(self, r: Rows) -> Cell:
        return self._running.service(r, r.part("ends", 0, 20))

    @hidden
    def _target_host(self, r: Rows) -> Cell:
        return r.at(self.services, r["target"])["host"]

    @hidden
    def _source_host(self, r: Rows) -> Cell:
        usual = self._running.other_host(r, r["target_host"], r.part("ends", 20, 20))
        return r.where(r["planned"], self._planted.along(r, r["segment"], "host"), usual)

    @hidden
    def _stranger(self, r: Rows) -> Cell:
        usual = outside(r, "outside")
        return r.where(r["planned"], self._planted.along(r, r["segment"], "destination_ip"), usual)

    @hidden
    def _database_type(self, r: Rows) -> Cell:
        application = r.at(self.services, r["target"])["application"]
        database = r.at(self._applications, application)["database"]
        return r.at(self._databases, database)["type"]

    @hidden
    def _port(self, r: Rows) -> Cell:
        service_type = r.at(self.services, r["target"])["type"]
        to_database = (r["direction"] == 0) & (r.part("size", 58, 2) == 0)
        listener = r.where(to_database, _TO_DATABASE + r["database_type"], service_type)
        usual = r.where(r["direction"] == _OUTBOUND, _OUTSIDE, listener) * 16 + r.part("size", 60, 4)
        return r.where(r["planned"], _OUTSIDE * 16, usual)

    @column(Id("flow-"))
    def _id(self, r: Rows) -> Cell:
        return r.bits("id")

    @column(Timestamp())
    def _timestamp(self, r: Rows) -> Cell:
        return self._clock.moment(r, r["hour"], r.part("ends", 40, 20))

    @column(Words(_DIRECTIONS))
    def _direction(self, r: Rows) -> Cell:
        return r.where(r["planned"], _OUTBOUND, r.pick(_BY_DIRECTION, "size", 0))

    @column(IPv4())
    def _source_ip(self, r: Rows) -> Cell:
        own = r.at(self.hosts, r["source_host"])["ip_address"]
        return r.where(r["direction"] == _INBOUND, r["stranger"], own)

    @column(IPv4())
    def _destination_ip(self, r: Rows) -> Cell:
        own = r.at(self.hosts, r["target_host"])["ip_address"]
        return r.where(r["direction"] == _OUTBOUND, r["stranger"], own)

    @column(Of("hosts", "id", null=True))
    def _source_host_id(self, r: Rows) -> Cell:
        return r.where(r["direction"] == _INBOUND, NULL, r["source_host"])

    @column(Of("hosts", "id", null=True))
    def _destination_host_id(self, r: Rows) -> Cell:
        return r.where(r["direction"] == _OUTBOUND, NULL, r["target_host"])

    @column(Of("services", "id", null=True))
    def _service_id(self, r: Rows) -> Cell:
        return r.where(r["direction"] == _OUTBOUND, NULL, r["target"])

    @column(Number())
    def _source_port(self, r: Rows) -> Cell:
        return 32_768 + (r.part("outside", 32, 16) * 28_232 >> 16)

    @column(Number())
    def _destination_port(self, r: Rows) -> Cell:
        return r.take(_PORT, r["port"])

    @column(Words(_PROTOCOLS))
    def _protocol(self, r: Rows) -> Cell:
        return r.take(_PROTOCOL, r["port"])

    @column(Number())
    def _bytes_sent(self, r: Rows) -> Cell:
        asked = r.pick(_SENT, "size", 24)
        usual = r.where(r["status"] == _SUCCESS, asked + (asked * r.part("size", 48, 8) >> 10), 60)
        # of each two rows one is as much above the mean as the other is below: the sum is exact
        k = r.i - self._planted.along(r, r["segment"], "first")
        swing = ((k >> 1) * 0x9E3779B1 & 0xFFFFF) * (1 - 2 * (k & 1))
        return r.where(r["planned"], self._planted.along(r, r["segment"], "bytes_each") + swing, usual)

    @column(Number())
    def _bytes_received(self, r: Rows) -> Cell:
        return r.where(r["status"] == _SUCCESS, r.pick(_ANSWERED, "size", 36), 0)

    @column(Number())
    def _packets(self, r: Rows) -> Cell:
        return 2 + (r["bytes_sent"] + r["bytes_received"] >> 10)

    @column(Number())
    def _duration_ms(self, r: Rows) -> Cell:
        usual = (1 + r.part("outside", 48, 6)) * self._clock.load(r, r["hour"]) >> 6
        return r.where(r["status"] == _TIMEOUT, 30_000, usual + (r["packets"] >> 3))

    @column(Words(_STATUSES))
    def _status(self, r: Rows) -> Cell:
        return r.where(r["planned"], _SUCCESS, r.pick(_BY_STATUS, "size", 12))
