"""What both databases share: which tables go in, in which order, and by what a load is known again."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from pytest_aosfarm.recording.isolation import known_tenant
from pytest_aosfarm.recording.synthetic_ddl import column_types, references
from pytest_aosfarm.recording.synthetic_tables import PREFIX, definition, synthetic
from pytest_aosfarm.synthetic.hashing import DATA_VERSION

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pytest_aosfarm.synthetic.dataset import Dataset
    from pytest_aosfarm.synthetic.table import Table

__all__ = ("Load", "Loaded")


@dataclass(frozen=True, slots=True)
class Load:
    """Some tables of one tenant, each after those that it refers to. `data_key` says which data they hold.

    Raises LoadError without a tenant.
    """

    tenant_id: str
    tables: Mapping[str, Table]
    data_key: str

    def __post_init__(self) -> None:
        known_tenant(self.tenant_id)

    @classmethod
    def of(cls, dataset: Dataset, tenant_id: str, names: Collection[str] | None = None) -> Load:
        """The tables called `names`, all by default, and those that they refer to.

        Raises ConfigurationError for an unknown name.
        """
        wanted: set[str] = set()
        waiting = [dataset.table(name).name for name in (dataset.tables if names is None else names)]
        while waiting:
            name = waiting.pop()
            if name not in wanted:
                wanted.add(name)
                waiting += [other.removeprefix(PREFIX) for other in references(definition(name)).values()]
        ordered = [table.name.removeprefix(PREFIX) for table in synthetic.sorted_tables]
        parts = (DATA_VERSION, dataset.seed, dataset.tenant_key, dataset.scale.name, dataset.anchor.isoformat())
        return cls(tenant_id, {name: dataset.table(name) for name in ordered if name in wanted}, repr(parts))

    @property
    def rows(self) -> int:
        """Rows of all tables together."""
        return sum(map(len, self.tables.values()))

    def key_of(self, name: str) -> str:
        """What two loads of a table have in common only if they hold the same rows in the same columns."""
        defined = definition(name)
        # Not SQLAlchemy's repr of a column: it writes foreign keys in another order in every process.
        columns = column_types(defined), [column.name for column in defined.columns if column.nullable]
        parts = self.data_key, self.tenant_id, name, len(self.tables[name]), *columns, sorted(references(defined).items())
        return sha256(repr(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did: rows by table, and which of them an earlier load that was broken off had already brought."""

    rows: Mapping[str, int]
    resumed: tuple[str, ...] = ()
