"""The fixtures in somebody's repo: what they give, how wide they are, and that nothing is left behind."""

from __future__ import annotations

import os

import pytest

SUITE = """
    import os
    from pytest_aosfarm import grade

    def test_assets(synthetic_assets):
        assert len(synthetic_assets.applications[:10]) == 10
        assert "60 applications" in repr(synthetic_assets)

    def test_discovery(aod, tenant, discovery_snapshot):
        run = aod.discover(discovery_snapshot.body(tenant))
        assert grade(discovery_snapshot.verdicts, aod.verdicts(run.aod_discovery_id)).perfect

    def test_second_tenant(farm, tenant):
        other = farm.tenant("other")
        assert other.id != tenant.id
        assert farm.dataset(other).snapshot().truth.keys() != farm.dataset(tenant).snapshot().truth.keys()

    def test_one_twin_and_one_pool(farm, aod):
        assert farm.module("aod", farm.tenant("x")).base_url == aod.base_url
        assert farm.module("aod", farm.tenant("x")).http is aod.http
        with open(os.environ["PIDS"], "a") as file:
            print(farm.twin_pid("aod"), file=file)
"""


def test_they_work_and_leave_no_process(pytester, plugin_args, monkeypatch):
    pids = pytester.path / "pids"
    monkeypatch.setenv("PIDS", str(pids))
    pytester.makepyfile(SUITE)
    pytester.runpytest(*plugin_args).assert_outcomes(passed=4)
    for pid in map(int, pids.read_text().split()):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_hypothesis_test_can_hold_the_farm(pytester):
    pytester.makepyfile(
        """
        from hypothesis import given, settings, strategies as st
        @given(st.integers(0, 50))
        @settings(max_examples=10, deadline=None)
        def test_a(farm, n):
            assert farm.dataset(farm.tenant(f"t{n}")).assets.hosts[0]
        """
    )
    pytester.runpytest().assert_outcomes(passed=1)


def test_an_unknown_module_is_named(pytester):
    pytester.makepyfile("def test_a(farm, tenant): farm.module('crm', tenant)")
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ConfigurationError: no module is called 'crm'; known: aod"])


def test_fixtures_show_their_docstrings(pytester):
    result = pytester.runpytest("--fixtures")
    synthetic = ("synthetic_assets", "synthetic_business", "synthetic_events")
    for name in ("farm", "tenant", *synthetic, "discovery_snapshot", "aod", "async_aod"):
        result.stdout.re_match_lines([rf"{name}( \[session scope\])? -- .*"])
