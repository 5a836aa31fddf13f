"""What the tests of recording share: read the store of an inner run, and start one as a real process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.recording import process, serving
from pytest_aosfarm.recording.store import RunStore

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

COUNTS = (
    "collected", "deselected", "passed", "failed", "errors", "skipped", "xfailed", "xpassed", "crashed", "flaky", "not_run",
)  # fmt: skip


def all_runs(root: Path, name: str = ".aosfarm/farm.db", tenant: str = "default") -> list[dict[str, Any]]:
    """Every run in the store under `root`, the newest first, each with its tests."""
    with RunStore(root / name, tenant) as store:
        ids: list[Any] = [run["id"] for run in store.runs()]
        return [run for one in ids if (run := store.run(one)) is not None]


def only_run(root: Path) -> dict[str, Any]:
    """The one run in the store under `root`."""
    (run,) = all_runs(root)
    return run


def status(root: Path) -> str | None:
    """The status of the newest run in the store under `root`; None while there is none."""
    try:
        return next((run["status"] for run in all_runs(root)), None)
    except RecordingError:
        return None


def counts(run: dict[str, Any]) -> dict[str, int]:
    """The counts of a run that are not zero."""
    return {name: run[name] for name in COUNTS if run[name]}


def outcomes(run: dict[str, Any]) -> dict[str, str]:
    """Outcome of each test by its name; a later attempt replaces an earlier one."""
    return {test["nodeid"].rpartition("::")[2]: test["outcome"] for test in run["tests"]}


def tries(run: dict[str, Any], *columns: str) -> dict[str, list[tuple[Any, ...]]]:
    """By the name of each test the columns of its attempts, in the order of their numbers."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for test in sorted(run["tests"], key=lambda test: test["attempt"]):
        found.setdefault(test["nodeid"].rpartition("::")[2], []).append(tuple(test[column] for column in columns))
    return found


def outputs(root: Path, test: dict[str, Any], run_id: int = 1) -> dict[str, str]:
    """What is kept of the output of a test of a run."""
    with RunStore(root / ".aosfarm/farm.db", "default") as store:
        return store.outputs_of(run_id, test["test_id"], test["attempt"])


def errors(root: Path, run_id: int = 1) -> list[tuple[Any, Any]]:
    """Source and message of what went wrong outside any test."""
    with RunStore(root / ".aosfarm/farm.db", "default") as store:
        return [(one["source"], one["message"]) for one in store.errors(run_id)]


def spools(root: Path) -> list[Path]:
    """The spools left under `root`."""
    return sorted((root / ".aosfarm" / "spool").glob("*"))


def start_pytest(root: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """A real pytest process in `root`, in a process group of its own, without colours."""
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=root,
        env={**os.environ, "PY_COLORS": "0", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=_hear_ctrl_c,  # noqa: PLW1509 - no thread of the tests holds a lock that it needs
    )


def serve_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process that owns the database be a thread, which is quicker, and sees what a test has replaced."""

    def launch(end: int, spool: int | None, environment: object) -> SimpleNamespace:
        fds = [os.dup(end), os.open(os.devnull, os.O_RDONLY) if spool is None else os.dup(spool)]

        def work() -> None:
            try:
                serving.serve(*fds)
            finally:
                for fd in fds:
                    os.close(fd)

        threading.Thread(target=work, name="aosfarm-database", daemon=True).start()
        return SimpleNamespace(wait=lambda _seconds: 0)

    monkeypatch.setattr(process, "launch", launch)


def _hear_ctrl_c() -> None:
    """A shell lets what it runs in the background ignore Ctrl-C, and whoever is started from there inherits that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def database_processes(root: Path) -> list[int]:
    """The processes that own the database of a run in `root`."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            ours = b"pytest_aosfarm.recording.serving" in place.joinpath("cmdline").read_bytes()
            if ours and place.joinpath("cwd").readlink() == root:
                found.append(int(place.name))
    return found


def finish(process: subprocess.Popen[str], seconds: float = 60) -> str:
    """Wait for the process and return all it wrote."""
    out, _ = process.communicate(timeout=seconds)
    return out


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Return when `condition` holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
