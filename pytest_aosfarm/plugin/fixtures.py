"""The fixtures. None is used unless asked for; what they load, they load then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_aosfarm.plugin.identity import identity_of
from pytest_aosfarm.plugin.keys import IDENTITY_PROPERTY, LAB_PROPERTY, TENANT_PROPERTY, run_key, settings_key
from pytest_aosfarm.plugin.selection import labs_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_aosfarm.farm import Farm
    from pytest_aosfarm.modules.aod import AodClient
    from pytest_aosfarm.synthetic.assets import Assets
    from pytest_aosfarm.synthetic.snapshot import Snapshot
    from pytest_aosfarm.tenants import Tenant


@pytest.fixture(scope="session")
def farm(pytestconfig: pytest.Config) -> Iterator[Farm]:
    """The Farm of this run: tenants by key, their data, clients of the modules.

    For fixtures of wider scope than a test, and for tests that need a second tenant.
    """
    from pytest_aosfarm.farm import Farm

    one = Farm(pytestconfig.stash[settings_key], pytestconfig.stash[run_key].uuid)
    yield one
    one.close()


@pytest.fixture
def tenant(farm: Farm, request: pytest.FixtureRequest) -> Tenant:
    """The synthetic company of this test, keyed by --farm-tenant or the test's identity.

    The same test gets the same data in every run; ids seen by modules are fresh each time.
    """
    item: pytest.Item = request.node
    identity = identity_of(item)
    own = farm.tenant(farm.settings.tenant or identity)
    facts = {IDENTITY_PROPERTY: identity, TENANT_PROPERTY: own.key, LAB_PROPERTY: ",".join(labs_of(item))}
    item.user_properties += [(name, value) for name, value in facts.items() if value]
    return own


@pytest.fixture
def synthetic_assets(farm: Farm, tenant: Tenant) -> Assets:
    """What the tenant knows it has: .applications, .services, .databases, .hosts.

    Each is a sequence of dicts, computed row by row when read.
    """
    return farm.dataset(tenant).assets


@pytest.fixture
def discovery_snapshot(farm: Farm, tenant: Tenant) -> Snapshot:
    """The tenant's discovery evidence (farm.v1, seven planes) and, beside it, what was planted.

    `.body(tenant)` is what a module is sent, `.truth` and `.verdicts` are the answer key.
    """
    return farm.dataset(tenant).snapshot()


@pytest.fixture
def aod(farm: Farm, tenant: Tenant) -> AodClient:
    """AOD (discovery) as the tenant sees it: the instance at AOD_BASE_URL, or the embedded twin.

    The twin is started when first needed and shared by the tests of one process.
    """
    client: AodClient = farm.module("aod", tenant)
    return client
