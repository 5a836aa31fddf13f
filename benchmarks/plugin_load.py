"""`python -m benchmarks.plugin_load`: what the plugin costs a pytest run that does not use it, against an empty plugin."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPT = "import sys, time, pytest; t = time.perf_counter(); import {name}; print((time.perf_counter() - t) * 1e3)"
ROUNDS = 15


def main() -> None:
    """Print median milliseconds of both, interleaved, each in a fresh process after `import pytest`."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "empty_plugin.py").write_text('"""Nothing."""\n', encoding="utf-8")
        names = ("", ".options", ".markers", ".fixtures", ".session")
        rooms = ", ".join(f"pytest_aosfarm.plugin{name}" for name in names)
        times: dict[str, list[float]] = {"empty_plugin": [], rooms: []}
        for _ in range(ROUNDS):
            for name, taken in times.items():
                command = [sys.executable, "-c", SCRIPT.format(name=name)]
                done = subprocess.run(
                    command, capture_output=True, text=True, check=True, cwd=folder, env={"PYTHONPATH": folder}
                )
                taken.append(float(done.stdout))
    for name, taken in times.items():
        print(f"{name.split(',')[0]:24} {statistics.median(taken):6.2f} ms (median of {ROUNDS})")


if __name__ == "__main__":
    main()
