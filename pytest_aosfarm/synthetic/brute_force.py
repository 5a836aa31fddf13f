"""What is planted in the authentication events: a password guessed by brute force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic.actors import AGENTS, outside
from pytest_aosfarm.synthetic.columns import IPv4, Number, Of
from pytest_aosfarm.synthetic.incidents import Plan
from pytest_aosfarm.synthetic.table import column, hidden

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.actors import Employees
    from pytest_aosfarm.synthetic.assets import Applications
    from pytest_aosfarm.synthetic.rows import Cell, Rows

__all__ = ("BruteForce",)


class BruteForce(Plan):
    """Someone outside guesses the password of one user until it is right."""

    name = "brute_force"
    sizes = (24, 1_000, 100)

    def __init__(self, events: int, seed: int, tenant_key: str, employees: Employees, applications: Applications) -> None:
        super().__init__(events, seed, tenant_key)
        self.employees = employees
        self.applications = applications

    @hidden
    def _user(self, r: Rows) -> Cell:
        return r.below("user", len(self.employees))

    @hidden
    def _agent(self, r: Rows) -> Cell:
        return r.below("agent", len(AGENTS))

    @hidden
    def _application(self, r: Rows) -> Cell:
        return r.below("application", len(self.applications))

    @column(Of("employees", "id"))
    def _user_id(self, r: Rows) -> Cell:
        return r["user"]

    @column(Of("employees", "email"))
    def _username(self, r: Rows) -> Cell:
        return r["user"]

    @column(IPv4())
    def _ip_address(self, r: Rows) -> Cell:
        return outside(r, "ip_address")

    @column(Of("applications", "id"))
    def _application_id(self, r: Rows) -> Cell:
        return r["application"]

    @column(Number())
    def _failures(self, r: Rows) -> Cell:
        return r["size"] - 1
