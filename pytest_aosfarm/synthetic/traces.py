"""Traces: what the log lines of one request through several services have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic.actors import AGENTS, outside, ranked
from pytest_aosfarm.synthetic.columns import Id, IPv4, Of, Words
from pytest_aosfarm.synthetic.rows import NULL, Cell, Rows
from pytest_aosfarm.synthetic.table import Table, column, hidden

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.actors import Employees

__all__ = ("LINES", "Traces")

LINES = 2
"""A trace has 1 << LINES lines, each of another service."""


class Traces(Table):
    """What the lines of a trace have in common."""

    name = "traces"

    def __init__(self, length: int, seed: int, tenant_key: str, employees: Employees) -> None:
        super().__init__(length, seed, tenant_key)
        self.employees = employees

    @column(Id("trace-"))
    def _id(self, r: Rows) -> Cell:
        return r.bits("id")

    @hidden
    def _employee(self, r: Rows) -> Cell:
        return ranked(r.part("who", 0, 20), len(self.employees))

    @column(Of("employees", "id", null=True))
    def _user_id(self, r: Rows) -> Cell:
        return r.where(r.part("who", 20, 4) < 2, NULL, r["employee"])

    @hidden
    def _at_home(self, r: Rows) -> Cell:
        return (r["user_id"] != NULL) & (r.part("who", 24, 4) > 1)

    @column(IPv4())
    def _ip_address(self, r: Rows) -> Cell:
        return r.where(r["at_home"], r.at(self.employees, r["employee"])["ip_address"], outside(r, "who", 28))

    @column(Words(AGENTS))
    def _user_agent(self, r: Rows) -> Cell:
        usual, other = r.at(self.employees, r["employee"])["user_agent"], r.part("who", 58, 6) * len(AGENTS) >> 6
        return r.where(r["at_home"], usual, other)
