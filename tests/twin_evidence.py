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


def idp(external_ref: Any, name: Any = "Sign-on", **fields: Any) -> Json:
    return {"name": name, "external_ref": external_ref, "has_sso": True, **fields}


def ci(external_ref: Any, lifecycle: str | None = "prod", **fields: Any) -> Json:
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
    tenant: Any = TENANT,
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


SAMPLE = snapshot(
    [
        *seen("alderway.com", "dns", "proxy", days=10),
        *seen("birchton.com", "dns", days=10),
        *seen("cedarama.com", "dns", "proxy", days=200),
        *seen("drumlins.com", "dns", days=200),
        *seen("elmgrove.com", "dns", "proxy", days=None),
        *seen("app.firtrees.com", "dns", "edr", days=90),
        *seen("gardenia.com", "dns", days=None, observed_at=ago(90, seconds=1)),
        *seen("hawthorn.com", "dns", "carrier_pigeon", days=10),
        *seen("ironwood.com", "dns", days=10, vendor_hint="Ironworks"),
        *seen("junipero.com", "dns", "edr", days=10, vendor_hint="Ironworks"),
        *seen("katsuras.com", "dns", days=10),
        *seen("laurelle.com", "dns", days=200),
        *seen("mahogany.com", "dns", "proxy", days=10),
        *seen("nutmeggy.com", "dns", "dns", days=10),
        *seen("nutmeggy.com", "edr", days=150),
        *seen("oleander.com", "dns", "proxy", days=10),
        *seen("oleander.app", "dns", "proxy", days=10),
        *seen("pinecone.com", "dns", "proxy", days=10),
        *seen("pinecona.com", "dns", "proxy", days=10),
        *seen("quincess.com", "dns", days=200),
        *seen("redwoods.com", "dns", "proxy", days=10),
        *seen("python.org", "dns", "proxy", days=10),
        *seen("sequoias.com", "dns", days=200),
        *seen("tamarack.com", "dns", days=10),
        *seen("viburnum.com", "dns", "proxy", days=10),
        *seen("wisteria.com", "dns", days=10),
        *seen("wisteria.com", "edr", days=150),
        *seen("intranet.local", "dns", days=10),
    ],
    objects=[
        idp("birchton.com"),
        idp("ironwood.com"),
        idp("katsuras.com", has_sso=False),
        idp("laurelle.com", last_login_at=ago(5)),
        idp("oleander.com"),
        idp("pinecone.com"),
        idp("viburnum.com", has_sso=False),
    ],
    cis=[
        ci("cedarama.com"),
        ci("elmgrove.com"),
        ci("gardenia.com"),
        ci("mahogany.com", "retired"),
        ci("redwoods.com", ci_type="laptop"),
        ci("quincess.com"),
        ci("sequoias.com"),
        ci("myalderway.com"),
        ci("wisteria.com"),
    ],
    resources=[cloud("drumlins-queue")],
    transactions=[
        spend("Cedarama"),
        spend("Sequoias", is_recurring=False),
        spend("Tamarack Inc"),
    ],
    contracts=[{"vendor_name": "Quincess"}],
)
HEALTHY = {
    "alderway.com": "shadow",
    "birchton.com": "clean",
    "cedarama.com": "zombie",
    "drumlins.com": "parked",
    "elmgrove.com": "indeterminate",
    "firtrees.com": "shadow",
    "gardenia.com": "parked",
    "hawthorn.com": "rejected",
    "ironwood.com": "clean",
    "junipero.com": "clean",
    "katsuras.com": "rejected",
    "laurelle.com": "clean",
    "mahogany.com": "shadow",
    "nutmeggy.com": "rejected",
    "oleander.com": "clean",
    "oleander.app": "shadow",
    "pinecone.com": "clean",
    "pinecona.com": "shadow",
    "python.org": "rejected",
    "quincess.com": "parked",
    "redwoods.com": "shadow",
    "sequoias.com": "parked",
    "tamarack.com": "rejected",
    "viburnum.com": "clean",
    "wisteria.com": "clean",
}
