"""Logs: what running services report, four lines to a trace, with bursts of errors and wrong clocks planted in them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic import log_words as words
from pytest_aosfarm.synthetic.actors import AGENTS, ranked
from pytest_aosfarm.synthetic.columns import Id, IPv4, Number, Of, Text, Timestamp, Words
from pytest_aosfarm.synthetic.log_incidents import Bursts, Skews
from pytest_aosfarm.synthetic.moments import SECOND
from pytest_aosfarm.synthetic.rows import NULL, Cell, Rows
from pytest_aosfarm.synthetic.table import Table, column, hidden
from pytest_aosfarm.synthetic.traces import LINES, Traces

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.actors import Employees, Running
    from pytest_aosfarm.synthetic.clock import Clock
    from pytest_aosfarm.synthetic.incidents import Incident

__all__ = ("Logs",)


class Logs(Table):
    """Log lines in the order in which the collector received them."""

    name = "logs"
    unique = ("id", "request_id")
    references = MappingProxyType(
        {"application_id": "applications", "service_id": "services", "host_id": "hosts", "user_id": "employees"}
    )

    def __init__(
        self, length: int, seed: int, tenant_key: str, employees: Employees, running: Running, clock: Clock
    ) -> None:  # fmt: skip
        super().__init__(length, seed, tenant_key)
        self.employees = employees
        self.services = running.assets.services
        self._running = running
        self._clock = clock
        self._traces = Traces(-(-length >> LINES), seed, tenant_key, employees)
        self._bursts = Bursts(length, running, seed, tenant_key)
        self._skews = Skews(length, running, seed, tenant_key)

    def incidents(self) -> list[Incident]:
        """What was planted in this table."""
        return self._bursts.incidents(self, "received_at") + self._skews.incidents(self, "received_at")

    @hidden
    def _trace(self, r: Rows) -> Cell:
        return r.of(self._traces, r.i >> LINES)

    @hidden
    def _hour(self, r: Rows) -> Cell:
        return self._clock.hour(r)

    @hidden
    def _burst(self, r: Rows) -> Cell:
        return self._bursts.segment(r)

    @hidden
    def _failing(self, r: Rows) -> Cell:
        return r["burst"] & 1 == 1

    @hidden
    def _service(self, r: Rows) -> Cell:
        services = self._running.services
        step = r.i + r["trace"].part("id", 0, LINES) & (1 << LINES) - 1
        usual = r.take(services, (ranked(r.part("what", 28, 20), len(services) >> LINES) << LINES) + step)
        return r.where(r["failing"], self._bursts.along(r, r["burst"], "service"), usual)

    @hidden
    def _service_type(self, r: Rows) -> Cell:
        return r.at(self.services, r["service"])["type"]

    @hidden
    def _outcome(self, r: Rows) -> Cell:
        role = r.at(self.services, r["service"])["role"]
        drawn = r.take(words.OUTCOME_BY_ROLE, role * 4096 + r.part("what", 0))
        usual = r.take(words.OUTCOME_BY_TYPE, drawn * 4 + r["service_type"])
        return r.where(r["failing"], words.SERVER_ERROR, usual)

    @hidden
    def _route(self, r: Rows) -> Cell:
        return r.take(words.ROUTE_BY_TYPE, r["outcome"] * 4 + r["service_type"]) << 10

    @hidden
    def _call(self, r: Rows) -> Cell:
        return r["route"] + r.part("when", 32, 10)

    @hidden
    def _skew(self, r: Rows) -> Cell:
        segment = self._skews.segment(r)
        host = r.at(self.services, r["service"])["host"]
        skewed = (segment & 1 == 1) & (host == self._skews.along(r, segment, "host"))
        return r.where(skewed, self._skews.along(r, segment, "skew_seconds") * SECOND, 0)

    @column(Id("log-"))
    def _id(self, r: Rows) -> Cell:
        return r.bits("id")

    @column(Timestamp())
    def _timestamp(self, r: Rows) -> Cell:
        lag = 1_000 + r.part("when", 20) * 60
        return r["received_at"] - lag + r["skew"]

    @column(Timestamp())
    def _received_at(self, r: Rows) -> Cell:
        return self._clock.moment(r, r["hour"], r.part("when", 0, 20))

    @column(Words(words.EVENTS))
    def _event_type(self, r: Rows) -> Cell:
        return r.take(words.EVENT_OF, r["outcome"])

    @column(Words(words.LEVELS))
    def _severity(self, r: Rows) -> Cell:
        return r.take(words.LEVEL_OF, r["outcome"] * 8 + r.part("what", 12, 3))

    @column(Of("services", "application_id"))
    def _application_id(self, r: Rows) -> Cell:
        return r["service"]

    @column(Of("services", "id"))
    def _service_id(self, r: Rows) -> Cell:
        return r["service"]

    @column(Of("services", "host_id"))
    def _host_id(self, r: Rows) -> Cell:
        return r["service"]

    @column(Of("employees", "id", null=True))
    def _user_id(self, r: Rows) -> Cell:
        return r["trace"]["user_id"]

    @column(Words(words.METHODS, null=True))
    def _method(self, r: Rows) -> Cell:
        return r.take(words.METHOD_OF, r["call"])

    @column(Words(words.PATHS, null=True))
    def _path(self, r: Rows) -> Cell:
        return r.take(words.PATH_OF, r["call"])

    @column(Number(null=True))
    def _status_code(self, r: Rows) -> Cell:
        return r.take(words.STATUS_OF, r["outcome"])

    @column(Number())
    def _response_time_ms(self, r: Rows) -> Cell:
        usual = r.take(words.LATENCY, r["route"] + r.part("what", 18, 10))
        loaded = usual * self._clock.load(r, r["hour"]) >> 6
        return loaded + r.where(r["status_code"] == 504, 30_000, 0)

    @column(IPv4())
    def _ip_address(self, r: Rows) -> Cell:
        return r["trace"]["ip_address"]

    @column(Words(AGENTS))
    def _user_agent(self, r: Rows) -> Cell:
        return r["trace"]["user_agent"]

    @column(Id("request-"))
    def _request_id(self, r: Rows) -> Cell:
        return r.bits("request_id")

    @column(Id("trace-"))
    def _trace_id(self, r: Rows) -> Cell:
        return r["trace"]["id"]

    @column(Words(words.ERRORS, null=True))
    def _error_type(self, r: Rows) -> Cell:
        usual = r.where(r.take(words.OPENING_OF, r["outcome"]) == NULL, r.part("what", 15, 3), NULL)
        return r.where(r["failing"], self._bursts.along(r, r["burst"], "error_type"), usual)

    @column(
        Text(
            Words(words.OPENINGS), Of("services", "name"), " for request ", Id("request-"), " of trace ", Id("trace-"), "."
        )
    )  # fmt: skip
    def _message(self, r: Rows) -> Cell:
        error = r["error_type"]
        opening = r.where(error == NULL, r.take(words.OPENING_OF, r["outcome"]), words.RAISED + error)
        return opening, r["service"], r["request_id"], r["trace_id"]
