"""Runs made by hand for the tests of exports: every column is there, a test names those that it is about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from pytest_aosfarm.exports.report import Report
from pytest_aosfarm.recording.tally import COUNTS

STARTED = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)

RUN: dict[str, Any] = {
    "tenant_id": "default", "id": 7, "uuid": "0d7f6a54-5b0e-4a0e-8a3e-6f2c1f9d7c11", "scenario_id": 11,
    "status": "passed", "status_reason": None, "exit_code": 0, "lab": None, "scale": "small", "seed": 42,
    "anchor": datetime(2026, 1, 15, 12, tzinfo=UTC), "profile": "typical", "chaos": None, "data_tenant": None,
    "started_at": STARTED, "finished_at": None, "duration_ms": None, "heartbeat_at": None, "owner_host": "host",
    "owner_boot": None, "owner_pid": 1, "owner_started": None, "owner_token": None, "worker_count": 0, "dist": None,
    "collected": 0, "deselected": 0, "passed": 0, "failed": 0, "errors": 0, "skipped": 0, "xfailed": 0, "xpassed": 0,
    "crashed": 0, "flaky": 0, "not_run": 0, "grades": {},
    "environment": {"python": "3.11.9", "os": "Linux-6.1", "pytest": "9.2.0", "plugins": {"pytest-xdist": "3.8.0"}},
    "environment_hash": None, "arguments": ["--farm-seed=42"], "rootdir": "/repo", "vcs_branch": "main", "vcs_sha": "c0ffee",
    "vcs_dirty": False, "vcs_change": None, "ci_provider": None, "ci_url": None, "pinned": False,
}  # fmt: skip

TEST: dict[str, Any] = {
    "attempt": 1, "variant": None, "outcome": "passed", "raw_outcome": None, "phase": "call", "cause": "first",
    "is_final": True, "worker": None, "started_us": 0, "setup_us": 100, "call_us": 2_000, "teardown_us": 50,
    "error_type": None, "error_signature": None, "error_location": None, "message": None, "data_tenant": None,
    "properties": None,
}  # fmt: skip


def a_test(name: str = "test_one", **columns: Any) -> dict[str, Any]:
    """An attempt at the test `name` of tests/test_a.py."""
    identity = columns.pop("identity", f"tests.test_a::{name}")
    nodeid = columns.pop("nodeid", f"tests/test_a.py::{name}")
    known = {"test_id": crc32(identity.encode()), "identity": identity, "nodeid": nodeid, **TEST}
    assert columns.keys() <= known.keys()
    return known | columns


def with_faults(test: dict[str, Any], *kinds: str, told: int | None = None) -> dict[tuple[int, int], list[dict[str, Any]]]:
    """The faults of an attempt, by kind, each a millisecond after the one before; `told` is how many it says it had."""
    test["properties"] = {**(test["properties"] or {}), "farm.faults": len(kinds) if told is None else told}
    usual = {"module": "aod", "method": "GET", "path": "/api/runs", "delay_us": 0, "rule": "r"}
    status = {"status": 503, "delivered": False, "observed": "503"}
    late = {"status": None, "delivered": None, "observed": None, "delay_us": 2_500_000}
    rows = [
        {"number": number, "at_us": test["started_us"] + 1_000 * number, "kind": kind}
        | usual | (status if kind == "status" else late)
        for number, kind in enumerate(kinds, 1)
    ]  # fmt: skip
    return {(test["test_id"], test["attempt"]): rows}


def a_report(
    *tests: dict[str, Any],
    outputs: dict[tuple[str, int], dict[str, str]] | None = None,
    errors: tuple[dict[str, Any], ...] = (),
    faults: dict[tuple[int, int], list[dict[str, Any]]] | None = None,
    **columns: Any,
) -> Report:
    """A run of these attempts, counted; `outputs` by (identity, attempt), `faults` by test id and attempt."""
    assert columns.keys() <= RUN.keys()
    kept = outputs or {}
    finals = [test["outcome"] for test in tests if test["is_final"]]
    counts = {name: finals.count(outcome) for outcome, name in COUNTS.items()}
    wrong = counts["failed"] + counts["errors"] + counts["crashed"]
    state = {"status": "failed" if wrong else "passed", "exit_code": int(wrong > 0), "collected": len(finals)}
    return Report(
        RUN | counts | state | columns,
        list(tests),
        errors,
        lambda test: kept.get((test["identity"], test["attempt"]), {}),
        faults or {},
    )
