"""Authentication events: sessions that begin and end, mistyped passwords, and brute force planted among them."""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic.actors import AGENTS, outside, ranked
from pytest_aosfarm.synthetic.brute_force import BruteForce
from pytest_aosfarm.synthetic.columns import Boolean, Id, IPv4, Of, Timestamp, Words
from pytest_aosfarm.synthetic.lookups import Lookup, conditional, weighted
from pytest_aosfarm.synthetic.rows import NULL, Cell, Rows
from pytest_aosfarm.synthetic.sessions import (
    FAILED,
    GUESS,
    LOGIN,
    LOGOUT,
    OWN_LOGIN,
    RESET,
    ROLE_OF,
    SLOTS,
    Sessions,
)  # fmt: skip
from pytest_aosfarm.synthetic.table import Table, column, hidden

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.actors import Employees
    from pytest_aosfarm.synthetic.assets import Applications
    from pytest_aosfarm.synthetic.clock import Clock
    from pytest_aosfarm.synthetic.incidents import Incident

__all__ = ("AuthEvents",)

_EVENTS = {LOGIN: "login", LOGOUT: "logout", FAILED: "failed_login", RESET: "password_reset"}
_METHODS = ("password", "sso", "mfa", "api_token")
_BY_METHOD = weighted(35, 40, 20, 5)
_PASSWORD = 0
_REASONS = ("bad_password", "mfa_failed", "account_locked", "unknown_device", "expired_credentials")
_BAD_PASSWORD = 0
_REASON_BY_METHOD = conditional((70, 0, 12, 9, 9), (0, 0, 45, 30, 25), (10, 70, 8, 8, 4), (0, 0, 40, 0, 60))


class AuthEvents(Table):
    """Logins, logouts, failed logins and password resets of employees, in order."""

    name = "auth_events"
    references = MappingProxyType({"user_id": "employees", "application_id": "applications"})

    def __init__(
        self, length: int, seed: int, tenant_key: str, employees: Employees, applications: Applications, clock: Clock
    ) -> None:  # fmt: skip
        super().__init__(length, seed, tenant_key)
        self.employees = employees
        self.applications = applications
        self._clock = clock
        self._sessions = Sessions(length)
        self._planted = BruteForce(length, seed, tenant_key, employees, applications)

    def incidents(self) -> list[Incident]:
        """What was planted in this table."""
        return self._planted.incidents(self, "timestamp")

    @cached_property
    def _bereft(self) -> Lookup:
        """The edges of the rows whose pattern says logout, while an incident stands where their login would."""
        rows = sorted({row for span in self._planted.spans for row in self._sessions.ending(span)})
        return Lookup([0, *(edge for row in rows for edge in (row, row + 1))])

    @hidden
    def _segment(self, r: Rows) -> Cell:
        return self._planted.segment(r)

    @hidden
    def _guessed(self, r: Rows) -> Cell:
        return r["segment"] & 1 == 1

    @hidden
    def _slot(self, r: Rows) -> Cell:
        usual = r.where(r.segment(self._bereft, r.i) & 1 == 1, OWN_LOGIN, r.i & SLOTS - 1)
        success = r.i == self._planted.along(r, r["segment"], "last")
        return r.where(r["guessed"], r.where(success, OWN_LOGIN, GUESS), usual)

    @hidden
    def _role(self, r: Rows) -> Cell:
        return r.take(ROLE_OF, r["slot"])

    @hidden
    def _first(self, r: Rows) -> Cell:
        return r.of(self, r.i - r.take(self._sessions.to_first, r["slot"]))

    @hidden
    def _user(self, r: Rows) -> Cell:
        usual = ranked(r["first"].part("who", 0, 20), len(self.employees))
        return r.where(r["guessed"], self._planted.along(r, r["segment"], "user"), usual)

    @hidden
    def _at_home(self, r: Rows) -> Cell:
        return r["first"].part("who", 20, 4) > 1

    @column(Id("auth-"))
    def _id(self, r: Rows) -> Cell:
        return r.bits("id")

    @column(Timestamp())
    def _timestamp(self, r: Rows) -> Cell:
        return self._clock.moment(r, self._clock.hour(r), r.part("when", 0, 20))

    @column(Words([_EVENTS[role] for role in range(len(_EVENTS))]))
    def _event_type(self, r: Rows) -> Cell:
        return r["role"]

    @column(Of("employees", "id"))
    def _user_id(self, r: Rows) -> Cell:
        return r["user"]

    @column(Of("employees", "email"))
    def _username(self, r: Rows) -> Cell:
        return r["user"]

    @column(Id("session-", null=True))
    def _session_id(self, r: Rows) -> Cell:
        login = r.of(self, r.i - r.take(self._sessions.to_login, r["slot"]))
        return r.where(r["role"] <= LOGOUT, login.bits("session_id"), 0)

    @column(Of("applications", "id"))
    def _application_id(self, r: Rows) -> Cell:
        usual = ranked(r["first"].part("what", 0, 20), len(self.applications))
        return r.where(r["guessed"], self._planted.along(r, r["segment"], "application"), usual)

    @column(IPv4())
    def _ip_address(self, r: Rows) -> Cell:
        home = r.at(self.employees, r["user"])["ip_address"]
        usual = r.where(r["at_home"], home, outside(r["first"], "who", 24))
        return r.where(r["guessed"], self._planted.along(r, r["segment"], "ip_address"), usual)

    @column(Words(AGENTS))
    def _user_agent(self, r: Rows) -> Cell:
        own, other = r.at(self.employees, r["user"])["user_agent"], r["first"].part("who", 54, 8) * len(AGENTS) >> 8
        usual = r.where(r["at_home"], own, other)
        return r.where(r["guessed"], self._planted.along(r, r["segment"], "agent"), usual)

    @column(Words(_METHODS))
    def _method(self, r: Rows) -> Cell:
        return r.where(r["guessed"], _PASSWORD, r["first"].pick(_BY_METHOD, "what", 20))

    @column(Boolean())
    def _success(self, r: Rows) -> Cell:
        return r["role"] != FAILED

    @column(Words(_REASONS, null=True))
    def _failure_reason(self, r: Rows) -> Cell:
        usual = r.take(_REASON_BY_METHOD, r["method"] * 4096 + r.part("when", 20))
        reason = r.where(r["guessed"], _BAD_PASSWORD, usual)
        return r.where(r["role"] == FAILED, reason, NULL)

    def login_of(self, i: int) -> int | None:
        """The row of the login whose session the logout in row `i` ends; None if it began before the window.

        Raises ValueError if row `i` is no logout.
        """
        if self.value(i, "event_type") != "logout":
            raise ValueError(f"{self.name}: row {i} is no logout")
        login = self._sessions.login_of(i)
        return login if login >= 0 else None

    def logout_of(self, i: int) -> int | None:
        """The row of the logout that ends the session that the login in row `i` begins; None if none in the window.

        Raises ValueError if row `i` is no login.
        """
        if self.value(i, "event_type") != "login":
            raise ValueError(f"{self.name}: row {i} is no login")
        logout = self._sessions.logout_of(i)
        if logout is None or self.value(logout, "event_type") != "logout":
            return None
        return logout
