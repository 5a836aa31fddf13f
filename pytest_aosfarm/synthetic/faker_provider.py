"""A Faker provider: the entities of a synthetic enterprise for those who write their tests with Faker.

    fake = Faker()
    fake.add_provider(FarmProvider)
    fake.farm_customer()["email"], fake.unique.farm_host()

Which row it is comes from Faker's own random numbers, so what Faker was seeded with gives the same rows again.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from faker.providers import BaseProvider

from pytest_aosfarm.synthetic.dataset import ANCHOR, Dataset
from pytest_aosfarm.synthetic.kin import customer_family

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.table import Row, Table

__all__ = ("FarmProvider", "farm_provider")


class FarmProvider(BaseProvider):
    """Rows, as dicts that JSON can write, of a large dataset of its own; `farm_provider(dataset)` draws from another."""

    __provider__ = "farm"

    @cached_property
    def _dataset(self) -> Dataset:
        return Dataset("faker", seed=1, scale="large", anchor=ANCHOR)

    def _number(self, table: Table) -> int:
        return int(self.generator.random.randrange(len(table)))

    def _row(self, name: str) -> Row:
        table = self._dataset.table(name)
        return table.row(self._number(table))

    def farm_application(self) -> Row:
        """An application that the company bought or built."""
        return self._row("applications")

    def farm_service(self) -> Row:
        """A service, part of an application."""
        return self._row("services")

    def farm_database(self) -> Row:
        """A database of an application."""
        return self._row("databases")

    def farm_host(self) -> Row:
        """A host with a private address."""
        return self._row("hosts")

    def farm_customer(self) -> Row:
        """A customer."""
        return self._row("customers")

    def farm_subscription(self) -> Row:
        """A subscription of a customer."""
        return self._row("subscriptions")

    def farm_invoice(self) -> Row:
        """An invoice; money in minor units."""
        return self._row("invoices")

    def farm_transaction(self) -> Row:
        """A transaction about an invoice; money in minor units."""
        return self._row("transactions")

    def farm_customer_family(self) -> dict[str, Any]:
        """A "customer" with lists of its "subscriptions", "invoices" and "transactions", which add up."""
        customers = self._dataset.business.customers
        return customer_family(customers, self._number(customers))

    def farm_log(self) -> Row:
        """A line that a service logged."""
        return self._row("logs")

    def farm_network_flow(self) -> Row:
        """A connection between hosts, or with the outside."""
        return self._row("network_flows")

    def farm_auth_event(self) -> Row:
        """Someone signing in or out."""
        return self._row("auth_events")


def farm_provider(dataset: Dataset) -> type[FarmProvider]:
    """A provider that draws from `dataset`, such as that of a test: `fake.add_provider(farm_provider(dataset))`."""

    class Provider(FarmProvider):
        _dataset = dataset

    return Provider
