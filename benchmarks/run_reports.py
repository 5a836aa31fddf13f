"""A run that never was, as large as a report has to stay quick with."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.exports.report import Report

if TYPE_CHECKING:
    from pytest_aosfarm.exports.report import Row

__all__ = ("large_report",)

STARTED = datetime(2026, 11, 25, 0, 5, 12, tzinfo=UTC)
WORDS = (
    *("tenant", "verdict", "shadow", "invoice", "window", "retry"),
    *("plane", "evidence", "zombie", "domain", "snapshot", "alias"),
)

FRAME = """
    def test_{name}(aod, discovery_snapshot):
        run = aod.discover(discovery_snapshot.body)
        verdicts = {{one.key: one.verdict for one in run.verdicts}}
>       assert verdicts == discovery_snapshot.truth
E       AssertionError: assert {{'{name}.example.com': 'clean'}} == {{'{name}.example.com': 'shadow'}}
E         Differing items:
E         {{'{name}.example.com': 'clean'}} != {{'{name}.example.com': 'shadow'}}

{file}:{line}: AssertionError
"""


def large_report(tests: int = 10_000, failures: int = 200, *, workers: int = 4, seed: int = 1) -> Report:
    """A run of so many tests in 200 files, its failures of 12 kinds with a traceback of 4 KB each."""
    draw = random.Random(seed)  # noqa: S311 - the same report each time, no secret
    clocks = [draw.randrange(20_000) for _ in range(workers)]
    rows: list[Row] = []
    outputs: dict[str, dict[str, str]] = {}
    wrong = set(range(0, tests, max(1, tests // max(1, failures)))) if failures else set()
    for number in range(tests):
        file = f"labs/{draw.choice(('aod', 'aam', 'dcl', 'e2e'))}/test_{WORDS[number % 12]}_{number % 50:02}.py"
        name = f"{WORDS[draw.randrange(12)]}_{WORDS[draw.randrange(12)]}"
        nodeid = f"{file}::Test{WORDS[number % 7].title()}::test_{name}[{draw.choice(('small', 'large'))}-{number}]"
        worker = min(range(workers), key=clocks.__getitem__)
        times = {"setup_us": draw.randrange(300, 6000), "call_us": int(draw.expovariate(1 / 15_000)) + 200,
                 "teardown_us": draw.randrange(50, 900)}  # fmt: skip
        common: dict[str, Any] = {"worker": f"gw{worker}", "started_us": clocks[worker], **times}
        clocks[worker] += sum(times.values()) + draw.randrange(200) + (draw.randrange(3_000_000) if number % 997 == 0 else 0)
        properties = {"farm.identity": nodeid, "farm.lab": "aod"} if number % 10 == 0 else None
        if number in wrong and len(outputs) < failures:
            rows.append(_failure(nodeid, file, name, draw, **common))
            outputs[nodeid] = _outputs(file, name)
        elif number % 701 == 5:  # noqa: PLR2004 - some that passed only when tried again
            late = "TimeoutError: no answer within 60 s"
            rows.append(_row(nodeid, "failed", is_final=False, error_type="TimeoutError", message=late, **common))
            again = common | {"started_us": clocks[worker], "worker": f"gw{worker}"}
            clocks[worker] += sum(times.values())
            rows.append(_row(nodeid, attempt=2, cause="rerun", **again))
        else:
            outcome = "skipped" if number % 83 == 0 else "xfailed" if number % 311 == 0 else "passed"
            message = None if outcome == "passed" else "needs a live module"
            rows.append(_row(nodeid, outcome, message=message, properties=properties, **common))
    rows.sort(key=lambda row: row["started_us"])
    return Report(
        _run(duration_ms=max(clocks) // 1000, worker_count=workers, collected=tests),
        rows,
        [{"source": "worker", "message": "worker gw2 was lost", "body": "Fatal Python error: Segmentation fault"}],
        lambda row: outputs.get(row["nodeid"], {}) if row["is_final"] else {},
    )


def _failure(nodeid: str, file: str, name: str, draw: random.Random, **common: Any) -> Row:
    kind = draw.randrange(12)
    outcome = ("failed", "failed", "failed", "error", "crashed", "failed")[kind % 6]
    error = ("AssertionError", "KeyError", "httpx.ReadTimeout", "RuntimeError", "WorkerCrash", "ValueError")[kind % 6]
    message = f"{error}: {name}.example.com is clean, planted as {WORDS[kind]}\nassert 'clean' == '{WORDS[kind]}'"
    return _row(
        nodeid, outcome, phase="setup" if outcome == "error" else "call", error_type=error, message=message,
        error_signature=f"{kind:08x}", error_location=f"{file}:{40 + kind}", properties={"farm.lab": "aod"},
        **common,
    )  # fmt: skip


def _outputs(file: str, name: str) -> dict[str, str]:
    traceback = "".join(FRAME.format(file=file, name=name, line=40 + depth) for depth in range(8))
    coloured = "\x1b[32mINFO\x1b[0m    aosfarm:client.py:88 POST /v1/discover 200 in 312 ms\n" * 6
    return {"longrepr": traceback[:4096], "stdout": "collected 420 records\n" * 10, "log": coloured}


def _run(**columns: Any) -> dict[str, Any]:
    return {
        "id": 182, "uuid": "6f0e8a52-6e2c-4d3c-9a83-0d8ad1f1c5a7", "scenario_id": 1, "scenario": "aod-large-nightly",
        "status": "failed", "status_reason": None, "exit_code": 1, "lab": "aod", "scale": "large", "seed": 20261122,
        "anchor": datetime(2026, 1, 15, 12, tzinfo=UTC), "profile": "typical", "chaos": None, "data_tenant": None,
        "started_at": STARTED, "finished_at": STARTED + timedelta(seconds=61), "duration_ms": 61_000, "heartbeat_at": None,
        "owner_host": "ci-17", "worker_count": 4, "dist": "load", "collected": 0, "deselected": 12, "passed": 0,
        "failed": 0, "errors": 0, "skipped": 0, "xfailed": 0, "xpassed": 0, "crashed": 0, "flaky": 0, "not_run": 0,
        "grades": {
            "aod": {
                "shadow": {"precision": 0.981, "recall": 0.94, "f1": 0.96},
                "zombie": {"precision": 1.0, "recall": 0.871, "f1": 0.931},
            }
        },
        "environment": {"python": "3.13.1", "os": "Linux-6.8", "plugins": {"pytest": "9.2.0", "pytest-xdist": "3.8.0"}},
        "environment_hash": "a1b2",
        "arguments": ["--lab=aod", "--scale=large", "-n4", "--farm-seed=20261122"],
        "rootdir": "/home/ci/aod", "vcs_branch": "main", "vcs_sha": "be583953a1c0ffee0000000000000000deadbeef",
        "vcs_dirty": True, "vcs_change": None, "ci_provider": "github", "ci_url": "https://ci.example.com/runs/4711",
        "pinned": False,
    } | columns  # fmt: skip


def _row(nodeid: str, outcome: str = "passed", **columns: Any) -> Row:
    return {
        "test_id": hash(nodeid), "identity": nodeid, "nodeid": nodeid, "attempt": 1, "variant": None, "outcome": outcome,
        "raw_outcome": None, "phase": "call", "cause": "first", "is_final": True, "worker": "gw0", "started_us": 0,
        "setup_us": 1000, "call_us": 5000, "teardown_us": 500, "error_type": None, "error_signature": None,
        "error_location": None, "message": None, "data_tenant": None, "properties": None,
    } | columns  # fmt: skip
