"""Which process records a run, told apart from every other one: so that a dead owner is known at once."""

from __future__ import annotations

import os
import platform
import secrets
import subprocess
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("PREFIX", "Owner", "is_alive", "owner_of", "this_process")

PREFIX = "owner_"
"""Of the names under which a run keeps its owner."""

PROC = Path("/proc")
TOOL_SECONDS = 5.0
TOOL_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC"}

_STATE, _STARTED = 0, 19
"""Where /proc/PID/stat has them, counted from behind the name of the program."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that records a run.

    `boot` names the start of the machine and the process numbering that `pid` counts in: a container has its own.
    `started` is when the process began, in whatever unit the system counts. Both are None where that cannot be known.
    `token` is random: who knows it, is the owner.
    """

    host: str
    boot: str | None
    pid: int
    started: int | None
    token: str


def this_process() -> Owner:
    """The process that asks, with a token of its own."""
    pid = os.getpid()
    return Owner(platform.node(), _boot(), pid, _started(pid), secrets.token_hex(16))


def owner_of(value_of: Callable[[str], Any]) -> Owner | None:
    """The owner that a run names in its `owner_…` fields, or None when it names none."""
    one = Owner(*(value_of(f"{PREFIX}{field.name}") for field in fields(Owner)))
    return None if one.host is None or one.pid is None else one


def is_alive(owner: Owner) -> bool | None:
    """Whether the process still runs; None where that cannot be known from here, such as from another machine.

    A pid that has been given to another process since is told by its start. A stopped process is alive.
    """
    if owner.boot is None or (owner.host, owner.boot) != (platform.node(), _boot()):
        return None
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    started = _started(owner.pid)
    if started is None or owner.started is None:
        return None
    return started == owner.started


def _boot() -> str | None:
    try:
        boot = PROC.joinpath("sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{PROC.joinpath('self/ns/pid').stat().st_ino}"
    except OSError:
        return _asked("sysctl", "-n", "kern.bootsessionuuid")


def _started(pid: int) -> int | None:
    """When a process began; 0 for one that has ended and whose parent has not noticed."""
    try:
        # The name of the program comes second, in brackets, and may hold anything, brackets too.
        fields = PROC.joinpath(str(pid), "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        answer = _asked("ps", "-o", "lstart=", "-p", str(pid))
        try:
            return round(datetime.strptime(f"{answer} +0000", "%a %b %d %H:%M:%S %Y %z").timestamp())
        except ValueError:
            return None
    return 0 if fields[_STATE] in {"Z", "X"} else int(fields[_STARTED])


def _asked(*command: str) -> str | None:
    """What a tool of the system answers, where there is no /proc."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed words and a number
            command, capture_output=True, text=True, check=True, timeout=TOOL_SECONDS,
            env={"PATH": os.defpath, **TOOL_ENVIRONMENT},
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return " ".join(done.stdout.split()) or None
