"""Small snapshots written by hand, and the verdicts that the AOD twin reads from them in this process."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.modules.contracts import aod as contract
from pytest_aosfarm.twins.aod.app import Anatomy, Parts
from pytest_aosfarm.twins.aod.runs import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

Json = dict[str, Any]

# Long past, so that nothing here is recent by the clock on the wall.
CREATED = datetime(2020, 6, 1, 12, tzinfo=UTC)
TENANT = "11111111-1111-4111-8111-111111111111"


def ago(days: float = 0, *, seconds: int = 0) -> str:
    """ISO timestamp, so long before the snapshot was made."""
    return (CREATED - timedelta(days=days, seconds=seconds)).isoformat()


def seen(domain: str | None, *sources: str, days: float | None = 5, **fields: Any) -> list[Json]:
    """One observation of `domain` by each source, `days` old; without a timestamp for None."""
    common = {"observed_name": f"seen {domain}", "domain": domain, **fields}
    if days is not None:
        common = {"observed_at": ago(days), **common}
    return [{"source": source, **common} for source in sources]


def idp(external_ref: str | None, name: str = "Sign-on", **fields: Any) -> Json:
    return {"name": name, "external_ref": external_ref, "has_sso": True, **fields}


def ci(external_ref: str | None, lifecycle: str | None = "prod", **fields: Any) -> Json:
    item = {"name": "Item", "ci_type": "app", "external_ref": external_ref, **fields}
    return item if lifecycle is None else {"lifecycle": lifecycle, **item}


def cloud(name: str, uri: str | None = None, days: float | None = None) -> Json:
    resource = {"name": name, "resource_type": "ec2", "uri": uri}
    return resource if days is None else {**resource, "observed_at": ago(days)}


def spend(vendor_name: str | None = None, **fields: Any) -> Json:
    return {"vendor_name": vendor_name, "amount": 10.0, "is_recurring": True, **fields}


def snapshot(
    observations: Sequence[Json] = (),
    *,
    objects: Sequence[Json] = (),
    cis: Sequence[Json] = (),
    resources: Sequence[Json] = (),
    transactions: Sequence[Json] = (),
    contracts: Sequence[Json] = (),
    vendors: Sequence[Json] = (),
    tenant: str = TENANT,
    **meta: Any,
) -> Json:
    """A farm.v1 document; records get an id in their order unless they have one."""

    def numbered(field: str, records: Sequence[Json]) -> list[Json]:
        return [{field: f"{field}-{number:04}", **record} for number, record in enumerate(records)]

    return {
        "meta": {
            "schema_version": "farm.v1",
            "tenant_id": tenant,
            "entity_id": "acme-1",
            "created_at": CREATED.isoformat(),
            **meta,
        },
        "planes": {
            "discovery": {"observations": numbered("observation_id", observations)},
            "idp": {"objects": numbered("idp_id", objects)},
            "cmdb": {"cis": numbered("ci_id", cis)},
            "cloud": {"resources": numbered("cloud_id", resources)},
            "endpoint": {"devices": [], "installed_apps": []},
            "network": {"dns": [], "proxy": [], "certs": []},
            "finance": {
                "vendors": numbered("vendor_id", vendors),
                "contracts": numbered("contract_id", contracts),
                "transactions": numbered("txn_id", transactions),
            },
        },
    }


def verdicts(document: Json, anatomy: Anatomy | None = None) -> dict[str, str]:
    """The verdict of every key of `document`, read through the contract as a client reads them."""
    twin = Parts(anatomy or Anatomy())
    evidence = twin.read(json.dumps(document).encode())
    run = Run.of(evidence, twin.discovery.discover(evidence))
    feed = contract.Feed.model_validate(twin.views.feed(run, 90))
    page = contract.RejectionsPage.model_validate(twin.views.rejections(run, 100_000, 0))
    return contract.verdicts(feed, page.items)
