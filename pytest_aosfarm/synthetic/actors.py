"""Who takes part in events: the people of the company, the services that run, outsiders; the busy ones more often."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pytest_aosfarm.synthetic.columns import Id, IPv4, Words
from pytest_aosfarm.synthetic.hashing import Draws
from pytest_aosfarm.synthetic.lookups import Lookup
from pytest_aosfarm.synthetic.names import EMAIL
from pytest_aosfarm.synthetic.table import Table, column

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.assets import Assets
    from pytest_aosfarm.synthetic.names import Names
    from pytest_aosfarm.synthetic.rows import Cell, Rows

__all__ = ("AGENTS", "Employees", "Running", "outside", "ranked")

_BROWSERS = {
    "Windows NT 10.0; Win64; x64": ("Chrome/126.0.0.0", "Chrome/131.0.0.0", "Firefox/128.0", "Edg/126.0.0.0"),
    "Macintosh; Intel Mac OS X 10_15_7": ("Chrome/126.0.0.0", "Chrome/131.0.0.0", "Firefox/133.0", "Version/17.5 Safari"),
    "X11; Linux x86_64": ("Chrome/131.0.0.0", "Firefox/128.0", "Firefox/133.0"),
    "iPhone; CPU iPhone OS 17_5 like Mac OS X": ("Version/17.5 Mobile Safari", "CriOS/126.0.0.0 Mobile"),
}
_CLIENTS = ("python-requests/2.32.3", "curl/8.7.1", "okhttp/4.12.0", "Go-http-client/2.0", "PostmanRuntime/7.39.0")
AGENTS = (*(f"Mozilla/5.0 ({system}) {one}" for system, browsers in _BROWSERS.items() for one in browsers), *_CLIENTS)
"""Every user agent there is."""

_PUBLIC = Lookup([n for n in range(23, 127) if n != 100][:64])
"""First octets of addresses outside the company."""


def ranked(uniform: Cell, n: int) -> Cell:
    """A whole number in [0, n) from 20 random bits, n < 2**40: number k in proportion to about k ** (-2/3)."""
    return ((uniform * uniform >> 20) * uniform >> 20) * n >> 20


def outside(r: Rows, name: str, shift: int = 0) -> Cell:
    """An address outside the company from 30 bits of the draw called `name`."""
    first, middle = r.take(_PUBLIC, r.part(name, shift, 6)), r.part(name, shift + 6, 16)
    return (first << 24) + (middle << 8) + (r.part(name, shift + 22, 8) * 254 >> 8) + 1


class Employees(Table):
    """The first people of the company: those who own its systems, and their colleagues."""

    name = "employees"
    unique = ("id", "email")

    def __init__(self, length: int, seed: int, tenant_key: str, names: Names) -> None:
        super().__init__(length, seed, tenant_key)
        self._people = names.people

    @column(Id("user-"))
    def _id(self, r: Rows) -> Cell:
        return r.of(self._people, r.i).bits("id")

    @column(EMAIL)
    def _email(self, r: Rows) -> Cell:
        return r.of(self._people, r.i)["email"]

    @column(IPv4())
    def _ip_address(self, r: Rows) -> Cell:
        return outside(r, "home")

    @column(Words(AGENTS))
    def _user_agent(self, r: Rows) -> Cell:
        return r.below("user_agent", len(AGENTS))


class Running:
    """The hosts that run and the services on them, in the order of how busy they are. Read when first asked for."""

    def __init__(self, assets: Assets, seed: int, tenant_key: str) -> None:
        self.assets = assets
        self._order = Draws(seed, tenant_key, "services", "how busy")

    @cached_property
    def hosts(self) -> Lookup:
        """The numbers of the hosts that run, ascending."""
        kind, cells = self.assets.hosts.kinds["status"], self.assets.hosts.every("status")
        return Lookup([i for i, cell in enumerate(cells) if kind.value(cell) == "running"])

    @cached_property
    def host_places(self) -> Lookup:
        """Where each host stands in `hosts`; 0 if it does not."""
        places = [0] * len(self.assets.hosts)
        for place, host in enumerate(self.hosts.items):
            places[host] = place
        return Lookup(places)

    @cached_property
    def services(self) -> Lookup:
        """The numbers of the services on those hosts, the busiest first."""
        running = set(self.hosts.items)
        found = [i for i, host in enumerate(self.assets.services.every("host")) if host in running]
        return Lookup(sorted(found, key=self._order.bits))

    def service(self, r: Rows, uniform: Cell) -> Cell:
        """A service from 20 random bits, the busy ones more often."""
        return r.take(self.services, ranked(uniform, len(self.services)))

    def other_host(self, r: Rows, host: Cell, uniform: Cell) -> Cell:
        """A host that runs, other than `host`, from 20 random bits."""
        place = uniform * (len(self.hosts) - 1) >> 20
        return r.take(self.hosts, place + (place >= r.take(self.host_places, host)))
