"""Who owns a row: the tenant, by name for the data and by UUID for modules and databases."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

__all__ = ("Tenant",)


@dataclass(frozen=True, slots=True)
class Tenant:
    """One synthetic company.

    `key` names the data: the same key gives the same rows in every run. `id` (a UUID) and `entity_id` are what modules
    and databases see; both are fresh for every run, so a replay never meets what an earlier run left behind.
    """

    key: str
    id: str
    entity_id: str

    @classmethod
    def of_run(cls, run_uuid: str, key: str) -> Tenant:
        """The tenant called `key` in the run `run_uuid` (a UUID as text).

        Raises ValueError for an empty key: no tenant, no data.
        """
        if not key.strip():
            raise ValueError("a tenant needs a key with at least one visible character")
        run = uuid.UUID(run_uuid)
        slug = re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")[:48] or "tenant"
        return cls(key=key, id=str(uuid.uuid5(run, key)), entity_id=f"{slug}-{run.hex[:8]}")
