"""`python -m tools.mutant_table`: runs the whole AOD lab against every defect and writes docs/mutants.md."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pytest_aosfarm.twins.process import TwinProcess
from pytest_aosfarm.twins.serve import defects

ROOT = Path(__file__).parent.parent
PATH = ROOT / "docs" / "mutants.md"
HEADING = """# Which test catches which defect

The AOD lab at `--scale=small` against the twin with each of its defects, written by `python -m tools.mutant_table`.
A test with parameters counts once. The healthy twin fails none.

| defect | what it does | tests that fail |
|---|---|---|
"""


def run_lab(defect: str | None, *args: str) -> subprocess.CompletedProcess[str]:
    """Run the AOD lab with further `args` against a twin with `defect`, as a user would against a live AOD."""
    twin = TwinProcess.start("aod", defect=defect)
    try:
        command = [sys.executable, "-m", "pytest", "-p", "aosfarm", "-p", "no:cacheprovider"]
        command += ["--lab=aod", "-q", "--no-farm-record", *args]
        # Other people's plugins would be loaded some forty times over, for nothing.
        env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "AOD_BASE_URL": twin.url, "COLUMNS": "400"}
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False)
    finally:
        twin.stop()


def failing(defect: str | None) -> list[str]:
    """The lab's tests that fail against a twin with `defect`, as file::name, sorted."""
    done = run_lab(defect, "--tb=no", "-rfE")
    if done.returncode not in {0, 1}:
        raise SystemExit(f"the lab did not run against {defect}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return sorted(set(re.findall(r"^(?:FAILED|ERROR) labs/aod/test_([^\s\[]+)", done.stdout, re.MULTILINE)))


def table() -> str:
    """The whole page. Raises SystemExit when the healthy twin is accused."""
    described = defects("aod")
    with ThreadPoolExecutor(2) as pool:
        healthy, *broken = pool.map(failing, [None, *described])
    if healthy:
        raise SystemExit(f"the healthy twin fails {healthy}")
    rows = [
        f"| {defect} | {text} | {len(tests)}: {', '.join(tests)} |"
        for (defect, text), tests in zip(described.items(), broken, strict=True)
    ]
    return HEADING + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PATH.write_text(table(), encoding="utf-8")
