"""The fixtures. None is used unless asked for; what they load, they load then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.plugin.identity import check_unique, identity_of
from pytest_aosfarm.plugin.keys import CHAOS_PLUGIN, IDENTITY_PROPERTY, LAB_PROPERTY, TENANT_PROPERTY, run_key, settings_key
from pytest_aosfarm.plugin.markers import labs_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_aosfarm.farm import Farm
    from pytest_aosfarm.modules.aod import AodClient, AsyncAodClient
    from pytest_aosfarm.synthetic.assets import Assets
    from pytest_aosfarm.synthetic.business import Business
    from pytest_aosfarm.synthetic.events import Events
    from pytest_aosfarm.synthetic.snapshot import Snapshot
    from pytest_aosfarm.tenants import Tenant

__all__ = (
    "aod", "async_aod", "discovery_snapshot", "farm", "note_identity", "synthetic_assets", "synthetic_business",
    "synthetic_events", "tenant",
)  # fmt: skip


@pytest.fixture(scope="session")
def farm(pytestconfig: pytest.Config) -> Iterator[Farm]:
    """The Farm of this run: tenants by key, their data, clients of the modules.

    For fixtures of wider scope than a test, and for tests that need a second tenant.
    """
    from pytest_aosfarm.farm import Farm

    one = Farm(pytestconfig.stash[settings_key], pytestconfig.stash[run_key].uuid)
    if (chaos_run := pytestconfig.pluginmanager.get_plugin(CHAOS_PLUGIN)) is not None:
        chaos_run.join(one)
    yield one
    one.close()


@pytest.fixture
def tenant(farm: Farm, request: pytest.FixtureRequest) -> Tenant:
    """The synthetic company of this test, keyed by --farm-tenant or the test's identity.

    The same test gets the same data in every run; ids seen by modules are fresh each time.
    """
    key = farm.settings.tenant
    if key is None:
        try:
            check_unique(request.node)
            key = identity_of(request.node)
        except ConfigurationError as error:
            pytest.fail(f"aosfarm: {error}", pytrace=False)
    return _noted(farm.tenant(key), request)


@pytest.fixture
def synthetic_assets(farm: Farm, tenant: Tenant, request: pytest.FixtureRequest) -> Assets:
    """What the tenant knows it has: .applications, .services, .databases, .hosts.

    Each is a sequence of dicts, computed row by row when read.
    """
    return farm.dataset(_noted(tenant, request)).assets


@pytest.fixture
def synthetic_business(farm: Farm, tenant: Tenant, request: pytest.FixtureRequest) -> Business:
    """What the tenant sells: .customers, .subscriptions, .invoices, .transactions; money in minor units.

    Each is a sequence of dicts, computed row by row when read. The answer keys are beside them: .conflicts,
    .record_matches and .metrics.
    """
    return farm.dataset(_noted(tenant, request)).business


@pytest.fixture
def synthetic_events(farm: Farm, tenant: Tenant, request: pytest.FixtureRequest) -> Events:
    """What happened at the tenant in the 28 days before the anchor: .logs, .network_flows, .auth_events.

    Each is a sequence of dicts in order of time, computed row by row when read. What was planted is in .incidents.
    """
    return farm.dataset(_noted(tenant, request)).events


@pytest.fixture
def discovery_snapshot(farm: Farm, tenant: Tenant, request: pytest.FixtureRequest) -> Snapshot:
    """The tenant's discovery evidence (farm.v1, seven planes) and, beside it, what was planted.

    `.body(tenant)` is what a module is sent, `.truth` and `.verdicts` are the answer key.
    """
    return farm.dataset(_noted(tenant, request)).snapshot()


@pytest.fixture
def aod(farm: Farm, tenant: Tenant, request: pytest.FixtureRequest) -> AodClient:
    """AOD (discovery) as the tenant sees it: the instance at AOD_BASE_URL, or the embedded twin.

    The twin is started when first needed and shared by the tests of one process.
    """
    client: AodClient = farm.module("aod", _noted(tenant, request))
    return client


@pytest.fixture
def async_aod(farm: Farm, tenant: Tenant, request: pytest.FixtureRequest) -> AsyncAodClient:
    """The fixture aod for async tests: the same methods, awaited, on the event loop that the test runs on.

    It needs no async plugin itself: a test under anyio or pytest-asyncio awaits it, and so does asyncio.run.
    """
    client: AsyncAodClient = farm.async_module("aod", _noted(tenant, request))
    return client


def note_identity(item: pytest.Item) -> None:
    """Put the test's identity and labs among its user properties, which travel up with its reports."""
    try:
        _note(item, IDENTITY_PROPERTY, identity_of(item))
    except ConfigurationError as error:
        pytest.fail(f"aosfarm: {error}", pytrace=False)
    if labs := labs_of(item):
        _note(item, LAB_PROPERTY, ",".join(labs))


def _noted(tenant: object, request: pytest.FixtureRequest) -> Tenant:
    """`tenant`, noted in the test's user properties; a fixture `tenant` of the repo's own may have made it."""
    from pytest_aosfarm.tenants import Tenant

    if not isinstance(tenant, Tenant):
        pytest.fail(
            f"aosfarm: the fixture `tenant` of this test is not the Farm's, it gave a {type(tenant).__name__}; "
            "rename it, or let it return farm.tenant(key)",
            pytrace=False,
        )
    note_identity(request.node)
    _note(request.node, TENANT_PROPERTY, tenant.key)
    return tenant


def _note(item: pytest.Item, name: str, value: str) -> None:
    # A test that is run again still has its properties.
    if (name, value) not in item.user_properties:
        item.user_properties.append((name, value))
