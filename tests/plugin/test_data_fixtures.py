"""The data fixtures in somebody's repo: lazy, of the test's own tenant, the same on every worker, and light."""

from __future__ import annotations

SUITE = """
    import json, os, sys
    import pytest

    def test_light(synthetic_assets, synthetic_business, synthetic_events):
        assert len(synthetic_assets.applications[:10]) == 10
        assert synthetic_business.invoices[-1]["total"] > 0
        assert len(list(synthetic_business.customers)) == 200
        assert synthetic_events.network_flows[7]["source_ip"].count(".") == 3
        assert not {"numpy", "pyarrow", "pydantic", "sqlalchemy.orm", "faker"} & sys.modules.keys() - BEFORE

    @pytest.mark.parametrize("n", range(4))
    def test_kept(synthetic_business, synthetic_events, tenant, n):
        seen = [tenant.key, synthetic_business.transactions[5], synthetic_events.logs[5]]
        with open(os.path.join(os.environ["SEEN"], str(n)), "w") as file:
            json.dump(seen, file)

    def test_repr(synthetic_business, synthetic_events):
        assert repr(synthetic_business) == (
            "<business: 200 customers, 300 subscriptions, 2,000 invoices, 3,000 transactions>")
        assert repr(synthetic_events) == "<events: 5,000 logs, 5,000 network_flows, 2,000 auth_events>"
        assert repr(synthetic_business.invoices).startswith("<invoices: 2,000 rows of id, customer_id, ")

    BEFORE = set(sys.modules)
"""


def test_they_give_the_same_rows_every_time(pytester, plugin_args, monkeypatch, tmp_path):
    pytester.makepyfile(SUITE)
    seen = []
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        monkeypatch.setenv("SEEN", str(tmp_path / run))
        pytester.runpytest_subprocess(*plugin_args).assert_outcomes(passed=6)
        seen.append([(tmp_path / run / str(n)).read_text() for n in range(4)])
    assert seen[0] == seen[1]
    assert len(set(seen[0])) == 4


def test_a_tenant_for_all_and_a_larger_scale(pytester):
    pytester.makepyfile(
        """
        def test_a(synthetic_business, farm):
            assert len(synthetic_business.transactions) == 75_000
            assert synthetic_business.transactions[74_999] == farm.dataset(farm.tenant("acme")).business.transactions[-1]
        """
    )
    pytester.runpytest("--scale=medium", "--farm-tenant=acme").assert_outcomes(passed=1)


def test_the_largest_scale_costs_nothing_until_touched(pytester):
    pytester.makepyfile(
        """
        def test_a(synthetic_events, synthetic_business):
            assert len(synthetic_events.logs) == 1_000_000_000
            assert synthetic_events.logs[999_999_999]["id"] != synthetic_events.logs[0]["id"]
            assert synthetic_business.customers.children(9_999_999)
        """
    )
    pytester.runpytest("--scale=planet").assert_outcomes(passed=1)
