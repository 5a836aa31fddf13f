"""Every endpoint that speaks of verdicts says what the authoritative feed says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Discovered

pytestmark = pytest.mark.lab("aod")


def keys(shared: Discovered, verdict: str) -> list[str]:
    """The keys to which the feed gives `verdict`, sorted."""
    return sorted(key for key, said in shared.client.verdicts(shared.run_id).items() if said == verdict)


def test_the_lists_of_the_feed(shared: Discovered) -> None:
    feed = shared.client.reconcile(shared.run_id)
    assert sorted(feed.shadow_actual) == keys(shared, "shadow")
    assert sorted(feed.zombie_actual) == keys(shared, "zombie")


def test_classifications(shared: Discovered) -> None:
    view = shared.client.classifications(shared.run_id)
    assert sorted(view.shadow_assets) == keys(shared, "shadow")
    assert sorted(view.zombie_assets) == keys(shared, "zombie")
    assert (view.shadow_count, view.zombie_count) == (len(view.shadow_assets), len(view.zombie_assets))


def test_derived(shared: Discovered) -> None:
    view = shared.client.derived(shared.run_id)
    assert sorted(asset.name for asset in view.shadow_assets) == keys(shared, "shadow")
    assert sorted(asset.name for asset in view.zombie_assets) == keys(shared, "zombie")
    assert (view.shadow_count, view.zombie_count) == (len(view.shadow_assets), len(view.zombie_assets))
    assert view.indeterminate_count == len(keys(shared, "indeterminate"))


@pytest.mark.parametrize("classification", ["shadow", "zombie"])
def test_assets_by_classification(shared: Discovered, classification: str) -> None:
    key_of = {asset.asset_id: asset.identifiers.domains[0] for asset in shared.client.catalog(shared.run_id).assets}
    view = shared.client.assets(shared.run_id, classification="shadow" if classification == "shadow" else "zombie")
    assert sorted(key_of[asset.asset_id] for asset in view.assets) == keys(shared, classification)


def test_catalog_lists_what_is_admitted(shared: Discovered) -> None:
    feed = shared.client.reconcile(shared.run_id)
    catalog = shared.client.catalog(shared.run_id)
    admitted = sorted(key for key, admission in feed.admission_actual.items() if admission == "admitted")
    assert sorted(asset.identifiers.domains[0] for asset in catalog.assets) == admitted
    assert catalog.count == len(admitted)


def test_catalog_shows_what_governs(shared: Discovered) -> None:
    codes = shared.client.reconcile(shared.run_id).actual_reason_codes
    for asset in shared.client.catalog(shared.run_id).assets:
        key, lens = asset.identifiers.domains[0], asset.lens_coverage
        assert lens.vendor_governed == ("VENDOR_GOVERNED" in codes[key]), key
        if not lens.vendor_governed:
            assert (lens.idp, lens.cmdb) == ("HAS_IDP" in codes[key], "HAS_CMDB" in codes[key]), key


def test_rejections_are_complete(shared: Discovered) -> None:
    page = shared.client.rejections(shared.run_id)
    refused = sorted(row.entity_key.removeprefix("entity:") for row in page.items)
    assert refused == keys(shared, "rejected")
    assert page.count == page.total == len(page.items)


def test_rejections_come_in_pages(shared: Discovered) -> None:
    whole = [row.entity_key for row in shared.client.rejections(shared.run_id).items]
    third = len(whole) // 3
    pages = [shared.client.rejections(shared.run_id, limit=third, offset=at) for at in range(0, len(whole), third)]
    assert [row.entity_key for page in pages for row in page.items] == whole
    assert {page.total for page in pages} == {len(whole)}


def test_reconcile_payload(shared: Discovered) -> None:
    payload = shared.client.reconcile_payload(shared.run_id)
    assert sorted(payload.shadow_asset_keys) == keys(shared, "shadow")
    assert sorted(payload.zombie_asset_keys) == keys(shared, "zombie")
    assert sorted(payload.parked_asset_keys) == keys(shared, "parked")
    details = shared.client.reconcile(shared.run_id).asset_details
    for key, summary in payload.asset_summaries.items():
        detail = details[key]
        assert (summary.is_shadow, summary.is_zombie, summary.is_parked) == (
            detail.is_shadow,
            detail.is_zombie,
            detail.is_parked,
        ), key


def test_counts_of_the_run(shared: Discovered) -> None:
    counts = shared.client.run(shared.run_id).counts
    said = shared.client.verdicts(shared.run_id)
    observations = shared.planted.document(shared.client.tenant)["planes"]["discovery"]["observations"]
    assert counts.observations_in == len(observations)
    assert counts.assets_admitted == sum(verdict != "rejected" for verdict in said.values())
    assert counts.rejected == sum(verdict == "rejected" for verdict in said.values())
