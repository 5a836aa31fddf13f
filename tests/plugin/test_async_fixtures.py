"""The fixture `async_aod` in somebody's async tests: on a loop of each test, of a module, and of asyncio.run."""

from __future__ import annotations

A_LOOP_PER_TEST = """
    import asyncio
    import gc

    import pytest
    from pytest_aosfarm import AsyncAodClient, ModuleError, grade

    @pytest.fixture
    def anyio_backend():
        return "asyncio"

    @pytest.mark.anyio
    @pytest.mark.parametrize("number", range(2))
    async def test_discovery(async_aod, tenant, discovery_snapshot, number):
        assert isinstance(async_aod, AsyncAodClient)
        run = await async_aod.discover(discovery_snapshot.body(tenant))
        assert grade(discovery_snapshot.verdicts, await async_aod.verdicts(run.aod_discovery_id)).perfect

    def test_asyncio_run(async_aod, aod, tenant, discovery_snapshot, request):
        run_id = asyncio.run(async_aod.discover(discovery_snapshot.body(tenant))).aod_discovery_id
        assert asyncio.run(async_aod.verdicts(run_id)) == aod.verdicts(run_id)
        assert (async_aod.base_url, async_aod.tenant) == (aod.base_url, aod.tenant)

    def test_errors_are_the_same(aod, async_aod):
        with pytest.raises(ModuleError) as one:
            aod.verdicts("run_000000000000")
        with pytest.raises(ModuleError) as other:
            asyncio.run(async_aod.verdicts("run_000000000000"))
        assert (type(one.value), str(one.value)) == (type(other.value), str(other.value))

    def test_the_tenant_is_noted(async_aod, request):
        assert ("farm.tenant", async_aod.tenant.key) in request.node.user_properties

    def test_nothing_is_left_open():
        gc.collect()
"""

A_LOOP_PER_MODULE = """
    import asyncio
    import gc

    import pytest

    @pytest.fixture(scope="module")
    def anyio_backend():
        return "asyncio"

    @pytest.fixture(scope="module")
    async def shared(farm, anyio_backend):
        client = farm.async_module("aod", farm.tenant("shared"))
        await client.health()
        yield client
        await client.health()

    @pytest.mark.anyio
    @pytest.mark.parametrize("number", range(2))
    async def test_shared(shared, async_aod, farm, number):
        await asyncio.gather(shared.health(), async_aod.health())
        assert len(list(farm.pools())) == 1
"""


def test_they_work_on_any_loop_and_leave_no_socket(pytester, plugin_args):
    pytester.makepyfile(test_each=A_LOOP_PER_TEST, test_all=A_LOOP_PER_MODULE)
    pytester.runpytest("-p", "anyio", "-Werror", *plugin_args).assert_outcomes(passed=8)
