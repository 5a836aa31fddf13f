"""The discovery snapshot: pure, complete, and without a word of the answer."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_examples import examples

from pytest_aosfarm.synthetic.dataset import Dataset
from pytest_aosfarm.synthetic.shapes import KNOWN_SHAPES, PROFILES, UNKNOWN_SHAPES
from pytest_aosfarm.tenants import Tenant

if TYPE_CHECKING:
    from pytest_aosfarm.synthetic.snapshot import Snapshot

ANCHOR = datetime(2026, 1, 15, 12, tzinfo=UTC)
TENANT = Tenant("acme", "11111111-1111-4111-8111-111111111111", "acme-1")
SHAPES = {shape.name: shape for shape in KNOWN_SHAPES + UNKNOWN_SHAPES}
SCRIPT = """
import hashlib, sys
from datetime import datetime, UTC
from pytest_aosfarm.synthetic.dataset import Dataset
from pytest_aosfarm.tenants import Tenant
tenant = Tenant("acme", "11111111-1111-4111-8111-111111111111", "acme-1")
data = Dataset("acme", seed=1, scale="small", anchor=datetime(2026, 1, 15, 12, tzinfo=UTC), profile=sys.argv[1])
print(hashlib.sha256(data.snapshot().body(tenant)).hexdigest())
"""
GOLDEN = {
    "clean": "cf53f521decaa09ec9f33ac215be6fb27e2d4fdd1205667fb5f9290c45f901e7",
    "typical": "acd0bff7beee6dd3c40362a1e50574d478421158ffdaf9d226d708a46f35e8ab",
    "messy": "5e9d70970c98a9bbd9ca182264812a12c04493253e111a067ea0ecaf3b36f4a8",
}


def make(scale: str = "small", *, seed: int = 1, profile: str = "typical", anchor: datetime = ANCHOR) -> Snapshot:
    return made(scale, seed, profile, anchor)


@cache
def made(scale: str, seed: int, profile: str, anchor: datetime) -> Snapshot:
    """Snapshots are read-only here, so tests may share them."""
    return Dataset("acme", seed=seed, scale=scale, anchor=anchor, profile=profile).snapshot()


@pytest.mark.parametrize("profile", PROFILES)
def test_golden_digest(profile):
    assert hashlib.sha256(make(profile=profile).body(TENANT)).hexdigest() == GOLDEN[profile]


@pytest.mark.parametrize("hash_seed", ["1", "77"])
def test_the_same_bytes_in_another_process(hash_seed):
    env = {**os.environ, "PYTHONHASHSEED": hash_seed}
    out = subprocess.run([sys.executable, "-c", SCRIPT, "messy"], env=env, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == GOLDEN["messy"]


def test_body_is_the_document():
    snapshot = make()
    assert json.loads(snapshot.body(TENANT)) == snapshot.document(TENANT)


def test_what_was_made_before_does_not_matter():
    make(seed=2).body(TENANT)
    again = Dataset("acme", seed=1, scale="small", anchor=ANCHOR).snapshot()
    assert hashlib.sha256(again.body(TENANT)).hexdigest() == GOLDEN["typical"]


@pytest.mark.parametrize(
    ("scale", "records"), [("small", 1_200), ("medium", 12_000), pytest.param("large", 120_000, marks=pytest.mark.slow)]
)
def test_size(scale, records):
    assert abs(len(make(scale)) - records) < records * 0.05


@pytest.mark.parametrize(
    ("scale", "profile"),
    [*((s, p) for s in ("small", "medium") for p in PROFILES), pytest.param("large", "typical", marks=pytest.mark.slow)],
)
def test_every_shape_and_verdict_is_planted_at_every_scale(scale, profile):
    snapshot = make(scale, profile=profile)
    assert {truth.shape for truth in snapshot.truth.values()} == SHAPES.keys()
    assert set(snapshot.verdicts.values()) == {"clean", "shadow", "zombie", "parked", "indeterminate", "rejected"}
    assert all(SHAPES[truth.shape].verdict == truth.verdict for truth in snapshot.truth.values())


@given(st.integers(0, 2**32), st.sampled_from(PROFILES))
@settings(max_examples=examples(20), deadline=None)
def test_the_shares_do_not_depend_on_the_seed(seed, profile):
    def shares(one: int) -> list[str]:
        return sorted(truth.shape for truth in make(seed=one, profile=profile).truth.values())

    assert shares(seed) == shares(1)


def test_profiles_differ_in_what_is_governed():
    clean, typical, messy = (list(make("medium", profile=profile).verdicts.values()) for profile in PROFILES)
    assert clean.count("clean") > typical.count("clean") > messy.count("clean")
    assert clean.count("shadow") < typical.count("shadow") < messy.count("shadow")


def test_an_older_anchor_shifts_every_timestamp_and_nothing_else():
    shift = timedelta(days=120)
    now, then = make().document(TENANT), make(anchor=ANCHOR - shift).document(TENANT)
    assert make().verdicts == make(anchor=ANCHOR - shift).verdicts
    for plane, lists in now["planes"].items():
        for name, records in lists.items():
            for record, older in zip(records, then["planes"][plane][name], strict=True):
                for field, value in record.items():
                    if field in {"observed_at", "last_login_at", "last_seen_at", "timestamp", "date"}:
                        assert datetime.fromisoformat(value) - datetime.fromisoformat(older[field]) == shift
                    elif field not in {"not_after", "start_date", "end_date"}:
                        assert value == older[field]


def test_known_keys_are_the_applications_of_the_estate():
    data = Dataset("acme", seed=1, scale="small", anchor=ANCHOR)
    known = {shape.name for shape in KNOWN_SHAPES}
    planted = [key for key, truth in data.snapshot().truth.items() if truth.shape in known]
    assert sorted(planted) == sorted(row["domain"] for row in data.assets.applications)


def test_devices_and_servers_are_the_hosts_of_the_estate():
    data = Dataset("acme", seed=1, scale="small", anchor=ANCHOR)
    planes = data.snapshot().document(TENANT)["planes"]
    hosts = {row["name"] for row in data.assets.hosts}
    assert {device["hostname"] for device in planes["endpoint"]["devices"]} == hosts
    assert {ci["name"] for ci in planes["cmdb"]["cis"] if ci["external_ref"].count(".") == 2} >= hosts


def test_order_tells_nothing_because_lists_are_sorted_by_id():
    planes = make().document(TENANT)["planes"]
    for lists in planes.values():
        for records in lists.values():
            ids = [next(iter(record.values())) for record in records]
            assert ids == sorted(set(ids))


def test_tenant_and_run_are_in_the_meta_only():
    snapshot = make()
    other = Tenant("acme", "22222222-2222-4222-8222-222222222222", "acme-2")
    one, two = snapshot.document(TENANT), snapshot.document(other)
    assert one["planes"] == two["planes"]
    assert one["meta"]["tenant_id"] != two["meta"]["tenant_id"]
    assert one["meta"]["snapshot_id"] == two["meta"]["snapshot_id"]


def test_evidence_is_found_by_key():
    snapshot = make()
    key = snapshot.keys_of("edge-of-recent")[0]
    edge = (ANCHOR - timedelta(days=90)).isoformat()
    assert any(record.get("observed_at") == edge for _, record in snapshot.evidence(key))
    assert snapshot.evidence("nothing.example") == []
    assert f"{len(snapshot.truth)} keys" in repr(snapshot)
