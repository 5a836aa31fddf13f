"""Runs a measurement in a process of its own, so that memory is that of the measured thing alone."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

__all__ = ("exponent", "measure")

PRELUDE = """
import json, resource, sys, time
from datetime import UTC, datetime
from pytest_aosfarm.synthetic.dataset import Dataset
from pytest_aosfarm.tenants import Tenant
tenant = Tenant("bench", "11111111-1111-4111-8111-111111111111", "bench-1")
data = Dataset("bench", seed=1, scale=sys.argv[1], anchor=datetime(2026, 1, 15, 12, tzinfo=UTC), profile="typical")
started = time.perf_counter()
"""
EPILOGUE = """
result |= {"seconds": time.perf_counter() - started, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
print(json.dumps(result))
"""


def measure(body: str, scale: str, repeats: int = 3) -> dict[str, Any]:
    """The fastest of `repeats` runs of `body`, which has `data` and `tenant` and sets the dict `result`."""
    runs = []
    for _ in range(repeats):
        command = [sys.executable, "-c", PRELUDE + body + EPILOGUE, scale]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout))
    return min(runs, key=lambda run: float(run["seconds"]))


def exponent(small: dict[str, Any], large: dict[str, Any]) -> float:
    """How time grows with records: 1 is linear, 2 quadratic."""
    return math.log(large["seconds"] / small["seconds"]) / math.log(large["records"] / small["records"])
