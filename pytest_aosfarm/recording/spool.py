"""The first place a result goes to: an append-only file of one JSON line per event, one file per run."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aosfarm.recording.events import Event, RunStarted, decode, encode

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ("Spool", "SpoolWriter", "claim", "read_spool")


class SpoolWriter:
    """Appends events to a new file, each by one system call, so that a killed process loses none.

    While the writer lives it holds a lock on the file, which the kernel lets go however the process ends: so
    `claim` tells a living run from a dead one. Everything here may raise OSError.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, event: Event) -> None:
        """Append one event."""
        line = encode(event).encode("ascii") + b"\n"
        written = os.write(self._fd, line)
        if written < len(line):
            raise OSError(f"{written} of {len(line)} bytes written: the disk is full")

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)


@dataclass(frozen=True, slots=True)
class Spool:
    """What could be read of a spool file; `damaged` counts the lines that are no events."""

    events: tuple[Event, ...]
    damaged: int


def read_spool(path: Path) -> Spool:
    """Read a spool that may end in a torn line, or hold damaged ones.

    Raises OSError, and RecordingError when a newer version wrote it.
    """
    events: list[Event] = []
    run: RunStarted | None = None
    damaged = 0
    with path.open(encoding="utf-8", errors="replace", newline="\n") as lines:
        for line in lines:
            try:
                event = decode(line, run)
            except ValueError:
                damaged += 1
                continue
            if isinstance(event, RunStarted):
                run = event
            events.append(event)
    return Spool(tuple(events), damaged)


def claim(path: Path) -> int | None:
    """Lock the spool of a dead run and return the file descriptor to close, or None while its run still lives.

    Raises OSError, FileNotFoundError among them: another process may just have imported it.
    """
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd
