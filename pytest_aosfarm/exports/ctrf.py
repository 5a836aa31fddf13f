"""CTRF, the Common Test Report Format (https://ctrf.io): one JSON document; what it has no field for is under `extra`."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from pytest_aosfarm.exports.report import duration_us, to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from pytest_aosfarm.exports.report import Case, Report, Row

__all__ = ("document",)

SPEC_VERSION = "0.0.0"
"""The one that the format's reference implementation writes and knows."""

STATUSES = {
    "passed": "passed", "xpassed": "passed", "skipped": "skipped", "xfailed": "skipped", "failed": "failed",
    "error": "failed", "crashed": "failed",
}  # fmt: skip

EXTRA_OF_RUN = (
    "id", "tenant_id", "status", "status_reason", "exit_code", "lab", "scale", "seed", "anchor", "profile", "chaos",
    "data_tenant", "worker_count", "dist", "collected", "deselected", "not_run", "grades", "vcs_dirty", "vcs_change",
)  # fmt: skip
EXTRA_OF_TEST = (
    "phase", "cause", "variant", "setup_us", "call_us", "teardown_us", "error_type", "error_signature", "error_location",
    "data_tenant", "properties",
)  # fmt: skip

END = "]}}"


def document(report: Report) -> Iterator[str]:
    """The document in pieces: what comes before the tests, each test, the end."""
    cases = report.cases()
    whole = to_json(_around(report, cases))
    yield whole.removesuffix(END)
    for number, case in enumerate(cases):
        yield (",\n" if number else "\n") + to_json(_test(report, case))
    yield f"\n{END}\n"


def _around(report: Report, cases: list[Case]) -> dict[str, Any]:
    """Everything but the tests, whose empty list comes last."""
    run = report.run
    started = _milliseconds(run["started_at"])
    statuses = Counter(_status(case.final) for case in cases)
    environment = run["environment"] or {}
    duration = report.duration_us // 1000
    return {
        "reportFormat": "CTRF",
        "specVersion": SPEC_VERSION,
        "reportId": str(uuid5(UUID(run["uuid"]), "ctrf")),
        "runId": run["uuid"],
        "generatedBy": f"pytest-aosfarm {version('pytest-aosfarm')}",
        "results": {
            "tool": _given(
                {
                    "name": "pytest",
                    "version": environment.get("pytest"),
                    "extra": _given({key: environment.get(key) for key in ("python", "plugins")}),
                }
            ),
            "summary": {
                "tests": len(cases),
                **{status: statuses[status] for status in ("passed", "failed", "skipped", "pending", "other")},
                "flaky": sum(case.is_flaky for case in cases),
                "suites": len({tuple(_suite(case.final)) for case in cases}),
                "start": started,
                "stop": started + duration,
                "duration": duration,
            },
            "environment": _given(
                {
                    "reportName": f"run {run['id']}",
                    "buildUrl": run["ci_url"],
                    "commit": run["vcs_sha"],
                    "branchName": run["vcs_branch"],
                    "osPlatform": environment.get("os"),
                    "healthy": run["exit_code"] == 0,
                    "extra": _given({name: run[name] for name in EXTRA_OF_RUN}),
                }
            ),
            **({"extra": {"errors": [dict(error) for error in report.errors]}} if report.errors else {}),
            "tests": [],
        },
    }


def _test(report: Report, case: Case) -> dict[str, Any]:
    test = case.final
    place = test["nodeid"].partition("::")[0]
    return {
        "testId": test["identity"],
        "executionId": str(uuid5(UUID(report.run["uuid"]), f"{test['identity']} {test['attempt']}")),
        "name": test["nodeid"],
        "rawStatus": test["raw_outcome"] or test["outcome"],
        "suite": _suite(test),
        "filePath": place,
        **({"threadId": test["worker"]} if test["worker"] else {}),
        "flaky": case.is_flaky,
        "retries": len(case.earlier),
        **({"retryAttempts": [_attempt(report, one) for one in case.earlier]} if case.earlier else {}),
        **_common(report, test),
    }


def _attempt(report: Report, test: Row) -> dict[str, Any]:
    common = _common(report, test)
    common["extra"]["rawStatus"] = test["raw_outcome"] or test["outcome"]
    return {"attempt": test["attempt"], **common}


def _common(report: Report, test: Row) -> dict[str, Any]:
    """What is said alike of a test and of an attempt that came before."""
    outputs, faults = report.outputs_of(test), [*report.faults_of(test)] or None
    started, duration = _milliseconds(report.started_at(test)), duration_us(test) // 1000
    return _given(
        {
            "status": _status(test),
            "duration": duration,
            "start": started,
            "stop": started + duration,
            "message": test["message"],
            "trace": outputs.get("longrepr"),
            "stdout": _lines(outputs.get("stdout")),
            "stderr": _lines(outputs.get("stderr")),
            "extra": _given({name: test[name] for name in EXTRA_OF_TEST} | {"log": outputs.get("log"), "faults": faults}),
        }
    )


def _status(test: Row) -> str:
    # A plugin that runs a test again has its own word for the attempt that failed.
    return STATUSES.get(test["outcome"], "other" if test["is_final"] else "failed")


def _suite(test: Row) -> list[str]:
    """The file and the classes; parameters may hold :: too."""
    names: list[str] = test["nodeid"].partition("[")[0].split("::")
    return names[:-1] or names


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _lines(text: str | None) -> list[str] | None:
    return None if text is None else text.splitlines()


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
