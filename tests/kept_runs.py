"""Runs of a tenant with a row in every table of the run store, whose texts say whose they are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pytest_aosfarm.recording.events import AttemptFinished, ErrorSeen, RunStarted
from pytest_aosfarm.recording.tables import farm_test_aliases, farm_test_stats, identity_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_aosfarm.recording.store import RunStore

__all__ = ("ALIAS", "SAME", "keep_runs", "started")

START = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
SAME = "tests.test_same::test_of_all"
"""The identity of a test that every tenant has, as every tenant has runs of the same numbers and uuids."""

FAULT_TEXTS = ("kind", "module", "method", "path", "rule", "observed")
ALIAS = "tests.test_old::test_of_all"


def started(uuid: str = "u-1", say: Callable[[str], str] = str, **changes: Any) -> RunStarted:
    """The start of a run; `say` makes a tenant's own text of each that is free."""
    texts = ("chaos", "data_tenant", "dist", "rootdir", "vcs_branch", "vcs_sha", "vcs_change", "ci_provider", "ci_url",
             "owner_host", "owner_boot", "owner_token")  # fmt: skip
    values: dict[str, Any] = {
        "uuid": uuid, "started_at": START, "labs": (say("lab"),), "scale": "small", "seed": 7, "anchor": START,
        "profile": say("profile"), "database": "/nowhere", "arguments": (say("argument"),), "owner_pid": 1,
        "environment": {"python": "3", "plugins": {say("plugin"): "1"}}, "selection": {"keyword": say("selection")},
    }  # fmt: skip
    return RunStarted(**({name: say(name) for name in texts} | values | changes))


def attempts(say: Callable[[str], str], run: int) -> list[AttemptFinished]:
    """A failure that all tenants have in common but for its texts, one that is this tenant's alone, and a pass."""
    names_of_texts = ("variant", "raw_outcome", "worker", "error_type", "error_location", "message", "data_tenant")
    free: dict[str, Any] = {name: say(name) for name in names_of_texts}
    names = [SAME, f"tests.test_own::{say('identity')}", "tests.test_same::test_passes"]
    return [
        AttemptFinished(
            nodeid=f"tests/{say('nodeid')}.py::test_{number}",
            identity=name,
            attempt=1,
            outcome="passed" if number == 2 or (number + run) % 2 else "failed",
            phase="call",
            started_us=number,
            call_us=1000 * run,
            error_signature="0" * 16,
            properties={f"farm.{say('property')}": say("value"), "farm.faults": 1, "farm.chaos": say("replay")},
            outputs={kind: f"{say(kind)}\n" for kind in ("longrepr", "stdout", "stderr", "log")},
            faults=({"at_us": run} | {name: say(name) for name in FAULT_TEXTS},),
            faults_before=number,
            **free,
        )
        for number, name in enumerate(names)
    ]


def keep_runs(store: RunStore, say: Callable[[str], str] = str, runs: int = 2) -> None:
    """Record `runs` runs, with errors, faults, an alias and statistics."""
    for number in range(1, runs + 1):
        run_id = store.begin_run(started(str(UUID(int=number)), say))
        error = ErrorSeen(source="internal", message=say("error"), body=say("body"))
        ended = {
            "status": "failed", "status_reason": say("reason"), "exit_code": 1, "collected": 3, "passed": 1 + number % 2,
            "failed": 2 - number % 2, "grades": {say("graded"): {say("subject"): {"f1": 0.5}}}, "finished_at": START,
        }  # fmt: skip
        store.save(run_id, [*attempts(say, number), error], ended)
    whose = {"tenant_id": store.tenant}
    with store.writing() as connection:
        alias = {"identity": ALIAS, "test_id": identity_id(SAME)}
        connection.execute(store.upsert(farm_test_aliases).values(whose | alias).on_conflict_do_nothing())
        evidence = {"rule": "W", "flips": 1, "steps": 1, "runs": [1, 2], "sha": say("evidence")}
        judged = {"flip_rate": 0.5, "health": "flaky", "evidence": [evidence], "updated_run_id": 0}
        stats = {"test_id": identity_id(SAME), "branch": say("vcs_branch"), **judged}
        connection.execute(store.upsert(farm_test_stats).values(whose | stats).on_conflict_do_nothing())
