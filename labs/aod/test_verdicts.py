"""Graded discovery: every key that was planted, against what the authoritative feed says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_aosfarm import explain, grade

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Discovered

pytestmark = pytest.mark.lab("aod")

LEAST_PRECISION = LEAST_RECALL = LEAST_F1 = 1.0
"""Inside the planting limits the rules leave no doubt about any key, so nothing less than all is right."""

GROUPS = {
    "near-collisions": (
        "lookalike-seed", "lookalike", "lookalike-one-source",
        "other-suffix-seed", "other-suffix", "other-suffix-one-source",
    ),
    "aliases": ("vendor-seed", "sibling", "sibling-unused-paid", "sibling-unused", "sibling-undated"),
    "boundary-day": ("edge-of-recent", "past-the-edge", "cloud-edge"),
    "only-activity": ("login-is-the-only-activity", "cloud-is-the-only-activity", "only-unknown-sources-recent"),
    "indeterminate": ("undated", "only-unknown-sources", "sibling-undated", "cloud-undated"),
    "idp-without-sso": (
        "idp-without-sso", "idp-without-sso-paid", "idp-without-sso-one-source",
        "idp-without-sso-unused", "idp-without-sso-unused-paid",
    ),
    "failed-governance": (
        "retired-ci", "wrong-type-ci", "ci-without-lifecycle", "legacy-login", "retired-ci-one-source",
        "several-cis", "legacy-login-beside-cmdb",
    ),
    "sources": ("one-source", "same-source-twice", "unknown-sources", "one-recent-one-stale", "both-stale"),
    "spend": (
        "sso-unused-paid", "cmdb-unused-paid", "sso-unused", "unused-bought-once", "unused-under-contract",
        "two-sources-paid", "one-source-paid",
    ),
    "cloud": ("cloud-and-one-source", "cloud-recent", "cloud-stale", "cloud-undated"),
    "excluded-domains": ("excluded",),
}  # fmt: skip


def test_every_verdict_is_right(shared: Discovered, record_property: Callable[[str, object], None]) -> None:
    said = shared.client.verdicts(shared.run_id)
    result = grade(shared.planted.verdicts, said)
    for name, value in result.properties("aod").items():
        record_property(f"farm.grade.{name}", value)
    missed = f"{result}\n{explain(result.misses, shared.planted)}"
    for one in result.classes.values():
        assert one.precision >= LEAST_PRECISION, missed
        assert one.recall >= LEAST_RECALL, missed
        assert one.f1 >= LEAST_F1, missed


def test_every_admission_is_right(shared: Discovered, record_property: Callable[[str, object], None]) -> None:
    feed = shared.client.reconcile(shared.run_id)
    rejected = shared.client.rejections(shared.run_id).items
    said = {row.entity_key.removeprefix("entity:"): "refused" for row in rejected} | {
        key: "admitted" if admission == "admitted" else "refused" for key, admission in feed.admission_actual.items()
    }
    planted = {key: "refused" if verdict == "rejected" else "admitted" for key, verdict in shared.planted.verdicts.items()}
    result = grade(planted, said)
    for name, value in result.properties("aod").items():
        if name.startswith("aod.admitted."):
            record_property(f"farm.grade.{name}", value)
    assert result.perfect, f"{result}\n{explain(result.misses, shared.planted)}"


@pytest.mark.parametrize("group", GROUPS)
def test_hard_shapes(shared: Discovered, group: str) -> None:
    keys = shared.planted.keys_of(*GROUPS[group])
    assert keys, f"nothing of {GROUPS[group]} was planted"
    planted = {key: shared.planted.verdicts[key] for key in keys}
    everything = shared.client.verdicts(shared.run_id)
    result = grade(planted, {key: everything[key] for key in keys if key in everything})
    assert result.perfect, explain(result.misses, shared.planted)


def test_no_key_is_made_up_by_planes_that_discover_nothing(shared: Discovered) -> None:
    said = shared.client.verdicts(shared.run_id)
    assert not said.keys() - shared.planted.truth.keys()


def test_reason_codes_tell_the_reason(shared: Discovered) -> None:
    codes = shared.client.reconcile(shared.run_id).actual_reason_codes
    expected = {
        "sso-and-cmdb": {"HAS_IDP", "HAS_CMDB", "RECENT_ACTIVITY"},
        "sibling": {"VENDOR_GOVERNED", "RECENT_ACTIVITY"},
        "sso-unused-paid": {"HAS_IDP", "HAS_ONGOING_FINANCE", "STALE_ACTIVITY"},
        "unused-under-contract": {"HAS_CMDB", "NO_ONGOING_FINANCE", "STALE_ACTIVITY"},
        "undated": {"HAS_CMDB", "NO_ACTIVITY_TIMESTAMPS"},
        "two-sources": {"NO_IDP", "NO_CMDB", "RECENT_ACTIVITY"},
    }
    for shape, wanted in expected.items():
        for key in shared.planted.keys_of(shape):
            assert wanted <= set(codes[key]), f"{key} ({shape}): {codes[key]}"
